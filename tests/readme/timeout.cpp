// SPDX-License-Identifier: BSL-1.0
// The snippets of docs/timeout.md, in tests that run them.

#include <coffer/coffer.hpp>
#include <coffer/testing/virtual_time.hpp>

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <sstream>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace timeout_page {
namespace {

/// Somebody's client, which does not look at deadlines and cannot be cancelled.
struct client {
    coffer::awaitable<std::string> ask(std::string const& question) const {
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        co_await coffer::sleep_for(answers_after);
        co_return "an answer to " + question;
    }
    std::chrono::seconds answers_after{0};
};

struct docs_timeout : testing::Test {
    template <class Work>
    void run(Work work) {
        std::exception_ptr thrown;
        auto const ended = [&](std::exception_ptr e) { thrown = e; };
        asio::co_spawn(io, std::move(work), ended);
        time.run();
        if (thrown) std::rethrow_exception(thrown);
    }
    asio::io_context io;
    coffer::testing::virtual_time time{io};
};

TEST_F(docs_timeout, an_attempt_and_all_of_them) {
    client const theirs{10min};
    //! [stack]
    auto const foreign = [theirs](std::string const& question) -> coffer::awaitable<std::string> {
        return theirs.ask(question);  // looks at no deadline, listens to nobody
    };
    auto const ask =
        coffer::pipeline{
            coffer::timeout{2min, "question"},  // all attempts, sleeps and waits together
            coffer::retry{{.attempts = 3, .ambiguous_delay = 5s}},  // what time may mend
            coffer::timeout{30s, "attempt"},  // each attempt
        }
            .wrap(foreign);
    //! [stack]
    std::ostringstream log;
    auto const work = [&]() -> coffer::awaitable<void> {
        auto call = coffer::call::unkeyed();
        std::string const question = "why?";
        auto const begin = time.now();
        //! [whose]
        auto const reply = co_await ask.try_call(call, question);
        if (!reply && reply.error().code() == "timeout") log << reply.error() << '\n' << call.log();
        //! [whose]
        EXPECT_LE(time.now() - begin, 2min);
        EXPECT_EQ(call.log().size(), 2U) << "two may have been billed, and no third is sent";
    };
    run(work);
    EXPECT_NE(log.str().find("timed_out, code timeout: the time was up: timeout `attempt` (30 s)"), std::string::npos)
        << log.str();
    EXPECT_NE(log.str().find("billed maybe"), std::string::npos) << log.str();
}

TEST_F(docs_timeout, a_transport_that_keeps_to_the_attempts_deadline_needs_none) {
    //! [polite]
    auto const polite = [](coffer::attempt& a,
                           std::string const& question) -> coffer::awaitable<coffer::outcome<std::string>> {
        if (co_await coffer::sleep_until(a.deadline()) == coffer::wake::elapsed)  // whatever it waits for
            co_return coffer::failed(coffer::fault_kind::timed_out, "no answer to " + question);
        co_return coffer::failed(coffer::fault_kind::cancelled);
    };
    auto const ask = coffer::pipeline{coffer::retry{{.attempts = 1, .attempt_timeout = 30s}}}.wrap(polite);
    //! [polite]
    auto const work = [&]() -> coffer::awaitable<void> {
        auto call = coffer::call::unkeyed();
        std::string const question = "why?";
        auto const begin = time.now();
        auto const reply = co_await ask.try_call(call, question);
        EXPECT_EQ(reply.error().kind(), coffer::fault_kind::timed_out);
        EXPECT_EQ(reply.error().code(), "");
        EXPECT_EQ(time.now() - begin, 30s);
    };
    run(work);
}

}  // namespace
}  // namespace timeout_page
