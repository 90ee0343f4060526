// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a request must be before anything is done with it. (Its URL is judged by whoever will use it, so that the judged
// and the used URL cannot differ.)

#include <coffer/base/fault.hpp>
#include <coffer/http/request.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI::http {

namespace detail {

/// RFC 9110 §5.6.2.
[[nodiscard]] constexpr bool is_token(std::string_view text) noexcept {
    constexpr std::string_view punctuation = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::ranges::all_of(text, [&](char c) {
        return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
               punctuation.find(c) != punctuation.npos;
    });
}

/// No line end, which would begin a header of the value's choice, and no NUL, which would end the value for C.
[[nodiscard]] constexpr bool is_field_value(std::string_view text) noexcept {
    return std::ranges::none_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

}  // namespace detail

/// `invalid_request` with what is wrong, or nothing. Values are not repeated in the message: they may be secrets.
[[nodiscard]] std::optional<fault> check(request const& r);

/// A message with a URL in it, without the user name and password that it may hold.
[[nodiscard]] std::string without_userinfo(std::string text);

/// `text` with every secret of `r` blotted out: for words that come from somewhere else.
[[nodiscard]] std::string without_secrets(std::string text, request const& r);

}  // namespace coffer::inline COFFER_ABI::http

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/http/request_check.ipp>
#endif
