// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of response_head.hpp.

#include <coffer/http/response_head.hpp>

#include <algorithm>
#include <charconv>
#include <string>

namespace coffer::inline COFFER_ABI::http {

COFFER_INLINE bool response_head::feed(std::string_view line) {
    if (line.size() > limit_ - used_) return false;
    used_ += line.size();
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    if (complete()) return true;  // a trailer: nothing of ours is in one
    if (line.starts_with("HTTP/")) begin(line);
    else if (line.empty()) ended_ = status_ != 0;
    else field(line);
    return true;
}

COFFER_INLINE std::optional<std::uint64_t> response_head::content_length() const noexcept {
    auto const text = headers_.first("content-length");
    std::uint64_t length = 0;
    if (!text) return std::nullopt;
    auto const [end, error] = std::from_chars(text->data(), text->data() + text->size(), length);
    return error == std::errc{} && end == text->data() + text->size() ? std::optional{length} : std::nullopt;
}

COFFER_INLINE bool response_head::body_ends_with_connection(std::string_view method) const noexcept {
    if (version_ != version::http1_0 && version_ != version::http1_1) return false;
    if (method == "HEAD" || status_ == 204 || status_ == 304) return false;
    if (headers_.contains("content-length")) return false;
    auto const coding = headers_.first("transfer-encoding");
    return !coding || !detail::contains_name(*coding, "chunked");
}

COFFER_INLINE void response_head::begin(std::string_view line) {
    using enum http::version;
    auto const space = std::min(line.find(' '), line.size());
    auto const name = line.substr(5, space - 5);
    version_ = name == "1.1"           ? http1_1
               : name == "1.0"         ? http1_0
               : name.starts_with('2') ? http2
               : name.starts_with('3') ? http3
                                       : unknown;
    auto digits = line.substr(space);
    while (digits.starts_with(' ')) digits.remove_prefix(1);
    status_ = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), status_);
    headers_.clear();  // a 1xx response's fields are not the final one's
    ended_ = false;
}

COFFER_INLINE void response_head::field(std::string_view line) {
    auto const trim = [](std::string_view text) {
        constexpr std::string_view blanks = " \t\r";  // a bare CR is as good as a blank (RFC 9112 §2.2)
        auto const begin = std::min(text.find_first_not_of(blanks), text.size());
        text.remove_prefix(begin);
        return text.substr(0, text.find_last_not_of(blanks) + 1);
    };
    if (line.front() == ' ' || line.front() == '\t') {  // folded, obsolete, still about
        auto* const previous = headers_.last();
        auto const more = trim(line);
        if (previous == nullptr || more.empty()) return;
        if (!previous->value.empty()) previous->value += ' ';
        previous->value += more;
        return;
    }
    auto const colon = line.find(':');
    if (colon == line.npos) return;  // not a field; the body decides whether the response is any good
    headers_.add(std::string{trim(line.substr(0, colon))}, std::string{trim(line.substr(colon + 1))});
}

}  // namespace coffer::inline COFFER_ABI::http
