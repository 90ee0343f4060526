// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of rate_headers.hpp.

#include <coffer/llm/rate_headers.hpp>

#include <array>
#include <charconv>
#include <system_error>
#include <utility>

namespace coffer::inline COFFER_ABI {

namespace llm::detail {

COFFER_INLINE bool cut_prefix(std::string_view& text, std::string_view prefix) noexcept {
    if (text.size() < prefix.size() || !http::detail::equal_names(text.substr(0, prefix.size()), prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

COFFER_INLINE bool cut_suffix(std::string_view& text, std::string_view suffix) noexcept {
    if (text.size() < suffix.size() || !http::detail::equal_names(text.substr(text.size() - suffix.size()), suffix))
        return false;
    text.remove_suffix(suffix.size());
    return true;
}

COFFER_INLINE std::optional<rate_header> rate_header_of(std::string_view name) noexcept {
    using enum rate_header::field;
    constexpr std::array<std::pair<std::string_view, rate_header::field>, 3> fields{
        {{"limit", limit}, {"remaining", remaining}, {"reset", reset}}};
    if (cut_prefix(name, "x-ratelimit-")) {
        for (auto const& [word, what] : fields) {
            auto rest = name;
            if (!cut_prefix(rest, word)) continue;
            if (rest.empty()) return rate_header{what, rest};
            if (cut_prefix(rest, "-") && !rest.empty()) return rate_header{what, rest};
        }
    } else if (cut_prefix(name, "anthropic-ratelimit-")) {
        for (auto const& [word, what] : fields)
            if (auto rest = name; cut_suffix(rest, word) && cut_suffix(rest, "-")) return rate_header{what, rest};
    }
    return std::nullopt;
}

COFFER_INLINE std::optional<rate_measure> measure_of(std::string_view bucket) noexcept {
    if (cut_prefix(bucket, "project-") && bucket.empty()) return std::nullopt;
    constexpr std::array<std::pair<std::string_view, rate_measure>, 6> names{
        {{"", rate_measure::requests},
         {"requests", rate_measure::requests},
         {"tokens", rate_measure::tokens},
         {"tokens_usage_based", rate_measure::tokens},
         {"input-tokens", rate_measure::input_tokens},
         {"output-tokens", rate_measure::output_tokens}}};
    for (auto const& [name, measure] : names)
        if (http::detail::equal_names(bucket, name)) return measure;
    return std::nullopt;
}

COFFER_INLINE std::optional<std::int64_t> whole_number(std::string_view text) noexcept {
    text = trim(text);
    std::int64_t n = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return n;
}

}  // namespace llm::detail

namespace llm {

COFFER_INLINE rate_facts rate_facts_of(http::header_list const& headers, wall_time_point now) {
    using enum detail::rate_header::field;
    rate_facts facts;
    for (auto const& h : headers) {
        auto const remains = detail::rate_header_of(h.name);
        if (!remains || remains->what != remaining) continue;
        auto const measure = detail::measure_of(remains->bucket);
        auto const left = detail::whole_number(h.value);
        if (!measure || !left || *left < 0) continue;
        rate_fact f;
        f.remaining = *left;
        bool sane = true;
        for (auto const& other : headers) {
            auto const about = detail::rate_header_of(other.name);
            if (!about || !http::detail::equal_names(about->bucket, remains->bucket)) continue;
            if (about->what == limit) {
                f.limit = detail::whole_number(other.value).value_or(-1);
                sane = sane && f.limit > 0 && f.remaining <= f.limit;
            }
            if (about->what == reset) f.reset = detail::parse_reset(other.value, now);
        }
        auto& known = facts[*measure];
        if (sane && (!known.known() || f.remaining < known.remaining)) known = f;
    }
    return facts;
}

}  // namespace llm

}  // namespace coffer::inline COFFER_ABI
