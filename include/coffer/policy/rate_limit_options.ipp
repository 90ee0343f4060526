// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of rate_limit_options.hpp.

#include <coffer/policy/rate_limit_options.hpp>

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace coffer::inline COFFER_ABI {

namespace detail {

COFFER_INLINE std::vector<named_limit> limits_of(rate_limit_options const& o) {
    std::vector<named_limit> all;
    for (auto const& l : rate_limit_names)
        if (o.*l.value != rate_limit_options::unlimited) all.push_back(l);
    return all;
}

COFFER_INLINE std::vector<rate_rule> rules_of(rate_limit_options const& o) {
    std::vector<rate_rule> rules;
    for (auto const& l : limits_of(o)) {
        bool const short_one = l.window <= std::chrono::minutes{1};
        rules.push_back({l.of, o.*l.value, l.window, short_one ? o.burst : duration::max()});
    }
    return rules;
}

COFFER_INLINE void describe_into(composition& to, rate_limit_options const& o) {
    rate_limit_options const usual;
    for (auto const& l : limits_of(o)) {
        auto const what = l.name.substr(0, l.name.find("_per_"));
        auto const* const per = l.window == std::chrono::seconds{1}    ? "/s"
                                : l.window == std::chrono::seconds{60} ? "/min"
                                                                       : "/day";
        auto text = std::to_string(o.*l.value) + " " + std::string{what} + per;
        std::replace(text.begin(), text.end(), '_', ' ');
        to.with(text);
    }
    to.with_other("burst", o.burst, usual.burst);
    if (!o.give_back) to.with("nothing given back");
    if (o.output == output_counted::at_end) to.with("output counted at the end");
    if (!o.cache_reads) to.with("cache reads not counted");
    to.with_other("input_percent", o.input_percent, usual.input_percent);
    to.with_other("unestimated_tokens", o.unestimated_tokens, usual.unestimated_tokens);
    to.with_other("max_wait", o.max_wait, usual.max_wait);
    to.with_other("max_waiting", o.max_waiting, usual.max_waiting);
    to.with_other("max_waiting_in_all", o.max_waiting_in_all, usual.max_waiting_in_all);
    if (!o.fair_by.empty()) to.with("fair_by", o.fair_by);
    to.with_other("hint_spread", o.hint_spread, usual.hint_spread);
    to.with_other("hint_ceiling", o.hint_ceiling, usual.hint_ceiling);
    to.with_other("first_pause", o.first_pause, usual.first_pause);
    to.with_other("longest_pause", o.longest_pause, usual.longest_pause);
}

COFFER_INLINE std::string in_seconds(duration d) {
    std::ostringstream out;
    out.precision(1);
    out << std::fixed << std::chrono::duration<double>(d).count() << " s";
    return out.str();
}

COFFER_INLINE fault larger_than_limit(named_limit const& l, std::int64_t limit, std::int64_t needed) {
    return fault{fault_kind::never_fits, "rate_limit: " + std::string{l.name} + " is " + std::to_string(limit) +
                                             " and the request may take " + std::to_string(needed) +
                                             "; it never fits: lower its output maximum, or split it"};
}

COFFER_INLINE fault no_estimate() {
    return fault{fault_kind::never_fits,
                 "rate_limit: tokens are limited, and the operation does not say how many a request may take: "
                 "describe(fn).estimate(...), in the pipeline that wraps the operation itself; or say so with "
                 "rate_limit_options::unestimated_tokens"}
        .with_code("no_estimate");
}

COFFER_INLINE fault too_long(duration wait, std::string const& for_what, bool deadline) {
    return fault{fault_kind::queue_full, "rate_limit: there is room in " + in_seconds(wait) + " (" + for_what +
                                             "), after " + (deadline ? "the call's deadline" : "max_wait")}
        .with_code("wait_too_long")
        .with_retry_after(wait);
}

COFFER_INLINE fault line_full(std::size_t waiting, std::string const& option, duration wait) {
    return fault{fault_kind::queue_full,
                 "rate_limit: " + std::to_string(waiting) + " calls wait already (" + option + ")"}
        .with_code(option)
        .with_retry_after(wait);
}

}  // namespace detail

  // namespace detail
COFFER_INLINE void rate_limit_options::check() const {
    auto const wrong = [](std::string const& what) { throw std::invalid_argument{"coffer::rate_limit: " + what}; };
    bool tokens_limited = false;
    for (auto const& l : detail::rate_limit_names) {
        auto const value = this->*l.value;
        if (value == unlimited) continue;
        if (value == 0)
            wrong(std::string{l.name} +
                  " is 0, which would let nothing through: to have no such limit leave it out; to stop all traffic "
                  "isolate a "
                  "circuit_breaker");
        if (value < 0) wrong(std::string{l.name} + " is negative; leave it out if there is no such limit");
        if (value > gcra::most) wrong(std::string{l.name} + " is more than 10^12: that is no limit, leave it out");
        tokens_limited = tokens_limited || l.of != rate_measure::requests;
    }
    if (burst <= duration::zero()) wrong("burst must be longer than zero");
    if (input_percent < 1 || input_percent > 1000) wrong("input_percent must be from 1 to 1000");
    if (unestimated_tokens < 0) wrong("unestimated_tokens is negative");
    if (unestimated_tokens > 0 && !tokens_limited)
        wrong("unestimated_tokens without a limit of tokens changes nothing");
    if (max_wait < duration::zero()) wrong("max_wait cannot be negative");
    if (max_waiting > 1'000'000) wrong("max_waiting is more than a million");
    if (max_waiting_in_all > 1'000'000) wrong("max_waiting_in_all is more than a million");
    if (!(hint_spread >= 0 && hint_spread <= 1000)) wrong("hint_spread must be from 0 to 1000");
    if (hint_ceiling < duration::zero()) wrong("hint_ceiling cannot be negative; zero believes no hint");
    if (first_pause < duration::zero() || longest_pause < first_pause)
        wrong("the pauses cannot be negative, nor longest_pause shorter than first_pause");
}

}  // namespace coffer::inline COFFER_ABI
