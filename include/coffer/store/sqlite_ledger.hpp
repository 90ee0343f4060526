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

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// Used by the store's thread.
class file_ledger {
public:
    using owner_is_dead = std::function<bool(std::string const&)>;

    explicit file_ledger(connection& db) : db_{db}, rows_{db} {}

    [[nodiscard]] reserve_verdict reserve(reserve_request const& q, std::string const& owner, ledger_moment at,
                                          owner_is_dead const& dead) {
        if (rows_.find(q.id).id != 0) return reserved{};
        auto denied = refusal(q, at);
        if (denied && !denied->frozen && denied->held > money{} && lapse(at, dead, most_lapses) > 0)
            denied = refusal(q, at);
        if (denied) return *std::move(denied);

        stored_reservation s;
        s.row = reservation_for(q, owner, at);
        for (auto const& line : *q.lines) {
            auto const [id, account] = rows_.account_at(line, line.window.span_at(at.wall));
            s.account_ids.push_back(id);
            s.accounts.push_back(account);
        }
        auto const pointers = pointers_to(s);
        reservation_machine{s.row, pointers, at}.hold();
        rows_.insert(s);
        return reserved{};
    }

    /// May its send begin? Not if a scope of it is frozen, nor if its money was given back. One that has begun may.
    [[nodiscard]] outcome<void> may_send(reservation_id const& id) {
        auto const s = rows_.find(id);
        if (s.id == 0) return failed(reservation_over());
        if (s.row.state == reservation_state::sent) return {};
        if (s.row.state != reservation_state::held) return failed(reservation_over());
        auto const frozen = rows_.frozen();
        if (frozen.empty()) return {};
        auto const r = scopes_.with(s.id);
        while (r.next()) {
            if (auto const f = frozen_around(r.bytes(), frozen))
                return failed(frozen_fault(with_remedy(denied_by(*f))));
        }
        return {};
    }
    /// A send of that record and number is permitted. A record that was forgotten and made anew counts its sends from the
    /// beginning: what an earlier one of that number has cost is not this one's business. `mine` is this one's own.
    void begin_send(std::string const& record, int number, reservation_id const* mine) {
        part_from_record_.run(as_blob(record), number, mine == nullptr ? std::nullopt : std::optional{as_blob(*mine)});
    }
    /// It begins, with the permit of that record and number. (Ask `may_send` first, in the same transaction, and tell
    /// `begin_send`.)
    void send(reservation_id const& id, std::string const& record, int number, std::chrono::nanoseconds longest,
              ledger_moment at) {
        auto s = rows_.find(id);
        s.row.about.record = record;
        s.row.about.send = number;
        change(s, at, [&](reservation_machine& m) { m.send(later(at.now, longest)); });
    }
    /// What it has cost; none: nobody knows.
    void settle(reservation_id const& id, std::optional<money> actual, std::string const& request_id,
                ledger_moment at) {
        settle(rows_.find(id), actual, request_id, at);
    }
    void release(reservation_id const& id, ledger_moment at) {
        change(rows_.find(id), at, [](reservation_machine& m) { m.release(); });
    }
    void lapse(reservation_id const& id, ledger_moment at) {
        change(rows_.find(id), at, [](reservation_machine& m) { m.lapse(); });
    }
    /// The same by the send that it was made for.
    void settle_send(std::string const& record, int number, money actual, std::string const& request_id,
                     ledger_moment at) {
        settle(rows_.find_send(record, number), actual, request_id, at);
    }
    void release_send(std::string const& record, int number, ledger_moment at) {
        change(rows_.find_send(record, number), at, [](reservation_machine& m) { m.release(); });
    }

    /// Gives back what was never sent and presumes spent what was, where the owner is gone or the time is over; at most
    /// so many. How many were given back.
    std::size_t lapse(ledger_moment at, owner_is_dead const& dead, std::size_t most) {
        std::size_t given_back = 0;
        lapse_test const has_lapsed{at, dead};
        for (auto const& e : rows_.open_entries()) {
            if (!has_lapsed(e)) continue;
            if (most-- == 0) break;
            given_back += e.held ? 1U : 0U;
            change(rows_.find(e.id), at, [](reservation_machine& m) { m.lapse(); });
        }
        return given_back;
    }
    /// Is there anything to lapse, or to carry? Reads only.
    [[nodiscard]] bool any_due(ledger_moment at, owner_is_dead const& dead,
                               std::chrono::system_clock::time_point before) {
        if (auto const r = ended_.with(ledger_rows::count(before), 1); r.next()) return true;
        lapse_test const has_lapsed{at, dead};
        auto const open = rows_.open_entries();
        return std::any_of(open.begin(), open.end(), std::cref(has_lapsed));
    }

    [[nodiscard]] std::size_t freeze(std::string const& scope, std::string const& reason, ledger_moment at,
                                     owner_is_dead const& dead) {
        freeze_.run(std::string_view{scope}, std::string_view{reason}, ledger_rows::count(at.wall));
        std::size_t under_way = 0;
        lapse_test const has_lapsed{at, dead};
        for (auto const& e : rows_.open_entries()) {
            if (e.held || has_lapsed(e)) continue;
            bool inside = false;
            auto const r = scopes_.with(e.id);
            while (r.next()) inside = is_within(r.bytes(), scope) || inside;
            under_way += inside ? 1U : 0U;
        }
        return under_way;
    }
    [[nodiscard]] bool thaw(std::string const& scope) {
        auto const before = sqlite3_total_changes(db_.get());
        thaw_.run(std::string_view{scope});
        return sqlite3_total_changes(db_.get()) != before;
    }
    void set_limit(std::string const& scope, std::string const& window_text, std::optional<money> limit,
                   ledger_moment at) {
        if (limit)
            set_limit_.run(std::string_view{scope}, std::string_view{window_text}, limit->nano(),
                           ledger_rows::count(at.wall));
        else clear_limit_.run(std::string_view{scope}, std::string_view{window_text});
    }
    [[nodiscard]] std::size_t correct(std::vector<correction> const& all, ledger_moment at) {
        std::size_t known = 0;
        for (auto const& c : all) {
            auto s = rows_.find(c.entry);
            if (s.id == 0) continue;
            ++known;
            settle(std::move(s), c.actual, {}, at);
        }
        return known;
    }

    /// How accounts stand, with what has lapsed and was not looked at since.
    [[nodiscard]] std::vector<account_status> accounts(std::string const& scope, ledger_moment at,
                                                       owner_is_dead const& dead) {
        std::vector<account_status> all;
        std::map<std::int64_t, std::size_t> places;
        auto const frozen = rows_.frozen();
        auto const r = accounts_.with();
        while (r.next()) {
            account_status s;
            auto const id = r.integer();
            s.scope = r.bytes();
            s.window = r.bytes();
            s.start = ledger_rows::wall_at(r.integer());
            auto const ends = r.maybe_integer();
            s.end = ends ? ledger_rows::wall_at(*ends) : std::chrono::system_clock::time_point::max();
            auto const declared = r.maybe_integer();
            auto const set = r.maybe_integer();
            if (auto const limit = set ? set : declared) s.limit = money::from_nano(*limit);
            s.money_in = ledger_rows::read_account(r);
            if (!is_within(s.scope, scope)) continue;
            s.frozen = frozen_around(s.scope, frozen).has_value();
            places.emplace(id, all.size());
            all.push_back(std::move(s));
        }
        lapse_test const has_lapsed{at, dead};
        for (auto const& e : rows_.open_entries()) {
            if (!has_lapsed(e)) continue;
            auto const s = rows_.find(e.id);
            auto const now = lapsed(s.row);
            for (std::size_t i = 0; i < s.account_ids.size(); ++i) {
                auto const place = places.find(s.account_ids[i]);
                if (place == places.end()) continue;
                auto& money = all[place->second].money_in;
                money -= part_of(s.row, s.row.holds[i]);
                if (now) money += part_of(*now, s.row.holds[i]);
            }
        }
        return all;
    }
    [[nodiscard]] std::vector<ledger_entry> entries(entry_filter const& f, ledger_moment at, owner_is_dead const& dead);
    /// Scopes that are frozen, and why.
    [[nodiscard]] std::vector<frozen_scope> frozen() { return rows_.frozen(); }
    [[nodiscard]] std::vector<std::string> audit() {
        std::vector<std::string> wrong;
        auto const r = audit_.with();
        while (r.next()) wrong.emplace_back(r.bytes());
        return wrong;
    }

    /// Entries that ended before `before` go, at most so many; their sums stay. True if more are left.
    bool carry(std::chrono::system_clock::time_point before, std::size_t most) {
        std::vector<std::int64_t> old;
        {
            auto const r = ended_.with(ledger_rows::count(before), most);
            while (r.next()) old.push_back(r.integer());
        }
        for (auto const id : old) {
            auto const s = rows_.find(id);
            for (std::size_t i = 0; i < s.account_ids.size(); ++i) {
                auto const part = part_of(s.row, s.row.holds[i]);
                carry_.run(part.settled.nano(), part.presumed.nano(), part.overrun.nano(), part.unpriced,
                           s.account_ids[i]);
            }
            rows_.remove(s);
        }
        drop_accounts_.run(ledger_rows::count(before));
        return old.size() == most;
    }

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

    [[nodiscard]] static std::vector<account*> pointers_to(stored_reservation& s) {
        std::vector<account*> all;
        for (auto& a : s.accounts) all.push_back(&a);
        return all;
    }
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
    void settle(stored_reservation&& s, std::optional<money> actual, std::string const& request_id, ledger_moment at) {
        bool const named = !request_id.empty() && s.row.about.request_id != request_id;
        if (named) s.row.about.request_id = request_id;
        bool const changed = change(s, at, [&](reservation_machine& m) {
            if (actual) m.settle(*actual);
            else m.presume();
        });
        if (named && !changed && s.id != 0) rows_.update(s);
    }
    /// What an open reservation is that has lapsed; nothing: it is given back.
    [[nodiscard]] static std::optional<reservation> lapsed(reservation r) {
        if (r.state == reservation_state::held) return std::nullopt;
        r.state = reservation_state::presumed;
        return r;
    }
    /// The frozen scope that a scope is in: the name to thaw.
    [[nodiscard]] static std::optional<frozen_scope> frozen_around(std::string_view scope,
                                                                   std::vector<frozen_scope> const& frozen) {
        auto const at =
            std::find_if(frozen.begin(), frozen.end(), [&](auto const& f) { return is_within(scope, f.scope); });
        return at == frozen.end() ? std::nullopt : std::optional{*at};
    }

    /// What the command can do about it.
    [[nodiscard]] budget_denial with_remedy(budget_denial d) const {
        auto const named = d.scope.empty() ? std::string{"''"} : shell_word(d.scope);
        if (d.frozen)
            d.remedy =
                "`coffer thaw " + shell_word(db_.path()) + " " + (d.scope.empty() ? "--everything" : named) + "`";
        else
            d.remedy =
                "`coffer limit " + shell_word(db_.path()) + " " + named + " " + shell_word(d.window_text) + " AMOUNT`";
        return d;
    }

    [[nodiscard]] std::optional<budget_denial> refusal(reserve_request const& q, ledger_moment at) {
        auto const frozen = rows_.frozen();
        for (auto const& line : *q.lines) {
            auto const limit = rows_.limit_of(line.scope, line.window_text).value_or(line.limit);
            auto from = line.window.span_at(at.wall).start;
            auto to = from;
            if (line.window.kind() == window_kind::rolling) {
                from = at.wall - line.window.length() - line.window.bucket();
                to = later(at.wall, line.window.length());
            }
            std::vector<window_part> parts;
            rows_.parts(line.scope, line.window_text, ledger_rows::count(from), ledger_rows::count(to),
                        [&](auto start, account const& a) {
                            if (line.window.counts(start, at.wall)) parts.emplace_back(start, a);
                        });
            auto const stopped = frozen_around(line.scope, frozen);
            if (auto denied = denial_of(q, line, limit, stopped, parts, at.wall))
                return with_remedy(*std::move(denied));
        }
        return std::nullopt;
    }

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

inline std::vector<ledger_entry> file_ledger::entries(entry_filter const& f, ledger_moment at,
                                                      owner_is_dead const& dead) {
    std::vector<ledger_entry> all;
    lapse_test const has_lapsed{at, dead};
    auto const r = entries_.with(ledger_rows::count(f.from), ledger_rows::count(f.to), std::string_view{f.request_id});
    while (all.size() < f.limit && r.next()) {
        ledger_entry e;
        auto s = rows_.read(r);
        e.row = std::move(s.row);
        bool const open = e.row.state == reservation_state::held || e.row.state == reservation_state::sent;
        if (open && has_lapsed(e.row)) {
            auto now = lapsed(e.row);
            if (!now) continue;
            e.row = *std::move(now);
        }
        if (f.state && e.row.state != *f.state) continue;
        bool inside = false;
        auto const names = names_.with(s.id);
        while (names.next()) {
            e.scopes.emplace_back(names.bytes());
            e.windows.emplace_back(names.bytes());
            inside = inside || is_within(e.scopes.back(), f.scope);
        }
        if (inside) all.push_back(std::move(e));
    }
    return all;
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
