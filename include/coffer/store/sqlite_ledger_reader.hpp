// SPDX-License-Identifier: BSL-1.0
#pragma once
// The ledger's side of a reader's view of a store's file.

#include <coffer/store/ledger.hpp>
#include <coffer/store/sqlite_alarms.hpp>
#include <coffer/store/sqlite_failure.hpp>
#include <coffer/store/sqlite_ledger.hpp>
#include <coffer/store/sqlite_reader.hpp>

#include <memory>
#include <string>
#include <vector>

namespace coffer::inline COFFER_ABI::sqlite {

/// Looks at the ledger, beside the processes that use it, in the view of `from`, which must outlive it. One thread at a
/// time. What it throws says what to do, as `reader`'s.
class ledger_reader {
public:
    /// In the view that `from` has of the file.
    explicit ledger_reader(reader& from);

    /// The accounts of a scope and of those inside it; the empty name is everything.
    [[nodiscard]] std::vector<account_status> accounts(std::string const& scope = {});
    /// The entries that explain them, oldest first.
    [[nodiscard]] std::vector<ledger_entry> entries(entry_filter const& filter);
    /// Scopes that are frozen, and why.
    [[nodiscard]] std::vector<frozen_scope> frozen();
    /// Alarms that rang, newest first.
    [[nodiscard]] std::vector<kept_alarm> alarms(alarm_filter const& filter);
    /// Names of accounts that are not the sum of their entries.
    [[nodiscard]] std::vector<std::string> audit();

private:
    [[nodiscard]] ledger_moment now() const;
    [[nodiscard]] detail::file_ledger::owner_is_dead owner_test() const;

    std::string path_;
    detail::owner_files const* owners_;
    detail::connection* db_;
    std::unique_ptr<detail::file_ledger> ledger_;
};

}  // namespace coffer::inline COFFER_ABI::sqlite

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_ledger_reader.ipp>
#endif
