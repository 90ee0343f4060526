// SPDX-License-Identifier: BSL-1.0
#include "http/framing.hpp"

#include <gtest/gtest.h>

#include "support/wire_client.hpp"

namespace provider_sim::framing_test {
namespace {

http_answer answer_of(std::size_t bytes) {
    http_answer answer;
    for (std::size_t i = 0; i < bytes; ++i) answer.body.push_back(static_cast<char>('a' + i % 26));
    return answer;
}

TEST(framing, a_content_length_body_is_cut_where_it_is_said) {
    auto const wire = frame(answer_of(300), framing::content_length, true, false);
    EXPECT_NE(wire.head.find("Content-Length: 300\r\n"), std::string::npos);
    EXPECT_NE(wire.head.find("Connection: keep-alive\r\n"), std::string::npos);
    EXPECT_EQ(wire.cut(10), 10U);
    EXPECT_EQ(wire.cut(999), 300U);
}

TEST(framing, a_chunked_body_says_the_same) {
    auto const answer = answer_of(600);
    auto const wire = frame(answer, framing::chunked, true, false);
    EXPECT_EQ(test::parse_response(wire.head + wire.body).body, answer.body);
}

TEST(framing, a_chunked_body_is_cut_so_that_exactly_so_much_of_it_has_left) {
    auto const answer = answer_of(600);  // chunks of 256, 256 and 88
    auto const wire = frame(answer, framing::chunked, true, false);
    auto const payload_in = [](std::string sent) {
        std::string payload;
        while (!sent.empty()) {
            auto const size = std::stoul(sent, nullptr, 16);
            sent.erase(0, sent.find("\r\n") + 2);
            payload += sent.substr(0, size);
            sent.erase(0, size + 2);
        }
        return payload;
    };
    for (std::size_t payload : {0U, 1U, 255U, 256U, 257U, 512U, 599U, 600U})
        EXPECT_EQ(payload_in(wire.body.substr(0, wire.cut(payload))), answer.body.substr(0, payload)) << payload;
    EXPECT_EQ(wire.body.substr(wire.cut(600)), "0\r\n\r\n");  // the end of the body is what is missing
}

TEST(framing, close_delimited_has_no_length) {
    auto const wire = frame(answer_of(5), framing::close, true, false);
    EXPECT_EQ(wire.head.find("Content-Length"), std::string::npos);
    EXPECT_EQ(wire.head.find("Transfer-Encoding"), std::string::npos);
    EXPECT_NE(wire.head.find("Connection: close\r\n"), std::string::npos);
}

TEST(framing, the_answer_to_head_has_no_body) {
    auto const wire = frame(answer_of(5), framing::content_length, true, true);
    EXPECT_NE(wire.head.find("Content-Length: 5\r\n"), std::string::npos);
    EXPECT_EQ(wire.body, "");
    EXPECT_EQ(wire.payload_bytes, 0U);
}

TEST(framing, raw_bytes_go_out_as_they_are) {
    auto answer = answer_of(5);
    answer.raw = true;
    auto const wire = frame(answer, framing::content_length, true, false);
    EXPECT_EQ(wire.head, "");
    EXPECT_EQ(wire.body, "abcde");
}

}  // namespace
}  // namespace provider_sim::framing_test
