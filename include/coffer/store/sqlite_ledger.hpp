// SPDX-License-Identifier: BSL-1.0
#pragma once
// The ledger's operations on a file, each within a transaction: rows are loaded, a rule is applied, rows are written.

#include <coffer/base/later.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/state/ledger_admission.hpp>
#include <coffer/state/ledger_rules.hpp>
#include <coffer/store/ledger.hpp>
#include <coffer/store/record_text.hpp>
#include <coffer/store/sqlite_connection.hpp>
#include <coffer/store/sqlite_ledger_rows.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// Used by the store's thread.
class file_ledger {
public:
    using owner_is_dead = std::function<bool(std::string const&)>;

    explicit file_ledger(connection& db) : db_{db}, rows_{db} {}

    [[nodiscard]] reserve_verdict reserve(reserve_request const& q, std::string const& owner, ledger_moment at,
                                          owner_is_dead const& dead);

    /// May its send begin? Not if a scope of it is frozen, nor if its money was given back. One that has begun may.
    [[nodiscard]] outcome<void> may_send(reservation_id const& id);
    /// A send of that record and number is permitted. A record that was forgotten and made anew counts its sends from the
    /// beginning: what an earlier one of that number has cost is not this one's business. `mine` is this one's own.
    void begin_send(std::string const& record, int number, reservation_id const* mine);
    /// It begins, with the permit of that record and number. (Ask `may_send` first, in the same transaction, and tell
    /// `begin_send`.)
    void send(reservation_id const& id, std::string const& record, int number, std::chrono::nanoseconds longest,
              ledger_moment at);
    /// What it has cost; none: nobody knows.
    void settle(reservation_id const& id, std::optional<money> actual, std::string const& request_id, ledger_moment at);
    void release(reservation_id const& id, ledger_moment at);
    void lapse(reservation_id const& id, ledger_moment at);
    /// The same by the send that it was made for.
    void settle_send(std::string const& record, int number, money actual, std::string const& request_id,
                     ledger_moment at);
    void release_send(std::string const& record, int number, ledger_moment at);

    /// Gives back what was never sent and presumes spent what was, where the owner is gone or the time is over; at most
    /// so many. How many were given back.
    std::size_t lapse(ledger_moment at, owner_is_dead const& dead, std::size_t most);
    /// Is there anything to lapse, or to carry? Reads only.
    [[nodiscard]] bool any_due(ledger_moment at, owner_is_dead const& dead,
                               std::chrono::system_clock::time_point before);

    [[nodiscard]] std::size_t freeze(std::string const& scope, std::string const& reason, ledger_moment at,
                                     owner_is_dead const& dead);
    [[nodiscard]] bool thaw(std::string const& scope);
    void set_limit(std::string const& scope, std::string const& window_text, std::optional<money> limit,
                   ledger_moment at);
    [[nodiscard]] std::size_t correct(std::vector<correction> const& all, ledger_moment at);

    /// How accounts stand, with what has lapsed and was not looked at since.
    [[nodiscard]] std::vector<account_status> accounts(std::string const& scope, ledger_moment at,
                                                       owner_is_dead const& dead);
    [[nodiscard]] std::vector<ledger_entry> entries(entry_filter const& f, ledger_moment at, owner_is_dead const& dead);
    /// Scopes that are frozen, and why.
    [[nodiscard]] std::vector<frozen_scope> frozen() { return rows_.frozen(); }
    [[nodiscard]] std::vector<std::string> audit();

    /// Entries that ended before `before` go, at most so many; their sums stay. True if more are left.
    bool carry(std::chrono::system_clock::time_point before, std::size_t most);

private:
    static constexpr std::size_t most_lapses = 200;

    /// Is an open entry's time over, or its owner dead? Of each owner it asks once: that may cost a system call.
    class lapse_test {
    public:
        lapse_test(ledger_moment at, owner_is_dead const& dead) noexcept : at_{at}, dead_{dead} {}
        template <class Entry>
        [[nodiscard]] bool operator()(Entry const& e) const {
            if (at_.now >= e.until) return true;
            auto const [known, fresh] = known_.try_emplace(e.owner);
            if (fresh) known->second = dead_(e.owner);
            return known->second;
        }

    private:
        ledger_moment at_;
        owner_is_dead const& dead_;
        mutable std::map<std::string, bool> known_;
    };

    [[nodiscard]] static std::vector<account*> pointers_to(stored_reservation& s);
    /// Applies a rule and writes what it has changed. False if that is nothing, as for a reservation that is not there.
    template <class Rule>
    bool change(stored_reservation&& s, ledger_moment at, Rule const& rule) {
        return change(s, at, rule);
    }
    template <class Rule>
    bool change(stored_reservation& s, ledger_moment at, Rule const& rule) {
        if (s.id == 0) return false;
        auto const pointers = pointers_to(s);
        auto const before = spent_of(s.row);
        reservation_machine m{s.row, pointers, at};
        rule(m);
        auto const after = m.gone() ? money{} : spent_of(s.row);
        if (after != before) rows_.note_spent(s, after - before);
        if (m.gone()) rows_.remove(s);
        else if (m.changed()) rows_.update(s);
        return m.gone() || m.changed();
    }
    void settle(stored_reservation&& s, std::optional<money> actual, std::string const& request_id, ledger_moment at);
    /// What an open reservation is that has lapsed; nothing: it is given back.
    [[nodiscard]] static std::optional<reservation> lapsed(reservation r);
    /// The frozen scope that a scope is in: the name to thaw.
    [[nodiscard]] static std::optional<frozen_scope> frozen_around(std::string_view scope,
                                                                   std::vector<frozen_scope> const& frozen);

    /// What the command can do about it.
    [[nodiscard]] budget_denial with_remedy(budget_denial d) const;

    [[nodiscard]] std::optional<budget_denial> refusal(reserve_request const& q, ledger_moment at);

    connection& db_;
    ledger_rows rows_;
    statement part_from_record_{
        db_, "UPDATE ledger_entries SET record=NULL, send=NULL WHERE record=? AND send=? AND reservation IS NOT ?"};
    statement scopes_{db_,
                      "SELECT a.scope FROM ledger_holds h JOIN ledger_accounts a ON a.id=h.account WHERE h.entry=?"};
    statement freeze_{db_,
                      "INSERT INTO ledger_freezes(scope, reason, frozen_at) VALUES(?, ?, ?) "
                      "ON CONFLICT(scope) DO UPDATE SET reason=excluded.reason"};
    statement thaw_{db_, "DELETE FROM ledger_freezes WHERE scope=?"};
    statement set_limit_{db_,
                         "INSERT INTO ledger_limits(scope, window, amount, set_at) VALUES(?, ?, ?, ?) "
                         "ON CONFLICT(scope, window) DO UPDATE SET amount=excluded.amount, set_at=excluded.set_at"};
    statement clear_limit_{db_, "DELETE FROM ledger_limits WHERE scope=? AND window=?"};
    statement accounts_{db_,
                        "SELECT a.id, a.scope, a.window, a.start, a.ends, a.declared, l.amount, a.settled, a.presumed, "
                        "a.held, a.overrun, a.unpriced FROM ledger_accounts a LEFT JOIN ledger_limits l "
                        "ON l.scope=a.scope AND l.window=a.window ORDER BY a.scope, a.window, a.start"};
    statement entries_{db_, "SELECT " + std::string{ledger_rows::columns} +
                                " FROM ledger_entries e WHERE e.created>=?1 AND e.created<?2 "
                                "AND (?3='' OR e.request_id=?3) ORDER BY e.created, e.id"};
    statement names_{db_,
                     "SELECT a.scope, a.window FROM ledger_holds h JOIN ledger_accounts a ON a.id=h.account "
                     "WHERE h.entry=? ORDER BY h.account"};
    statement ended_{db_,
                     "SELECT id FROM ledger_entries WHERE created<?1 AND ended<?1 AND state<>'held' AND state<>'sent' "
                     "ORDER BY created LIMIT ?2"};
    statement carry_{db_,
                     "UPDATE ledger_accounts SET carried_settled=carried_settled+?, "
                     "carried_presumed=carried_presumed+?, carried_overrun=carried_overrun+?, "
                     "carried_unpriced=carried_unpriced+? WHERE id=?"};
    statement drop_accounts_{db_,
                             "DELETE FROM ledger_accounts WHERE ends<?1 AND NOT EXISTS(SELECT 1 FROM ledger_holds h "
                             "WHERE h.account=ledger_accounts.id)"};
    statement audit_{
        db_,
        "SELECT a.scope || ' ' || a.window FROM ledger_accounts a LEFT JOIN (SELECT h.account, "
        "sum(iif(e.state='held' OR e.state='sent', h.amount, 0)) held, sum(iif(e.state='presumed', h.amount, 0)) "
        "presumed, sum(iif(e.state='settled', e.actual, 0)) settled, sum(iif(e.state='settled' AND h.kind='hard' AND "
        "e.bound IS NOT NULL, "
        "max(e.actual-h.amount, 0), 0)) overrun, sum(e.state='presumed' AND e.bound IS NULL) unpriced "
        "FROM ledger_holds h JOIN ledger_entries e ON e.id=h.entry GROUP BY h.account) s ON s.account=a.id "
        "WHERE a.held<>coalesce(s.held, 0) OR a.settled<>coalesce(s.settled, 0)+a.carried_settled "
        "OR a.presumed<>coalesce(s.presumed, 0)+a.carried_presumed OR a.overrun<>coalesce(s.overrun, "
        "0)+a.carried_overrun OR a.unpriced<>coalesce(s.unpriced, 0)+a.carried_unpriced ORDER BY a.scope, a.window"};
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_ledger.ipp>
#endif
