// SPDX-License-Identifier: BSL-1.0
#include <coffer/http/curl_header_lines.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace coffer::inline COFFER_ABI::http::curl::curl_header_lines_test {
namespace {

std::vector<std::string> lines_of(header_lines& lines) {
    std::vector<std::string> all;
    for (auto const* node = lines.list(); node != nullptr; node = node->next) all.emplace_back(node->data);
    return all;
}

using strings = std::vector<std::string>;

TEST(http_header_lines, are_the_fields_in_their_order_and_what_libcurl_must_leave_out) {
    header_list fields;
    fields.add("X-A", "1").add("X-Empty", "").add("X-Blank", " \t ").add("X-A", "2");
    header_lines lines;
    lines.assign(fields);
    EXPECT_EQ(lines_of(lines), (strings{"X-A: 1", "X-Empty;", "X-Blank;", "X-A: 2", "Expect:", "Content-Type:"}));
}

TEST(http_header_lines, leave_a_content_type_alone_however_it_is_written) {
    header_list fields;
    fields.add("content-TYPE", "application/json");
    header_lines lines;
    lines.assign(fields);
    EXPECT_EQ(lines_of(lines), (strings{"content-TYPE: application/json", "Expect:"}));
}

TEST(http_header_lines, of_no_fields_and_of_many_long_ones) {
    header_lines lines;
    EXPECT_EQ(lines.list(), nullptr);
    header_list fields;
    lines.assign(fields);
    EXPECT_EQ(lines_of(lines), (strings{"Expect:", "Content-Type:"}));
    for (int i = 0; i < 200; ++i) fields.add("X-" + std::to_string(i), std::string(500, 'v'));
    lines.assign(fields);
    auto const all = lines_of(lines);
    ASSERT_EQ(all.size(), 202U);
    for (std::size_t i = 0; i < 200; ++i) ASSERT_EQ(all[i], "X-" + std::to_string(i) + ": " + std::string(500, 'v'));
}

}  // namespace
}  // namespace coffer::inline COFFER_ABI::http::curl::curl_header_lines_test
