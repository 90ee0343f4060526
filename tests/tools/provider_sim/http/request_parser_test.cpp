// SPDX-License-Identifier: BSL-1.0
#include "http/request_parser.hpp"

#include <gtest/gtest.h>

namespace provider_sim::request_parser_test {
namespace {

using state = request_parser::state;

std::string const simple = "POST /v1/x?key=secret HTTP/1.1\r\nHost: h\r\nX-Arm: b\r\nContent-Length: 5\r\n\r\nhello";

TEST(request_parser, stops_after_the_head_and_then_takes_the_body) {
    request_parser parser{1000};
    auto bytes = simple + "GET /next";
    EXPECT_EQ(parser.advance(bytes), state::reading_body);
    EXPECT_EQ(parser.request().path, "/v1/x");
    EXPECT_EQ(parser.request().query, "key=secret");
    EXPECT_EQ(parser.request().header("x-arm"), "b");
    EXPECT_EQ(parser.body_bytes(), 0U);
    EXPECT_EQ(parser.advance(bytes), state::complete);
    EXPECT_EQ(parser.request().body, "hello");
    EXPECT_EQ(bytes, "GET /next");
}

TEST(request_parser, takes_one_byte_at_a_time) {
    request_parser parser{1000};
    EXPECT_FALSE(parser.started());
    std::string bytes;
    for (char const c : simple) {
        bytes.push_back(c);
        parser.advance(bytes);
        EXPECT_TRUE(parser.started());
    }
    EXPECT_EQ(parser.now(), state::complete);
    EXPECT_EQ(parser.request().body, "hello");
    EXPECT_TRUE(bytes.empty());
}

TEST(request_parser, a_request_without_a_body_is_complete_with_its_head) {
    request_parser parser{1000};
    std::string bytes = "GET /v1/models HTTP/1.0\r\n\r\n";
    EXPECT_EQ(parser.advance(bytes), state::complete);
    EXPECT_EQ(parser.request().version, 10);
    EXPECT_FALSE(parser.request().keep_alive);
}

TEST(request_parser, decodes_chunks) {
    request_parser parser{1000};
    std::string bytes = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
    parser.advance(bytes);
    EXPECT_EQ(parser.advance(bytes), state::complete);
    EXPECT_EQ(parser.request().body, "hello");
}

TEST(request_parser, sees_who_waits_for_100_continue) {
    request_parser parser{1000};
    std::string bytes = "POST / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n";
    EXPECT_EQ(parser.advance(bytes), state::reading_body);
    EXPECT_TRUE(parser.request().expects_continue);
}

TEST(request_parser, refuses_what_is_no_http_or_too_large) {
    request_parser nonsense{1000};
    std::string bytes = "this is no HTTP\r\n\r\n";
    EXPECT_EQ(nonsense.advance(bytes), state::broken);
    EXPECT_EQ(nonsense.problem_status(), 400U);

    request_parser small{4};
    bytes = simple;
    small.advance(bytes);
    EXPECT_EQ(small.advance(bytes), state::broken);
    EXPECT_EQ(small.problem_status(), 413U);

    request_parser endless{4};
    bytes = "GET / HTTP/1.1\r\nX: " + std::string(300 * 1024, 'x');
    EXPECT_EQ(endless.advance(bytes), state::broken);
    EXPECT_EQ(endless.problem_status(), 431U);
}

}  // namespace
}  // namespace provider_sim::request_parser_test
