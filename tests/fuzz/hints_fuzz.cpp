// SPDX-License-Identifier: BSL-1.0
// Times as providers write them. Input: lines `name: value` of a response's head; each value is also read alone.
#include <coffer/llm/hints.hpp>
#include <coffer/llm/rate_headers.hpp>

#include <chrono>
#include <string>
#include <string_view>

#include "fuzz/fuzz.hpp"

namespace llm = coffer::llm;
using coffer::duration;
using fuzz::require;

namespace {

constexpr coffer::wall_time_point now{std::chrono::seconds{1'800'000'000}};

void require_sane(std::optional<duration> d) {
    require(!d || (*d >= duration::zero() && *d <= llm::detail::longest_wait),
            "a wait is not negative, and not absurd");
}

void read_alone(std::string_view text) {
    auto const seconds = llm::parse_seconds(text);
    auto const go = llm::parse_go_duration(text);
    auto const date = llm::parse_http_date(text, now);
    require_sane(seconds);
    require_sane(go);
    require_sane(llm::detail::parse_reset(text, now));
    require(!(seconds && go), "a number without a unit is no duration");
    require(!(seconds && date) && !(go && date), "a date is no number");
    if (date) {
        require(*date >= coffer::wall_time_point{}, "nothing was before 1970");
        require_sane(llm::until(*date, now));
    }
    auto const padded = " \t" + std::string{text} + " ";
    require(llm::parse_seconds(padded) == seconds && llm::parse_go_duration(padded) == go,
            "blanks around mean nothing");
    if (seconds) {
        auto const ns = seconds->count() % 1'000'000'000;
        auto decimals = std::to_string(ns);
        decimals.insert(0, 9 - decimals.size(), '0');
        auto const whole = std::to_string(seconds->count() / 1'000'000'000);
        require(llm::parse_seconds(whole + "." + decimals) == seconds, "what was read is read back");
        require(llm::parse_go_duration(std::to_string(seconds->count() / 1'000'000'000) + "s").has_value(),
                "with a unit it is a duration");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    auto text = fuzz::text_of(data, size);
    coffer::http::header_list headers;
    while (!text.empty()) {
        auto const [name, value] = fuzz::split_field(fuzz::take_line(text));
        read_alone(value.empty() ? name : value);
        headers.add(std::string{name}, std::string{value});
    }
    auto const said = llm::retry_after_hint(headers, now);
    auto const exhausted = llm::exhausted_reset_hint(headers, now);
    require_sane(said);
    require_sane(exhausted);
    require(llm::retry_hint(headers, false, now) == said, "buckets count only where a limit was hit");
    require(llm::retry_hint(headers, true, now) == (said ? said : exhausted), "what is said goes before the buckets");
    if (said)
        require(headers.contains("retry-after") || headers.contains("retry-after-ms") ||
                    headers.contains("x-ms-retry-after-ms"),
                "a hint stands in the head");
    (void)llm::should_retry(headers);
    auto const left = llm::rate_facts_of(headers, now);
    for (std::size_t m = 0; m < coffer::rate_measure_count; ++m) {
        auto const& fact = left[static_cast<coffer::rate_measure>(m)];
        require(fact.limit < 0 || fact.remaining <= fact.limit, "no more is left than there is");
        require_sane(fact.reset);
    }
    return 0;
}
