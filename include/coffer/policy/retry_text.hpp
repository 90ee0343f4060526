// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a retry says of its options.

#include <coffer/base/duration_text.hpp>
#include <coffer/base/fault_kind.hpp>
#include <coffer/call/composition.hpp>
#include <coffer/state/delay_schedule.hpp>
#include <coffer/state/retry_rule.hpp>

#include <cstddef>
#include <string>

namespace coffer::inline COFFER_ABI::detail {

/// `full jitter 500 ms doubling to 30 s`, `1 s`, `up to 5 s`.
[[nodiscard]] std::string text_of(backoff const& b);
[[nodiscard]] std::string text_of(delay_schedule const& s);

/// Attempts in any case, of the others those that are not as usual.
void describe_into(composition& to, retry_options const& o);

}  // namespace coffer::inline COFFER_ABI::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/retry_text.ipp>
#endif
