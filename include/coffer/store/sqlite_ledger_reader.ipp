// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_ledger_reader.hpp.

#include <coffer/store/sqlite_ledger_reader.hpp>

namespace coffer::inline COFFER_ABI::sqlite {

COFFER_INLINE ledger_reader::ledger_reader(reader& from)
    : path_{from.path().string()},
      owners_{&from.owners()},
      db_{&from.db()},
      ledger_{detail::in_words(path_, {}, [&] { return std::make_unique<detail::file_ledger>(from.db()); })} {}

COFFER_INLINE std::vector<account_status> ledger_reader::accounts(std::string const& scope) {
    return detail::in_words(path_, {}, [&] { return ledger_->accounts(scope, now(), owner_test()); });
}

COFFER_INLINE std::vector<ledger_entry> ledger_reader::entries(entry_filter const& filter) {
    return detail::in_words(path_, {}, [&] { return ledger_->entries(filter, now(), owner_test()); });
}

COFFER_INLINE std::vector<frozen_scope> ledger_reader::frozen() {
    return detail::in_words(path_, {}, [&] { return ledger_->frozen(); });
}

COFFER_INLINE std::vector<kept_alarm> ledger_reader::alarms(alarm_filter const& filter) {
    return detail::in_words(path_, {}, [&] { return detail::file_alarms{*db_}.list(filter); });
}

COFFER_INLINE std::vector<std::string> ledger_reader::audit() {
    return detail::in_words(path_, {}, [&] { return ledger_->audit(); });
}

COFFER_INLINE ledger_moment ledger_reader::now() const {
    auto const clocks = detail::read_clocks(*owners_);
    return {clocks.steady, clocks.wall};
}

COFFER_INLINE detail::file_ledger::owner_is_dead ledger_reader::owner_test() const {
    return [this](std::string const& name) { return owners_->is_dead(name); };
}

}  // namespace coffer::inline COFFER_ABI::sqlite
