// SPDX-License-Identifier: BSL-1.0
#include <coffer/http/response_head.hpp>

#include <gtest/gtest.h>

#include <initializer_list>
#include <random>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI::http::response_head_test {
namespace {

response_head head(std::initializer_list<std::string_view> lines) {
    response_head h;
    for (auto const line : lines) EXPECT_TRUE(h.feed(std::string{line} + "\r\n"));
    return h;
}

TEST(http_response_head, reads_status_version_and_fields) {
    auto h = head({"HTTP/1.1 200 OK", "Content-Type:application/json ", "X-A: \t1", "X-A: 2", ""});
    EXPECT_TRUE(h.complete());
    EXPECT_EQ(h.status(), 200);
    EXPECT_EQ(h.version(), version::http1_1);
    EXPECT_EQ(h.headers().first("content-type"), "application/json");
    EXPECT_EQ(h.headers().all("x-a"), (std::vector<std::string_view>{"1", "2"}));
}

TEST(http_response_head, reads_every_version) {
    EXPECT_EQ(head({"HTTP/1.0 200 OK"}).version(), version::http1_0);
    EXPECT_EQ(head({"HTTP/2 200 "}).version(), version::http2);
    EXPECT_EQ(head({"HTTP/2 204"}).status(), 204);
    EXPECT_EQ(head({"HTTP/3 200"}).version(), version::http3);
}

TEST(http_response_head, an_informational_response_is_none) {
    auto h = head({"HTTP/1.1 100 Continue", "X-Hint: early", ""});
    EXPECT_EQ(h.status(), 0);
    EXPECT_FALSE(h.complete());
    EXPECT_TRUE(h.feed("HTTP/1.1 103 Early Hints\r\n"));
    EXPECT_TRUE(h.feed("\r\n"));
    EXPECT_TRUE(h.feed("HTTP/1.1 429 Too Many Requests\r\n"));
    EXPECT_EQ(h.status(), 429);
    EXPECT_FALSE(h.complete());
    EXPECT_TRUE(h.feed("\r\n"));
    EXPECT_TRUE(h.complete());
    EXPECT_FALSE(h.headers().contains("x-hint"));
}

TEST(http_response_head, leaves_trailers_out) {
    auto h = head({"HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", "X-Trailer: 1", ""});
    EXPECT_FALSE(h.headers().contains("x-trailer"));
    EXPECT_EQ(h.status(), 200);
}

TEST(http_response_head, joins_folded_lines) {
    EXPECT_EQ(head({"HTTP/1.1 200 OK", "X-A: one", "\t two ", ""}).headers().first("x-a"), "one two");
    EXPECT_EQ(head({"HTTP/1.1 200 OK", "Content-Length:", " 5", "  ", ""}).content_length(), 5U);
    EXPECT_TRUE(head({"HTTP/1.1 200 OK", " folded to nothing", ""}).complete());
}

TEST(http_response_head, leaves_blanks_around_values_out_bare_line_ends_too) {
    EXPECT_EQ(head({"HTTP/1.1 200 OK", "X-A: \t one \r\t", ""}).headers().first("x-a"), "one");
}

TEST(http_response_head, has_a_limit_that_counts_everything) {
    response_head h{40};
    EXPECT_TRUE(h.feed("HTTP/1.1 100 C\r\n"));  // 16
    EXPECT_TRUE(h.feed("\r\n"));                // 18
    EXPECT_TRUE(h.feed("HTTP/1.1 200 OK\r\n")); // 35
    EXPECT_FALSE(h.feed("X-Long: 1\r\n"));
    EXPECT_TRUE(h.feed("A:b\r\n"));             // 40, exactly
    EXPECT_FALSE(h.feed("x"));
}

TEST(http_response_head, reads_only_whole_lengths) {
    EXPECT_EQ(head({"HTTP/1.1 200 OK", "Content-Length: 12", ""}).content_length(), 12U);
    EXPECT_FALSE(head({"HTTP/1.1 200 OK", "Content-Length: -1", ""}).content_length());
    EXPECT_FALSE(head({"HTTP/1.1 200 OK", "Content-Length: 12, 12", ""}).content_length());
    EXPECT_FALSE(head({"HTTP/1.1 200 OK", "Content-Length: 99999999999999999999999", ""}).content_length());
    EXPECT_FALSE(head({"HTTP/1.1 200 OK", ""}).content_length());
}

TEST(http_response_head, knows_when_only_the_close_ends_the_body) {
    EXPECT_TRUE(head({"HTTP/1.1 200 OK", "Connection: close", ""}).body_ends_with_connection("POST"));
    EXPECT_TRUE(head({"HTTP/1.0 200 OK", ""}).body_ends_with_connection("POST"));
    EXPECT_FALSE(head({"HTTP/1.0 200 OK", ""}).body_ends_with_connection("HEAD"));
    EXPECT_FALSE(head({"HTTP/1.1 204 No", ""}).body_ends_with_connection("POST"));
    EXPECT_FALSE(head({"HTTP/1.1 200 OK", "Content-Length: 0", ""}).body_ends_with_connection("POST"));
    EXPECT_FALSE(head({"HTTP/1.1 200 OK", "Transfer-Encoding: gzip, Chunked", ""}).body_ends_with_connection("POST"));
    EXPECT_FALSE(head({"HTTP/2 200", ""}).body_ends_with_connection("POST"));
}

TEST(http_response_head, survives_noise) {
    std::mt19937 random{7};
    for (int run = 0; run < 2000; ++run) {
        response_head h{4096};
        for (int line = 0; line < 20; ++line) {
            static constexpr std::string_view pieces[]{
                "HTTP/", "1.1", " ", "200", ":", "\r", "\n", "\t", "99999999999", "a", std::string_view{"\0", 1}};
            std::string text;
            for (auto n = random() % 8; n > 0; --n) text += pieces[random() % std::size(pieces)];
            if (!h.feed(text)) break;
        }
        (void)h.content_length();
        (void)h.body_ends_with_connection("GET");
    }
}

}  // namespace
}  // namespace coffer::inline COFFER_ABI::http::response_head_test
