// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of alarms_memory.hpp.

#include <coffer/store/alarms_memory.hpp>

#include <algorithm>
#include <tuple>
#include <utility>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE std::size_t memory_alarms::look(alarm_watch const& watch, ledger_book& book, time_point now) {
    auto const last = std::min(std::exchange(last_, now), now);
    alarm_search search{watch, last, now, [this](std::string const& id) { return kept_.contains(id); }};
    auto seen = look_through(book, watch.rules.duplicate_work, now);
    for (auto const& limit : watched_limits(book.accounts({}), last, now)) {
        search.look_at_limit(limit);
        search.look_at_overrun(limit);
        if (auto const at = seen.minutes.find(limit.scope); at != seen.minutes.end())
            search.look_at_pace(limit, at->second);
    }
    for (auto const& [scope, hours] : seen.hours) {
        auto const memory = remembered_.find(scope);
        anomaly_watch spending{scope, watch.rules.anomaly, hours,
                               memory == remembered_.end() ? anomaly_memory{} : memory->second};
        search.look_at_spending(spending);
        if (spending.memory().alarms > 0) remembered_[scope] = spending.memory();
    }
    search.look_at_replays(replays());
    std::vector<stopped_job> jobs;
    for (auto const& [digest, job] : stopped_) jobs.push_back(job);
    search.look_at_jobs(std::move(jobs));
    denials_.for_each(now, [&](budget_denial const& d) { search.look_at_denial(d); });
    search.look_at_work(std::move(seen.works));

    auto const found = search.take();
    keep_all(found, [this](alarm_report const& a, alarm_state s) { keep(a, s); });
    std::vector<alarm_report> rung;
    for (auto const& [id, k] : kept_)
        if (!k.froze && k.of.state != alarm_state::covered && now - k.of.what.when <= freezes_within)
            rung.push_back(k.of.what);
    for (auto const* const a : freezing(watch, rung)) {
        (void)book.freeze(a->scope, a->sentence);
        kept_.at(a->id).froze = true;
    }
    return found.size();
}

COFFER_INLINE std::vector<kept_alarm> memory_alarms::take(std::size_t most, std::chrono::nanoseconds lease,
                                                          time_point now) {
    std::vector<kept_alarm> all;
    for (auto& [id, k] : kept_)
        if (k.of.state == alarm_state::due && (k.due <= now || k.due > later(now, longest_alarm_pause)))
            all.push_back(k.of);
    std::sort(all.begin(), all.end(), [this](kept_alarm const& a, kept_alarm const& b) {
        return std::pair{kept_.at(a.what.id).due, a.what.id} < std::pair{kept_.at(b.what.id).due, b.what.id};
    });
    if (all.size() > most) all.erase(all.begin() + static_cast<std::ptrdiff_t>(most), all.end());
    for (auto const& a : all) {
        auto& k = kept_.at(a.what.id);
        k.due = later(now, lease);
        ++k.of.tries;
    }
    return all;
}

COFFER_INLINE void memory_alarms::delivered(std::string const& id, time_point now) {
    auto const k = kept_.find(id);
    if (k == kept_.end()) return;
    k->second.of.state = alarm_state::delivered;
    k->second.of.delivered = now;
    k->second.of.trouble.clear();
}

COFFER_INLINE void memory_alarms::failed(std::string const& id, std::string const& trouble,
                                         std::chrono::nanoseconds pause, time_point now) {
    auto const k = kept_.find(id);
    if (k == kept_.end() || k->second.of.state != alarm_state::due) return;
    k->second.due = later(now, std::min<std::chrono::nanoseconds>(pause, longest_alarm_pause));
    k->second.of.trouble = trouble;
}

COFFER_INLINE std::vector<kept_alarm> memory_alarms::list(alarm_filter const& f) const {
    std::vector<kept_alarm> all;
    for (auto const& [id, k] : kept_)
        if (f.wants(k.of)) all.push_back(k.of);
    std::sort(all.begin(), all.end(), [](kept_alarm const& a, kept_alarm const& b) {
        return std::tie(b.what.when, a.what.id) < std::tie(a.what.when, b.what.id);
    });
    if (all.size() > f.limit) all.erase(all.begin() + static_cast<std::ptrdiff_t>(f.limit), all.end());
    return all;
}

COFFER_INLINE void memory_alarms::note_replay(record_id const& id, std::optional<money> saved) {
    if (last_ == time_point::max()) return;  // nobody looks
    if (replays_.size() >= most_kept && !replays_.contains(id.digest)) replays_.erase(replays_.begin());
    auto& k = replays_[id.digest];
    if (k.times >= most_replays_counted) return;
    k.name_space = id.name_space;
    k.key = to_text(id);
    k.saved = saved.value_or(money{});
    ++k.times;
}

COFFER_INLINE void memory_alarms::note_run(record_id const& job, run_record const* r) {
    if (r == nullptr || !r->is_stopped(r->limits)) {
        stopped_.erase(job.digest);
    } else if (stopped_.size() < most_kept) {
        auto const same = r->fails_the_same_way(r->limits) ? r->same_failures : 0;
        stopped_[job.digest] = {job.name_space, to_text(job), r->begun, r->counted, same, r->signature};
    }
}

COFFER_INLINE void memory_alarms::acknowledged(record_id const& id) { replays_.erase(id.digest); }

COFFER_INLINE memory_alarms::overview memory_alarms::look_through(ledger_book const& book,
                                                                  duplicate_work_rule const& rule, time_point now) {
    struct paid {
        paid_work work;
        std::set<std::string> keys;
    };
    overview all;
    std::map<std::string, paid> works;
    book.for_each([&](reservation const& r, ledger_lines const& lines) {
        auto const spent = spent_of(r);
        if (spent == money{} || r.created > now) return;
        std::set<std::string_view> scopes;
        for (auto const& l : lines) scopes.insert(l.scope);
        for (auto const scope : scopes) {
            all.hours[std::string{scope}].add(r.created, spent);
            all.minutes[std::string{scope}].add(r.created, spent);
        }
        if (r.about.work.empty() || now - r.created > rule.within) return;
        auto& w = works[r.about.work];
        w.work.work = r.about.work;
        w.work.scope = deepest(scopes);
            // Without a key a call's first attempt stands for it: a retry is no other call.
        if (!r.about.record.empty()) w.keys.insert(r.about.record);
        else if (r.about.attempt == 1) w.keys.insert(std::string{r.id.begin(), r.id.end()});
        w.work.paid.paid += spent;
        w.work.paid.dearest = std::max(w.work.paid.dearest, spent);
    });
    for (auto& [name, w] : works) {
        w.work.paid.keys = static_cast<std::int64_t>(w.keys.size());
        all.works.push_back(std::move(w.work));
    }
    return all;
}

COFFER_INLINE std::string memory_alarms::deepest(std::set<std::string_view> const& scopes) {
    auto const depth = [](std::string_view s) { return std::count(s.begin(), s.end(), '/'); };
    auto const at =
        std::max_element(scopes.begin(), scopes.end(), [&](auto const a, auto const b) { return depth(a) < depth(b); });
    return at == scopes.end() ? std::string{} : std::string{*at};
}

COFFER_INLINE std::vector<replayed_key> memory_alarms::replays() const {
    std::vector<replayed_key> all;
    for (auto const& [digest, k] : replays_) all.push_back(k);
    return all;
}

COFFER_INLINE void memory_alarms::keep(alarm_report const& a, alarm_state state) {
    if (kept_.size() >= most_kept) {
        // What is due goes last.
        auto const oldest = std::min_element(kept_.begin(), kept_.end(), [](auto const& x, auto const& y) {
            auto const waits = [](kept const& k) { return k.of.state == alarm_state::due; };
            if (waits(x.second) != waits(y.second)) return waits(y.second);
            return older(x.second.of, y.second.of);
        });
        kept_.erase(oldest);
    }
    kept_.try_emplace(a.id, kept{{a, state, 0, {}, {}}, a.when, false});
}

COFFER_INLINE bool memory_alarms::older(kept_alarm const& a, kept_alarm const& b) {
    return std::pair{a.what.when, a.what.id} < std::pair{b.what.when, b.what.id};
}

}  // namespace coffer::inline COFFER_ABI::detail
