// SPDX-License-Identifier: BSL-1.0
// What works: requests as they are on the wire, answers as they come back, connections that are kept.
#include <coffer/http/curl_client.hpp>

#include "support/driver.hpp"
#include "support/raw_server.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace coffer::inline COFFER_ABI::http::tests::curl_client_test {
namespace {

class http_client : public ::testing::Test {
protected:
    asio::io_context io;
    client c{io.get_executor()};
    request_log log;
};

TEST_F(http_client, posts_exactly_what_it_is_given) {
    raw_server server{always(std::string{ok}, log)};
    auto const answer = send(io, c, post(server.url("/v1/chat?a=b"), "{\"x\":1}"));
    ASSERT_TRUE(answer) << answer.error();
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "ok");
    EXPECT_EQ(answer->version, version::http1_1);
    EXPECT_FALSE(answer->body_terminated_by_close);
    EXPECT_EQ(log.all().at(0), "POST /v1/chat?a=b HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                                   "\r\nUser-Agent: coffer/" COFFER_VERSION_STRING
                                   "\r\nAccept: */*\r\n"
                                   "Content-Type: application/json\r\nAuthorization: Bearer sk-canary-3f9a\r\n"
                                   "Content-Length: 7\r\n\r\n{\"x\":1}");
}

TEST_F(http_client, sends_every_method_with_and_without_a_body) {
    raw_server server{[this](peer& p) {
        for (std::string r; !(r = p.read_request()).empty();) {
            log.add(r);
            p.write(r.starts_with("HEAD") ? "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" : ok);
        }
    }};
    std::vector<std::pair<std::string, bool>> const requests{
        {"GET", false},  {"POST", true},  {"HEAD", false},    {"PUT", true}, {"GET", false}, {"DELETE", false},
        {"PATCH", true}, {"POST", false}, {"OPTIONS", false}, {"GET", true}, {"GET", false}};
    for (auto const& [method, with_body] : requests) {
        auto r = with_body ? request{method, server.url(), "body"} : request{method, server.url()};
        auto const answer = send(io, c, std::move(r));
        ASSERT_TRUE(answer) << method << ": " << answer.error();
        EXPECT_EQ(answer->body, method == "HEAD" ? "" : "ok") << method;
        auto const seen = log.all().back();
        EXPECT_TRUE(seen.starts_with(method + " / HTTP/1.1\r\n")) << seen;
        EXPECT_EQ(seen.ends_with("\r\n\r\nbody"), with_body) << seen;
        EXPECT_EQ(seen.find("Content-Length: 4") != seen.npos, with_body) << seen;
        EXPECT_EQ(seen.find("Content-Type"), seen.npos) << seen;
    }
    EXPECT_EQ(server.accepted(), 1) << "handles are used again, and nothing of one request may stay for the next";
}

TEST_F(http_client, sends_empty_header_values_and_repeated_headers) {
    raw_server server{always(std::string{ok}, log)};
    request r{"GET", server.url()};
    r.headers.add("X-Empty", "")
        .add("X-Blank", "  ")
        .add("X-Twice", "1")
        .add("X-Twice", "2")
        .set("User-Agent", "mine")
        .set("Accept", "text/plain");
    ASSERT_TRUE(send(io, c, std::move(r)));
    auto const seen = log.all().at(0);
    EXPECT_NE(seen.find("\r\nX-Empty:\r\n"), seen.npos) << seen;
    EXPECT_NE(seen.find("\r\nX-Blank:\r\n"), seen.npos) << seen;
    EXPECT_NE(seen.find("X-Twice: 1\r\nX-Twice: 2\r\n"), seen.npos) << seen;
    EXPECT_NE(seen.find("User-Agent: mine\r\n"), seen.npos) << seen;
    EXPECT_EQ(seen.find("coffer/"), seen.npos) << seen;
    EXPECT_EQ(seen.find("*/*"), seen.npos) << seen;
}

TEST_F(http_client, sends_bodies_of_any_bytes_and_size_without_waiting_for_a_continue) {
    raw_server server{always(std::string{ok}, log)};
    for (std::size_t const size : {std::size_t{0}, std::size_t{1}, std::size_t{65'536}, std::size_t{3'000'000}}) {
        std::string body(size, 'x');
        for (std::size_t i = 0; i < size; i += 7) body[i] = static_cast<char>(i);
        auto const answer = send(io, c, request{"POST", server.url(), body});
        ASSERT_TRUE(answer) << answer.error();
        auto const seen = log.all().back();
        EXPECT_TRUE(seen.ends_with("\r\n\r\n" + body)) << size;
        EXPECT_EQ(seen.find("Expect"), seen.npos);
    }
    EXPECT_EQ(c.stats().spins, 0U);
}

TEST_F(http_client, any_status_is_an_answer) {
    for (int const status : {200, 201, 301, 400, 401, 429, 500, 503, 529, 599}) {
        raw_server server{always("HTTP/1.1 " + std::to_string(status) +
                                     " Word\r\nRetry-After: 7\r\nLocation: http://127.0.0.1:1/\r\n"
                                     "WWW-Authenticate: Basic\r\nContent-Length: 3\r\n\r\nwhy",
                                 log)};
        auto const answer = send(io, c, post(server.url()));
        ASSERT_TRUE(answer) << status << ": " << answer.error();
        EXPECT_EQ(answer->status, status);
        EXPECT_EQ(answer->body, "why");
        EXPECT_EQ(answer->headers.first("retry-after"), "7");
    }
    EXPECT_EQ(log.count(), 10U) << "no redirect is followed, no authentication is tried";
}

TEST_F(http_client, reads_chunks_and_leaves_trailers_out) {
    raw_server server{
        always("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: "
               "1\r\n\r\n3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\nX-A: 2\r\n\r\n",
               log)};
    auto const answer = send(io, c, post(server.url()));
    ASSERT_TRUE(answer) << answer.error();
    EXPECT_EQ(answer->body, "abcdefg");
    EXPECT_EQ(answer->headers.all("x-a").size(), 1U);
    EXPECT_FALSE(answer->body_terminated_by_close);
}

TEST_F(http_client, passes_over_informational_responses) {
    raw_server server{
        always("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n" + std::string{ok}, log)};
    auto const answer = send(io, c, post(server.url()));
    ASSERT_TRUE(answer) << answer.error();
    EXPECT_EQ(answer->status, 200);
    EXPECT_FALSE(answer->headers.contains("x-early"));
}

TEST_F(http_client, tells_when_only_the_close_ended_the_body) {
    raw_server server{[](peer& p) {
        (void)p.read_request();
        p.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
    }};
    auto const answer = send(io, c, post(server.url()));
    ASSERT_TRUE(answer) << answer.error();
    EXPECT_EQ(answer->body, "data: 1\n\n");
    EXPECT_TRUE(answer->body_terminated_by_close);
}

TEST_F(http_client, does_not_ask_for_compression_nor_undo_it) {
    raw_server server{always("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nraw!", log)};
    auto const answer = send(io, c, post(server.url()));
    ASSERT_TRUE(answer) << answer.error();
    EXPECT_EQ(answer->body, "raw!");
    EXPECT_EQ(log.all().at(0).find("Accept-Encoding"), std::string::npos);
}

TEST_F(http_client, keeps_the_connection_and_changes_nothing_for_a_request_on_it) {
    raw_server server{always(std::string{ok}, log)};
    ASSERT_TRUE(send(io, c, post(server.url())));
    auto const before = c.stats();
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(send(io, c, post(server.url(), std::string(8192, 'x'))));
    EXPECT_EQ(server.accepted(), 1);
    EXPECT_EQ(c.stats().connections, before.connections);
    EXPECT_EQ(c.stats().socket_changes, before.socket_changes) << "epoll_ctl calls on a kept connection";
    EXPECT_EQ(log.count(), 101U);
}

TEST_F(http_client, runs_many_at_once) {
    raw_server server{always(std::string{ok}, log)};
    std::vector<std::unique_ptr<sending>> all;
    for (int i = 0; i < 64; ++i)
        all.push_back(
            std::make_unique<sending>(io.get_executor(), c, post(server.url("/" + std::to_string(i))), in(20s)));
    io.run();
    for (auto const& s : all) ASSERT_TRUE(s->ended() && s->get()) << s->error();
    EXPECT_EQ(log.count(), 64U);
    EXPECT_EQ(server.accepted(), 64);
    ASSERT_TRUE(send(io, c, post(server.url())));
    EXPECT_EQ(server.accepted(), 64) << "connections of a burst are kept";
}

/// Sends one after the other, so that a fixed number is always under way.
awaitable<void> send_in_turn(client c, std::string url, int count, int& answered) {
    for (int i = 0; i < count; ++i) {
        auto const answer = co_await c.send(post(url), in(20s));
        if (answer) ++answered;
    }
}

TEST_F(http_client, keeps_every_connection_that_is_at_work_whatever_the_limit_of_idle_ones) {
    client const busy{io.get_executor(), {.max_idle_connections = 2}};
    raw_server server{always(std::string{ok}, log)};
    int answered = 0;
    for (int i = 0; i < 16; ++i) asio::co_spawn(io, send_in_turn(busy, server.url(), 10, answered), asio::detached);
    io.run();
    EXPECT_EQ(answered, 160);
    EXPECT_LE(server.accepted(), 20) << "connections are closed and opened while requests wait";
    // Sixteen finished at their own pace; of their connections two stay, and serve whoever comes.
    auto const before = server.accepted();
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(send(io, busy, post(server.url())));
    EXPECT_EQ(server.accepted(), before);
}

TEST_F(http_client, opens_no_more_connections_than_allowed) {
    client const few{io.get_executor(), {.max_connections_per_host = 3}};
    raw_server server{always(std::string{ok}, log)};
    std::vector<std::unique_ptr<sending>> all;
    for (int i = 0; i < 20; ++i)
        all.push_back(std::make_unique<sending>(io.get_executor(), few, post(server.url()), in(20s)));
    io.run();
    for (auto const& s : all) EXPECT_TRUE(s->ended() && s->get());
    EXPECT_LE(server.accepted(), 3);
}

TEST_F(http_client, keeps_no_connection_if_told_so) {
    client const none{io.get_executor(), {.max_idle_connections = 0}};
    raw_server server{always(std::string{ok}, log)};
    ASSERT_TRUE(send(io, none, post(server.url())));
    ASSERT_TRUE(send(io, none, post(server.url())));
    EXPECT_EQ(server.accepted(), 2);
}

TEST_F(http_client, makes_a_new_connection_when_the_idle_one_was_closed) {
    event closed;
    raw_server server{[&](peer& p) {
        log.add(p.read_request());
        p.write(ok);
        p.fin();
        closed.set();
    }};
    ASSERT_TRUE(send(io, c, post(server.url())));
    ASSERT_TRUE(closed.wait());
    auto const answer = send(io, c, post(server.url()));
    ASSERT_TRUE(answer) << answer.error();
    EXPECT_EQ(server.accepted(), 2);
    EXPECT_EQ(log.count(), 2U);
}

TEST_F(http_client, does_not_look_at_the_environments_proxies) {
    raw_server server{always(std::string{ok}, log)};
    for (auto const* name : {"http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"})
        ::setenv(name, "http://127.0.0.1:1", 1);
    auto const answer = send(io, c, post(server.url()));
    for (auto const* name : {"http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"}) ::unsetenv(name);
    ASSERT_TRUE(answer) << answer.error();
}

TEST_F(http_client, goes_through_a_proxy_that_it_is_given_for_https_only) {
    raw_server proxy{[this](peer& p) {
        log.add(p.read_request());
        p.write("HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n");
    }};
    client const proxied{io.get_executor(), {.proxy = proxy.url()}};
    auto const answer = send(io, proxied, post("https://api.example.invalid/v1"));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind(), fault_kind::not_sent);
    ASSERT_EQ(log.count(), 1U);
    EXPECT_TRUE(log.all().at(0).starts_with("CONNECT api.example.invalid:443 HTTP/1.1\r\n")) << log.all().at(0);
    EXPECT_EQ(log.all().at(0).find(canary), std::string::npos);

    raw_server server{always(std::string{ok}, log)};
    EXPECT_TRUE(send(io, proxied, post(server.url())));
    EXPECT_EQ(proxy.accepted(), 1);
}

TEST_F(http_client, refuses_a_proxy_that_is_none_without_repeating_it) {
    for (std::string const& proxy :
         {std::string{"htp://me:canary@proxy:1"}, std::string{"http://"}, std::string{"http://me:canary@proxy:port"}}) {
        try {
            client const none{io.get_executor(), {.proxy = proxy}};
            ADD_FAILURE() << "took " << proxy;
        } catch (std::invalid_argument const& e) {
            EXPECT_EQ(std::string{e.what()}.find("canary"), std::string::npos) << e.what();
        }
    }
    client const known{io.get_executor(), {.proxy = "proxy.example:3128"}};  // http, then
}

TEST_F(http_client, does_not_let_the_environment_lead_past_its_proxy) {
    raw_server proxy{[this](peer& p) {
        log.add(p.read_request());
        p.write("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
    }};
    auto const at = proxy.url();
    client const proxied{io.get_executor(), {.proxy = at}};
    for (auto const* name : {"no_proxy", "NO_PROXY"}) {
        ::setenv(name, "*", 1);
        auto const answer = send(io, proxied, post("https://127.0.0.1:1/v1"));
        ::unsetenv(name);
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().kind(), fault_kind::not_sent);
    }
    EXPECT_EQ(log.count(), 2U);
}

TEST_F(http_client, lets_run_return_while_it_is_idle) {
    raw_server server{always(std::string{ok}, log)};
    ASSERT_TRUE(send(io, c, post(server.url())));
    io.restart();
    EXPECT_EQ(io.run(), 0U);
}

TEST_F(http_client, is_a_copyable_handle) {
    raw_server server{always(std::string{ok}, log)};
    client const copy = c;
    ASSERT_TRUE(send(io, copy, post(server.url())));
    ASSERT_TRUE(send(io, c, post(server.url())));
    EXPECT_EQ(server.accepted(), 1);
    EXPECT_EQ(c.stats().transfers, 2U);
}

}  // namespace
}  // namespace coffer::inline COFFER_ABI::http::tests::curl_client_test
