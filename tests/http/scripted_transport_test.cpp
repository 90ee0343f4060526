// SPDX-License-Identifier: BSL-1.0
#include <coffer/testing/scripted_transport.hpp>
#include <coffer/testing/virtual_time.hpp>

#include <asio/io_context.hpp>

#include <gtest/gtest.h>

#include <exception>
#include <optional>
#include <utility>

namespace coffer::inline COFFER_ABI::testing::scripted_transport_test {
namespace {

using namespace std::chrono_literals;
using http::request;
using http::response;
using enum knowledge;

class scripted : public ::testing::Test {
protected:
    using result = std::optional<outcome<response>>;

    static awaitable<void> run(scripted_transport t, time_point deadline, result& into) {
        request const r{"POST", "https://example.com/", "body"};
        into.emplace(co_await t.send(r, deadline));
    }
    outcome<response> send(duration deadline = 1h) {
        result got;
        asio::co_spawn(io, run(fake, time.now() + deadline, got), asio::detached);
        time.run();
        return got.value();
    }
    outcome<response> send_and_cancel_after(duration d) {
        result got;
        asio::cancellation_signal stop;
        asio::co_spawn(io, run(fake, time.now() + 1h, got), asio::bind_cancellation_slot(stop.slot(), asio::detached));
        time.run_for(d);
        stop.emit(asio::cancellation_type::terminal);
        time.run_for({});
        return got.value();
    }

    asio::io_context io;
    virtual_time time{io};
    scripted_transport fake;
};

TEST_F(scripted, answers_step_by_step_in_their_time) {
    fake.answer(response{200, "one"}, 3s).fail(fault{fault_kind::ambiguous}).answer(response{500});
    auto const began = time.now();
    EXPECT_EQ(send()->body, "one");
    EXPECT_EQ(time.now(), began + 3s);
    EXPECT_EQ(send().error().kind(), fault_kind::ambiguous);
    EXPECT_EQ(send()->status, 500);
    EXPECT_EQ(send().error().kind(), fault_kind::not_sent) << "beyond the script";
    EXPECT_EQ(fake.sent().size(), 3U);
    EXPECT_EQ(*fake.sent().at(0).body, "body");
}

TEST_F(scripted, goes_on_with_a_function) {
    fake.answer(response{201}).otherwise([](request const& r) { return response{200, r.method}; }, 1s);
    EXPECT_EQ(send()->status, 201);
    EXPECT_EQ(send()->body, "POST");
    EXPECT_EQ(send()->body, "POST");
}

TEST_F(scripted, a_stall_ends_with_the_deadline) {
    fake.stall();
    auto const began = time.now();
    auto const got = send(5min);
    EXPECT_EQ(time.now(), began + 5min);
    EXPECT_EQ(got.error().kind(), fault_kind::timed_out);
    EXPECT_EQ(got.error().billing(), maybe);
    EXPECT_EQ(fake.sent().size(), 1U);
}

TEST_F(scripted, a_deadline_while_connecting_proves_that_nothing_was_sent) {
    fake.connect(1min).answer(response{200});
    auto const got = send(30s);
    EXPECT_EQ(got.error().kind(), fault_kind::not_sent);
    EXPECT_EQ(got.error().billing(), no);
    EXPECT_TRUE(fake.sent().empty());
}

TEST_F(scripted, a_cancellation_says_whether_it_was_sent) {
    fake.connect(1min).answer(response{200}, 1min).answer(response{200}, 1min);
    auto const early = send_and_cancel_after(30s);
    EXPECT_EQ(early.error().kind(), fault_kind::cancelled);
    EXPECT_EQ(early.error().billing(), no);
    EXPECT_TRUE(fake.sent().empty());
    auto const late = send_and_cancel_after(90s);
    EXPECT_EQ(late.error().kind(), fault_kind::cancelled);
    EXPECT_EQ(late.error().billing(), maybe);
    EXPECT_EQ(fake.sent().size(), 1U);
}

TEST_F(scripted, an_unsent_fault_and_a_passed_deadline_are_no_sends) {
    fake.fail(fault{fault_kind::not_sent}).answer(response{200});
    EXPECT_EQ(send().error().kind(), fault_kind::not_sent);
    EXPECT_EQ(send(0s).error().kind(), fault_kind::deadline_exceeded);
    EXPECT_TRUE(fake.sent().empty());
    EXPECT_EQ(fake.steps_left(), 1U);
}

}  // namespace
}  // namespace coffer::inline COFFER_ABI::testing::scripted_transport_test
