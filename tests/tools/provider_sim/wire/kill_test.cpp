// SPDX-License-Identifier: BSL-1.0
// The client's process, stopped and killed at each named moment.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/process.hpp"
#include "support/victim.hpp"

namespace provider_sim::kill_test {
namespace {

class kill_order_test : public testing::Test {
protected:
    void rule(std::string const& text) { sim_.rules(json::array({json::parse(text)})); }

    test::victim_report kill_under(std::string const& text) {
        rule(text);
        test::victim client{sim_, "die"};
        client.go();
        auto const report = client.wait();
        EXPECT_TRUE(WIFSIGNALED(report.wait_status) && WTERMSIG(report.wait_status) == SIGKILL) << text;
        EXPECT_FALSE(report.acted) << text;
        return report;
    }

    test::sim_process sim_;
};

TEST_F(kill_order_test, request_read_comes_before_execution_and_bill) {
    auto const report = kill_under(R"({"kill": {"moment": "request_read"}, "delay_ms": {"executing": 60000}})");
    EXPECT_EQ(report.bytes_seen, 0U);
    EXPECT_EQ(sim_.lines("send").size(), 1U);
    EXPECT_EQ(sim_.lines("bill").size(), 0U);
}

TEST_F(kill_order_test, the_provider_does_not_notice_that_its_client_died) {
    kill_under(R"({"kill": {"moment": "request_read"}})");
    auto const end = sim_.lines("end", 1).at(0);
    EXPECT_EQ(sim_.lines("bill").size(), 1U);
    EXPECT_EQ(end["executed"], true);
    EXPECT_EQ(end["delivered"], "none");
    EXPECT_EQ(end["signal"]["result"], "gone");
    EXPECT_EQ(end["signal"]["moment"], "request_read");
}

TEST_F(kill_order_test, request_read_not_executed_not_billed) {
    kill_under(R"({"kill": {"moment": "request_read"}, "execute": false, "deliver": "none", "end": "rst"})");
    auto const end = sim_.lines("end", 1).at(0);
    EXPECT_EQ(sim_.lines("bill").size(), 0U);
    EXPECT_EQ(end["executed"], false);
}

TEST_F(kill_order_test, bill_written_comes_before_the_first_byte) {
    auto const report = kill_under(R"({"kill": {"moment": "bill_written"}})");
    EXPECT_EQ(report.bytes_seen, 0U);
    EXPECT_EQ(sim_.lines("bill").size(), 1U);
    auto const end = sim_.lines("end", 1).at(0);
    EXPECT_EQ(end["delivered"], "none");
    EXPECT_EQ(end["bytes_out"], 0);
    EXPECT_EQ(end["signal"]["result"], "gone");
}

TEST_F(kill_order_test, half_body_leaves_less_than_the_whole) {
    auto const report = kill_under(R"({"kill": {"moment": "half_body"}})");
    auto const end = sim_.lines("end", 1).at(0);
    EXPECT_EQ(end["delivered"], "partial");
    EXPECT_GT(end["bytes_out"], 400);
    EXPECT_LT(end["bytes_out"], 1200);
    EXPECT_LE(report.bytes_seen, end["bytes_out"].get<std::size_t>());
    EXPECT_EQ(end["signal"]["result"], "gone");
}

// Stopped before the last byte was written: the whole answer was in its socket, and it never ran again.
TEST_F(kill_order_test, last_byte_leaves_no_time_to_act) {
    for (auto const* more : {"", R"(, "wrong": "empty")", R"(, "framing": "chunked")", R"(, "drip": {"bytes": 200})"}) {
        sim_.post_control("/control/reset", json::object());
        auto const ends = sim_.lines("end").size();
        auto const report = kill_under(R"({"kill": {"moment": "last_byte"})" + std::string{more} + "}");
        auto const end = sim_.lines("end", ends + 1).back();
        EXPECT_LT(report.bytes_seen, end["bytes_out"]) << more;
        EXPECT_EQ(end["delivered"], "full") << more;
        EXPECT_EQ(end["status"], 200) << more;
        EXPECT_EQ(end["signal"]["result"], "gone") << more;
        EXPECT_EQ(sim_.totals()["bills"], 1) << more;
    }
}

TEST_F(kill_order_test, last_byte_of_an_answer_larger_than_all_buffers) {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
    GTEST_SKIP() << "the client, a fork of this program, stops reading in ThreadSanitizer's runtime";
#endif
#endif
    auto const report = kill_under(R"({"kill": {"moment": "last_byte"}, "pad_body": 20000000})");
    auto const end = sim_.lines("end", 1).at(0);
    EXPECT_EQ(end["delivered"], "full");
    EXPECT_GT(report.bytes_seen, 1'000'000U);
    EXPECT_LT(report.bytes_seen, end["bytes_out"]);
}

TEST_F(kill_order_test, a_stopped_client_continues_and_gets_its_answer) {
    for (auto const* moment : {"request_read", "bill_written", "half_body", "last_byte"}) {
        rule(R"({"kill": {"moment": ")" + std::string{moment} + R"(", "signal": "STOP", "cont_after_ms": 1}})");
        test::victim client{sim_, "pause"};
        client.go();
        auto const report = client.wait();  // that it stood still, the simulator has seen: it may go on before we look
        EXPECT_TRUE(WIFEXITED(report.wait_status) && WEXITSTATUS(report.wait_status) == 0) << moment;
        EXPECT_TRUE(report.acted) << moment;
    }
    auto const ends = sim_.lines("end", 4);
    for (auto const& end : ends) {
        EXPECT_EQ(end["delivered"], "full");
        EXPECT_EQ(end["signal"]["result"], "stopped");
    }
}

TEST_F(kill_order_test, a_stopped_client_stays_stopped_without_an_order_to_continue) {
    rule(R"({"kill": {"moment": "last_byte", "signal": "STOP"}})");
    test::victim client{sim_, "pause"};
    client.go();
    EXPECT_TRUE(client.wait_stopped());
    sim_.lines("end", 1);
    EXPECT_TRUE(process::find(client.pid()).stopped());
    ::kill(client.pid(), SIGCONT);
    EXPECT_TRUE(client.wait().acted);
}

TEST_F(kill_order_test, hello_names_the_client_of_requests_without_a_header) {
    rule(R"({"match": {"run": 7}, "kill": {"moment": "request_read"}})");
    test::victim client{sim_, "die", true};
    sim_.post_control("/control/hello", {{"pid", client.pid()}, {"run", 7}});
    auto const pid = client.pid();
    client.go();
    EXPECT_TRUE(WIFSIGNALED(client.wait().wait_status));
    auto const send = sim_.lines("send").at(0);
    EXPECT_EQ(send["pid"], pid);
    EXPECT_EQ(send["run"], 7);
}

TEST_F(kill_order_test, a_pid_that_came_back_is_another_process) {
    pid_t recycled = 0;
    {
        test::victim client{sim_, "gone", true};
        recycled = client.pid();
        sim_.post_control("/control/hello", {{"pid", recycled}});
    }
    rule(R"({"kill": {"moment": "request_read"}})");
    EXPECT_EQ(sim_.ask(test::chat()).status, 200);
    EXPECT_EQ(sim_.lines("end", 1).at(0)["signal"]["result"], "already gone");
}

TEST_F(kill_order_test, without_a_pid_the_request_goes_on_and_the_ledger_says_why) {
    rule(R"({"kill": {"moment": "request_read"}})");
    EXPECT_EQ(sim_.ask(test::chat()).status, 200);
    EXPECT_EQ(sim_.lines("end", 1).at(0)["signal"]["result"], "no pid known: POST /control/hello, or send x-sim-pid");
}

TEST_F(kill_order_test, never_signals_itself_init_or_a_group) {
    rule(R"({"kill": {"moment": "request_read"}})");
    std::size_t requests = 0;
    for (auto const& pid : {std::to_string(sim_.pid()), std::string{"1"}, std::string{"0"}, std::string{"-1"}}) {
        EXPECT_EQ(sim_.ask(test::chat("x", "x-sim-pid: " + pid + "\r\n")).status, 200) << pid;
        auto const result = sim_.lines("end", ++requests).back()["signal"]["result"].get<std::string>();
        EXPECT_TRUE(result.starts_with("pid " + pid + " is ")) << result;
    }
}

TEST(process, tells_running_stopped_and_gone_apart) {
    EXPECT_ANY_THROW(process::find(::getpid()));
    EXPECT_ANY_THROW(process::find(1));
    EXPECT_ANY_THROW(process::find(INT64_MAX));
    pid_t const child = ::fork();
    if (child == 0) {
        while (true) ::pause();
    }
    auto const found = process::find(child);
    EXPECT_FALSE(found.gone());
    EXPECT_FALSE(found.stopped());
    EXPECT_TRUE(found.signal(SIGSTOP));
    ::waitpid(child, nullptr, WUNTRACED);
    EXPECT_TRUE(found.stopped());
    EXPECT_TRUE(found.signal(SIGKILL));
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);  // a zombie from here on
    EXPECT_TRUE(found.gone());
    EXPECT_FALSE(found.signal(SIGKILL));
    ::waitpid(child, nullptr, 0);
    EXPECT_TRUE(found.gone());
    EXPECT_ANY_THROW(process::find(child));
}

TEST(process, of_another_user_is_never_found) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to make a process of another user";
    pid_t const child = ::fork();
    if (child == 0) {
        if (::setuid(65534) != 0) ::_exit(1);
        ::kill(::getpid(), SIGSTOP);
        ::_exit(0);
    }
    ::waitpid(child, nullptr, WUNTRACED);
    try {
        process::find(child);
        ADD_FAILURE() << "found";
    } catch (std::exception const& error) {
        EXPECT_EQ(error.what(), "pid " + std::to_string(child) + " belongs to another user");
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace provider_sim::kill_test
