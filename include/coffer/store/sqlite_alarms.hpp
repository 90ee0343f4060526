// SPDX-License-Identifier: BSL-1.0
#pragma once
// Alarms in a store's file: what the rules are told of the ledger, and the outbox in which what they find waits for its
// delivery. Each operation within a transaction.

#include <coffer/base/later.hpp>
#include <coffer/state/alarm_search.hpp>
#include <coffer/store/alarm_outbox.hpp>
#include <coffer/store/record_text.hpp>
#include <coffer/store/sqlite_connection.hpp>
#include <coffer/store/sqlite_ledger_rows.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coffer::inline v0::sqlite::detail {

/// Used by the store's thread.
class file_alarms {
public:
    using time_point = std::chrono::system_clock::time_point;

    explicit file_alarms(connection& db) : db_{db} {}

    /// Finds what is new, and keeps it. `freeze(scope, reason)` is called for what is to be frozen.
    template <class Freeze>
    [[nodiscard]] std::size_t look(alarm_watch const& watch, time_point now, Freeze const& freeze) {
        auto const noted = last_look();
        auto const last = std::min(noted.value_or(now), now);
        alarm_search search{watch.rules, last, now, [this](std::string const& id) { return is_known(id); }};
        follow_spending(now);
        auto memories = remembered(watch.rules.anomaly, now);
        for (auto const& limit : limits(last, now)) {
            search.look_at_limit(limit);
            auto const at = spending_.find(limit.scope);
            if (at != spending_.end() && watch.rules.burn_rate.may_ring(limit.where, limit.stands, at->second, now))
                search.look_at_pace(limit, trail_of(limit.scope, now));
        }
        for (auto const& [scope, hours] : spending_) {
            anomaly_watch spending{scope, watch.rules.anomaly, hours, memories[scope]};
            search.look_at_spending(spending);
        }
        search.look_at_replays(replays(last));
        for (auto const& w : paid_again(watch.rules.duplicate_work, last, now)) search.look_at_work(w);

        auto const found = search.take();
        for (auto const& f : found) {
            keep(f.what, alarm_state::due);
            for (auto const& id : f.also) {
                auto other = f.what;
                other.id = id;
                keep(other, alarm_state::covered);
            }
            for (auto const& rule : watch.freeze)
                if (rule.applies_to(f.what)) freeze(f.what.scope, f.what.sentence);
        }
        if (!noted || !found.empty() || now - last >= looks_are_noted || *noted > now)
            note_look_.run(ledger_rows::count(now));
        return found.size();
    }

    [[nodiscard]] std::vector<kept_alarm> take(std::size_t most, std::chrono::nanoseconds lease, time_point now) {
        std::vector<kept_alarm> all;
        {
            // A clock that was set back must not keep an alarm from being heard.
            auto const r = due_.with(ledger_rows::count(now), ledger_rows::count(later(now, longest_pause)), most);
            while (r.next()) all.push_back(read(r));
        }
        for (auto& a : all) taken_.run(ledger_rows::count(later(now, lease)), std::string_view{a.what.id});
        return all;
    }
    void delivered(std::string const& id, time_point now) {
        delivered_.run(ledger_rows::count(now), std::string_view{id});
    }
    void failed(std::string const& id, std::string const& trouble, std::chrono::nanoseconds pause, time_point now) {
        auto const until = later(now, std::min<std::chrono::nanoseconds>(pause, longest_pause));
        failed_.run(ledger_rows::count(until), std::string_view{trouble}, std::string_view{id});
    }
    [[nodiscard]] std::vector<kept_alarm> list(alarm_filter const& f) {
        std::vector<kept_alarm> all;
        auto const r = all_.with(ledger_rows::count(f.from));
        while (all.size() < f.limit && r.next()) {
            auto a = read(r);
            bool const wanted = is_within(a.what.scope, f.scope) && a.state != alarm_state::covered &&
                                (!f.undelivered_only || a.state == alarm_state::due);
            if (wanted) all.push_back(std::move(a));
        }
        return all;
    }

    /// An answer was replayed that nobody has acknowledged.
    void note_replay(record_id const& id, std::optional<money> saved, time_point now) {
        note_replay_.run(as_blob(id.digest), std::string_view{id.name_space},
                         saved ? std::optional{saved->nano()} : std::nullopt, ledger_rows::count(now), most_counted);
    }
    void acknowledged(record_id const& id) { forget_replays_.run(as_blob(id.digest)); }

    /// What no rule asks for any more goes. An alarm of a lifetime's limit stays: it must not ring again.
    void forget(time_point now, std::chrono::nanoseconds entries_kept) {
        auto const hour = spend_history::cell_of(now) - static_cast<spend_history::cell>(spend_history::size);
        drop_hours_.run(hour);
        drop_replays_.run(ledger_rows::count(now - alarms_kept));
        drop_alarms_.run(ledger_rows::count(now - std::max<std::chrono::nanoseconds>(alarms_kept, entries_kept)));
    }
    /// Is there anything to forget? Reads only.
    [[nodiscard]] bool any_to_forget(time_point now) {
        auto const hour = spend_history::cell_of(now) - static_cast<spend_history::cell>(spend_history::size);
        auto const r = old_hours_.with(hour);
        return r.next();
    }

private:
    static constexpr auto looks_are_noted = std::chrono::minutes{1};
    static constexpr auto longest_send = std::chrono::minutes{15};  // its cost is known so long after it began
    static constexpr auto longest_pause = std::chrono::hours{1};
    static constexpr auto alarms_kept = std::chrono::days{400};
    static constexpr int most_counted = 48;  // replays of one key: it rings at 3, 12 and 48

    /// When the file was looked through before; nothing for the first time.
    [[nodiscard]] std::optional<time_point> last_look() {
        auto const r = last_look_.with();
        return r.next() ? std::optional{ledger_rows::wall_at(r.integer())} : std::nullopt;
    }
    [[nodiscard]] bool is_known(std::string const& id) {
        auto const r = known_.with(std::string_view{id});
        return r.next();
    }
    void keep(alarm_report const& a, alarm_state state) {
        insert_.run(std::string_view{a.id}, to_string(state), to_string(a.kind), to_string(a.severity),
                    std::string_view{a.scope}, std::string_view{a.window}, a.amount.nano(), a.against.nano(),
                    std::string_view{a.sentence}, ledger_rows::count(a.when));
    }

    [[nodiscard]] std::vector<watched_limit> limits(time_point last, time_point now) {
        std::vector<account_status> accounts;
        std::map<std::pair<std::string, std::string>, money> rolling;
        {
            auto const r = accounts_.with(ledger_rows::count(last));
            while (r.next()) {
                account_status s;
                s.scope = r.bytes();
                s.window = r.bytes();
                s.start = ledger_rows::wall_at(r.integer());
                auto const ends = r.maybe_integer();
                s.end = ends ? ledger_rows::wall_at(*ends) : time_point::max();
                s.limit = money::from_nano(r.integer());
                s.money_in = ledger_rows::read_account(r);
                if (s.window.starts_with("rolling/")) rolling.insert_or_assign({s.scope, s.window}, *s.limit);
                else accounts.push_back(std::move(s));
            }
        }
        for (auto const& [name, limit] : rolling) {
            auto const over = window::parse(name.second);
            if (!over) continue;
            auto const reach = over->length() + 2 * over->bucket();
            rows_.parts(name.first, name.second, ledger_rows::count(now - reach), ledger_rows::count(now + reach),
                        [&](time_point start, account const& part) {
                            accounts.push_back({name.first, name.second, start, {}, part, limit, false});
                        });
        }
        return watched_limits(accounts, last, now);
    }

    /// Brings the histories of all scopes that spend to this moment. What is over is read anew each hour, because of late
    /// corrections; in between only the last day is, which others spend in as well.
    void follow_spending(time_point now) {
        auto const present = spend_history::cell_of(now);
        bool const anew = present != read_in_;
        if (anew) spending_.clear();
        read_in_ = present;
        auto const r = hours_.with(anew ? std::numeric_limits<std::int64_t>::min() : present - 24, present);
        while (r.next()) {
            auto& hours = spending_[std::string{r.bytes()}];
            auto const hour = r.integer();
            hours.add(spend_history::start_of(hour), money::from_nano(r.integer()) - hours.at(hour));
        }
    }
    /// What an anomaly's rule remembers, from the alarms that have rung.
    [[nodiscard]] std::map<std::string, anomaly_memory> remembered(anomaly_options const& options, time_point now) {
        std::map<std::string, anomaly_memory> all;
        auto const r = anomalies_.with(ledger_rows::count(now - 2 * options.remembers));
        while (r.next()) {
            auto& m = all[std::string{r.bytes()}];
            auto const rang = ledger_rows::wall_at(r.integer());
            m = {rang, m.alarms > 0 && rang - m.rang < options.remembers ? m.alarms + 1 : 1};
        }
        return all;
    }
    [[nodiscard]] spend_trail trail_of(std::string const& scope, time_point now) {
        spend_trail trail;
        auto const r = minutes_.with(std::string_view{scope}, ledger_rows::count(now - std::chrono::hours{6}));
        while (r.next()) {
            auto const minute = r.integer();
            trail.add(spend_trail::start_of(minute), money::from_nano(r.integer()));
        }
        return trail;
    }
    [[nodiscard]] std::vector<replayed_key> replays(time_point last) {
        std::vector<replayed_key> all;
        auto const r = replays_.with(ledger_rows::count(last - looks_are_noted));
        while (r.next()) {
            record_id id;
            id.name_space = r.bytes();
            id.digest = r.bytes();
            replayed_key k{id.name_space, to_text(id), r.integer(), {}};
            k.saved = money::from_nano(r.integer());
            all.push_back(std::move(k));
        }
        return all;
    }
    /// Work that was paid for since the last look, and how often within the rule's time.
    [[nodiscard]] std::vector<paid_work> paid_again(duplicate_work_rule const& rule, time_point last, time_point now) {
        std::vector<std::string> works;
        {
            auto const r = works_.with(ledger_rows::count(last - longest_send));
            while (r.next()) works.emplace_back(r.bytes());
        }
        std::vector<paid_work> all;
        for (auto const& work : works) {
            paid_work w;
            w.work = work;
            {
                auto const r = paid_.with(std::string_view{work}, ledger_rows::count(now - rule.within));
                if (!r.next()) continue;
                w.paid.keys = r.integer();
                w.paid.paid = money::from_nano(r.integer());
                w.paid.dearest = money::from_nano(r.integer());
            }
            if (w.paid.keys < rule.keys) continue;
            auto const r = work_scope_.with(std::string_view{work});
            if (r.next()) w.scope = r.bytes();
            all.push_back(std::move(w));
        }
        return all;
    }

    [[nodiscard]] static kept_alarm read(statement::rows const& r) {
        kept_alarm a;
        a.what.id = r.bytes();
        a.state = state_from_text(r.bytes(), alarm_state::covered).value_or(alarm_state::due);
        a.what.kind = state_from_text(r.bytes(), alarm_kind::duplicate_work).value_or(alarm_kind::threshold);
        a.what.severity = state_from_text(r.bytes(), alarm_severity::critical).value_or(alarm_severity::critical);
        a.what.scope = r.bytes();
        a.what.window = r.bytes();
        a.what.amount = money::from_nano(r.integer());
        a.what.against = money::from_nano(r.integer());
        a.what.sentence = r.bytes();
        a.what.when = ledger_rows::wall_at(r.integer());
        a.tries = r.as<int>();
        a.delivered = ledger_rows::wall_at(r.integer());
        a.trouble = r.bytes();
        return a;
    }
    [[nodiscard]] static std::string alarms_where(std::string_view condition) {
        return "SELECT id, state, kind, severity, scope, window, amount, against, sentence, found, tries, "
               "coalesce(delivered, 0), trouble FROM alarms WHERE " +
               std::string{condition};
    }
    // What an entry says was spent: `spent_of`.
    static constexpr std::string_view spent =
        "CASE e.state WHEN 'settled' THEN e.actual WHEN 'presumed' THEN coalesce(e.bound, 0) ELSE 0 END";

    connection& db_;
    ledger_rows rows_{db_};
    std::map<std::string, spend_history> spending_;
    spend_history::cell read_in_ = std::numeric_limits<spend_history::cell>::min();

    statement last_look_{db_, "SELECT value FROM meta WHERE name='alarms_looked'"};
    statement note_look_{db_,
                         "INSERT INTO meta(name, value) VALUES('alarms_looked', ?) "
                         "ON CONFLICT(name) DO UPDATE SET value=excluded.value"};
    statement known_{db_, "SELECT 1 FROM alarms WHERE id=?"};
    statement insert_{db_,
                      "INSERT INTO alarms(id, state, kind, severity, scope, window, amount, against, sentence, found, "
                      "due, tries) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, 0) ON CONFLICT(id) DO NOTHING"};
    statement due_{db_, alarms_where("state='due' AND (due<=?1 OR due>?2) ORDER BY found, id LIMIT ?3")};
    statement taken_{db_, "UPDATE alarms SET due=?, tries=tries+1 WHERE id=?"};
    statement delivered_{db_, "UPDATE alarms SET state='delivered', delivered=?, trouble=NULL WHERE id=?"};
    statement failed_{db_, "UPDATE alarms SET due=?, trouble=? WHERE id=? AND state='due'"};
    statement all_{db_, alarms_where("found>=? ORDER BY found DESC, id")};
    statement anomalies_{db_, "SELECT scope, found FROM alarms WHERE kind='anomaly' AND found>=? ORDER BY found"};
    statement accounts_{db_,
                        "SELECT a.scope, a.window, a.start, a.ends, coalesce(l.amount, a.declared), a.settled, "
                        "a.presumed, a.held, a.overrun, a.unpriced FROM ledger_accounts a LEFT JOIN ledger_limits l "
                        "ON l.scope=a.scope AND l.window=a.window WHERE (a.ends>?1 OR a.ends IS NULL) "
                        "AND coalesce(l.amount, a.declared) IS NOT NULL"};
    statement hours_{db_, "SELECT scope, hour, spent FROM ledger_hours WHERE hour>=? AND hour<=?"};
    statement minutes_{db_, "SELECT e.created/60000000000, sum(" + std::string{spent} +
                                ") FROM ledger_entries e WHERE e.created>=?2 AND EXISTS(SELECT 1 FROM ledger_holds h "
                                "JOIN ledger_accounts a ON a.id=h.account WHERE h.entry=e.id AND a.scope=?1) "
                                "GROUP BY 1"};
    statement replays_{db_, "SELECT ns, record, times, coalesce(saved, 0) FROM replays WHERE last>=?"};
    statement note_replay_{db_,
                           "INSERT INTO replays(record, ns, times, saved, last) VALUES(?1, ?2, 1, ?3, ?4) "
                           "ON CONFLICT(record) DO UPDATE SET times=times+1, last=?4 WHERE times<?5"};
    statement forget_replays_{db_, "DELETE FROM replays WHERE record=?"};
    statement works_{db_, "SELECT DISTINCT work FROM ledger_entries WHERE created>=? AND work IS NOT NULL"};
    statement paid_{db_, "SELECT count(DISTINCT coalesce(e.record, e.reservation)), coalesce(sum(" +
                             std::string{spent} + "), 0), coalesce(max(" + std::string{spent} +
                             "), 0) FROM ledger_entries e WHERE e.work=?1 AND e.created>=?2 "
                             "AND (e.state='settled' OR e.state='presumed')"};
    statement work_scope_{db_,
                          "SELECT a.scope FROM ledger_entries e JOIN ledger_holds h ON h.entry=e.id "
                          "JOIN ledger_accounts a ON a.id=h.account WHERE e.id=(SELECT max(id) FROM ledger_entries "
                          "WHERE work=?) ORDER BY length(a.scope)-length(replace(a.scope, '/', '')) DESC, a.scope"};
    statement drop_hours_{db_, "DELETE FROM ledger_hours WHERE hour<?"};
    statement old_hours_{db_, "SELECT 1 FROM ledger_hours WHERE hour<? LIMIT 1"};
    statement drop_replays_{db_, "DELETE FROM replays WHERE last<?"};
    statement drop_alarms_{db_, "DELETE FROM alarms WHERE found<? AND state<>'due' AND window<>'lifetime'"};
};

}  // namespace coffer::inline v0::sqlite::detail
