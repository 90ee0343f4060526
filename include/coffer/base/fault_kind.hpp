// SPDX-License-Identifier: BSL-1.0
#pragma once
// The closed list of reasons why an attempt did not succeed, and the one table that every policy reads.

#include <coffer/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string_view>

namespace coffer::inline COFFER_ABI {

/// Why an attempt did not succeed. Closed: every kind has a row in `fault_table`.
enum class fault_kind : std::uint8_t {
    // of providers
    not_sent,          ///< provably never reached the provider: name resolution, connect, TLS
    throttled,         ///< the provider's rate limit
    overloaded,        ///< the provider turned the request down for lack of capacity
    transient,         ///< rejected before processing, may work later
    ambiguous,         ///< may have been executed and billed; nobody knows
    quota_exhausted,   ///< the account's money or quota is used up; waiting does not help
    unauthorized,      ///< credentials refused
    stale_credentials, ///< credentials refused that have been replaced since; the next attempt takes the new ones
    forbidden,         ///< not allowed: for these credentials, or with this configuration
    not_found,         ///< no such model or path
    invalid_request,   ///< the request itself is wrong
    context_length,    ///< the prompt is longer than the model takes
    too_large,         ///< the body is larger than the provider takes
    content_policy,    ///< refused for its content
    defective_answer,  ///< answered and billed, but unusable: truncated, filtered, unreadable
    broken_stream,     ///< the answer began and broke off
    // of the operation
    timed_out,  ///< the attempt's own time was up after it may have been sent
    aborted,    ///< the operation ended itself with `operation_aborted`, nobody having asked it to
    permanent,  ///< an error that no rule knows; blind retries are the disease
    // coffer's own
    circuit_open,  ///< a circuit breaker lets nothing through at the moment; the hint says when it tries again
    over_budget,  ///< a budget has not enough left; `fault::denial` says whose
    never_fits,         ///< larger than the limiter's or budget's whole capacity
    queue_full,  ///< the line at a limit is full, or the wait in it would be too long
    deadline_exceeded,  ///< the call's time is up, or would be before the wait's end
    cancelled,          ///< the caller left
    in_progress,        ///< another process works on this key; the hint says when to look again
    key_mismatch,       ///< the key stands for another request; the detail names the fields that differ
    unresolved,         ///< every permitted send is spent and no answer is known; an operator decides
    result_expired,     ///< paid once, its answer no longer kept
    already_done,       ///< acknowledged: the caller has stored the result where it belongs
    store_unavailable,  ///< the journal cannot be written, so nothing is sent
    draining,           ///< the process is shutting down
    run_refused,  ///< the job has been run too often, or has failed the same way too often; an operator decides
    preflight_failed,  ///< the run's own check before its first send failed, so nothing was spent
};

/// How many kinds there are.
inline constexpr std::size_t fault_kind_count = static_cast<std::size_t>(fault_kind::preflight_failed) + 1;

/// Did coffer itself decide so, without the provider or the operation?
[[nodiscard]] constexpr bool is_coffers_own(fault_kind k) noexcept { return k >= fault_kind::circuit_open; }

/// What is known of the provider's side. Execution and billing are different facts: a processed 500 may be unbilled,
/// a moderated 400 may be billed. `no` and `yes` are proven, `maybe` is everything else.
enum class knowledge : std::uint8_t { no, maybe, yes };

/// May another target be tried? `larger_context`: only one that takes a longer prompt could do better.
enum class other_target : std::uint8_t { no, yes, larger_context };

/// How an end counts for a circuit breaker: as its provider's failure, or not at all.
enum class breaker_effect : std::uint8_t { neutral, failure };

/// One row of the table.
struct fault_row {
    fault_kind kind;  ///< whose row it is
    std::string_view name;  ///< as it is printed and stored
    bool retry_same;  ///< may the same request be sent again to the same target?
    other_target try_other;  ///< may it be sent to another one?
    breaker_effect breaker;  ///< does it count against the target's circuit?
    bool feeds_limiter;  ///< does it tell a rate limiter that it goes too fast?
    bool stored;  ///< a fault of the request itself: kept under the key, because it would only happen again
    knowledge execution;  ///< what is known unless a provider's profile or the transport knows better
    knowledge billing;  ///< the same of billing
};

namespace detail {

constexpr auto make_fault_table() {
    using enum fault_kind;
    using enum knowledge;
    constexpr auto other = other_target::yes;
    constexpr auto none = other_target::no;
    constexpr auto bigger = other_target::larger_context;
    constexpr auto counts = breaker_effect::failure;
    constexpr auto neutral = breaker_effect::neutral;
    // clang-format off
    return std::array<fault_row, fault_kind_count>{{
        // kind              name                 retry  other   breaker  limit  stored  executed billed
        {not_sent,          "not_sent",           true,  other,  counts,  false, false,  no,      no},
        {throttled,         "throttled",          true,  other,  neutral, true,  false,  no,      no},
        {overloaded,        "overloaded",         true,  other,  counts,  false, false,  no,      no},
        {transient,         "transient",          true,  other,  counts,  false, false,  no,      no},
        {ambiguous,         "ambiguous",          true,  other,  counts,  false, false,  maybe,   maybe},
        {quota_exhausted,   "quota_exhausted",    false, other,  counts,  false, false,  no,      no},
        {unauthorized,      "unauthorized",       false, other,  neutral, false, false,  no,      no},
        {stale_credentials, "stale_credentials",  true,  other,  neutral, false, false,  no,      no},
        {forbidden,         "forbidden",          false, other,  neutral, false, false,  no,      no},
        {not_found,         "not_found",          false, other,  neutral, false, false,  no,      no},
        {invalid_request,   "invalid_request",    false, none,   neutral, false, true,   no,      no},
        {context_length,    "context_length",     false, bigger, neutral, false, true,   no,      no},
        {too_large,         "too_large",          false, none,   neutral, false, true,   no,      no},
        {content_policy,    "content_policy",     false, none,   neutral, false, true,   no,      no},
        {defective_answer,  "defective_answer",   false, other,  neutral, false, false,  yes,     yes},
        {broken_stream,     "broken_stream",      true,  other,  counts,  false, false,  maybe,   maybe},
        {timed_out,         "timed_out",          true,  other,  counts,  false, false,  maybe,   maybe},
        {aborted,           "aborted",            false, none,   neutral, false, false,  maybe,   maybe},
        {permanent,         "permanent",          false, none,   neutral, false, false,  maybe,   maybe},
        {circuit_open,      "circuit_open",       false, other,  neutral, false, false,  no,      no},
        {over_budget,       "over_budget",        false, other,  neutral, false, false,  no,      no},
        {never_fits,        "never_fits",         false, other,  neutral, false, false,  no,      no},
        {queue_full,        "queue_full",         false, other,  neutral, false, false,  no,      no},
        {deadline_exceeded, "deadline_exceeded",  false, none,   neutral, false, false,  no,      no},
        {cancelled,         "cancelled",          false, none,   neutral, false, false,  no,      no},
        {in_progress,       "in_progress",        false, none,   neutral, false, false,  no,      no},
        {key_mismatch,      "key_mismatch",       false, none,   neutral, false, false,  no,      no},
        {unresolved,        "unresolved",         false, none,   neutral, false, false,  no,      no},
        {result_expired,    "result_expired",     false, none,   neutral, false, false,  no,      no},
        {already_done,      "already_done",       false, none,   neutral, false, false,  no,      no},
        {store_unavailable, "store_unavailable",  false, none,   neutral, false, false,  no,      no},
        {draining,          "draining",           false, none,   neutral, false, false,  no,      no},
        {run_refused,       "run_refused",        false, none,   neutral, false, false,  no,      no},
        {preflight_failed,  "preflight_failed",   false, none,   neutral, false, false,  no,      no},
    }};
    // clang-format on
}

}  // namespace detail

/// The table. Rows stand in the order of `fault_kind`.
inline constexpr std::array<fault_row, fault_kind_count> fault_table = detail::make_fault_table();

/// The row of a kind.
[[nodiscard]] constexpr fault_row const& row(fault_kind kind) noexcept {
    return fault_table[static_cast<std::size_t>(kind)];
}

/// Its name, as in the source.
[[nodiscard]] constexpr std::string_view to_string(fault_kind kind) noexcept { return row(kind).name; }

/// `no`, `maybe` or `yes`.
[[nodiscard]] constexpr std::string_view to_string(knowledge k) noexcept {
    return k == knowledge::no ? "no" : k == knowledge::maybe ? "maybe" : "yes";
}

/// Prints the name.
std::ostream& operator<<(std::ostream& out, fault_kind kind);
/// Prints `no`, `maybe` or `yes`.
std::ostream& operator<<(std::ostream& out, knowledge k);

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/base/fault_kind.ipp>
#endif
