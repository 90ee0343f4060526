// SPDX-License-Identifier: BSL-1.0
#pragma once
// The ledger as rows: accounts, entries, and the holds that tie them. Used inside a transaction.

#include <coffer/state/ledger.hpp>
#include <coffer/state/ledger_rules.hpp>
#include <coffer/store/record_text.hpp>
#include <coffer/store/sqlite_connection.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// A reservation as it stands in the file, with its accounts.
struct stored_reservation {
    std::int64_t id = 0;  ///< 0: there is none
    reservation row;
    std::vector<std::int64_t> account_ids;  ///< beside `row.holds`
    std::vector<account> accounts;          ///< likewise
};

class ledger_rows {
public:
    using steady = std::chrono::steady_clock::time_point;
    using wall = std::chrono::system_clock::time_point;

    explicit ledger_rows(connection& db) : db_{db} {}

    [[nodiscard]] static std::int64_t count(steady t) noexcept {
        return std::chrono::nanoseconds{t.time_since_epoch()}.count();
    }
    [[nodiscard]] static std::int64_t count(wall t) noexcept {
        return std::chrono::nanoseconds{t.time_since_epoch()}.count();
    }
    [[nodiscard]] static wall wall_at(std::int64_t n) noexcept {
        return wall{std::chrono::duration_cast<wall::duration>(std::chrono::nanoseconds{n})};
    }
    [[nodiscard]] static std::optional<std::int64_t> unless_never(wall t) noexcept {
        return t == wall::max() ? std::nullopt : std::optional{count(t)};
    }

    [[nodiscard]] stored_reservation find(reservation_id const& id) {
        auto const r = by_id_.with(as_blob(id));
        return r.next() ? read(r) : stored_reservation{};
    }
    [[nodiscard]] stored_reservation find_send(std::string const& record, int send) {
        auto const r = by_send_.with(as_blob(record), send);
        return r.next() ? read(r) : stored_reservation{};
    }
    /// By the number of its row.
    [[nodiscard]] stored_reservation find(std::int64_t entry) {
        auto const r = by_row_.with(entry);
        return r.next() ? read(r) : stored_reservation{};
    }
    /// Numbers of the rows of open entries after `after`, oldest first, and who has them until when.
    struct open_entry {
        std::int64_t id = 0;
        bool held = false;
        std::string owner;
        steady until{};
    };
    [[nodiscard]] std::vector<open_entry> open_entries() {
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

    /// The accounts of a scope and window whose part began at `from` or later, by age.
    template <class Each>
    void parts(std::string_view scope, std::string_view window_text, std::int64_t from, std::int64_t to,
               Each const& each) {
        auto const r = parts_.with(scope, window_text, from, to);
        while (r.next()) {
            auto const start = wall_at(r.integer());
            each(start, read_account(r));
        }
    }
    /// The account of a line at that time, made if there is none; its number and how it stands.
    [[nodiscard]] std::pair<std::int64_t, account> account_at(ledger_line const& line, window_span span) {
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

    void insert(stored_reservation& s) {
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
    void update(stored_reservation const& s) {
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
    /// So much more is spent, in the hour in which the money was held, in each of its scopes.
    void note_spent(stored_reservation const& s, money more) {
        auto const hour = std::chrono::floor<std::chrono::hours>(s.row.created).time_since_epoch().count();
        note_spent_.run(s.id, hour, more.nano());
    }
    void remove(stored_reservation const& s) {
        drop_holds_.run(s.id);
        drop_.run(s.id);
        write_accounts(s);
    }

    [[nodiscard]] std::optional<money> limit_of(std::string_view scope, std::string_view window_text) {
        auto const r = limit_.with(scope, window_text);
        return r.next() ? std::optional{money::from_nano(r.integer())} : std::nullopt;
    }
    [[nodiscard]] std::vector<frozen_scope> frozen() {
        std::vector<frozen_scope> all;
        auto const r = frozen_.with();
        while (r.next()) {
            std::string scope{r.bytes()};
            all.push_back({std::move(scope), std::string{r.bytes()}});
        }
        return all;
    }

    [[nodiscard]] static account read_account(statement::rows const& r) {
        account a;
        a.settled = money::from_nano(r.integer());
        a.presumed = money::from_nano(r.integer());
        a.held = money::from_nano(r.integer());
        a.overrun = money::from_nano(r.integer());
        a.unpriced = r.integer();
        return a;
    }
    /// Reads an entry's columns, in the order of `columns`, and its holds.
    [[nodiscard]] stored_reservation read(statement::rows const& r) {
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

    static constexpr std::string_view columns =
        "e.id, e.reservation, e.state, e.bound, e.actual, e.owner, e.valid_until, e.created, coalesce(e.ended, 0), "
        "e.ns, e.record, coalesce(e.send, 0), e.attempt, e.provider, e.model, e.job, e.work, e.request_id";

private:
    [[nodiscard]] static std::optional<std::int64_t> nano(std::optional<money> m) noexcept {
        return m ? std::optional{m->nano()} : std::nullopt;
    }
    [[nodiscard]] static std::optional<money> maybe_money(std::optional<std::int64_t> n) noexcept {
        return n ? std::optional{money::from_nano(*n)} : std::nullopt;
    }
    [[nodiscard]] static std::string entry_where(std::string_view condition) {
        return "SELECT " + std::string{columns} + " FROM ledger_entries e WHERE " + std::string{condition};
    }
    void write_accounts(stored_reservation const& s) {
        for (std::size_t i = 0; i < s.accounts.size(); ++i) {
            auto const& a = s.accounts[i];
            write_account_.run(a.settled.nano(), a.presumed.nano(), a.held.nano(), a.overrun.nano(), a.unpriced,
                               s.account_ids[i]);
        }
    }

    connection& db_;
    statement by_id_{db_, entry_where("e.reservation=?")};
    statement by_send_{db_, entry_where("e.record=? AND e.send=?")};
    statement by_row_{db_, entry_where("e.id=?")};
    statement open_{db_,
                    "SELECT id, state, owner, valid_until FROM ledger_entries WHERE state='held' OR state='sent' "
                    "ORDER BY id"};
    statement holds_{db_,
                     "SELECT h.account, h.amount, h.kind, a.settled, a.presumed, a.held, a.overrun, a.unpriced "
                     "FROM ledger_holds h JOIN ledger_accounts a ON a.id=h.account WHERE h.entry=? ORDER BY h.account"};
    statement parts_{db_,
                     "SELECT start, settled, presumed, held, overrun, unpriced FROM ledger_accounts "
                     "WHERE scope=? AND window=? AND start>=? AND start<=? ORDER BY start"};
    statement account_{db_,
                       "SELECT id, declared, settled, presumed, held, overrun, unpriced FROM ledger_accounts "
                       "WHERE scope=? AND window=? AND start=?"};
    statement add_account_{db_,
                           "INSERT INTO ledger_accounts(scope, window, start, ends, declared) VALUES(?, ?, ?, ?, ?)"};
    statement declare_{db_, "UPDATE ledger_accounts SET declared=? WHERE id=?"};
    statement write_account_{
        db_, "UPDATE ledger_accounts SET settled=?, presumed=?, held=?, overrun=?, unpriced=? WHERE id=?"};
    statement insert_{db_,
                      "INSERT INTO ledger_entries(reservation, state, bound, actual, owner, valid_until, created, ns, "
                      "attempt, provider, model, job, work, record) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"};
    statement hold_{db_, "INSERT INTO ledger_holds(entry, account, amount, kind) VALUES(?, ?, ?, ?)"};
    statement update_{db_,
                      "UPDATE ledger_entries SET state=?, actual=?, valid_until=?, ended=?, record=?, send=?, "
                      "request_id=? WHERE id=?"};
    statement note_spent_{db_,
                          "INSERT INTO ledger_hours(scope, hour, spent) SELECT a.scope, ?2, ?3 FROM ledger_holds h "
                          "JOIN ledger_accounts a ON a.id=h.account WHERE h.entry=?1 GROUP BY a.scope "
                          "ON CONFLICT(scope, hour) DO UPDATE SET spent=spent+excluded.spent"};
    statement drop_holds_{db_, "DELETE FROM ledger_holds WHERE entry=?"};
    statement drop_{db_, "DELETE FROM ledger_entries WHERE id=?"};
    statement limit_{db_, "SELECT amount FROM ledger_limits WHERE scope=? AND window=?"};
    statement frozen_{db_, "SELECT scope, reason FROM ledger_freezes ORDER BY scope"};
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
