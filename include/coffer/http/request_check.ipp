// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of request_check.hpp.

#include <coffer/http/request_check.hpp>

#include <array>

namespace coffer::inline COFFER_ABI::http {

COFFER_INLINE std::optional<fault> check(request const& r) {
    auto const wrong = [](std::string text) { return fault{fault_kind::invalid_request, std::move(text)}; };
    if (!detail::is_token(r.method)) return wrong("the method is not a token");
    for (auto const& h : r.headers) {
        if (!detail::is_token(h.name)) return wrong("the name of a header is not a token");
        if (!detail::is_field_value(h.value))
            return wrong("the value of header " + h.name + " holds a line end or a NUL");
        // Framing is the transport's: one that contradicts the body is how requests are smuggled.
        constexpr std::array<std::string_view, 5> framing{"content-length", "transfer-encoding", "expect", "upgrade",
                                                          "connection"};
        if (std::ranges::any_of(framing, [&](auto name) { return detail::equal_names(name, h.name); }))
            return wrong("header " + h.name + " is the transport's own");
    }
    return std::nullopt;
}

COFFER_INLINE std::string without_userinfo(std::string text) {
    auto const end = text.rfind('@');
    if (end == text.npos) return text;
    auto begin = text.find("//");
    begin = begin < end ? begin + 2 : text.find('\'') + 1;
    if (begin == 0 || begin > end) begin = text.rfind(' ', end) + 1;
    return text.replace(begin, end - begin, "***");
}

COFFER_INLINE std::string without_secrets(std::string text, request const& r) {
    auto const blot = [&](std::string_view secret) {
        if (secret.size() < 4) return;  // would blot out half of any text, and is no secret
        for (auto at = text.find(secret); at != text.npos; at = text.find(secret, at + 1))
            text.replace(at, secret.size(), "***");
    };
    for (auto const& h : r.headers) {
        if (!r.hides(h.name)) continue;
        blot(h.value);
        if (auto const space = h.value.rfind(' '); space != h.value.npos)
            blot(std::string_view{h.value}.substr(space + 1));
    }
    if (auto const query = r.url.find('?'); query != r.url.npos) blot(std::string_view{r.url}.substr(query + 1));
    return text;
}

}  // namespace coffer::inline COFFER_ABI::http
