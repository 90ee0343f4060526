// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_ledger.hpp.

#include <coffer/store/sqlite_ledger.hpp>

#include <algorithm>
#include <utility>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE reserve_verdict file_ledger::reserve(reserve_request const& q, std::string const& owner, ledger_moment at,
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

COFFER_INLINE outcome<void> file_ledger::may_send(reservation_id const& id) {
    auto const s = rows_.find(id);
    if (s.id == 0) return failed(reservation_over());
    if (s.row.state == reservation_state::sent) return {};
    if (s.row.state != reservation_state::held) return failed(reservation_over());
    auto const frozen = rows_.frozen();
    if (frozen.empty()) return {};
    auto const r = scopes_.with(s.id);
    while (r.next()) {
        if (auto const f = frozen_around(r.bytes(), frozen)) return failed(frozen_fault(with_remedy(denied_by(*f))));
    }
    return {};
}

COFFER_INLINE void file_ledger::begin_send(std::string const& record, int number, reservation_id const* mine) {
    part_from_record_.run(as_blob(record), number, mine == nullptr ? std::nullopt : std::optional{as_blob(*mine)});
}

COFFER_INLINE void file_ledger::send(reservation_id const& id, std::string const& record, int number,
                                     std::chrono::nanoseconds longest, ledger_moment at) {
    auto s = rows_.find(id);
    s.row.about.record = record;
    s.row.about.send = number;
    change(s, at, [&](reservation_machine& m) { m.send(later(at.now, longest)); });
}

COFFER_INLINE void file_ledger::settle(reservation_id const& id, std::optional<money> actual,
                                       std::string const& request_id, ledger_moment at) {
    settle(rows_.find(id), actual, request_id, at);
}

COFFER_INLINE void file_ledger::release(reservation_id const& id, ledger_moment at) {
    change(rows_.find(id), at, [](reservation_machine& m) { m.release(); });
}

COFFER_INLINE void file_ledger::lapse(reservation_id const& id, ledger_moment at) {
    change(rows_.find(id), at, [](reservation_machine& m) { m.lapse(); });
}

COFFER_INLINE void file_ledger::settle_send(std::string const& record, int number, money actual,
                                            std::string const& request_id, ledger_moment at) {
    settle(rows_.find_send(record, number), actual, request_id, at);
}

COFFER_INLINE void file_ledger::release_send(std::string const& record, int number, ledger_moment at) {
    change(rows_.find_send(record, number), at, [](reservation_machine& m) { m.release(); });
}

COFFER_INLINE std::size_t file_ledger::lapse(ledger_moment at, owner_is_dead const& dead, std::size_t most) {
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

COFFER_INLINE bool file_ledger::any_due(ledger_moment at, owner_is_dead const& dead,
                                        std::chrono::system_clock::time_point before) {
    if (auto const r = ended_.with(ledger_rows::count(before), 1); r.next()) return true;
    lapse_test const has_lapsed{at, dead};
    auto const open = rows_.open_entries();
    return std::any_of(open.begin(), open.end(), std::cref(has_lapsed));
}

COFFER_INLINE std::size_t file_ledger::freeze(std::string const& scope, std::string const& reason, ledger_moment at,
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

COFFER_INLINE bool file_ledger::thaw(std::string const& scope) {
    auto const before = sqlite3_total_changes(db_.get());
    thaw_.run(std::string_view{scope});
    return sqlite3_total_changes(db_.get()) != before;
}

COFFER_INLINE void file_ledger::set_limit(std::string const& scope, std::string const& window_text,
                                          std::optional<money> limit, ledger_moment at) {
    if (limit)
        set_limit_.run(std::string_view{scope}, std::string_view{window_text}, limit->nano(),
                       ledger_rows::count(at.wall));
    else clear_limit_.run(std::string_view{scope}, std::string_view{window_text});
}

COFFER_INLINE std::size_t file_ledger::correct(std::vector<correction> const& all, ledger_moment at) {
    std::size_t known = 0;
    for (auto const& c : all) {
        auto s = rows_.find(c.entry);
        if (s.id == 0) continue;
        ++known;
        settle(std::move(s), c.actual, {}, at);
    }
    return known;
}

COFFER_INLINE std::vector<account_status> file_ledger::accounts(std::string const& scope, ledger_moment at,
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

COFFER_INLINE std::vector<std::string> file_ledger::audit() {
    std::vector<std::string> wrong;
    auto const r = audit_.with();
    while (r.next()) wrong.emplace_back(r.bytes());
    return wrong;
}

COFFER_INLINE bool file_ledger::carry(std::chrono::system_clock::time_point before, std::size_t most) {
    std::vector<std::int64_t> old;
    {
        auto const r = ended_.with(ledger_rows::count(before), most);
        while (r.next()) old.push_back(r.integer());
    }
    for (auto const id : old) {
        auto const s = rows_.find(id);
        for (std::size_t i = 0; i < s.account_ids.size(); ++i) {
            auto const part = part_of(s.row, s.row.holds[i]);
            carry_.run(part.settled.nano(), part.presumed.nano(), part.overrun.nano(), part.unpriced, s.account_ids[i]);
        }
        rows_.remove(s);
    }
    drop_accounts_.run(ledger_rows::count(before));
    return old.size() == most;
}

COFFER_INLINE std::vector<account*> file_ledger::pointers_to(stored_reservation& s) {
    std::vector<account*> all;
    for (auto& a : s.accounts) all.push_back(&a);
    return all;
}

COFFER_INLINE void file_ledger::settle(stored_reservation&& s, std::optional<money> actual,
                                       std::string const& request_id, ledger_moment at) {
    bool const named = !request_id.empty() && s.row.about.request_id != request_id;
    if (named) s.row.about.request_id = request_id;
    bool const changed = change(s, at, [&](reservation_machine& m) {
        if (actual) m.settle(*actual);
        else m.presume();
    });
    if (named && !changed && s.id != 0) rows_.update(s);
}

COFFER_INLINE std::optional<reservation> file_ledger::lapsed(reservation r) {
    if (r.state == reservation_state::held) return std::nullopt;
    r.state = reservation_state::presumed;
    return r;
}

COFFER_INLINE std::optional<frozen_scope> file_ledger::frozen_around(std::string_view scope,
                                                                     std::vector<frozen_scope> const& frozen) {
    auto const at =
        std::find_if(frozen.begin(), frozen.end(), [&](auto const& f) { return is_within(scope, f.scope); });
    return at == frozen.end() ? std::nullopt : std::optional{*at};
}

COFFER_INLINE budget_denial file_ledger::with_remedy(budget_denial d) const {
    auto const named = d.scope.empty() ? std::string{"''"} : shell_word(d.scope);
    if (d.frozen)
        d.remedy = "`coffer thaw " + shell_word(db_.path()) + " " + (d.scope.empty() ? "--everything" : named) + "`";
    else
        d.remedy =
            "`coffer limit " + shell_word(db_.path()) + " " + named + " " + shell_word(d.window_text) + " AMOUNT`";
    return d;
}

COFFER_INLINE std::optional<budget_denial> file_ledger::refusal(reserve_request const& q, ledger_moment at) {
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
        if (auto denied = denial_of(q, line, limit, stopped, parts, at.wall)) return with_remedy(*std::move(denied));
    }
    return std::nullopt;
}

COFFER_INLINE std::vector<ledger_entry> file_ledger::entries(entry_filter const& f, ledger_moment at,
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
