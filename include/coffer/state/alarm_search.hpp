// SPDX-License-Identifier: BSL-1.0
#pragma once
// One look for alarms: what a ledger knows, put to the rules. Pure.
//
// It asks what has been reached, not what has happened since: whatever was reached while nobody looked, because the
// process was killed, say, is found by the next look of any process. What was found before is known by its id.

#include <coffer/state/alarm_watch.hpp>
#include <coffer/state/ledger.hpp>
#include <coffer/state/ledger_rules.hpp>
#include <coffer/state/spend_history.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// An alarm for which a scope is frozen so long after it rang: whoever found it may have had no such rule.
inline constexpr auto freezes_within = std::chrono::minutes{15};

/// Those of `rung` (which have frozen nothing yet) for which `watch` freezes their scope.
[[nodiscard]] inline std::vector<alarm_report const*> freezing(alarm_watch const& watch,
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

/// An alarm that rings, and the ids of others that it tells as well.
struct found_alarm {
    alarm_report what;  ///< to be told
    std::vector<std::string> also;  ///< of the same rule, which say less
};

/// A limit's window, as it stands.
struct watched_limit {
    std::string scope;  ///< whose limit
    window_at where;  ///< over which time
    commitment stands;  ///< what of it is committed
    money overrun{};  ///< what sends have cost above their bounds
};

/// The limits of those accounts that are in their window at `now`, or were when it ended, after `last`. The parts of a
/// rolling window become one.
[[nodiscard]] std::vector<watched_limit> watched_limits(std::vector<account_status> const& accounts,
                                                        std::chrono::system_clock::time_point last,
                                                        std::chrono::system_clock::time_point now);

/// An answer that was replayed and not acknowledged.
struct replayed_key {
    std::string name_space;  ///< the key's namespace, in the clear
    std::string key;  ///< as the store shows it
    std::int64_t times = 0;  ///< so often it was replayed
    money saved;  ///< so much the answer had cost, and would have again
};
/// A piece of work, and where it was paid for.
struct paid_work {
    std::string scope;  ///< where it was paid for
    std::string work;  ///< what makes it the same work; never shown
    repeated_work paid;  ///< how often, and for how much
};

/// Gathers what rings: the `look_at_...` are told the ledger's rows, in any order, and `take` gives what was found.
class alarm_search {
public:
    using time_point = std::chrono::system_clock::time_point;  ///< of the wall clock
    using known_id = std::function<bool(std::string const&)>;  ///< true: an alarm of that id is kept already

    /// `last`: of the look before this one; `known`: was an alarm of that id found before?
    alarm_search(alarm_watch const& watch, time_point last, time_point now, known_id known)
        : watch_{watch}, rules_{watch.rules}, last_{last}, now_{now}, known_{std::move(known)} {}

    /// How much of the limit is committed? Each percentage once per window.
    void look_at_limit(watched_limit const& w) {
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
    /// Does an upper bound not hold? Once per window.
    void look_at_overrun(watched_limit const& w) {
        if (!rules_.overrun || w.overrun <= money{} || watch_.ignores(w.scope)) return;
        ring(
            alarm_report{
                alarm_kind::overrun, alarm_severity::warning, w.scope, w.where.over.text(), w.overrun, w.stands.limit,
                now_, detail::alarm_id(alarm_kind::overrun, w.scope, w.where, now_, "overrun"),
                w.scope + ": sends have cost " + in_dollars(w.overrun) +
                    " more than their upper bounds, so the limit may be exceeded by as much. Look at the price "
                    "list, at unbounded_at_most, and at output maxima that the provider does not keep to."},
            {});
    }
    /// Is the limit reached early? The trail reaches back from now.
    void look_at_pace(watched_limit const& w, spend_trail const& trail) {
        if (watch_.ignores(w.scope)) return;
        constexpr auto step = std::chrono::minutes{5};
        for (auto at = pace_since() + step; at < now_; at += step) pace_at(w, trail, at);
        pace_at(w, trail, now_);
    }
    /// From when on paces are looked at: a trail is six hours long, and the longer pair of a day needs two of them.
    [[nodiscard]] time_point pace_since() const { return std::max(last_, now_ - std::chrono::hours{4}); }
    /// Every hour since the last look is asked about. The watch remembers what rang.
    void look_at_spending(anomaly_watch& watch) {
        if (watch_.ignores(watch.scope())) return;
        auto const present = spend_history::cell_of(now_);
        constexpr spend_history::cell a_week = 7 * 24;
        for (auto hour = std::max(spend_history::cell_of(last_), present - a_week); hour < present; ++hour)
            spending_at(watch, spend_history::start_of(hour + 1) - time_point::duration{1});
        spending_at(watch, now_);
    }
    /// Of a namespace one alarm rings at a time, for the key that was replayed most: a job's steps repeat together.
    void look_at_replays(std::vector<replayed_key> all);
    /// Of a namespace one alarm rings at a time, for the job that has failed most often: a batch has one cause.
    void look_at_jobs(std::vector<stopped_job> all);
    /// Were calls refused for good? Once for each limit and window.
    void look_at_denial(budget_denial const& d) {
        if (watch_.ignores(d.scope)) return;
        if (auto found = rules_.denial.look(d, rules_.threshold, now_)) ring(*std::move(found), {});
    }
    /// Of a scope one alarm rings at a time, for the work that was paid for most in vain: a batch repeats as a whole.
    void look_at_work(std::vector<paid_work> all);

    /// What rings; to be called once, at the end.
    [[nodiscard]] std::vector<found_alarm> take() { return std::move(found_); }

private:
    struct others {
        std::size_t at = 0;  ///< where in found_ the alarm is that tells them
        std::int64_t count = 0;
        money amount;
    };
    /// Rings, unless another one of the same scope has just rung: then that one tells this, too.
    void ring_together(std::map<std::string, others>& rung, alarm_report a) {
        if (known_(a.id)) return;
        auto const [first, added] = rung.try_emplace(a.scope, others{found_.size(), 0, {}});
        if (added) return ring(std::move(a), {});
        found_[first->second.at].also.push_back(std::move(a.id));
        ++first->second.count;
        first->second.amount += a.amount;
    }
    void ring(alarm_report a, std::vector<std::string> also) {
        if (known_(a.id)) return;
        std::erase(also, a.id);
        a.when = now_;
        found_.push_back({std::move(a), std::move(also)});
    }
    void pace_at(watched_limit const& w, spend_trail const& trail, time_point at) {
        if (at < w.where.span.start || at >= w.where.span.end) return;
        auto found = rules_.burn_rate.look(w.scope, w.where, w.stands, trail, at);
        auto const rings = found && std::none_of(found_.begin(), found_.end(),
                                                 [&](found_alarm const& f) { return f.what.id == found->id; });
        if (rings) ring(*std::move(found), {});
    }
    void spending_at(anomaly_watch& watch, time_point at) {
        if (auto found = watch.look(at)) ring(*std::move(found), {});
    }

    alarm_watch const& watch_;
    alarm_rules const& rules_;
    time_point last_;
    time_point now_;
    known_id known_;
    std::vector<found_alarm> found_;
};

inline void alarm_search::look_at_replays(std::vector<replayed_key> all) {
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

inline void alarm_search::look_at_jobs(std::vector<stopped_job> all) {
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

inline void alarm_search::look_at_work(std::vector<paid_work> all) {
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

inline std::vector<watched_limit> watched_limits(std::vector<account_status> const& accounts,
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
