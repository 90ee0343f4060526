// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of alarm_search.hpp.

#include <coffer/state/alarm_search.hpp>

#include <algorithm>
#include <optional>
#include <string_view>
#include <tuple>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE std::vector<alarm_report const*> freezing(alarm_watch const& watch,
                                                        std::vector<alarm_report> const& rung) {
    std::vector<alarm_report const*> all;
    for (auto const& a : rung) {
        bool const wanted =
            std::any_of(watch.freeze.begin(), watch.freeze.end(), [&](freeze_on const& f) { return f.applies_to(a); });
        bool const innermost = std::none_of(rung.begin(), rung.end(), [&](alarm_report const& other) {
            return other.kind == a.kind && other.scope != a.scope && is_within(other.scope, a.scope);
        });
        if (wanted && innermost) all.push_back(&a);
    }
    return all;
}

COFFER_INLINE alarm_search::alarm_search(alarm_watch const& watch, time_point last, time_point now, known_id known)
    : watch_{watch}, rules_{watch.rules}, last_{last}, now_{now}, known_{std::move(known)} {}

COFFER_INLINE void alarm_search::look_at_limit(watched_limit const& w) {
    if (watch_.ignores(w.scope)) return;
    auto const at = std::clamp(now_, w.where.span.start, w.where.span.end - time_point::duration{1});
    auto const when = w.where.over.kind() == window_kind::rolling ? now_ : at;
    auto found = rules_.threshold.look(w.scope, w.where, {money{}, w.stands.limit}, w.stands, when);
    if (!found) return;
    std::vector<std::string> lower;
    for (auto const percent : rules_.threshold.crossed({money{}, w.stands.limit}, w.stands))
        lower.push_back(threshold_rule::id_of(w.scope, w.where, w.stands.limit, percent, when));
    ring(*std::move(found), std::move(lower));
}

COFFER_INLINE void alarm_search::look_at_overrun(watched_limit const& w) {
    if (!rules_.overrun || w.overrun <= money{} || watch_.ignores(w.scope)) return;
    ring(alarm_report{alarm_kind::overrun, alarm_severity::warning, w.scope, w.where.over.text(), w.overrun,
                      w.stands.limit, now_, detail::alarm_id(alarm_kind::overrun, w.scope, w.where, now_, "overrun"),
                      w.scope + ": sends have cost " + in_dollars(w.overrun) +
                          " more than their upper bounds, so the limit may be exceeded by as much. Look at the price "
                          "list, at unbounded_at_most, and at output maxima that the provider does not keep to."},
         {});
}

COFFER_INLINE void alarm_search::look_at_pace(watched_limit const& w, spend_trail const& trail) {
    if (watch_.ignores(w.scope)) return;
    constexpr auto step = std::chrono::minutes{5};
    for (auto at = pace_since() + step; at < now_; at += step) pace_at(w, trail, at);
    pace_at(w, trail, now_);
}

COFFER_INLINE alarm_search::time_point alarm_search::pace_since() const {
    return std::max(last_, now_ - std::chrono::hours{4});
}

COFFER_INLINE void alarm_search::look_at_spending(anomaly_watch& watch) {
    if (watch_.ignores(watch.scope())) return;
    auto const present = spend_history::cell_of(now_);
    constexpr spend_history::cell a_week = 7 * 24;
    for (auto hour = std::max(spend_history::cell_of(last_), present - a_week); hour < present; ++hour)
        spending_at(watch, spend_history::start_of(hour + 1) - time_point::duration{1});
    spending_at(watch, now_);
}

COFFER_INLINE void alarm_search::look_at_denial(budget_denial const& d) {
    if (watch_.ignores(d.scope)) return;
    if (auto found = rules_.denial.look(d, rules_.threshold, now_)) ring(*std::move(found), {});
}

COFFER_INLINE void alarm_search::ring_together(std::map<std::string, others>& rung, alarm_report a) {
    if (known_(a.id)) return;
    auto const [first, added] = rung.try_emplace(a.scope, others{found_.size(), 0, {}});
    if (added) return ring(std::move(a), {});
    found_[first->second.at].also.push_back(std::move(a.id));
    ++first->second.count;
    first->second.amount += a.amount;
}

COFFER_INLINE void alarm_search::ring(alarm_report a, std::vector<std::string> also) {
    if (known_(a.id)) return;
    std::erase(also, a.id);
    a.when = now_;
    found_.push_back({std::move(a), std::move(also)});
}

COFFER_INLINE void alarm_search::pace_at(watched_limit const& w, spend_trail const& trail, time_point at) {
    if (at < w.where.span.start || at >= w.where.span.end) return;
    auto found = rules_.burn_rate.look(w.scope, w.where, w.stands, trail, at);
    auto const rings = found && std::none_of(found_.begin(), found_.end(),
                                             [&](found_alarm const& f) { return f.what.id == found->id; });
    if (rings) ring(*std::move(found), {});
}

COFFER_INLINE void alarm_search::spending_at(anomaly_watch& watch, time_point at) {
    if (auto found = watch.look(at)) ring(*std::move(found), {});
}

COFFER_INLINE void alarm_search::look_at_replays(std::vector<replayed_key> all) {
    std::sort(all.begin(), all.end(), [](replayed_key const& a, replayed_key const& b) {
        return std::tie(a.name_space, b.times, a.key) < std::tie(b.name_space, a.times, b.key);
    });
    std::map<std::string, others> rung;
    for (auto const& k : all)
        if (auto found = rules_.replay_storm.look(k.name_space, k.key, 0, k.times, k.saved, now_))
            ring_together(rung, *std::move(found));
    for (auto const& [name_space, o] : rung)
        if (o.count > 0)
            found_[o.at].what.sentence += " So it was with " + std::to_string(o.count) +
                                          (o.count == 1 ? " other key" : " other keys") + " of " + name_space + ".";
}

COFFER_INLINE void alarm_search::look_at_jobs(std::vector<stopped_job> all) {
    std::sort(all.begin(), all.end(), [](stopped_job const& a, stopped_job const& b) {
        return std::tie(a.name_space, b.counted, a.job) < std::tie(b.name_space, a.counted, b.job);
    });
    std::map<std::string, others> rung;
    for (auto const& j : all)
        if (auto found = rules_.stopped_job.look(j, now_)) ring_together(rung, *std::move(found));
    for (auto const& [name_space, o] : rung)
        if (o.count > 0)
            found_[o.at].what.sentence += " So " + std::to_string(o.count) +
                                          (o.count == 1 ? " other job" : " other jobs") + " of " + name_space +
                                          (o.count == 1 ? " was." : " were.");
}

COFFER_INLINE void alarm_search::look_at_work(std::vector<paid_work> all) {
    auto const in_vain = [](paid_work const& w) { return w.paid.paid - w.paid.dearest; };
    std::sort(all.begin(), all.end(), [&](paid_work const& a, paid_work const& b) {
        return std::pair{in_vain(b), a.work} < std::pair{in_vain(a), b.work};
    });
    std::map<std::string, others> rung;
    for (auto const& w : all) {
        if (watch_.ignores(w.scope)) continue;
        if (auto found = rules_.duplicate_work.look(w.scope, w.work, {}, w.paid, now_))
            ring_together(rung, *std::move(found));
    }
    for (auto const& [scope, o] : rung)
        if (o.count > 0)
            found_[o.at].what.sentence += " So it was with " + std::to_string(o.count) + " other " +
                                          (o.count == 1 ? "piece" : "pieces") + " of work there, for another " +
                                          in_dollars(o.amount) + ".";
}

COFFER_INLINE std::vector<watched_limit> watched_limits(std::vector<account_status> const& accounts,
                                                        std::chrono::system_clock::time_point last,
                                                        std::chrono::system_clock::time_point now) {
    std::vector<watched_limit> all;
    std::map<std::pair<std::string_view, std::string_view>, watched_limit> rolling;
    for (auto const& a : accounts) {
        auto const over = a.limit ? window::parse(a.window) : std::nullopt;
        if (!over) continue;
        if (over->kind() != window_kind::rolling) {
            if (a.end > last && a.start <= now)
                all.push_back({a.scope,
                               {*over, window_span{a.start, a.end}},
                               {a.money_in.committed(), *a.limit},
                               a.money_in.overrun});
            continue;
        }
        if (!over->counts(a.start, now)) continue;
        window_span const span{now - over->length(), std::chrono::system_clock::time_point::max()};
        auto const [at, added] =
            rolling.try_emplace({a.scope, a.window}, watched_limit{a.scope, {*over, span}, {money{}, *a.limit}, {}});
        at->second.stands.committed += a.money_in.committed();
        at->second.overrun += a.money_in.overrun;
        at->second.stands.limit = *a.limit;  // that of the newest part: they come by age
    }
    for (auto& [name, limit] : rolling) all.push_back(std::move(limit));
    return all;
}

}  // namespace coffer::inline COFFER_ABI
