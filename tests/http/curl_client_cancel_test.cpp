// SPDX-License-Identifier: BSL-1.0
// Leaving a send: by cancellation and by deadline, in each of its phases. What it says, and that the connection is gone.
#include <coffer/http/curl_client.hpp>

#include "support/driver.hpp"
#include "support/raw_server.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace coffer::inline COFFER_ABI::http::tests::curl_client_cancel_test {
namespace {

using enum knowledge;

/// How far the send has come when it is left.
enum class phase { connecting, sent, answering };

class http_leaving : public ::testing::TestWithParam<phase> {
protected:
    /// A server that stops in a phase, says so, and then waits for the client's end.
    raw_server::script stop_in(phase when) {
        return [this, when](peer& p) {
            if (when == phase::connecting) (void)p.read_exactly(16);  // of a TLS handshake
            else (void)p.read_request();
            if (when == phase::answering) p.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
            reached.set();
            if (p.wait_for_close()) closed.set();
        };
    }
    static std::string url(raw_server const& server, phase when) {
        return (when == phase::connecting ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(server.port());
    }
    /// Runs until the server has reached its phase.
    void run_until_reached() {
        std::thread other{[this] {
            seen = reached.wait();
            asio::post(io, [this] { io.stop(); });
        }};
        io.run();
        other.join();
        ASSERT_TRUE(seen);
        io.restart();
    }

    static void expect(sending const& s, phase when, fault_kind unsent, fault_kind sent) {
        ASSERT_TRUE(s.ended());
        ASSERT_FALSE(s.threw());
        ASSERT_FALSE(s.get());
        auto const& f = s.error();
        bool const was_sent = when != phase::connecting;
        EXPECT_EQ(f.kind(), was_sent ? sent : unsent) << f;
        EXPECT_EQ(f.billing(), was_sent ? maybe : no) << f;
        if (when != phase::answering) {
            EXPECT_EQ(f.execution(), was_sent ? maybe : no) << f;
        }
        EXPECT_EQ(text(f).find("canary"), std::string::npos);
    }

    asio::io_context io;
    client c{io.get_executor()};
    event reached;
    event closed;
    bool seen = false;
};

TEST_P(http_leaving, by_cancellation_frees_the_connection_at_once) {
    raw_server server{stop_in(GetParam())};
    sending s{io.get_executor(), c, post(url(server, GetParam())), in(1h)};
    run_until_reached();
    s.cancel();
    io.run();
    expect(s, GetParam(), fault_kind::cancelled, fault_kind::cancelled);
    EXPECT_TRUE(closed.wait()) << "the server sees the connection closed";
}

TEST_P(http_leaving, by_deadline_frees_the_connection_at_once) {
    raw_server server{stop_in(GetParam())};
    sending s{io.get_executor(), c, post(url(server, GetParam())), in(150ms)};
    auto const began = std::chrono::steady_clock::now();
    io.run();
    EXPECT_GE(std::chrono::steady_clock::now() - began, 140ms);
    expect(s, GetParam(), fault_kind::not_sent, fault_kind::timed_out);
    EXPECT_TRUE(closed.wait());
}

TEST_P(http_leaving, by_the_end_of_the_waiting_coroutine_frees_the_connection) {
    raw_server server{stop_in(GetParam())};
    running_context engine;  // the client lives on
    client const elsewhere{engine.executor()};
    {
        asio::io_context other;
        auto s = std::make_unique<sending>(other.get_executor(), elsewhere, post(url(server, GetParam())), in(1h));
        other.poll();
        EXPECT_TRUE(reached.wait());
    }  // destroys the coroutine
    EXPECT_TRUE(closed.wait());
}

TEST_P(http_leaving, by_the_end_of_the_clients_context_tells_who_waits_elsewhere) {
    raw_server server{stop_in(GetParam())};
    asio::io_context waiting;
    auto engine = std::make_unique<running_context>();
    auto elsewhere = std::make_unique<client>(engine->executor());
    sending s{waiting.get_executor(), *elsewhere, post(url(server, GetParam())), in(1h)};
    waiting.poll();
    EXPECT_TRUE(reached.wait());
    engine->stop();
    engine.reset();
    EXPECT_TRUE(closed.wait());
    waiting.run();
    expect(s, GetParam(), fault_kind::aborted, fault_kind::aborted);
    waiting.restart();
    auto const later = send(waiting, *elsewhere, post(url(server, GetParam())));
    ASSERT_FALSE(later);
    EXPECT_EQ(later.error().kind(), fault_kind::aborted);
    EXPECT_EQ(later.error().billing(), no);
}

TEST_P(http_leaving, by_the_end_of_the_context_leaks_nothing) {
    raw_server server{stop_in(GetParam())};
    {
        auto own = std::make_unique<asio::io_context>();
        client const mine{own->get_executor()};
        auto s = std::make_unique<sending>(own->get_executor(), mine, post(url(server, GetParam())), in(1h));
        std::thread other{[&] {
            (void)reached.wait();
            own->stop();
        }};
        own->run();
        other.join();
        own.reset();  // before the client
        EXPECT_FALSE(s->ended());
    }
    EXPECT_TRUE(closed.wait());
}

TEST_P(http_leaving, of_the_last_handle_leaves_the_transfer_alone) {
    event go_on;
    raw_server server{[&](peer& p) {
        (void)p.read_request();
        reached.set();
        if (go_on.wait()) p.write(ok);
        (void)p.wait_for_close();
    }};
    auto mine = std::make_unique<client>(io.get_executor());
    sending s{io.get_executor(), *mine, post(server.url()), in(1h)};
    run_until_reached();
    mine.reset();
    go_on.set();
    io.run();
    ASSERT_TRUE(s.ended());
    EXPECT_TRUE(s.get());
}

INSTANTIATE_TEST_SUITE_P(in_each_phase, http_leaving,
                         ::testing::Values(phase::connecting, phase::sent, phase::answering), [](auto const& p) {
                             return std::string{p.param == phase::connecting ? "connecting"
                                                : p.param == phase::sent     ? "sent"
                                                                             : "answering"};
                         });

class http_leaving_plain : public http_leaving {};

TEST_F(http_leaving_plain, before_it_began_sends_nothing) {
    request_log log;
    {
        raw_server server{always(std::string{ok}, log)};
        sending s{io.get_executor(), c, post(server.url()), in(1h)};
        s.cancel();  // Asio decides whether the coroutine has come to its wait by then, and libcurl to connecting
        io.run();
        ASSERT_TRUE(s.ended());
        if (!s.threw()) expect(s, phase::connecting, fault_kind::cancelled, fault_kind::cancelled);
        EXPECT_TRUE(send(io, c, post(server.url())));  // connections are taken in order: all before it are being read
    }  // and have been read to their ends
    EXPECT_EQ(log.count(), 1U);
}

TEST_F(http_leaving_plain, of_a_resolving_name_does_not_wait_for_the_resolver) {
    sending s{io.get_executor(), c, post("https://coffer-test.invalid/"), in(1h)};
    for (int i = 0; i < 4; ++i) io.poll_one();
    s.cancel();
    io.run();
    ASSERT_TRUE(s.ended());
}

/// A coroutine that lets every cancellation through and does not throw at the next co_await.
awaitable<void> keep_going(client c, request r, bool& second_refused, std::optional<result>& first,
                           std::optional<result>& second) {
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    co_await asio::this_coro::throw_if_cancelled(false);
    first.emplace(co_await c.send(r, in(1h)));
    second.emplace(co_await c.send(r, in(1h)));
    second_refused = true;
}

TEST_F(http_leaving_plain, of_any_type_is_a_value_and_a_cancelled_coroutine_sends_no_more) {
    for (auto const how :
         {asio::cancellation_type::total, asio::cancellation_type::partial, asio::cancellation_type::terminal}) {
        event got;
        request_log log;
        raw_server server{[&](peer& p) {
            auto r = p.read_request();
            if (r.empty()) return;
            log.add(std::move(r));
            got.set();
            (void)p.wait_for_close();
        }};
        bool second_refused = false;
        std::optional<result> first;
        std::optional<result> second;
        asio::cancellation_signal stop;
        asio::co_spawn(io, keep_going(c, post(server.url()), second_refused, first, second),
                       asio::bind_cancellation_slot(stop.slot(), asio::detached));
        std::thread other{[&] {
            (void)got.wait();
            asio::post(io, [&] { stop.emit(how); });
        }};
        io.restart();
        io.run();
        other.join();
        ASSERT_TRUE(second_refused);
        EXPECT_EQ(first->error().kind(), fault_kind::cancelled);
        EXPECT_EQ(first->error().billing(), maybe);
        EXPECT_EQ(second->error().kind(), fault_kind::cancelled);
        EXPECT_EQ(second->error().billing(), no);
        EXPECT_EQ(log.count(), 1U);
    }
}

TEST_F(http_leaving_plain, one_of_many_harms_no_other) {
    event go_on;
    raw_server server{[&](peer& p) {
        auto const r = p.read_request();
        if (r.empty()) return;
        if (r.find("/stays") != r.npos && go_on.wait()) p.write(ok);
        (void)p.wait_for_close();
    }};
    std::vector<std::unique_ptr<sending>> stays;
    std::vector<std::unique_ptr<sending>> goes;
    for (int i = 0; i < 16; ++i) {
        stays.push_back(std::make_unique<sending>(io.get_executor(), c, post(server.url("/stays")), in(1h)));
        goes.push_back(std::make_unique<sending>(io.get_executor(), c, post(server.url("/goes")), in(1h)));
    }
    while (server.accepted() < 32) io.run_one_for(10ms);
    for (auto const& s : goes) s->cancel();
    go_on.set();
    io.run();
    for (auto const& s : goes) EXPECT_EQ(s->error().kind(), fault_kind::cancelled);
    for (auto const& s : stays) EXPECT_TRUE(s->ended() && s->get());
}

TEST_F(http_leaving_plain, leaves_no_descriptor_behind) {
    auto const open_descriptors = [] {
        return std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, {});
    };
    client const forgetful{io.get_executor(), {.max_idle_connections = 0}};
    auto const before = open_descriptors();
    {
        raw_server server{[](peer& p) { (void)p.wait_for_close(); }};
        for (int i = 0; i < 50; ++i) {
            sending s{io.get_executor(), forgetful, post(server.url()), in(1h)};
            io.restart();
            while (server.accepted() <= i) io.run_one_for(1ms);
            s.cancel();
            io.run();
            ASSERT_TRUE(s.ended());
            EXPECT_EQ(s.error().kind(), fault_kind::cancelled);
        }
        EXPECT_EQ(forgetful.stats().connections, 50U);
    }
    EXPECT_EQ(open_descriptors(), before);
}

TEST_F(http_leaving_plain, leaves_the_connection_of_an_answered_request_open) {
    request_log log;
    raw_server server{always(std::string{ok}, log)};
    {
        sending s{io.get_executor(), c, post(server.url()), in(1h)};
        io.run();
        s.cancel();  // too late to mean anything
        io.restart();
        io.run();  // newer Asio hands a cancellation on through the context, to a signal that has to be there still
        EXPECT_TRUE(s.get());
    }
    EXPECT_TRUE(send(io, c, post(server.url())));
    EXPECT_EQ(server.accepted(), 1);
}

}  // namespace
}  // namespace coffer::inline COFFER_ABI::http::tests::curl_client_cancel_test
