// SPDX-License-Identifier: BSL-1.0
// Whom the client trusts, and what TLS adds to the ways in which an answer breaks off.
#include <coffer/http/curl_client.hpp>

#include "support/driver.hpp"
#include "support/raw_server.hpp"
#include "support/tls_front.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coffer::inline v0::http::tests {
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

}  // namespace
}  // namespace coffer::inline v0::http::tests
