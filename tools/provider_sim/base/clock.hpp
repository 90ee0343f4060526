// SPDX-License-Identifier: BSL-1.0
#pragma once
// Wall clock time as the ledger and HTTP write it.

#include <cstdint>
#include <string>

namespace provider_sim {

/// Microseconds since the Unix epoch.
std::int64_t now_us();

/// `Sun, 06 Nov 1994 08:49:37 GMT`
std::string http_date(std::int64_t unix_seconds);

/// `1994-11-06T08:49:37Z`
std::string rfc3339(std::int64_t unix_seconds);

}  // namespace provider_sim
