// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a timeout says when what is inside it has ended, or was stopped, or was left behind. Pure.

#include <coffer/base/fault.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI {

/// Who stopped what is inside. Written down before it is stopped, since an operation cannot tell them apart.
enum class stopped_by : std::uint8_t {
    nobody,    ///< it ended by itself
    timeout,   ///< the time of this timeout was up
    deadline,  ///< the call's time was up, which came first
    caller,    ///< the caller left
};

/// Everything that decides what a timeout says.
struct timeout_facts {
    stopped_by who = stopped_by::nobody;  ///< written down before it was stopped
    fault const* ended = nullptr;  ///< how what is inside has ended; null: it had to be left behind
    knowledge execution = knowledge::no;  ///< at least, of all attempts inside
    knowledge billing = knowledge::no;  ///< at least, of all attempts inside
    bool own = true;  ///< this timeout's limit comes before the call's deadline
    bool over = false;  ///< its time is over
};

/// "timeout `search` (30 s)"
[[nodiscard]] std::string timeout_text(std::string_view name, std::chrono::nanoseconds limit);

/// Nobody: what is inside is believed, but a deadline that it was told by this timeout was this timeout's. Somebody: his
/// fault, with what is known of the provider.
[[nodiscard]] fault timeout_fault(timeout_facts const& f, std::string_view name, std::chrono::nanoseconds limit);

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/timeout_rule.ipp>
#endif
