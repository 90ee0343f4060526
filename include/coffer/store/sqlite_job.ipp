// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_job.hpp.

#include <coffer/store/sqlite_job.hpp>

#include <utility>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE job::job(urgency u, std::optional<store_step> step, std::string record, outside_work held,
                       std::size_t size)
    : urgency_{u}, step_{step}, record_{std::move(record)}, held_{std::move(held)}, in_memory_{size} {}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
