// SPDX-License-Identifier: BSL-1.0
#pragma once
// The options of `rate_limit`, and the faults by which it turns away.

#include <coffer/base/defaults.hpp>
#include <coffer/base/fault.hpp>
#include <coffer/base/rate_facts.hpp>
#include <coffer/call/composition.hpp>
#include <coffer/state/rate.hpp>
#include <coffer/time/clock.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// How the provider counts the output of a request.
enum class output_counted : std::uint8_t {
    at_most,  ///< at first as much as there may be, then as much as there was
    at_end,   ///< only what there was
};

/// Options of `rate_limit`. All members are trivially destructible, so that it may be written inline anywhere.
struct rate_limit_options {
    /// There is no such limit.
    static constexpr std::int64_t unlimited = std::numeric_limits<std::int64_t>::max();

    // The limits. All of them hold at once. Zero is refused: it would let nothing through.
    /// Whole requests in each second. These limits refill evenly: what was taken comes back at so much a second, minute
    /// or day.
    std::int64_t requests_per_second = unlimited;
    std::int64_t requests_per_minute = unlimited;  ///< requests in each minute
    std::int64_t requests_per_day = unlimited;  ///< requests in each 24 hours
    std::int64_t input_tokens_per_second = unlimited;  ///< tokens of prompts in each second
    std::int64_t input_tokens_per_minute = unlimited;  ///< tokens of prompts in each minute
    std::int64_t input_tokens_per_day = unlimited;  ///< tokens of prompts in each 24 hours
    std::int64_t output_tokens_per_second = unlimited;  ///< tokens of answers in each second
    std::int64_t output_tokens_per_minute = unlimited;  ///< tokens of answers in each minute
    std::int64_t output_tokens_per_day = unlimited;  ///< tokens of answers in each 24 hours
    std::int64_t tokens_per_second = unlimited;  ///< input and output together
    std::int64_t tokens_per_minute = unlimited;  ///< input and output together
    std::int64_t tokens_per_day = unlimited;  ///< input and output together

    /// So much of a second's and of a minute's limit at once, as the time in which it is refilled: 1 s of 600 a minute are 10.
    /// By default all of it, as from the buckets of OpenAI, Anthropic and Groq; Azure looks at 1 s or 10 s. A day's limit may
    /// always be used at once.
    duration burst = duration::max();

    // How the provider counts. -----------------------------------------------------------------------------------------
    /// Are tokens given back that an answer has not used? Not if the provider counts what was asked for.
    bool give_back = true;
    output_counted output = output_counted::at_most;  ///< before it is known how much there is
    /// Do tokens count that are read from the provider's cache? Not with Anthropic and Groq.
    bool cache_reads = true;
    /// The bound of the input is its bytes; so many in a hundred of it are counted until the answer tells the true number.
    int input_percent = 100;
    /// What a request counts, of each kind of tokens, whose operation gives no estimate. Without it such a request is refused
    /// where tokens are limited.
    std::int64_t unestimated_tokens = 0;

    // Waiting. ----------------------------------------------------------------------------------------------------------
    /// Nobody waits longer, and never past the call's deadline.
    duration max_wait = duration::max();
    /// So many may wait; with `fair_by`, of each tenant.
    std::size_t max_waiting = 1000;
    /// So many of all tenants together, with `fair_by`, even where `max_waiting` is more: whoever invents tenants does not
    /// fill the memory.
    std::size_t max_waiting_in_all = 10'000;
    /// The tag of a call that names its tenant (it is copied). Tenants that wait share the limits evenly, and within each it is
    /// first come, first served. Empty: all are one.
    std::string_view fair_by{};

    /// Up to this part of a hint of the provider's is added to it at random, or all processes that were told to wait for the next
    /// minute would come back in its first second.
    double hint_spread = defaults::hint_spread;
    /// Of a longer hint only so much is believed; zero: none is, and it pauses instead.
    duration hint_ceiling = defaults::hint_ceiling;
    // The provider's refusals that say nothing, or zero, of when to come back: everybody waits so long, then twice as long, ...
    duration first_pause = std::chrono::seconds{1};  ///< the first of these waits
    duration longest_pause = std::chrono::seconds{30};  ///< ... up to this

    /// Throws `std::invalid_argument` for what cannot be meant.
    void check() const;
};

static_assert(std::is_trivially_destructible_v<rate_limit_options>,
              "or it could not stand in a co_await expression on GCC 12");

namespace detail {

/// A limit with its name.
struct named_limit {
    std::string_view name;
    std::int64_t rate_limit_options::* value;
    rate_measure of;
    std::chrono::seconds window;
};

inline constexpr std::array<named_limit, rate_bucket::most_rules> rate_limit_names = [] {
    using o = rate_limit_options;
    using enum rate_measure;
    constexpr std::chrono::seconds second{1};
    constexpr std::chrono::seconds minute{60};
    constexpr std::chrono::seconds day{86'400};
    return std::array<named_limit, rate_bucket::most_rules>{
        {{"requests_per_second", &o::requests_per_second, requests, second},
         {"requests_per_minute", &o::requests_per_minute, requests, minute},
         {"requests_per_day", &o::requests_per_day, requests, day},
         {"input_tokens_per_second", &o::input_tokens_per_second, input_tokens, second},
         {"input_tokens_per_minute", &o::input_tokens_per_minute, input_tokens, minute},
         {"input_tokens_per_day", &o::input_tokens_per_day, input_tokens, day},
         {"output_tokens_per_second", &o::output_tokens_per_second, output_tokens, second},
         {"output_tokens_per_minute", &o::output_tokens_per_minute, output_tokens, minute},
         {"output_tokens_per_day", &o::output_tokens_per_day, output_tokens, day},
         {"tokens_per_second", &o::tokens_per_second, tokens, second},
         {"tokens_per_minute", &o::tokens_per_minute, tokens, minute},
         {"tokens_per_day", &o::tokens_per_day, tokens, day}}};
}();

/// The limits that there are, in the order of their buckets.
[[nodiscard]] inline std::vector<named_limit> limits_of(rate_limit_options const& o) {
    std::vector<named_limit> all;
    for (auto const& l : rate_limit_names)
        if (o.*l.value != rate_limit_options::unlimited) all.push_back(l);
    return all;
}
[[nodiscard]] inline std::vector<rate_rule> rules_of(rate_limit_options const& o) {
    std::vector<rate_rule> rules;
    for (auto const& l : limits_of(o)) {
        bool const short_one = l.window <= std::chrono::minutes{1};
        rules.push_back({l.of, o.*l.value, l.window, short_one ? o.burst : duration::max()});
    }
    return rules;
}

/// `500 requests/min, 200000 tokens/min`; of the others those that are not as usual.
inline void describe_into(composition& to, rate_limit_options const& o) {
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

[[nodiscard]] inline std::string in_seconds(duration d) {
    std::ostringstream out;
    out.precision(1);
    out << std::fixed << std::chrono::duration<double>(d).count() << " s";
    return out.str();
}

[[nodiscard]] inline fault larger_than_limit(named_limit const& l, std::int64_t limit, std::int64_t needed) {
    return fault{fault_kind::never_fits, "rate_limit: " + std::string{l.name} + " is " + std::to_string(limit) +
                                             " and the request may take " + std::to_string(needed) +
                                             "; it never fits: lower its output maximum, or split it"};
}
[[nodiscard]] inline fault no_estimate() {
    return fault{fault_kind::never_fits,
                 "rate_limit: tokens are limited, and the operation does not say how many a request may take: "
                 "describe(fn).estimate(...), in the pipeline that wraps the operation itself; or say so with "
                 "rate_limit_options::unestimated_tokens"}
        .with_code("no_estimate");
}
/// There would be room after `wait`, and that is too late. Another target may be tried meanwhile.
[[nodiscard]] inline fault too_long(duration wait, std::string const& for_what, bool deadline) {
    return fault{fault_kind::queue_full, "rate_limit: there is room in " + in_seconds(wait) + " (" + for_what +
                                             "), after " + (deadline ? "the call's deadline" : "max_wait")}
        .with_code("wait_too_long")
        .with_retry_after(wait);
}
[[nodiscard]] inline fault line_full(std::size_t waiting, std::string const& option, duration wait) {
    return fault{fault_kind::queue_full,
                 "rate_limit: " + std::to_string(waiting) + " calls wait already (" + option + ")"}
        .with_code(option)
        .with_retry_after(wait);
}

}  // namespace detail

inline void rate_limit_options::check() const {
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
