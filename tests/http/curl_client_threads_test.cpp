// SPDX-License-Identifier: BSL-1.0
// The client from many threads and contexts. Says something under ThreadSanitizer.
#include <coffer/http/curl_client.hpp>
#include <coffer/testing/virtual_time.hpp>

#include "support/driver.hpp"
#include "support/raw_server.hpp"

#include <asio/thread_pool.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace coffer::inline COFFER_ABI::http::tests::curl_client_threads_test {
namespace {

awaitable<void> send_some(client c, std::string url, int count, std::atomic<int>& answered) {
    for (int i = 0; i < count; ++i) {
        auto const answer = co_await c.send(post(url), in(20s));
        if (answer && answer->body == "ok") ++answered;
    }
}

TEST(http_threads, a_context_of_many_threads_needs_no_strand) {
    request_log log;
    raw_server server{always(std::string{ok}, log)};
    asio::thread_pool pool{4};
    client const c{pool.get_executor()};
    std::atomic<int> answered{0};
    for (int i = 0; i < 16; ++i) asio::co_spawn(pool, send_some(c, server.url(), 20, answered), asio::detached);
    pool.join();
    EXPECT_EQ(answered, 320);
    EXPECT_EQ(log.count(), 320U);
    EXPECT_LE(server.accepted(), 16);
}

TEST(http_threads, other_contexts_may_wait) {
    request_log log;
    raw_server server{always(std::string{ok}, log)};
    running_context engine;
    client const c{engine.executor()};
    std::atomic<int> answered{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            asio::io_context io;
            for (int k = 0; k < 4; ++k) asio::co_spawn(io, send_some(c, server.url(), 10, answered), asio::detached);
            io.run();
        });
    for (auto& t : threads) t.join();
    EXPECT_EQ(answered, 160);
}

/// A send that is left at a random moment, from another thread than the engine's.
awaitable<void> send_briefly(client c, std::string url, duration patience_of_this_one, std::atomic<int>& wrong) {
    auto const answer = co_await c.send(post(url), in(patience_of_this_one));
    if (answer) {
        if (answer->body != "ok") ++wrong;
        co_return;
    }
    auto const kind = answer.error().kind();
    if (kind != fault_kind::timed_out && kind != fault_kind::not_sent && kind != fault_kind::deadline_exceeded) ++wrong;
}

TEST(http_threads, leaving_races_with_ending) {
    request_log log;
    raw_server server{always(std::string{ok}, log)};
    running_context engine;
    client const c{engine.executor()};
    asio::thread_pool pool{2};
    std::atomic<int> wrong{0};
    for (int i = 0; i < 400; ++i)
        asio::co_spawn(pool, send_briefly(c, server.url(), std::chrono::microseconds{(i * 37) % 3000}, wrong),
                       asio::detached);
    pool.join();
    EXPECT_EQ(wrong, 0);
}

TEST(http_threads, a_request_left_before_it_was_sent_was_never_seen) {
    // Whoever is told "not sent" may send again at once: no byte of the request may come later.
    request_log log;
    raw_server server{always(std::string{ok}, log)};
    running_context engine;
    client const c{engine.executor()};
    asio::io_context io;
    std::size_t may_have_been_sent = 0;
    for (int i = 0; i < 300; ++i) {
        auto const got = send(io, c, post(server.url()), in(std::chrono::microseconds{50 + i * 3}));
        if (got || got.error().billing() != knowledge::no) ++may_have_been_sent;
    }
    EXPECT_LE(log.count(), may_have_been_sent);
}

TEST(http_threads, clients_come_and_go_under_way) {
    request_log log;
    raw_server server{always(std::string{ok}, log)};
    running_context engine;
    std::atomic<int> answered{0};
    {
        asio::thread_pool pool{2};
        for (int i = 0; i < 50; ++i)
            asio::co_spawn(pool, send_some(client{engine.executor()}, server.url(), 2, answered), asio::detached);
        pool.join();
    }
    EXPECT_EQ(answered, 100);
}

TEST(http_threads, contexts_end_under_way) {
    raw_server server{[](peer& p) { (void)p.wait_for_close(); }};
    for (int i = 0; i < 30; ++i) {
        running_context engine;
        client const c{engine.executor()};
        asio::io_context io;
        std::vector<std::unique_ptr<sending>> all;
        for (int k = 0; k < 4; ++k)
            all.push_back(std::make_unique<sending>(io.get_executor(), c, post(server.url()), in(1h)));
        io.poll();
        if (i % 2 == 0) engine.stop();
    }
}

TEST(http_virtual_time, stands_still_while_a_request_is_under_way_elsewhere) {
    request_log log;
    raw_server server{[&](peer& p) {
        log.add(p.read_request());
        std::this_thread::sleep_for(20ms);  // the point: real time passes, virtual time does not
        p.write(ok);
    }};
    running_context engine;
    client const c{engine.executor()};
    asio::io_context io;
    testing::virtual_time time{io};
    auto const began = time.now();
    sending s{io.get_executor(), c, post(server.url()), began + 1ms};
    time.run();
    ASSERT_TRUE(s.ended());
    EXPECT_TRUE(s.get()) << s.error();
    EXPECT_EQ(time.now(), began);
}

TEST(http_virtual_time, ends_a_send_of_the_same_context) {
    raw_server server{[](peer& p) { (void)p.wait_for_close(); }};
    asio::io_context io;
    testing::virtual_time time{io};
    client const c{io.get_executor()};
    sending s{io.get_executor(), c, post(server.url()), time.now() + 1h};
    time.run_for(2h);
    ASSERT_TRUE(s.ended());
    ASSERT_FALSE(s.get());
    EXPECT_TRUE(s.error().kind() == fault_kind::timed_out || s.error().kind() == fault_kind::not_sent) << s.error();
}

}  // namespace
}  // namespace coffer::inline COFFER_ABI::http::tests::curl_client_threads_test
