// SPDX-License-Identifier: BSL-1.0
// What fails, on real sockets: every row of the table that HTTP/1.1 on this machine can show, with what the server saw.
#include <coffer/http/curl_client.hpp>

#include "support/driver.hpp"
#include "support/raw_server.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace coffer::inline COFFER_ABI::http::tests::curl_client_faults_test {
namespace {

using enum knowledge;

class http_faults : public testing::Test {
protected:
    void expect(result const& got, fault_kind kind, knowledge execution, knowledge billing, int status = 0) {
        ASSERT_FALSE(got) << "status " << got->status << ", body " << got->body;
        auto const& f = got.error();
        EXPECT_EQ(f.kind(), kind) << f;
        EXPECT_EQ(f.execution(), execution) << f;
        EXPECT_EQ(f.billing(), billing) << f;
        EXPECT_EQ(f.status(), status) << f;
        EXPECT_EQ(text(f).find("canary"), std::string::npos) << f;
        EXPECT_FALSE(f.message().empty());
    }
    /// Sends to a server that reads the request and then does `ends`; it must have been read exactly once.
    result after_request(std::function<void(peer&)> ends) {
        raw_server server{[&](peer& p) {
            auto r = p.read_request();
            if (r.empty()) return;
            log.add(std::move(r));
            ends(p);
        }};
        auto got = send(io, c, post(server.url()));
        EXPECT_EQ(log.count(), ++expected_sends) << "sends that the server saw";
        return got;
    }

    asio::io_context io;
    client c{io.get_executor()};
    request_log log;
    std::size_t expected_sends = 0;
};

// Not a byte left.

TEST_F(http_faults, refused_connect) {
    std::uint16_t port = 0;
    {
        port = raw_server{nullptr}.port();
    }
    expect(send(io, c, post("http://127.0.0.1:" + std::to_string(port))), fault_kind::not_sent, no, no);
}

TEST_F(http_faults, name_that_does_not_resolve) {
    expect(send(io, c, post("https://coffer-test.invalid/")), fault_kind::not_sent, no, no);
}

TEST_F(http_faults, tls_to_a_plain_port) {
    raw_server server{[](peer& p) {
        (void)p.read_exactly(16);
        p.write("HTTP/1.1 400 Bad Request\r\n\r\n");
        p.fin();
    }};
    expect(send(io, c, post("https://127.0.0.1:" + std::to_string(server.port()))), fault_kind::not_sent, no, no);
}

TEST_F(http_faults, tls_handshake_cut) {
    raw_server server{[](peer& p) {
        (void)p.read_exactly(16);
        p.rst();
    }};
    expect(send(io, c, post("https://127.0.0.1:" + std::to_string(server.port()))), fault_kind::not_sent, no, no);
}

TEST_F(http_faults, connect_timeout_while_tls_stalls) {
    raw_server server{[](peer& p) { (void)p.wait_for_close(); }};
    auto r = post("https://127.0.0.1:" + std::to_string(server.port()));
    r.connect_timeout = 50ms;
    expect(send(io, c, std::move(r)), fault_kind::not_sent, no, no);
}

TEST_F(http_faults, connect_timeout_while_nobody_accepts) {
    raw_server server{nullptr, 0};  // nobody accepts, and its queue holds one connection
    std::vector<int> queue;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < 3; ++i) {
        queue.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
        (void)::connect(queue.back(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
    auto r = post(server.url());
    r.connect_timeout = 100ms;
    expect(send(io, c, std::move(r)), fault_kind::not_sent, no, no);
    for (int const fd : queue) ::close(fd);
}

TEST_F(http_faults, proxy_that_cannot_be_reached) {
    std::uint16_t port = 0;
    {
        port = raw_server{nullptr}.port();
    }
    auto const refusing = "http://127.0.0.1:" + std::to_string(port);
    for (std::string const& proxy : {std::string{"http://coffer-test.invalid:3128"}, refusing}) {
        client const proxied{io.get_executor(), {.proxy = proxy}};
        expect(send(io, proxied, post("https://api.example.invalid/")), fault_kind::not_sent, no, no);
    }
}

TEST_F(http_faults, proxy_that_refuses_the_tunnel_or_breaks_it_off) {
    for (std::string_view const answer :
         {std::string_view{"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"},
          std::string_view{"HTTP/1.1 200 O"}, std::string_view{},
          std::string_view{"HTTP/1.1 200 OK\r\n\r\n"} /* and no TLS behind it */}) {
        raw_server proxy{[&](peer& p) {
            log.add(p.read_request());
            p.write(answer);
        }};
        auto const at = proxy.url();
        client const proxied{io.get_executor(), {.proxy = at}};
        expect(send(io, proxied, post("https://api.example.invalid/")), fault_kind::not_sent, no, no);
    }
    for (auto const& seen : log.all()) EXPECT_TRUE(seen.starts_with("CONNECT ")) << seen;
    EXPECT_EQ(log.count(), 4U);
}

TEST_F(http_faults, proxy_whose_handshake_is_none) {
    raw_server proxy{[](peer& p) {
        (void)p.read_exactly(3);
        p.write("\x04\xff");
    }};
    auto const at = "socks5h://127.0.0.1:" + std::to_string(proxy.port());
    client const proxied{io.get_executor(), {.proxy = at}};
    expect(send(io, proxied, post("https://api.example.invalid/")), fault_kind::not_sent, no, no);
    EXPECT_EQ(proxy.accepted(), 1);
}

TEST_F(http_faults, requests_that_are_refused_before_anything_is_done) {
    expect(send(io, c, post("http://example.com/")), fault_kind::invalid_request, no, no);
    expect(send(io, c, post("https://user:canary@example.com/")), fault_kind::invalid_request, no, no);
    auto r = post("https://example.com/");
    r.headers.add("X", "a\r\nb");
    expect(send(io, c, std::move(r)), fault_kind::invalid_request, no, no);
    expect(send(io, c, post("https://example.com/"), in(-1s)), fault_kind::deadline_exceeded, no, no);
    EXPECT_EQ(c.stats().transfers, 0U);
}

// It may have been executed.

TEST_F(http_faults, fin_after_the_request) {
    expect(after_request([](peer& p) { p.fin(); }), fault_kind::ambiguous, maybe, maybe);
}

TEST_F(http_faults, rst_after_the_request) {
    expect(after_request([](peer& p) { p.rst(); }), fault_kind::ambiguous, maybe, maybe);
}

TEST_F(http_faults, rst_before_the_request_was_read) {
    raw_server server{[](peer& p) {
        (void)p.read_exactly(1);
        p.rst();
    }};
    expect(send(io, c, post(server.url())), fault_kind::ambiguous, maybe, maybe);
    EXPECT_EQ(server.accepted(), 1);
}

TEST_F(http_faults, rst_within_the_requests_body) {
    raw_server server{[](peer& p) {
        (void)p.read_exactly(100'000);
        p.rst();
    }};
    expect(send(io, c, post(server.url(), std::string(30'000'000, 'x'))), fault_kind::ambiguous, maybe, maybe);
    EXPECT_EQ(server.accepted(), 1);
}

TEST_F(http_faults, half_a_status_line) {
    expect(after_request([](peer& p) { p.write("HTTP/1.1 20"); }), fault_kind::ambiguous, maybe, maybe);
}

TEST_F(http_faults, not_http_at_all) {
    expect(after_request([](peer& p) { p.write("SSH-2.0-OpenSSH_9.2\r\n"); }), fault_kind::ambiguous, maybe, maybe);
}

TEST_F(http_faults, only_an_informational_response) {
    expect(after_request([](peer& p) { p.write("HTTP/1.1 100 Continue\r\n\r\n"); }), fault_kind::ambiguous, maybe,
           maybe);
}

// The hidden second send: on a kept connection libcurl posts again by itself when the server closes after reading.

TEST_F(http_faults, hidden_resend_on_a_kept_connection_is_prevented) {
    for (bool const reset : {false, true}) {
        request_log seen;
        raw_server server{[&](peer& p) {
            for (int i = 0; i < 2; ++i) {
                auto r = p.read_request();
                if (r.empty()) return;
                seen.add(std::move(r));
                if (i == 0) p.write(ok);
            }
            reset ? p.rst() : p.fin();
        }};
        auto const before = c.stats().resends_prevented;
        ASSERT_TRUE(send(io, c, post(server.url("/first"))));
        expect(send(io, c, post(server.url("/second"))), fault_kind::ambiguous, maybe, maybe);
        EXPECT_EQ(seen.count(), 2U) << "one for each call";
        EXPECT_EQ(c.stats().resends_prevented, before + 1) << "the situation was not met";
        EXPECT_TRUE(send(io, c, post(server.url("/third")))) << "the client works on";
    }
}

TEST_F(http_faults, hidden_resend_of_a_get_is_prevented_too) {
    raw_server server{[&](peer& p) {
        for (int i = 0; i < 2; ++i) {
            auto r = p.read_request();
            if (r.empty()) return;
            log.add(std::move(r));
            if (i == 0) p.write(ok);
        }
    }};
    ASSERT_TRUE(send(io, c, request{"GET", server.url()}));
    expect(send(io, c, request{"GET", server.url()}), fault_kind::ambiguous, maybe, maybe);
    EXPECT_EQ(log.count(), 2U);
}

// It was executed, and the answer is lost.

TEST_F(http_faults, fin_within_a_body_of_known_length) {
    expect(after_request([](peer& p) { p.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"); }),
           fault_kind::broken_stream, yes, maybe, 200);
}

TEST_F(http_faults, fin_before_a_body_of_known_length) {
    expect(after_request([](peer& p) { p.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"); }),
           fault_kind::broken_stream, yes, maybe, 200);
}

TEST_F(http_faults, fin_within_chunks) {
    expect(
        after_request([](peer& p) { p.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"); }),
        fault_kind::broken_stream, yes, maybe, 200);
}

TEST_F(http_faults, rst_within_the_body) {
    expect(after_request([](peer& p) {
               p.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
               p.rst();
           }),
           fault_kind::broken_stream, yes, maybe, 200);
}

TEST_F(http_faults, chunks_that_are_none) {
    expect(after_request([](peer& p) { p.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n"); }),
           fault_kind::broken_stream, yes, maybe, 200);
}

TEST_F(http_faults, an_errors_body_cut_proves_no_execution) {
    expect(after_request([](peer& p) { p.write("HTTP/1.1 503 No\r\nContent-Length: 10\r\n\r\nhalf"); }),
           fault_kind::broken_stream, maybe, maybe, 503);
}

TEST_F(http_faults, fin_within_the_head) {  // which libcurl takes for an answer without a body
    expect(after_request([](peer& p) { p.write("HTTP/1.1 200 OK\r\nX-A: 1\r\n"); }), fault_kind::broken_stream, yes,
           maybe, 200);
}

// Over a limit.

TEST_F(http_faults, body_over_the_limit_by_its_declared_length) {
    event closed;
    raw_server server{[&](peer& p) {
        log.add(p.read_request());
        p.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        if (p.wait_for_close()) closed.set();  // without having sent a byte of the body
    }};
    auto r = post(server.url());
    r.max_body_bytes = 999;
    expect(send(io, c, std::move(r)), fault_kind::defective_answer, yes, yes, 200);
    EXPECT_TRUE(closed.wait());
    EXPECT_EQ(log.count(), 1U);
}

TEST_F(http_faults, body_over_the_limit_in_chunks) {
    raw_server server{always(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n8\r\n12345678\r\n0\r\n\r\n", log)};
    auto r = post(server.url());
    r.max_body_bytes = 15;
    expect(send(io, c, r), fault_kind::defective_answer, yes, yes, 200);
    r.max_body_bytes = 16;
    auto const got = send(io, c, r);
    ASSERT_TRUE(got) << got.error();
    EXPECT_EQ(got->body.size(), 16U);
}

TEST_F(http_faults, body_over_the_limit_without_end) {
    raw_server server{[](peer& p) {
        (void)p.read_request();
        p.write("HTTP/1.1 200 OK\r\n\r\n");
        for (int i = 0; i < 10'000; ++i) p.write(std::string(10'000, 'x'));
    }};
    auto r = post(server.url());
    r.max_body_bytes = 100'000;
    expect(send(io, c, std::move(r)), fault_kind::defective_answer, yes, yes, 200);
}

TEST_F(http_faults, head_over_the_limit) {
    raw_server server{
        always("HTTP/1.1 200 OK\r\nX-Long: " + std::string(5000, 'x') + "\r\nContent-Length: 2\r\n\r\nok", log)};
    auto r = post(server.url());
    r.max_header_bytes = 4096;
    expect(send(io, c, r), fault_kind::defective_answer, yes, yes, 200);
    r.max_header_bytes = 8192;
    EXPECT_TRUE(send(io, c, r));
}

TEST_F(http_faults, head_without_end) {
    raw_server server{[](peer& p) {
        (void)p.read_request();
        p.write("HTTP/1.1 200 OK\r\n");
        for (int i = 0; i < 100'000; ++i) p.write("X-Again: and again\r\n");
    }};
    expect(send(io, c, post(server.url())), fault_kind::defective_answer, yes, yes, 200);
}

TEST_F(http_faults, a_client_that_met_all_of_this_still_works) {
    for (int i = 0; i < 20; ++i) {
        (void)after_request([i](peer& p) { i % 2 == 0 ? p.rst() : p.fin(); });
    }
    raw_server server{always(std::string{ok}, log)};
    EXPECT_TRUE(send(io, c, post(server.url())));
}

}  // namespace
}  // namespace coffer::inline COFFER_ABI::http::tests::curl_client_faults_test
