// SPDX-License-Identifier: BSL-1.0
#pragma once
// Every default of coffer in one table. Each has a test that changes behaviour with it.

#include <coffer/config.hpp>

#include <chrono>

namespace coffer::inline COFFER_ABI::defaults {

using namespace std::chrono_literals;
using days = std::chrono::duration<int, std::ratio<86400>>;  ///< of 24 hours each

inline constexpr auto deadline = 15min;               ///< of a call: answers take up to minutes, plus waits
inline constexpr auto attempt_timeout = 5min;         ///< of one attempt: a shorter one only pays twice
inline constexpr auto connect_timeout = 10s;          ///< a request that did not connect is provably unsent
inline constexpr int attempts = 4;                    ///< in all, with or without a journal
inline constexpr int max_sends = 2;                   ///< of them not proven unbilled; 1 = strict
inline constexpr auto ambiguous_delay = 5s;           ///< floor before an ambiguous attempt is sent again
inline constexpr double ambiguous_spread =
    1.0;  ///< up to so many times it is added: what one reset has cut off does not come back as one
inline constexpr auto backoff_base = 500ms;           ///< first delay's cap, doubling
inline constexpr auto backoff_cap = 30s;              ///< no drawn delay reaches it
inline constexpr auto hint_ceiling =
    10min;           ///< a longer hint of a provider ends the call at once; of it only so much blocks others
inline constexpr double hint_spread = 0.25;  ///< a hint is a floor; up to a quarter of it is added at random
inline constexpr int breaker_in_a_row =
    10;  ///< at a fifth failing, ten in a row are one in 12 million attempts; five, in 4000
inline constexpr auto breaker_window = 2min;  ///< longer than most answers take: they are counted when they end
inline constexpr int breaker_minimum = 20;  ///< of ends in the window; fewer prove no ratio, and few programs make 100
inline constexpr double breaker_failure_ratio = 0.5;  ///< below that, trying again is still the better bet
inline constexpr double breaker_slow_ratio = 0.5;  ///< of ends, once somebody has said what is slow
inline constexpr int breaker_probes = 3;  ///< at a time, and successes that close; one may have been luck
inline constexpr auto breaker_break = 10s;  ///< first break's cap, doubling; an overload often lasts no longer
inline constexpr auto breaker_longest_break =
    30s;  ///< no drawn break reaches it; a provider that is well again is left alone for so long, and a probe costs next to nothing
inline constexpr auto hedge_delay = 20s;  ///< until it is known how long answers take: most take less
inline constexpr double hedge_percentile = 95;  ///< one call in twenty is worth a second request
inline constexpr auto hedge_least_delay = 500ms;  ///< below that the second one hardly overtakes the first
inline constexpr int hedge_minimum = 20;  ///< answers; of fewer there is no 95th percentile
inline constexpr auto hedge_window = 10min;  ///< half-life of an answer's part in the percentile
inline constexpr double hedge_ratio = 0.1;  ///< hedges per call: twice what the percentile asks for
inline constexpr int hedge_burst = 5;  ///< hedges saved up
inline constexpr auto lease = 60s;  ///< of a claim
/// A claim is renewed so often: a third of its lease, so that two may be missed.
inline constexpr auto heartbeat = 20s;
inline constexpr auto takeover_grace = 30s;  ///< after a send's own timeout, before its key may be taken over
inline constexpr auto finish_grace = 5min;  ///< a permitted send goes on so long when every caller has left
inline constexpr auto store_wait = 2s;  ///< a caller waits so long for its answer to be stored
inline constexpr auto unacknowledged_kept = days{30};  ///< queues re-run jobs for weeks
inline constexpr auto acknowledged_kept = days{30};  ///< so long a key still answers `already_done`
inline constexpr auto in_progress_hint = 5s;  ///< when to look again at what another process works on, or holds
inline constexpr auto request_fault_kept = 10min;  ///< a fault of the request itself would only happen again
inline constexpr int max_runs = 25;  ///< of a job that does not get done
inline constexpr int same_failure = 3;  ///< runs that end with it, one after the other, before the job is stopped
inline constexpr auto run_lease = 15min;  ///< of a run between its steps; a dead process on this host is seen at once
inline constexpr auto unfinished_run_kept = days{60};  ///< a job that nobody has run for so long is forgotten

}  // namespace coffer::inline COFFER_ABI::defaults
