// SPDX-License-Identifier: BSL-1.0
#pragma once
// The options of `rate_limit`, and the faults by which it turns away.

#include <coffer/base/defaults.hpp>
#include <coffer/base/fault.hpp>
#include <coffer/base/rate_facts.hpp>
#include <coffer/call/composition.hpp>
#include <coffer/state/rate.hpp>
#include <coffer/time/clock.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
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
[[nodiscard]] std::vector<named_limit> limits_of(rate_limit_options const& o);
[[nodiscard]] std::vector<rate_rule> rules_of(rate_limit_options const& o);

/// `500 requests/min, 200000 tokens/min`; of the others those that are not as usual.
void describe_into(composition& to, rate_limit_options const& o);

[[nodiscard]] std::string in_seconds(duration d);

[[nodiscard]] fault larger_than_limit(named_limit const& l, std::int64_t limit, std::int64_t needed);
[[nodiscard]] fault no_estimate();
/// There would be room after `wait`, and that is too late. Another target may be tried meanwhile.
[[nodiscard]] fault too_long(duration wait, std::string const& for_what, bool deadline);
[[nodiscard]] fault line_full(std::size_t waiting, std::string const& option, duration wait);

}  // namespace detail

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/rate_limit_options.ipp>
#endif
