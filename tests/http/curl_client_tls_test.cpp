// SPDX-License-Identifier: BSL-1.0
// Whom the client trusts, and what TLS adds to the ways in which an answer breaks off.
#include <coffer/http/curl_client.hpp>

#include "support/driver.hpp"
#include "support/raw_server.hpp"
#include "support/tls_front.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace coffer::inline COFFER_ABI::http::tests::curl_client_tls_test {
namespace {

using enum knowledge;

class http_tls : public testing::Test {
protected:
    void SetUp() override {
        if (!certificate::get().made()) GTEST_SKIP() << "no program openssl to make a certificate";
    }

    std::string const ca = certificate::get().file();
    asio::io_context io;
    client trusting{io.get_executor(), {.ca_file = ca}};
    request_log log;
};

TEST_F(http_tls, a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_sent) {
    raw_server server{always(std::string{ok}, log)};
    tls_front const front{server, "http/1.1"};
    client const strict{io.get_executor()};
    auto const got = send(io, strict, post(front.url()));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), fault_kind::not_sent) << got.error();
    EXPECT_NE(got.error().message().find("certificate"), std::string_view::npos) << got.error();
    EXPECT_EQ(log.count(), 0U);
}

TEST_F(http_tls, one_of_the_given_authority_is_accepted) {
    raw_server server{always(std::string{ok}, log)};
    tls_front const front{server, "http/1.1"};
    for (int i = 0; i < 5; ++i) {
        auto const got = send(io, trusting, post(front.url()));
        ASSERT_TRUE(got) << got.error();
        EXPECT_EQ(got->body, "ok");
    }
    EXPECT_EQ(server.accepted(), 1) << "connections are kept";
}

TEST_F(http_tls, one_for_another_name_is_refused) {
    raw_server server{always(std::string{ok}, log)};
    tls_front const front{server, "http/1.1"};
    auto const got = send(io, trusting, post("https://localhost:" + front.port() + "/"));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), fault_kind::not_sent) << got.error();
    EXPECT_EQ(log.count(), 0U);
}

TEST_F(http_tls, an_authority_that_cannot_be_read_trusts_nobody) {
    raw_server server{always(std::string{ok}, log)};
    tls_front const front{server, "http/1.1"};
    client const lost{io.get_executor(), {.ca_file = "/nonexistent/ca.pem"}};
    auto const got = send(io, lost, post(front.url()));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), fault_kind::not_sent) << got.error();
}

TEST_F(http_tls, hidden_resend_is_prevented_here_too) {
    raw_server server{[&](peer& p) {
        for (int i = 0; i < 2; ++i) {
            auto r = p.read_request();
            if (r.empty()) return;
            log.add(std::move(r));
            if (i == 0) p.write(ok);
        }
    }};
    tls_front const front{server, "http/1.1"};
    ASSERT_TRUE(send(io, trusting, post(front.url())));
    auto const got = send(io, trusting, post(front.url()));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), fault_kind::ambiguous) << got.error();
    EXPECT_EQ(log.count(), 2U);
    EXPECT_EQ(trusting.stats().resends_prevented, 1U);
}

TEST_F(http_tls, a_body_that_ends_without_tls_saying_so_is_broken_or_marked) {
    // libcurl asks OpenSSL 3 to overlook a missing end of TLS, because so many servers leave it out.
    for (auto const end : {tls_end::clean, tls_end::without_notice}) {
        raw_server server{[&](peer& p) {
            (void)p.read_request();
            p.write("HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n");
        }};
        tls_front const front{server, "http/1.1", end};
        auto const got = send(io, trusting, post(front.url()));
        if (got) {
            EXPECT_TRUE(got->body_terminated_by_close);
        } else {
            EXPECT_EQ(got.error().kind(), fault_kind::broken_stream) << got.error();
        }
    }
}

TEST_F(http_tls, ends_of_connections_prove_what_they_prove_without_tls) {
    for (auto const end : {tls_end::clean, tls_end::without_notice})
        for (bool const answering : {false, true})
            for (bool const reset : {false, true}) {
                raw_server server{[&](peer& p) {
                    if (p.read_request().empty()) return;
                    if (answering) p.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
                    reset ? p.rst() : p.fin();
                }};
                tls_front const front{server, "http/1.1", end};
                auto const got = send(io, trusting, post(front.url()));
                ASSERT_FALSE(got);
                // A reset may overtake what was written before it.
                if (!(answering && reset)) {
                    EXPECT_EQ(got.error().kind(), answering ? fault_kind::broken_stream : fault_kind::ambiguous)
                        << got.error();
                }
                EXPECT_EQ(got.error().billing(), maybe) << got.error();
                EXPECT_EQ(server.accepted(), 1);
            }
}

TEST_F(http_tls, writing_to_a_connection_that_is_gone_does_not_end_the_process) {
    raw_server server{[&](peer& p) {
        (void)p.read_exactly(1000);
        p.rst();
    }};
    tls_front const front{server, "http/1.1", tls_end::without_notice};
    for (int i = 0; i < 5; ++i) {
        auto const got = send(io, trusting, post(front.url(), std::string(5'000'000, 'x')));
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error().billing(), maybe) << got.error();
    }
}

// A client's own certificate.

class http_client_certificate : public http_tls {
protected:
    std::string const own = certificate::get().file();
    std::string const key = certificate::get().key();
    raw_server server{always(std::string{ok}, log)};
};

TEST_F(http_client_certificate, is_shown_to_a_server_that_asks_for_one) {
    tls_front const front{server, "http/1.1", tls_end::clean, tls_asks::certificate};
    client const known{io.get_executor(), {.ca_file = ca, .client_certificate = own, .client_key = key}};
    for (int i = 0; i < 3; ++i) {
        auto const got = send(io, known, post(front.url()));
        ASSERT_TRUE(got) << got.error();
    }
    EXPECT_EQ(server.accepted(), 1) << "and the connection is kept";
    EXPECT_EQ(log.count(), 3U);
}

TEST_F(http_client_certificate, may_stand_in_one_file_with_its_key) {
    tls_front const front{server, "http/1.1", tls_end::clean, tls_asks::certificate};
    auto const both = own + ".both";
    {
        std::ofstream out{both};
        out << std::ifstream{own}.rdbuf() << std::ifstream{key}.rdbuf();
    }
    client const known{io.get_executor(), {.ca_file = ca, .client_certificate = both}};
    auto const got = send(io, known, post(front.url()));
    EXPECT_TRUE(got) << got.error();
}

TEST_F(http_client_certificate, changes_nothing_for_a_server_that_does_not_ask) {
    tls_front const front{server, "http/1.1"};
    client const known{io.get_executor(), {.ca_file = ca, .client_certificate = own, .client_key = key}};
    auto const got = send(io, known, post(front.url()));
    EXPECT_TRUE(got) << got.error();
}

TEST_F(http_client_certificate, is_missed_by_a_server_that_asks) {
    for (auto const asks : {tls_asks::certificate, tls_asks::certificate_in_tls12}) {
        tls_front const front{server, "http/1.1", tls_end::clean, asks};
        auto const got = send(io, trusting, post(front.url()));
        ASSERT_FALSE(got);
        // In TLS 1.3 the server says so only when the client, for its part done, has begun to send.
        if (asks == tls_asks::certificate_in_tls12) {
            EXPECT_EQ(got.error().kind(), fault_kind::not_sent) << got.error();
        } else {
            EXPECT_TRUE(got.error().kind() == fault_kind::ambiguous || got.error().kind() == fault_kind::not_sent)
                << got.error();
        }
    }
    EXPECT_EQ(log.count(), 0U);
}

TEST_F(http_client_certificate, that_cannot_be_used_sends_nothing) {
    tls_front const front{server, "http/1.1", tls_end::clean, tls_asks::certificate};
    auto const under_a_password = key + ".locked";
    child openssl{{"openssl", "pkey", "-in", key, "-aes256", "-passout", "pass:secret", "-out", under_a_password}};
    ASSERT_EQ(openssl.wait(), 0);
    struct files {
        std::string certificate;
        std::string key;
    };
    files const all[]{
        {"/nonexistent/cert.pem", key}, {own, "/nonexistent/key.pem"}, {own, own}, {own, under_a_password}};
    for (auto const& f : all) {
        client const lost{io.get_executor(), {.ca_file = ca, .client_certificate = f.certificate, .client_key = f.key}};
        auto const got = send(io, lost, post(front.url()));
        ASSERT_FALSE(got) << f.certificate << ", " << f.key;
        EXPECT_EQ(got.error().kind(), fault_kind::not_sent) << got.error();
        EXPECT_EQ(got.error().billing(), no) << got.error();
    }
    EXPECT_EQ(log.count(), 0U);
}

TEST_F(http_client_certificate, is_needed_where_a_key_is_given) {
    EXPECT_THROW((client{io.get_executor(), {.client_key = key}}), std::invalid_argument);
}

// Through a proxy's tunnel.

class http_tunnel : public http_tls {};

TEST_F(http_tunnel, carries_requests_and_is_kept) {
    raw_server server{always(std::string{ok}, log)};
    tls_front const front{server, "http/1.1", tls_end::clean, tls_asks::tunnel};
    auto const proxy = "http://127.0.0.1:" + front.port();
    client const proxied{io.get_executor(), {.ca_file = ca, .proxy = proxy}};
    for (int i = 0; i < 3; ++i) {
        auto const got = send(io, proxied, post("https://127.0.0.1:1/v1"));
        ASSERT_TRUE(got) << got.error();
        EXPECT_EQ(got->body, "ok");
    }
    EXPECT_EQ(server.accepted(), 1);
    for (auto const& seen : log.all()) EXPECT_TRUE(seen.starts_with("POST /v1 HTTP/1.1\r\n")) << seen;
}

TEST_F(http_tunnel, makes_the_ends_of_connections_prove_no_more_and_no_less) {
    for (bool const kept : {false, true}) {
        request_log seen;
        raw_server server{[&](peer& p) {
            for (int i = 0; i < 2; ++i) {
                auto r = p.read_request();
                if (r.empty()) return;
                seen.add(std::move(r));
                if (!kept || i == 1) return;
                p.write(ok);
            }
        }};
        tls_front const front{server, "http/1.1", tls_end::clean, tls_asks::tunnel};
        auto const proxy = "http://127.0.0.1:" + front.port();
        client const proxied{io.get_executor(), {.ca_file = ca, .proxy = proxy}};
        if (kept) {
            ASSERT_TRUE(send(io, proxied, post("https://127.0.0.1:1/")));
        }
        auto const got = send(io, proxied, post("https://127.0.0.1:1/"));
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error().kind(), fault_kind::ambiguous) << got.error();
        EXPECT_EQ(got.error().billing(), maybe) << got.error();
        EXPECT_EQ(seen.count(), kept ? 2U : 1U) << "nothing is sent twice";
        EXPECT_EQ(proxied.stats().resends_prevented, kept ? 1U : 0U);
    }
}

}  // namespace
}  // namespace coffer::inline COFFER_ABI::http::tests::curl_client_tls_test
