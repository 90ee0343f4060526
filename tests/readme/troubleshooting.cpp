// SPDX-License-Identifier: BSL-1.0
// What docs/troubleshooting.md quotes of the library's words stands in troubleshooting.txt, and here it is said.
//
// COFFER_SAY=1 prints what is said now, as that file should have it.

#include <coffer/call/blocking_client.hpp>
#include <coffer/coffer.hpp>
#include <coffer/store/memory.hpp>
#include <coffer/store/sqlite.hpp>
#include <coffer/testing/virtual_time.hpp>

#include <gtest/gtest.h>
#include <unistd.h>

#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <iterator>
#include <memory>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

using namespace std::chrono_literals;
using namespace coffer::literals;

//! [codec]
namespace app {
struct opinion {
    int stars = 0;
    std::string text;
};
}  // namespace app

template <>
struct coffer::codec<app::opinion> {  // in the global namespace, or in coffer
    static std::string encode(app::opinion const& o) { return std::to_string(o.stars) + " " + o.text; }
    static coffer::outcome<app::opinion> decode(std::string_view bytes) {
        if (bytes.size() < 2 || bytes[0] < '0' || bytes[0] > '5' || bytes[1] != ' ')
            return coffer::failed(coffer::fault_kind::permanent, "the stored text is no opinion");
        return app::opinion{bytes[0] - '0', std::string{bytes.substr(2)}};
    }
};
//! [codec]

namespace troubleshooting_page {
namespace {

/// The region of that name.
std::string expected(std::string const& region) {
    std::ifstream file{COFFER_TESTS "/readme/troubleshooting.txt"};
    std::string const marker = "//! [" + region + "]";
    std::string text;
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
        if (line == marker) inside = !inside;
        else if (inside) text += (text.empty() ? "" : "\n") + line;
    }
    return text;
}

/// `text` without what differs from run to run: directories, digests, moments.
std::string steady(std::string text) {
    text = std::regex_replace(text, std::regex{R"(/[^ `]*coffer_troubleshooting\.[0-9]+)"}, "/data");
    text = std::regex_replace(text, std::regex{"report:[0-9a-f]{16,}"}, "report:0a1b...");
    return std::regex_replace(text, std::regex{"day [0-9]{4}-[0-9]{2}-[0-9]{2}"}, "day 2026-11-22");
}

void expect_said(std::string const& region, std::string const& text) {
    auto const now = steady(text);
    if (std::getenv("COFFER_SAY") != nullptr)
        std::cout << "//! [" << region << "]\n" << now << "\n//! [" << region << "]\n\n";
    EXPECT_EQ(now, expected(region)) << "in troubleshooting.txt, region " << region;
}

template <class R>
void expect_fault(std::string const& region, coffer::fault_kind kind, coffer::outcome<R> const& got) {
    ASSERT_FALSE(got.has_value()) << region;
    EXPECT_EQ(got.error().kind(), kind) << region;
    std::ostringstream text;
    text << got.error();
    expect_said(region, text.str());
}

/// What is thrown, in words.
template <class Error, class Fn>
void expect_thrown(std::string const& region, Fn fn) {
    try {
        fn();
        ADD_FAILURE() << region << ": nothing was thrown";
    } catch (Error const& e) {
        expect_said(region, e.what());
    }
}

/// An operation that ends as it is told.
struct scripted {
    std::exception_ptr thrown;
    std::chrono::milliseconds takes{0};
    coffer::awaitable<std::string> operator()(std::string const& prompt) const {
        if (takes > 0ms) co_await coffer::sleep_for(takes);
        if (thrown) std::rethrow_exception(thrown);
        co_return "an answer to " + prompt;
    }
    [[nodiscard]] coffer::target target(std::string const&) const { return {"somebody", "v1"}; }
    [[nodiscard]] coffer::fingerprint fingerprint(std::string const& p) const {
        return coffer::fingerprint{}.with("prompt", p);
    }
};

struct troubleshooting : testing::Test {
    troubleshooting() {
        std::filesystem::remove_all(directory);
        std::filesystem::create_directories(directory);
    }
    ~troubleshooting() override {
        std::error_code ignored;
        std::filesystem::remove_all(directory, ignored);
    }

    /// A call in virtual time.
    template <class Ask>
    coffer::outcome<std::string> call(Ask const& ask, coffer::call c, std::string const& prompt = "why?") {
        coffer::outcome<std::string> got{""};
        std::exception_ptr thrown;
        auto const work = [&]() -> coffer::awaitable<void> { got = co_await ask.try_call(c, prompt); };
        auto running = work();
        asio::co_spawn(io, std::move(running), [&](std::exception_ptr e) { thrown = e; });
        io.restart();
        time.run();
        if (thrown) std::rethrow_exception(thrown);
        return got;
    }
    template <class Work>
    void run(Work const& work) {
        auto running = work();
        asio::co_spawn(io, std::move(running), [](std::exception_ptr e) {
            if (e) std::rethrow_exception(e);
        });
        io.restart();
        time.run();
    }
    static coffer::call report(coffer::duration deadline = 2min) {
        return coffer::call{coffer::key{"report", 42}, deadline};
    }

    std::filesystem::path directory =
        std::filesystem::temp_directory_path() / ("coffer_troubleshooting." + std::to_string(::getpid()));
    asio::io_context io;
    coffer::testing::virtual_time time{io, 7};
    coffer::memory_store db;
    scripted const works{};
    scripted const loses{std::make_exception_ptr(std::system_error{std::make_error_code(std::errc::connection_reset)})};
    scripted const unknown{std::make_exception_ptr(std::runtime_error{"the client's own words"})};
};

TEST_F(troubleshooting, unresolved) {
    coffer::sqlite::store const file{directory / "coffer.db"};
    auto const ask = coffer::pipeline{coffer::once{file, {.max_sends = 1}}, coffer::retry{}}.wrap(loses);
    expect_fault("sends_spent", coffer::fault_kind::ambiguous, call(ask, report()));
    expect_fault("unresolved", coffer::fault_kind::unresolved, call(ask, report()));
}

TEST_F(troubleshooting, key_mismatch) {
    auto const ask = coffer::pipeline{coffer::once{db}}.wrap(works);
    ASSERT_TRUE(call(ask, report()));
    expect_fault("key_mismatch", coffer::fault_kind::key_mismatch, call(ask, report(), "how?"));
}

TEST_F(troubleshooting, already_done_and_result_expired) {
    auto const ask = coffer::pipeline{coffer::once{db}}.wrap(works);
    ASSERT_TRUE(call(ask, report()));
    run([&]() -> coffer::awaitable<void> { co_await coffer::sleep_for(std::chrono::hours{24 * 31}); });
    expect_fault("result_expired", coffer::fault_kind::result_expired, call(ask, report()));
    auto const other = [] { return coffer::call{coffer::key{"report", 43}, 2min}; };
    ASSERT_TRUE(call(ask, other()));
    run([&]() -> coffer::awaitable<void> { co_await db.acknowledge(coffer::key{"report", 43}); });
    expect_fault("already_done", coffer::fault_kind::already_done, call(ask, other()));
}

TEST_F(troubleshooting, in_progress) {
    auto const found = coffer::detail::fault_of(coffer::in_progress{25s});
    expect_fault("in_progress", coffer::fault_kind::in_progress, coffer::outcome<std::string>{coffer::failed(found)});
}

TEST_F(troubleshooting, a_codec_of_ones_own) {
    using coded = coffer::codec<app::opinion>;
    EXPECT_FALSE(coded::decode("6 stars").has_value());
    EXPECT_FALSE(coded::decode("4").has_value());
    int sent = 0;
    auto const opine = [&sent](std::string const& about) -> coffer::awaitable<app::opinion> {
        ++sent;
        co_return app::opinion{4, "a good " + about};
    };
    auto const ask = coffer::pipeline{coffer::once{db, coffer::unfingerprinted}}.wrap(opine);
    auto const origins = {coffer::answer_origin::sent, coffer::answer_origin::replayed};
    for (auto const origin : origins) {
        app::opinion got;
        auto c = report();
        std::string const about = "book";
        run([&]() -> coffer::awaitable<void> { got = co_await ask(c, about); });
        EXPECT_EQ(got.stars, 4);
        EXPECT_EQ(got.text, "a good book");
        EXPECT_EQ(c.origin(), origin);
    }
    EXPECT_EQ(sent, 1);
}

TEST_F(troubleshooting, nothing_to_acknowledge) {
    auto const refuses = coffer::pipeline{coffer::once{db}}.wrap(unknown);
    ASSERT_FALSE(call(refuses, report()));
    expect_thrown<coffer::failure>("nothing_to_acknowledge", [&] {
        run([&]() -> coffer::awaitable<void> { co_await db.acknowledge(coffer::key{"report", 42}); });
    });
}

TEST_F(troubleshooting, a_caller_that_has_left) {
    scripted const slow{{}, 10s};
    auto const ask = coffer::pipeline{coffer::once{db}}.wrap(slow);
    auto c = report(1s);
    std::string const why = "why?";
    coffer::outcome<std::string> got{""};
    run([&]() -> coffer::awaitable<void> { got = co_await ask.try_call(c, why); });
    ASSERT_FALSE(got.has_value());
    EXPECT_TRUE(c.log().empty()) << "it goes on without the caller";
    auto later = report();
    run([&]() -> coffer::awaitable<void> { got = co_await ask.try_call(later, why); });
    ASSERT_TRUE(got.has_value());
    EXPECT_EQ(later.origin(), coffer::answer_origin::replayed);
}

TEST_F(troubleshooting, the_time_is_up) {
    scripted const slow{{}, 10s};
    auto const ask = coffer::pipeline{coffer::once{db}}.wrap(slow);
    expect_fault("deadline_exceeded", coffer::fault_kind::deadline_exceeded, call(ask, report(1s)));
}

TEST_F(troubleshooting, an_exception_that_no_rule_knows) {
    auto const ask = coffer::pipeline{coffer::retry{}}.wrap(unknown);
    expect_fault("permanent", coffer::fault_kind::permanent, call(ask, coffer::call::unkeyed()));
}

TEST_F(troubleshooting, an_open_circuit_and_a_full_line) {
    coffer::circuit_breaker const health;
    auto const ask = coffer::pipeline{health}.wrap(loses);
    for (int i = 0; i < 10; ++i) (void)call(ask, coffer::call::unkeyed());
    expect_fault("circuit_open", coffer::fault_kind::circuit_open, call(ask, coffer::call::unkeyed()));

    auto const narrow = coffer::pipeline{coffer::rate_limit{{.requests_per_minute = 1, .max_waiting = 1}}}.wrap(works);
    ASSERT_TRUE(call(narrow, coffer::call::unkeyed()));
    expect_fault("queue_full", coffer::fault_kind::queue_full, call(narrow, coffer::call::unkeyed(5s)));
    auto const small = coffer::pipeline{coffer::rate_limit{{.tokens_per_minute = 10}}}.wrap(
        coffer::describe(works).estimate([](std::string const&) {
            coffer::estimate e;
            e.input_tokens = 100;
            return e;
        }));
    expect_fault("never_fits", coffer::fault_kind::never_fits, call(small, coffer::call::unkeyed()));
}

TEST_F(troubleshooting, money) {
    auto const costs = [&](coffer::money most) {
        return coffer::describe(works).estimate([most](std::string const&) {
            coffer::estimate e;
            e.cost = most;
            return e;
        });
    };
    coffer::budget const team{db, {.scope = "team", .limit = 1_usd, .window = coffer::daily}};
    auto const ask = coffer::pipeline{team}.wrap(costs(0.60_usd));
    ASSERT_TRUE(call(ask, coffer::call::unkeyed()));
    expect_fault("over_budget", coffer::fault_kind::over_budget, call(ask, coffer::call::unkeyed()));
    auto const dear = coffer::pipeline{team}.wrap(costs(2_usd));
    expect_fault("never_fits_budget", coffer::fault_kind::never_fits, call(dear, coffer::call::unkeyed()));
    auto const unbounded = coffer::pipeline{team}.wrap(works);
    expect_fault("no_bound", coffer::fault_kind::never_fits, call(unbounded, coffer::call::unkeyed()));
}

TEST_F(troubleshooting, a_store_that_is_gone) {
    coffer::sqlite::store const file{directory / "coffer.db", {.close_timeout = 10ms}};
    auto const ask = coffer::pipeline{coffer::once{file}}.wrap(works);
    ASSERT_TRUE(call(ask, report()));
    std::filesystem::remove(directory / "coffer.db");
    expect_fault("store_unavailable", coffer::fault_kind::store_unavailable,
                 call(ask, coffer::call{coffer::key{"report", 43}, 2min}));
}

TEST_F(troubleshooting, a_store_that_cannot_be_opened) {
    expect_thrown<std::runtime_error>("no_directory",
                                      [&] { coffer::sqlite::store const s{directory / "none" / "coffer.db"}; });
    std::ofstream{directory / "coffer.db"} << "notes of mine, and certainly not a store";
    expect_thrown<std::runtime_error>("not_a_store", [&] { coffer::sqlite::store const s{directory / "coffer.db"}; });
}

TEST_F(troubleshooting, misuse) {
    auto const ask = coffer::pipeline{coffer::once{db}}.wrap(works);
    expect_thrown<coffer::misuse>("no_key", [&] { (void)coffer::call::unkeyed().key(); });
    expect_thrown<coffer::misuse>("two_requests", [&] {
        coffer::call c = coffer::call::unkeyed();
        std::string const prompt = "why?";
        scripted const slow{{}, 1s};
        auto const bare = coffer::pipeline{}.wrap(slow);
        std::exception_ptr thrown;
        for (int i = 0; i < 2; ++i) {
            auto running = bare.try_call(c, prompt);
            asio::co_spawn(io, std::move(running), [&](std::exception_ptr e, coffer::outcome<std::string>) {
                if (e) thrown = e;
            });
        }
        io.restart();
        time.run();
        if (thrown) std::rethrow_exception(thrown);
    });
    expect_thrown<coffer::misuse>("one_state_twice", [&] {
        coffer::rate_limit const pace{{.requests_per_minute = 500}};
        (void)coffer::pipeline{pace, pace}.wrap(works);
    });
    expect_thrown<coffer::misuse>("journal_behind_guarded", [&] {
        coffer::guarded<std::string(std::string const&)> const inner = ask;
        (void)coffer::pipeline{coffer::retry{}}.wrap(inner);
    });
    expect_thrown<std::invalid_argument>("options", [&] { (void)coffer::once{db, {.max_sends = 0}}; });
    expect_thrown<std::invalid_argument>("empty_namespace", [&] { (void)coffer::key{""}; });
}

TEST_F(troubleshooting, a_client_that_would_wait_for_itself) {
    coffer::blocking_client client;
    std::promise<std::exception_ptr> thrown;
    auto const ask = coffer::pipeline{}.wrap(works);
    asio::post(client.executor(), [&] {
        try {
            (void)client.run(ask, coffer::call::unkeyed(), std::string{"why?"});
            thrown.set_value(nullptr);
        } catch (...) {
            thrown.set_value(std::current_exception());
        }
    });
    expect_thrown<coffer::misuse>("waits_for_itself", [&] {
        if (auto const e = thrown.get_future().get()) std::rethrow_exception(e);
    });
}

}  // namespace
}  // namespace troubleshooting_page
