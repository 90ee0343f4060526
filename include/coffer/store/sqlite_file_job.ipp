// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_file_job.hpp.

#include <coffer/store/sqlite_file_job.hpp>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE fault forked() {
    return fault{fault_kind::store_unavailable,
                 std::string{"the store was opened before this process was forked; "} + fork_remedy};
}

COFFER_INLINE fault unowned(opened_file const& f, std::error_code const& why) {
    return fault{fault_kind::store_unavailable, "this process's file in " + f.path() +
                                                    ".owners was removed and cannot be made anew (" + why.message() +
                                                    "), so others would take it for dead; mend the directory"};
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
