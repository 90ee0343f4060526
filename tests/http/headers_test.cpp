// SPDX-License-Identifier: BSL-1.0
#include <coffer/http/headers.hpp>
#include <coffer/http/request.hpp>

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace coffer::inline COFFER_ABI::http::headers_test {
namespace {

TEST(http_headers, are_found_whatever_the_case) {
    header_list h;
    h.add("Content-Type", "text/plain").add("X-Trace", "1").add("x-trace", "2");
    EXPECT_EQ(h.first("content-type"), "text/plain");
    EXPECT_EQ(h.first("X-TRACE"), "1");
    EXPECT_EQ(h.all("x-Trace"), (std::vector<std::string_view>{"1", "2"}));
    EXPECT_FALSE(h.first("content-typ").has_value());
    EXPECT_TRUE(h.all("nothing").empty());
}

TEST(http_headers, set_replaces_all_of_the_name_and_erase_counts) {
    header_list h;
    h.add("A", "1").add("B", "2").add("a", "3").set("A", "4");
    EXPECT_EQ(h.size(), 2U);
    EXPECT_EQ(h.first("a"), "4");
    EXPECT_EQ(h.erase("b"), 1U);
    EXPECT_EQ(h.erase("b"), 0U);
    EXPECT_FALSE(h.contains("B"));
}

TEST(http_headers, know_the_names_of_secrets) {
    for (auto const* name :
         {"Authorization", "authorization", "Proxy-Authorization", "x-api-key", "api-key", "X-Goog-Api-Key", "Cookie",
          "Set-Cookie", "X-Amz-Security-Token", "Ocp-Apim-Apikey", "x-client-secret"})
        EXPECT_TRUE(is_sensitive(name)) << name;
    for (auto const* name :
         {"Content-Type", "Accept", "x-request-id", "anthropic-version", "retry-after", "Idempotency-Key"})
        EXPECT_FALSE(is_sensitive(name)) << name;
}

std::string printed(request const& r) {
    std::ostringstream out;
    out << r;
    return out.str();
}

TEST(http_request, printed_shows_no_secret) {
    request r{"POST", "https://api.example.com/v1/models:generate?key=canary-1", "canary-2"};
    r.headers.set("Authorization", "Bearer canary-3")
        .set("X-House-Pass", "canary-4")
        .set("Content-Type", "application/json");
    r.sensitive_headers = {"x-house-pass"};
    auto const text = printed(r);
    EXPECT_EQ(text.find("canary"), text.npos) << text;
    EXPECT_NE(text.find("https://api.example.com/v1/models:generate"), text.npos) << text;
    EXPECT_NE(text.find("application/json"), text.npos) << text;
    EXPECT_NE(text.find("8 bytes"), text.npos) << text;
}

TEST(http_request, printed_shows_no_user_name_of_a_url) {
    auto const text = printed(request{"GET", "https://user:canary@example.com/path"});
    EXPECT_EQ(text.find("canary"), text.npos) << text;
    EXPECT_NE(printed(request{"GET", "https://example.com/@name"}).find("/@name"), text.npos);
}

TEST(http_request, copies_share_the_body) {
    request const a{"POST", "https://example.com/", std::string(1000, 'x')};
    request const b = a;
    EXPECT_EQ(a.body.get(), b.body.get());
    EXPECT_EQ(request("GET", "https://example.com/").body, nullptr);
}

}  // namespace
}  // namespace coffer::inline COFFER_ABI::http::headers_test
