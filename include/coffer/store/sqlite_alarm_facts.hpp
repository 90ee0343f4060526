// SPDX-License-Identifier: BSL-1.0
#pragma once
// What the rules of alarms are told of a store's file. Reads only, but for what it forgets.

#include <coffer/state/alarm_search.hpp>
#include <coffer/state/spend_history.hpp>
#include <coffer/store/record_text.hpp>
#include <coffer/store/sqlite_connection.hpp>
#include <coffer/store/sqlite_ledger_rows.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// Used by the store's thread, within a transaction.
class alarm_facts {
public:
    using time_point = std::chrono::system_clock::time_point;

    explicit alarm_facts(connection& db) : rows_{db}, db_{db} {}

    /// Limits whose window is open, or ended after `last`.
    [[nodiscard]] std::vector<watched_limit> limits(time_point last, time_point now);

    /// Brings the histories of all scopes that spend to this moment. What is over is read anew each hour, because of late
    /// corrections; in between only the last day is, which others spend in as well.
    void follow_spending(time_point now);
    /// By scope; as of the last `follow_spending`.
    [[nodiscard]] std::map<std::string, spend_history> const& spending() const noexcept { return spending_; }
    /// The last hours of all scopes, minute by minute: one walk over the entries of that time.
    [[nodiscard]] std::map<std::string, spend_trail> trails(time_point now);
    [[nodiscard]] std::vector<replayed_key> replays(time_point last);
    /// Jobs that were stopped, or asked for while they were, since `last`.
    [[nodiscard]] std::vector<stopped_job> stopped_jobs(time_point last);
    /// Work that was paid for since the last look, and how often within the rule's time.
    [[nodiscard]] std::vector<paid_work> paid_again(duplicate_work_rule const& rule, time_point last, time_point now);

    /// Hours that nobody looks back to.
    [[nodiscard]] bool any_old_hours(time_point now);
    void forget_hours(time_point now) { drop_hours_.run(first_hour(now)); }

private:
    static constexpr auto never = std::numeric_limits<spend_history::cell>::min();
    static constexpr auto longest_send = std::chrono::minutes{15};  // its cost is known so long after it began

    [[nodiscard]] static std::int64_t first_hour(time_point now) noexcept;
    // What an entry says was spent: `spent_of`.
    static constexpr std::string_view spent =
        "CASE e.state WHEN 'settled' THEN e.actual WHEN 'presumed' THEN coalesce(e.bound, "
        "(SELECT max(amount) FROM ledger_holds WHERE entry=e.id)) ELSE 0 END";

    ledger_rows rows_;
    connection& db_;
    std::map<std::string, spend_history> spending_;
    spend_history::cell read_in_ = never;

    statement accounts_{db_,
                        "SELECT a.scope, a.window, a.start, a.ends, coalesce(l.amount, a.declared), a.settled, "
                        "a.presumed, a.held, a.overrun, a.unpriced FROM ledger_accounts a LEFT JOIN ledger_limits l "
                        "ON l.scope=a.scope AND l.window=a.window WHERE (a.ends>?1 OR a.ends IS NULL) "
                        "AND coalesce(l.amount, a.declared) IS NOT NULL"};
    statement hours_{db_, "SELECT scope, hour, spent FROM ledger_hours WHERE hour>=? AND hour<=?"};
    statement minutes_{db_, "SELECT scope, minute, sum(spent) FROM (SELECT a.scope, e.created/60000000000 AS minute, " +
                                std::string{spent} +
                                " AS spent FROM ledger_entries e JOIN ledger_holds h ON h.entry=e.id "
                                "JOIN ledger_accounts a ON a.id=h.account WHERE e.created>=? GROUP BY e.id, a.scope) "
                                "GROUP BY scope, minute"};
    statement replays_{db_, "SELECT ns, record, times, coalesce(saved, 0) FROM replays WHERE last>=?"};
    statement stopped_{db_,
                       "SELECT ns, key, begun, counted, iif(same_failures>=same_failure, same_failures, 0), signature "
                       "FROM runs WHERE state='idle' AND (same_failures>=same_failure OR counted>=max_runs) "
                       "AND updated>=?"};
    statement works_{db_, "SELECT DISTINCT work FROM ledger_entries WHERE created>=? AND work IS NOT NULL"};
    statement paid_{
        db_, "SELECT count(DISTINCT coalesce(e.record, CASE e.attempt WHEN 1 THEN e.reservation END)), coalesce(sum(" +
                 std::string{spent} + "), 0), coalesce(max(" + std::string{spent} +
                 "), 0) FROM ledger_entries e WHERE e.work=?1 AND e.created>=?2 "
                 "AND (e.state='settled' OR e.state='presumed')"};
    statement work_scope_{db_,
                          "SELECT a.scope FROM ledger_entries e JOIN ledger_holds h ON h.entry=e.id "
                          "JOIN ledger_accounts a ON a.id=h.account WHERE e.id=(SELECT max(id) FROM ledger_entries "
                          "WHERE work=?) ORDER BY length(a.scope)-length(replace(a.scope, '/', '')) DESC, a.scope"};
    statement drop_hours_{db_, "DELETE FROM ledger_hours WHERE hour<?"};
    statement old_hours_{db_, "SELECT 1 FROM ledger_hours WHERE hour<? LIMIT 1"};
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_alarm_facts.ipp>
#endif
