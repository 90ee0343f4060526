// SPDX-License-Identifier: BSL-1.0
#pragma once
// Durations for people: in the largest unit in which they are whole.

#include <coffer/config.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace coffer::inline COFFER_ABI::detail {

/// `90 s`, `2 min`, `500 ms`, `for ever`.
[[nodiscard]] std::string duration_text(std::chrono::nanoseconds d);

/// What is left of a time, to a tenth of a second and rounded up: `12.3 s`.
[[nodiscard]] std::string rest_text(std::chrono::nanoseconds d);

}  // namespace coffer::inline COFFER_ABI::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/base/duration_text.ipp>
#endif
