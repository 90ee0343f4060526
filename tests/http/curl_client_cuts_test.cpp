// SPDX-License-Identifier: BSL-1.0
// An exchange that is cut after each of its bytes in turn, in order or by a reset. Whatever the byte: an answer is whole or
// is none, a request that may have left is never said not to have, and nothing is sent a second time.
#include <coffer/http/curl_client.hpp>

#include "support/driver.hpp"
#include "support/h2_peer.hpp"
#include "support/raw_server.hpp"
#include "support/tls_front.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI::http::tests::curl_client_cuts_test {
namespace {

using enum knowledge;

struct exchange {
    char const* name;
    std::string_view answer;
    std::string_view body;
    /// Only the close ends the body: cut within it, the answer looks whole, and is marked.
    bool ends_with_connection = false;
    bool chunked = false;
};
std::ostream& operator<<(std::ostream& out, exchange const& e) { return out << e.name; }

exchange const exchanges[]{
    {"a_length", "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\nhello", "hello"},
    {"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", "hello", false,
     true},
    {"trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-A: 1\r\n\r\n", "hello",
     false, true},
    {"a_hint_before", "HTTP/1.1 103 Early Hints\r\nX-A: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
     "hello"},
    {"nothing_but_its_close", "HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\nhello", "hello", true},
    {"no_body", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""},
};

class http_cuts : public testing::TestWithParam<exchange> {
protected:
    /// What the client makes of an answer of which only the first `sent` bytes come.
    result cut_after(std::size_t sent, bool reset) {
        std::atomic<int> requests{0};
        raw_server server{[&](peer& p) {
            if (p.read_request().empty()) return;
            ++requests;
            p.write(GetParam().answer.substr(0, sent));
            reset ? p.rst() : p.fin();
        }};
        auto got = send(io, c, post(server.url()));
        EXPECT_EQ(requests, 1);
        return got;
    }
    static void expect_whole(response const& r) {
        EXPECT_EQ(r.status, 200);
        EXPECT_EQ(r.body, GetParam().body);
    }

    asio::io_context io;
    client c{io.get_executor()};
};

TEST_P(http_cuts, in_order_are_told_by_what_had_come) {
    auto const& all = GetParam().answer;
    // The line end of the final status line is what makes it known.
    auto const status_known = all.find("\r\n", all.find(" 200 ")) + 2;
    auto const head_end = all.find("\r\n\r\n", status_known - 2);
    for (std::size_t sent = 0; sent <= all.size(); ++sent) {
        SCOPED_TRACE(testing::Message() << sent << " bytes");
        auto const got = cut_after(sent, false);
        if (sent == all.size()) {
            ASSERT_TRUE(got) << got.error();
            expect_whole(*got);
            EXPECT_EQ(got->body_terminated_by_close, GetParam().ends_with_connection);
            continue;
        }
        if (GetParam().ends_with_connection && sent >= head_end + 4) {
            ASSERT_TRUE(got) << got.error();
            EXPECT_TRUE(got->body_terminated_by_close);
            EXPECT_EQ(got->body, GetParam().body.substr(0, sent - head_end - 4));
            continue;
        }
        if (got && GetParam().chunked && sent == all.size() - 1) {  // the last chunk has come, only its last LF has not
            expect_whole(*got);
            continue;
        }
        ASSERT_FALSE(got) << "taken for whole: " << got->body;
        auto const& f = got.error();
        if (sent < status_known - 1) {
            EXPECT_EQ(f.kind(), fault_kind::ambiguous) << f;
            EXPECT_EQ(f.execution(), maybe) << f;
        } else if (sent >= status_known) {
            EXPECT_EQ(f.kind(), fault_kind::broken_stream) << f;
            EXPECT_EQ(f.execution(), yes) << f;
            EXPECT_EQ(f.status(), 200) << f;
        }
        EXPECT_EQ(f.billing(), maybe) << f;
    }
}

TEST_P(http_cuts, by_a_reset_never_make_an_answer_of_a_part_nor_a_request_unsent) {
    auto const& all = GetParam().answer;
    for (std::size_t sent = 0; sent <= all.size(); ++sent) {
        SCOPED_TRACE(testing::Message() << sent << " bytes");
        auto const got = cut_after(sent, true);
        if (got) {  // a reset may come after all of it was read, and may overtake what was written
            EXPECT_GE(sent, all.size() - (GetParam().chunked ? 1 : 0));
            expect_whole(*got);
            continue;
        }
        auto const& f = got.error();
        EXPECT_TRUE(f.kind() == fault_kind::ambiguous || f.kind() == fault_kind::broken_stream) << f;
        EXPECT_EQ(f.billing(), maybe) << f;
        EXPECT_NE(f.execution(), no) << f;
    }
}

INSTANTIATE_TEST_SUITE_P(of_an_answer_ended_by, http_cuts, testing::ValuesIn(exchanges),
                         [](auto const& p) { return std::string{p.param.name}; });

TEST(http_request_cuts, within_a_request_prove_nothing_of_it) {
    asio::io_context io;
    client const c{io.get_executor()};
    std::string const body(200, 'b');
    for (std::size_t const read : {0U, 1U, 5U, 20U, 100U, 200U, 300U})
        for (bool const reset : {false, true}) {
            SCOPED_TRACE(testing::Message() << read << " bytes, " << (reset ? "reset" : "in order"));
            raw_server server{[&](peer& p) {
                (void)p.read_exactly(read);
                reset ? p.rst() : p.fin();
            }};
            auto const got = send(io, c, post(server.url(), body));
            ASSERT_FALSE(got);
            // A connection that is reset before the client has looked at it never carried a byte.
            bool const unsent = read == 0 && got.error().kind() == fault_kind::not_sent;
            EXPECT_TRUE(unsent || got.error().kind() == fault_kind::ambiguous) << got.error();
            EXPECT_EQ(got.error().billing(), unsent ? no : maybe) << got.error();
            EXPECT_EQ(server.accepted(), 1);
        }
}

TEST(http2_cuts, in_order_are_told_by_what_had_come) {
    if ((curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2) == 0)
        GTEST_SKIP() << "this libcurl has no HTTP/2";
    if (!certificate::get().made()) GTEST_SKIP() << "no program openssl to make a certificate";
    constexpr std::size_t head = 9 + 1;  // a frame of one indexed field
    constexpr std::size_t all = head + 9 + 2;
    auto const ca = certificate::get().file();
    asio::io_context io;
    client const c{io.get_executor(), {.ca_file = ca}};
    std::atomic<std::size_t> sent{0};
    std::atomic<int> requests{0};
    raw_server server{[&](peer& p) {
        h2_peer h2{p};
        auto const stream = h2.read_request();
        if (stream == 0) return;
        ++requests;
        h2.wait_until_read();  // the settings are through, so that nothing but the answer is cut
        h2.write_only(sent);
        h2.answer(stream);
        p.fin();
    }};
    tls_front const front{server, "h2"};
    if (!front.works()) GTEST_SKIP() << "no program python3";
    for (std::size_t n = 0; n <= all; ++n) {
        SCOPED_TRACE(testing::Message() << n << " bytes");
        sent = n;
        auto const got = send(io, c, post(front.url()));
        if (n == all) {
            ASSERT_TRUE(got) << got.error();
            EXPECT_EQ(got->body, "ok");
            continue;
        }
        ASSERT_FALSE(got) << "taken for whole: " << got->body;
        EXPECT_EQ(got.error().kind(), n < head ? fault_kind::ambiguous : fault_kind::broken_stream) << got.error();
        EXPECT_EQ(got.error().execution(), n < head ? maybe : yes) << got.error();
        EXPECT_EQ(got.error().billing(), maybe) << got.error();
    }
    EXPECT_EQ(requests, static_cast<int>(all) + 1) << "nothing was sent twice";
}

}  // namespace
}  // namespace coffer::inline COFFER_ABI::http::tests::curl_client_cuts_test
