// SPDX-License-Identifier: BSL-1.0
// A part of a program, by the letter PART: a shared object, or a file of another standard.
#include "linked/part.hpp"

#include <coffer/coffer.hpp>
#include <coffer/store/sqlite.hpp>

#include <atomic>
#include <exception>
#include <string>
#include <utility>

namespace {

std::atomic<int> sends{0};

coffer::awaitable<std::string> chat(std::string const& question) {
    ++sends;
    co_return "an answer to " + question;
}
auto described() {
    return coffer::describe(&chat).fingerprint(
        [](std::string const& question) { return coffer::fingerprint{}.with("question", question); });
}

/// How many sends a call has taken; -1 if it has not been answered.
template <class Ask>
int sends_of(asio::io_context& io, Ask const& ask, coffer::call c) {
    int const before = sends;
    std::string answer;
    auto const run = [&]() -> coffer::awaitable<void> { answer = co_await ask(c, std::string{"why?"}); };
    asio::co_spawn(io, run(), [](std::exception_ptr const& thrown) {
        if (thrown) std::rethrow_exception(thrown);
    });
    io.run();
    io.restart();
    return answer == "an answer to why?" ? sends - before : -1;
}

int pay(char const* file, char const* key) {
    try {
        asio::io_context io;
        coffer::sqlite::store const db{file};
        auto const ask = coffer::pipeline{coffer::once{db}, coffer::retry{}}.wrap(described());
        return sends_of(io, ask, coffer::call{coffer::key{"linked", key}});
    } catch (...) {
        return -1;
    }
}

int call(void* io, void* limit) {
    try {
        auto const ask =
            coffer::pipeline{coffer::retry{}, *static_cast<coffer::rate_limit const*>(limit)}.wrap(described());
        return sends_of(*static_cast<asio::io_context*>(io), ask, coffer::call::unkeyed(std::chrono::minutes{1}));
    } catch (...) {
        return -1;
    }
}

void fail() { throw coffer::failure{coffer::fault{coffer::fault_kind::throttled, "from another part"}}; }

void* clock_of(void* io) { return &coffer::clock_service::of(static_cast<asio::io_context*>(io)->get_executor()); }

}  // namespace

extern "C" __attribute__((visibility("default"))) part const* PART_NAME(PART)() {
    static coffer::rate_limit limit{{.requests_per_minute = 6000}};
    static part const all{&pay, &limit, &call, &fail, &clock_of};
    return &all;
}
