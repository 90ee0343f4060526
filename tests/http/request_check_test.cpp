// SPDX-License-Identifier: BSL-1.0
#include <coffer/http/request_check.hpp>

#include <gtest/gtest.h>

#include <string>

namespace coffer::inline COFFER_ABI::http::request_check_test {
namespace {

request with(std::string name, std::string value) {
    request r{"POST", "https://example.com/"};
    r.headers.add(std::move(name), std::move(value));
    return r;
}

TEST(http_request_check, lets_ordinary_requests_pass) {
    EXPECT_FALSE(check(request{"GET", "https://example.com/"}));
    EXPECT_FALSE(check(request{"M-SEARCH", "https://example.com/"}));
    EXPECT_FALSE(check(with("X-Empty", "")));
    EXPECT_FALSE(check(with("X-Text", "tab\there, \xc3\xa4")));
}

TEST(http_request_check, refuses_what_would_break_out_of_its_field) {
    for (auto const& r :
         {with("X", "a\r\nAuthorization: b"), with("X", "a\nb"), with("X", std::string{"a\0b", 3}),
          with("X: y\r\nZ", "a"), with("", "a"), with("X Y", "a"), request{"GE T", "https://example.com/"},
          request{"", "https://example.com/"}, request{"GET\r\n", "https://example.com/"}}) {
        auto const f = check(r);
        ASSERT_TRUE(f);
        EXPECT_EQ(f->kind(), fault_kind::invalid_request);
        EXPECT_EQ(f->execution(), knowledge::no);
        EXPECT_EQ(f->billing(), knowledge::no);
    }
}

TEST(http_request_check, refuses_framing_of_the_callers_own) {
    for (auto const* name : {"Content-Length", "transfer-encoding", "Expect", "UPGRADE", "Connection"})
        EXPECT_TRUE(check(with(name, "1"))) << name;
}

TEST(http_request_check, does_not_repeat_a_secret) {
    auto const f = check(with("Authorization", "Bearer canary\n"));
    ASSERT_TRUE(f);
    EXPECT_EQ(f->message().find("canary"), f->message().npos);
}

TEST(http_request_check, blots_secrets_out_of_foreign_words) {
    auto r = with("Authorization", "Bearer canary-1");
    r.url = "https://example.com/?key=canary-2";
    EXPECT_EQ(without_secrets("no route with canary-1 to key=canary-2, canary-1", r), "no route with *** to ***, ***");
    EXPECT_EQ(without_secrets("no route", with("Authorization", "")), "no route");
}

TEST(http_request_check, cuts_user_names_and_passwords_out_of_urls) {
    for (auto const& [text, shown] : {std::pair{"no URL", "no URL"},
                                      {"for 'htp://me:canary@proxy:1'", "for 'htp://***@proxy:1'"},
                                      {"in 'me:canary@proxy:1'", "in '***@proxy:1'"},
                                      {"in 'htp://me:c@nary@proxy'", "in 'htp://***@proxy'"},
                                      {"connect me:canary@proxy", "connect ***@proxy"},
                                      {"me@proxy: see http://x/", "***@proxy: see http://x/"},
                                      {"@", "***@"}})
        EXPECT_EQ(without_userinfo(text), shown);
}

}  // namespace
}  // namespace coffer::inline COFFER_ABI::http::request_check_test
