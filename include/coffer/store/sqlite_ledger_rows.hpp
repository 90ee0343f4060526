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

    [[nodiscard]] static std::int64_t count(steady t) noexcept;
    [[nodiscard]] static std::int64_t count(wall t) noexcept;
    [[nodiscard]] static wall wall_at(std::int64_t n) noexcept;
    [[nodiscard]] static std::optional<std::int64_t> unless_never(wall t) noexcept;

    [[nodiscard]] stored_reservation find(reservation_id const& id);
    [[nodiscard]] stored_reservation find_send(std::string const& record, int send);
    /// By the number of its row.
    [[nodiscard]] stored_reservation find(std::int64_t entry);
    /// Numbers of the rows of open entries after `after`, oldest first, and who has them until when.
    struct open_entry {
        std::int64_t id = 0;
        bool held = false;
        std::string owner;
        steady until{};
    };
    [[nodiscard]] std::vector<open_entry> open_entries();

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
    [[nodiscard]] std::pair<std::int64_t, account> account_at(ledger_line const& line, window_span span);

    void insert(stored_reservation& s);
    void update(stored_reservation const& s);
    /// So much more is spent, in the hour in which the money was held, in each of its scopes.
    void note_spent(stored_reservation const& s, money more);
    void remove(stored_reservation const& s);

    [[nodiscard]] std::optional<money> limit_of(std::string_view scope, std::string_view window_text);
    [[nodiscard]] std::vector<frozen_scope> frozen();

    [[nodiscard]] static account read_account(statement::rows const& r);
    /// Reads an entry's columns, in the order of `columns`, and its holds.
    [[nodiscard]] stored_reservation read(statement::rows const& r);

    static constexpr std::string_view columns =
        "e.id, e.reservation, e.state, e.bound, e.actual, e.owner, e.valid_until, e.created, coalesce(e.ended, 0), "
        "e.ns, e.record, coalesce(e.send, 0), e.attempt, e.provider, e.model, e.job, e.work, e.request_id";

private:
    [[nodiscard]] static std::optional<std::int64_t> nano(std::optional<money> m) noexcept;
    [[nodiscard]] static std::optional<money> maybe_money(std::optional<std::int64_t> n) noexcept;
    [[nodiscard]] static std::string entry_where(std::string_view condition);
    void write_accounts(stored_reservation const& s);

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

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_ledger_rows.ipp>
#endif
