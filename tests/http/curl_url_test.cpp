// SPDX-License-Identifier: BSL-1.0
#include <coffer/http/curl_url.hpp>

#include <gtest/gtest.h>

#include <string>

namespace coffer::inline COFFER_ABI::http::curl::curl_url_test {
namespace {

TEST(http_url, https_goes_anywhere) {
    for (auto const* url : {"https://api.openai.com/v1/chat/completions", "HTTPS://example.com",
                            "https://10.0.0.1:8443/?a=b#c", "https://[2001:db8::1]/", "https://localhost/"}) {
        auto const parsed = parse_url(url);
        ASSERT_TRUE(parsed) << url;
        EXPECT_TRUE(parsed->https) << url;
    }
}

TEST(http_url, http_goes_to_loopback) {
    for (auto const* url :
         {"http://127.0.0.1:8080/v1", "http://127.1.2.3/", "http://127.1/", "http://0x7f.1/", "http://2130706433/",
          "http://[::1]:8080/", "http://[0:0::1]/", "http://localhost:11434/api", "http://LOCALHOST/"}) {
        auto const parsed = parse_url(url);
        ASSERT_TRUE(parsed) << url << ": " << parsed.error();
        EXPECT_FALSE(parsed->https) << url;
    }
}

void refused(std::string const& url) {
    auto const parsed = parse_url(url);
    ASSERT_FALSE(parsed) << url;
    EXPECT_EQ(parsed.error().kind(), fault_kind::invalid_request) << url;
    EXPECT_EQ(parsed.error().execution(), knowledge::no) << url;
    EXPECT_EQ(parsed.error().billing(), knowledge::no) << url;
    EXPECT_EQ(parsed.error().message().find("canary"), std::string_view::npos) << parsed.error();
}

TEST(http_url, http_goes_nowhere_else) {
    for (auto const* url :
         {"http://example.com/", "http://api.openai.com/v1", "http://10.0.0.1/", "http://128.0.0.1/", "http://0.0.0.0/",
          "http://[::]/", "http://[::2]/", "http://[::ffff:10.0.0.1]/", "http://localhost.example.com/",
          "http://127.0.0.1.example.com/", "http://127.example.com/", "http://localhos/", "http://1270.0.0.1/"})
        refused(url);
}

TEST(http_url, only_http_and_https) {
    for (auto const* url :
         {"file:///etc/passwd", "ftp://example.com/", "gopher://127.0.0.1/", "ws://127.0.0.1/", "httpss://example.com/",
          "example.com", "/relative", "", "https://", "https:///path", "://", "http:", "javascript:1"})
        refused(url);
}

TEST(http_url, no_credentials_inside) {
    for (auto const* url :
         {"https://user:canary@example.com/", "https://canary@example.com/", "http://canary@127.0.0.1/",
          "http://127.0.0.1:80@example.com/", "https://:canary@example.com/"})
        refused(url);
}

TEST(http_url, nothing_that_two_parsers_may_read_differently) {
    refused(std::string{"https://example.com/\0.evil", 26});
    refused("https://example.com/a b");
    refused("https://exa\r\nmple.com/");
    refused("https://example.com:99999/");
    refused("https://example.com:port/");
}

TEST(http_url_cache, parses_a_url_once_and_forgets_the_oldest) {
    url_cache cache;
    auto const first = cache.parse("https://example.com/a");
    ASSERT_TRUE(first);
    EXPECT_EQ((*first)->host, "example.com");
    EXPECT_TRUE((*first)->https);
    EXPECT_EQ(cache.parse("https://example.com/a").value(), *first);
    auto const other = cache.parse("https://example.com/A");
    ASSERT_TRUE(other);
    EXPECT_NE(*other, *first) << "paths have a case";
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(cache.parse("https://example.com/" + std::to_string(i)));
    EXPECT_NE(cache.parse("https://example.com/a").value(), *first) << "it keeps only a few";
    EXPECT_EQ((*first)->host, "example.com") << "who holds one keeps it";
}

TEST(http_url_cache, refuses_what_is_refused_each_time) {
    url_cache cache;
    for (int i = 0; i < 2; ++i) {
        auto const parsed = cache.parse("http://example.com/");
        ASSERT_FALSE(parsed);
        EXPECT_EQ(parsed.error().kind(), fault_kind::invalid_request);
    }
}

TEST(http_url_cache, does_not_keep_long_urls) {
    url_cache cache;
    auto const url = "https://example.com/?" + std::string(5000, 'q');
    auto const first = cache.parse(url);
    ASSERT_TRUE(first);
    EXPECT_NE(cache.parse(url).value(), *first);
}

}  // namespace
}  // namespace coffer::inline COFFER_ABI::http::curl::curl_url_test
