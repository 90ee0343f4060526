// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_ledger_rows.hpp.

#include <coffer/store/sqlite_ledger_rows.hpp>

#include <stdexcept>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE std::int64_t ledger_rows::count(steady t) noexcept {
    return std::chrono::nanoseconds{t.time_since_epoch()}.count();
}

COFFER_INLINE std::int64_t ledger_rows::count(wall t) noexcept {
    return std::chrono::nanoseconds{t.time_since_epoch()}.count();
}

COFFER_INLINE ledger_rows::wall ledger_rows::wall_at(std::int64_t n) noexcept {
    return wall{std::chrono::duration_cast<wall::duration>(std::chrono::nanoseconds{n})};
}

COFFER_INLINE std::optional<std::int64_t> ledger_rows::unless_never(wall t) noexcept {
    return t == wall::max() ? std::nullopt : std::optional{count(t)};
}

COFFER_INLINE stored_reservation ledger_rows::find(reservation_id const& id) {
    auto const r = by_id_.with(as_blob(id));
    return r.next() ? read(r) : stored_reservation{};
}

COFFER_INLINE stored_reservation ledger_rows::find_send(std::string const& record, int send) {
    auto const r = by_send_.with(as_blob(record), send);
    return r.next() ? read(r) : stored_reservation{};
}

COFFER_INLINE stored_reservation ledger_rows::find(std::int64_t entry) {
    auto const r = by_row_.with(entry);
    return r.next() ? read(r) : stored_reservation{};
}

COFFER_INLINE std::vector<ledger_rows::open_entry> ledger_rows::open_entries() {
    std::vector<open_entry> found;
    auto const r = open_.with();
    while (r.next()) {
        open_entry e;
        e.id = r.integer();
        e.held = r.bytes() == to_string(reservation_state::held);
        e.owner = r.bytes();
        e.until = steady{std::chrono::nanoseconds{r.integer()}};
        found.push_back(std::move(e));
    }
    return found;
}

COFFER_INLINE std::pair<std::int64_t, account> ledger_rows::account_at(ledger_line const& line, window_span span) {
    auto const declared = line.limit == money::max() ? std::nullopt : std::optional{line.limit.nano()};
    {
        auto const r =
            account_.with(std::string_view{line.scope}, std::string_view{line.window_text}, count(span.start));
        if (r.next()) {
            auto const id = r.integer();
            auto const before = r.maybe_integer();
            auto const found = read_account(r);
            if (before != declared) declare_.run(declared, id);
            return {id, found};
        }
    }
    add_account_.run(std::string_view{line.scope}, std::string_view{line.window_text}, count(span.start),
                     unless_never(line.window.leaves_at(span.start)), declared);
    return {db_.last_id(), account{}};
}

COFFER_INLINE void ledger_rows::insert(stored_reservation& s) {
    auto const& r = s.row;
    auto const& about = r.about;
    insert_.run(as_blob(r.id), to_string(r.state), nano(r.bound), nano(r.actual), std::string_view{r.owner},
                count(r.until), count(r.created), std::string_view{about.name_space}, about.attempt,
                std::string_view{about.provider}, std::string_view{about.model}, std::string_view{about.job},
                about.work.empty() ? std::nullopt : std::optional{std::string_view{about.work}},
                about.record.empty() ? std::nullopt : std::optional{as_blob(about.record)});
    s.id = db_.last_id();
    for (std::size_t i = 0; i < s.account_ids.size(); ++i)
        hold_.run(s.id, s.account_ids[i], r.holds[i].amount.nano(), to_string(r.holds[i].kind));
    write_accounts(s);
}

COFFER_INLINE void ledger_rows::update(stored_reservation const& s) {
    auto const& r = s.row;
    auto const text = [](std::string const& t) {
        return t.empty() ? std::nullopt : std::optional<std::string_view>{t};
    };
    auto const record = r.about.record.empty() ? std::nullopt : std::optional{as_blob(r.about.record)};
    auto const send = r.about.send == 0 ? std::nullopt : std::optional{r.about.send};
    auto const ended = r.ended == wall{} ? std::nullopt : std::optional{count(r.ended)};
    update_.run(to_string(r.state), nano(r.actual), count(r.until), ended, record, send, text(r.about.request_id),
                s.id);
    write_accounts(s);
}

COFFER_INLINE void ledger_rows::note_spent(stored_reservation const& s, money more) {
    auto const hour = std::chrono::floor<std::chrono::hours>(s.row.created).time_since_epoch().count();
    note_spent_.run(s.id, hour, more.nano());
}

COFFER_INLINE void ledger_rows::remove(stored_reservation const& s) {
    drop_holds_.run(s.id);
    drop_.run(s.id);
    write_accounts(s);
}

COFFER_INLINE std::optional<money> ledger_rows::limit_of(std::string_view scope, std::string_view window_text) {
    auto const r = limit_.with(scope, window_text);
    return r.next() ? std::optional{money::from_nano(r.integer())} : std::nullopt;
}

COFFER_INLINE std::vector<frozen_scope> ledger_rows::frozen() {
    std::vector<frozen_scope> all;
    auto const r = frozen_.with();
    while (r.next()) {
        std::string scope{r.bytes()};
        all.push_back({std::move(scope), std::string{r.bytes()}});
    }
    return all;
}

COFFER_INLINE account ledger_rows::read_account(statement::rows const& r) {
    account a;
    a.settled = money::from_nano(r.integer());
    a.presumed = money::from_nano(r.integer());
    a.held = money::from_nano(r.integer());
    a.overrun = money::from_nano(r.integer());
    a.unpriced = r.integer();
    return a;
}

COFFER_INLINE stored_reservation ledger_rows::read(statement::rows const& r) {
    stored_reservation s;
    auto& x = s.row;
    s.id = r.integer();
    auto const id = r.bytes();
    for (std::size_t i = 0; i < x.id.size() && i < id.size(); ++i) x.id[i] = static_cast<std::uint8_t>(id[i]);
    auto const state = state_from_text(r.bytes(), reservation_state::presumed);
    if (!state)
        throw std::runtime_error{"an entry of the ledger is in a state that this coffer does not know; update it"};
    x.state = *state;
    x.bound = maybe_money(r.maybe_integer());
    x.actual = maybe_money(r.maybe_integer());
    if (x.state == reservation_state::settled && !x.actual)
        throw std::runtime_error{
            "an entry of the ledger is damaged, it is settled without a cost; restore the "
            "store, with its .secret, from a backup"};
    x.owner = r.bytes();
    x.until = steady{std::chrono::nanoseconds{r.integer()}};
    x.created = wall_at(r.integer());
    x.ended = wall_at(r.integer());
    x.about.name_space = r.bytes();
    x.about.record = r.bytes();
    x.about.send = r.as<int>();
    x.about.attempt = r.as<int>();
    x.about.provider = r.bytes();
    x.about.model = r.bytes();
    x.about.job = r.bytes();
    x.about.work = r.bytes();
    x.about.request_id = r.bytes();
    auto const h = holds_.with(s.id);
    while (h.next()) {
        s.account_ids.push_back(h.integer());
        ledger_hold hold;
        hold.amount = money::from_nano(h.integer());
        hold.kind = h.bytes() == to_string(limit_kind::soft) ? limit_kind::soft : limit_kind::hard;
        x.holds.push_back(hold);
        s.accounts.push_back(read_account(h));
    }
    return s;
}

COFFER_INLINE std::optional<std::int64_t> ledger_rows::nano(std::optional<money> m) noexcept {
    return m ? std::optional{m->nano()} : std::nullopt;
}

COFFER_INLINE std::optional<money> ledger_rows::maybe_money(std::optional<std::int64_t> n) noexcept {
    return n ? std::optional{money::from_nano(*n)} : std::nullopt;
}

COFFER_INLINE std::string ledger_rows::entry_where(std::string_view condition) {
    return "SELECT " + std::string{columns} + " FROM ledger_entries e WHERE " + std::string{condition};
}

COFFER_INLINE void ledger_rows::write_accounts(stored_reservation const& s) {
    for (std::size_t i = 0; i < s.accounts.size(); ++i) {
        auto const& a = s.accounts[i];
        write_account_.run(a.settled.nano(), a.presumed.nano(), a.held.nano(), a.overrun.nano(), a.unpriced,
                           s.account_ids[i]);
    }
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
