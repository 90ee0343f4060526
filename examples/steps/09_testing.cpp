// SPDX-License-Identifier: BSL-1.0
// Testing one's own stack in virtual time: one bad minute by a script, and then two hundred storms.

//! [program]
#include <coffer/coffer.hpp>
#include <coffer/store/memory.hpp>
#include <coffer/testing/chaos.hpp>
#include <coffer/testing/scripted_operation.hpp>
#include <coffer/testing/virtual_time.hpp>

#include <asio/bind_executor.hpp>
#include <asio/use_future.hpp>

#include <iostream>

using namespace coffer::testing;
using namespace std::chrono_literals;
using enum coffer::fault_kind;

struct world {  // in which time passes only when there is nothing else to do: an hour takes microseconds
    explicit world(std::uint64_t seed = 1) : time{io, seed} {}  // one seed is one run

    coffer::outcome<std::string> run_job(auto const& op) {  // through the stack that the program has
        auto const ask = coffer::pipeline{coffer::once{db, {}, coffer::unfingerprinted}, coffer::retry{}}.wrap(op);
        auto const token = asio::bind_executor(io, asio::use_future);
        auto answer = ask.async_call(coffer::call{coffer::key{"job", 17}, 10min}, std::string{"6 x 7"}, token);
        time.run();
        return answer.get();
    }

    asio::io_context io;
    virtual_time time;
    coffer::memory_store db;
    scripted_operation<std::string> provider;  // counts what it bills
};

int main() {
    bool ok = true;
    auto const expect = [&](bool held, auto what) { std::cout << (held ? "" : "NOT ") << what << '\n', ok &= held; };
    world minute;
    minute.provider.fails(coffer::fault{throttled}.with_retry_after(40s)).fails(ambiguous).after(20s).gives("42");
    auto const began = minute.time.now();
    expect(minute.run_job(minute.provider) == "42", "answered");
    expect(minute.provider.sends() == 3 && minute.provider.bills() == 2, "sent three times, billed twice");
    expect(minute.time.now() - began >= 65s, "waited for as long as it was told to");

    int answers = 0, most_bills = 0;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        world w{seed};
        w.provider.gives("42").after(2s).times(0);  // any number of times
        chaos const storm{chaos_plan{}.sometimes(0.4, injection::loses_reply()).sometimes(0.2, injection::hangs())};
        for (int run = 0; run < 21; ++run) answers += w.run_job(storm.wrap(w.provider)).has_value();
        most_bills = std::max(most_bills, w.provider.bills());
    }
    expect(most_bills == 2, "21 runs of a job in a storm: never billed more than twice");
    expect(answers > 2100, "and most of them have an answer");
    return ok ? 0 : 1;
}
//! [program]
