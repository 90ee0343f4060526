// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_transactions.hpp.

#include <coffer/store/sqlite_transactions.hpp>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE void transactions::begin() {
    db_.check_place();
    begin_writing_.run();
    changes_before_ = sqlite3_total_changes(db_.get());
    records_.began();
}

COFFER_INLINE void transactions::commit() {
    records_.ending();
    commit_.run();
    records_.ended();
    if (sqlite3_total_changes(db_.get()) != changes_before_) ++commits_;
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
