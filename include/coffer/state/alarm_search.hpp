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

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// An alarm for which a scope is frozen so long after it rang: whoever found it may have had no such rule.
inline constexpr auto freezes_within = std::chrono::minutes{15};

/// Those of `rung` (which have frozen nothing yet) for which `watch` freezes their scope.
[[nodiscard]] std::vector<alarm_report const*> freezing(alarm_watch const& watch,
                                                        std::vector<alarm_report> const& rung);

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
    alarm_search(alarm_watch const& watch, time_point last, time_point now, known_id known);

    /// How much of the limit is committed? Each percentage once per window.
    void look_at_limit(watched_limit const& w);
    /// Does an upper bound not hold? Once per window.
    void look_at_overrun(watched_limit const& w);
    /// Is the limit reached early? The trail reaches back from now.
    void look_at_pace(watched_limit const& w, spend_trail const& trail);
    /// From when on paces are looked at: a trail is six hours long, and the longer pair of a day needs two of them.
    [[nodiscard]] time_point pace_since() const;
    /// Every hour since the last look is asked about. The watch remembers what rang.
    void look_at_spending(anomaly_watch& watch);
    /// Of a namespace one alarm rings at a time, for the key that was replayed most: a job's steps repeat together.
    void look_at_replays(std::vector<replayed_key> all);
    /// Of a namespace one alarm rings at a time, for the job that has failed most often: a batch has one cause.
    void look_at_jobs(std::vector<stopped_job> all);
    /// Were calls refused for good? Once for each limit and window.
    void look_at_denial(budget_denial const& d);
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
    void ring_together(std::map<std::string, others>& rung, alarm_report a);
    void ring(alarm_report a, std::vector<std::string> also);
    void pace_at(watched_limit const& w, spend_trail const& trail, time_point at);
    void spending_at(anomaly_watch& watch, time_point at);

    alarm_watch const& watch_;
    alarm_rules const& rules_;
    time_point last_;
    time_point now_;
    known_id known_;
    std::vector<found_alarm> found_;
};

std::vector<watched_limit> watched_limits(std::vector<account_status> const& accounts,
                                          std::chrono::system_clock::time_point last,
                                          std::chrono::system_clock::time_point now);

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/alarm_search.ipp>
#endif
