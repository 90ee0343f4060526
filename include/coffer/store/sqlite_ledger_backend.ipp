// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_ledger_backend.hpp.

#include <coffer/store/sqlite_ledger_backend.hpp>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE alarm_outbox::result<reserve_verdict> ledger_on_file::reserve(reserve_request const& q) {
    auto work = [q](opened_file& f, clock& c) -> outcome<reserve_verdict> {
        if (auto const gone = f.keep_owner()) return tl::unexpected{unowned(f, gone)};
        if (f.left().is_short()) return tl::unexpected{f.left().refusal()};
        auto const at = f.money_moment(c);
        auto verdict = f.ledger().reserve(q, f.owner().name(), at, f.owner_test());
        if (auto const* const denied = std::get_if<budget_denial>(&verdict)) f.alarms().note_denial(*denied, at.wall);
        return verdict;
    };
    return submit_to<job_of, reserve_verdict>(*file_, urgency::before, store_step::reserve, name_of(q.id),
                                              std::move(work));
}

COFFER_INLINE alarm_outbox::result<void> ledger_on_file::submit_settle(reservation_id const& id,
                                                                       std::optional<money> actual,
                                                                       std::string const& request_id) {
    return ending(id, [id, actual, request_id](opened_file& f, ledger_moment at) {
        f.ledger().settle(id, actual, request_id, at);
    });
}

COFFER_INLINE alarm_outbox::result<void> ledger_on_file::submit_release(reservation_id const& id) {
    return ending(id, [id](opened_file& f, ledger_moment at) { f.ledger().release(id, at); });
}

COFFER_INLINE alarm_outbox::result<void> ledger_on_file::submit_lapse(reservation_id const& id) {
    return ending(id, [id](opened_file& f, ledger_moment at) { f.ledger().lapse(id, at); });
}

COFFER_INLINE alarm_outbox::result<std::size_t> ledger_on_file::freeze(std::string const& scope,
                                                                       std::string const& reason) {
    return change<std::size_t>([scope, reason](opened_file& f, ledger_moment at) {
        return f.ledger().freeze(scope, reason, at, f.owner_test());
    });
}

COFFER_INLINE alarm_outbox::result<bool> ledger_on_file::thaw(std::string const& scope) {
    return change<bool>([scope](opened_file& f, ledger_moment) { return f.ledger().thaw(scope); });
}

COFFER_INLINE alarm_outbox::result<void> ledger_on_file::set_limit(std::string const& scope, window const& over,
                                                                   std::optional<money> limit) {
    auto work = [scope, text = over.text(), limit](opened_file& f, clock& c) -> outcome<void> {
        f.ledger().set_limit(scope, text, limit, f.money_moment(c));
        return {};
    };
    return submit_to<refunding_job, void>(*file_, urgency::before, std::nullopt, {}, std::move(work));
}

COFFER_INLINE alarm_outbox::result<std::size_t> ledger_on_file::correct(std::vector<correction> const& what) {
    return change<std::size_t>([what](opened_file& f, ledger_moment at) { return f.ledger().correct(what, at); });
}

COFFER_INLINE alarm_outbox::result<std::vector<account_status>> ledger_on_file::accounts(std::string const& scope) {
    return look<std::vector<account_status>>(
        [scope](opened_file& f, ledger_moment at) { return f.ledger().accounts(scope, at, f.owner_test()); });
}

COFFER_INLINE alarm_outbox::result<std::vector<ledger_entry>> ledger_on_file::entries(entry_filter const& filter) {
    return look<std::vector<ledger_entry>>(
        [filter](opened_file& f, ledger_moment at) { return f.ledger().entries(filter, at, f.owner_test()); });
}

COFFER_INLINE alarm_outbox::result<std::vector<std::string>> ledger_on_file::audit() {
    return look<std::vector<std::string>>([](opened_file& f, ledger_moment) { return f.ledger().audit(); });
}

COFFER_INLINE alarm_outbox::result<std::size_t> ledger_on_file::look_for_alarms(alarm_watch const& watch) {
    return change<std::size_t>([watch](opened_file& f, ledger_moment at) {
        return f.alarms().look(watch, at.wall, [&](std::string const& scope, std::string const& reason) {
            (void)f.ledger().freeze(scope, reason, at, f.owner_test());
        });
    });
}

COFFER_INLINE alarm_outbox::result<std::vector<kept_alarm>> ledger_on_file::take_alarms(std::size_t most,
                                                                                        duration lease) {
    return write<std::vector<kept_alarm>>(
        [most, lease](opened_file& f, ledger_moment at) { return f.alarms().take(most, lease, at.wall); });
}

COFFER_INLINE alarm_outbox::result<void> ledger_on_file::alarm_delivered(std::string const& id) {
    return write<void>([id](opened_file& f, ledger_moment at) -> outcome<void> {
        f.alarms().delivered(id, at.wall);
        return {};
    });
}

COFFER_INLINE alarm_outbox::result<void> ledger_on_file::alarm_failed(std::string const& id, std::string const& trouble,
                                                                      duration pause) {
    return write<void>([id, trouble, pause](opened_file& f, ledger_moment at) -> outcome<void> {
        f.alarms().failed(id, trouble, pause, at.wall);
        return {};
    });
}

COFFER_INLINE alarm_outbox::result<std::vector<kept_alarm>> ledger_on_file::alarms(alarm_filter const& filter) {
    return look<std::vector<kept_alarm>>([filter](opened_file& f, ledger_moment) { return f.alarms().list(filter); });
}

COFFER_INLINE std::string ledger_on_file::name_of(reservation_id const& id) {
    return std::string{id.begin(), id.end()};
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
