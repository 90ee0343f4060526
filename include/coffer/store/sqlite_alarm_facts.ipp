// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_alarm_facts.hpp.

#include <coffer/store/sqlite_alarm_facts.hpp>

#include <utility>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE std::vector<watched_limit> alarm_facts::limits(time_point last, time_point now) {
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

COFFER_INLINE void alarm_facts::follow_spending(time_point now) {
    auto const present = spend_history::cell_of(now);
    bool const anew = present != std::exchange(read_in_, never);  // what is interrupted is read anew
    if (anew) spending_.clear();
    auto const r = hours_.with(anew ? std::numeric_limits<std::int64_t>::min() : present - 24, present);
    while (r.next()) {
        auto& hours = spending_[std::string{r.bytes()}];
        auto const hour = r.integer();
        hours.add(spend_history::start_of(hour), money::from_nano(r.integer()) - hours.at(hour));
    }
    read_in_ = present;
}

COFFER_INLINE std::map<std::string, spend_trail> alarm_facts::trails(time_point now) {
    std::map<std::string, spend_trail> all;
    auto const r = minutes_.with(ledger_rows::count(now - std::chrono::hours{6}));
    while (r.next()) {
        auto& trail = all[std::string{r.bytes()}];
        auto const minute = r.integer();
        trail.add(spend_trail::start_of(minute), money::from_nano(r.integer()));
    }
    return all;
}

COFFER_INLINE std::vector<replayed_key> alarm_facts::replays(time_point last) {
    std::vector<replayed_key> all;
    auto const r = replays_.with(ledger_rows::count(last - longest_send));
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

COFFER_INLINE std::vector<stopped_job> alarm_facts::stopped_jobs(time_point last) {
    std::vector<stopped_job> all;
    auto const r = stopped_.with(ledger_rows::count(last));
    while (r.next()) {
        record_id id;
        id.name_space = r.bytes();
        id.digest = r.bytes();
        stopped_job j{id.name_space, to_text(id), r.as<int>(), r.as<int>(), r.as<int>(), {}};
        j.signature = r.bytes();
        all.push_back(std::move(j));
    }
    return all;
}

COFFER_INLINE std::vector<paid_work> alarm_facts::paid_again(duplicate_work_rule const& rule, time_point last,
                                                             time_point now) {
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

COFFER_INLINE bool alarm_facts::any_old_hours(time_point now) {
    auto const r = old_hours_.with(first_hour(now));
    return r.next();
}

COFFER_INLINE std::int64_t alarm_facts::first_hour(time_point now) noexcept {
    return spend_history::cell_of(now) - static_cast<spend_history::cell>(spend_history::size);
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
