// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a circuit breaker says of itself: in refusals, and to whoever looks at it. Kinds, numbers and names of targets;
// nothing of what a provider has said.

#include <coffer/base/fault.hpp>
#include <coffer/call/attempt_log.hpp>
#include <coffer/call/composition.hpp>
#include <coffer/state/breaker.hpp>

#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI::detail {

[[nodiscard]] std::string circuit_of(target const& t);

[[nodiscard]] std::string kind_and_status(fault const& f);

/// Why it is open. `last` is the end that opened it; null for a success.
[[nodiscard]] std::string open_text(std::string const& circuit, breaker::change const& c,
                                    circuit_breaker_options const& o, fault const* last);

[[nodiscard]] std::string half_open_text(std::string const& circuit, int probes);

[[nodiscard]] std::string isolated_text(std::string_view why);

/// Those that are not as usual.
void describe_into(composition& to, circuit_breaker_options const& o);

}  // namespace coffer::inline COFFER_ABI::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/circuit_text.ipp>
#endif
