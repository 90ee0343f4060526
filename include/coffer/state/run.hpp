// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a store remembers of a job's runs, as data: one row for each job. The rules are in run_machine.hpp.

#include <coffer/base/defaults.hpp>
#include <coffer/state/record.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// 128 random bits, as a claim has.
using run_id = claim_id;

/// The states of a job. A job without a row has never been run.
enum class run_state : std::uint8_t {
    idle,     ///< it is not done, and nobody runs it
    running,  ///< a run is under way
    done,     ///< its results are where they belong
};

/// Its name, as stores write it.
[[nodiscard]] constexpr std::string_view to_string(run_state s) noexcept {
    constexpr std::array<std::string_view, 3> names{"idle", "running", "done"};
    return names[static_cast<std::size_t>(s)];
}

/// When a job is stopped: no run of it begins until an operator reopens it.
struct run_limits {
    int max_runs = defaults::max_runs;          ///< after so many runs that did not get it done
    int same_failure = defaults::same_failure;  ///< after so many runs, one after the other, that failed in one way
    friend bool operator==(run_limits const&, run_limits const&) = default;
};

/// The row of a job.
struct run_record {
    run_state state = run_state::idle;  ///< as it was written: the process of one that is `running` may be dead
    run_id run{};  ///< the last run; it stays after its end, so that repeating its operations is harmless
    std::string owner;  ///< the process that runs it, as the store names processes
    std::chrono::steady_clock::time_point lease_until{};  ///< of the run that is under way
    int begun = 0;          ///< runs that have ever begun
    int counted = 0;        ///< those of them that `max_runs` counts, since the job was last reopened
    int same_failures = 0;  ///< runs that have failed in the same way, one after the other
    std::string signature;  ///< that way
    run_limits limits;      ///< of who asked last
    std::vector<std::string> steps;  ///< their names, in the order in which they were first begun
    // How long the row is kept, as the last run wanted it.
    std::chrono::nanoseconds acknowledged_kept = defaults::acknowledged_kept;  ///< from `done` on
    std::chrono::nanoseconds unfinished_kept = defaults::unfinished_run_kept;  ///< from the last change on
    std::chrono::system_clock::time_point created{};  ///< by the wall clock
    std::chrono::system_clock::time_point updated{};  ///< by the wall clock; the last change
    /// When the row goes, by trusted time.
    std::chrono::system_clock::time_point expires{std::chrono::system_clock::time_point::max()};

    /// Has it failed in one way as often as these limits allow?
    [[nodiscard]] bool fails_the_same_way(run_limits const& l) const noexcept {
        return same_failures >= l.same_failure;
    }
    /// Would a run under these limits be refused?
    [[nodiscard]] bool is_stopped(run_limits const& l) const noexcept;
};

/// Asks for the right to run a job. `id` is fresh and random for each run, and the same if the reply was lost.
struct run_request {
    run_id id{};  ///< fresh and random
    run_limits limits{};  ///< under which it would be refused
    std::chrono::nanoseconds lease = defaults::run_lease;  ///< so long without a step the run may be taken for dead
    std::chrono::nanoseconds acknowledged_kept = defaults::acknowledged_kept;  ///< to be kept so long once it is done
    std::chrono::nanoseconds unfinished_kept = defaults::unfinished_run_kept;  ///< to be kept so long if nobody runs it
};

// What the request may be answered.

/// The run has begun: the job's `number`th.
struct run_begun {
    int number = 0;  ///< from 1, over the job's whole life
};
/// Another run of the job is under way; worth looking again after `hint`.
struct run_under_way {
    std::chrono::nanoseconds hint{};  ///< so long its lease still lasts
};
/// The job is stopped.
struct run_stopped {
    int counted = 0;  ///< runs since it was last reopened
    int same_failures = 0;  ///< of them, the last ones that failed in one way
    bool same_failure = false;  ///< for failing the same way; otherwise for the number of its runs
    std::string signature;  ///< of the last failure; empty: none was told
};
/// Its results are where they belong.
struct run_done {};

/// What a run's beginning is answered.
using run_verdict = std::variant<run_begun, run_under_way, run_stopped, run_done>;

/// How a run failed.
struct run_failure {
    run_failure() = default;
    /// A failure of that signature, which counts in full.
    explicit run_failure(std::string s) : signature{std::move(s)} {}
    std::string signature;  ///< equal for failures of one cause. No secrets
    bool passing = false;  ///< time can mend it: it does not count as the same failure
    bool unbilled = false;  ///< and nothing was spent: it does not count as a run either
};

/// Names a run in later operations.
struct run_ref {
    record_id job;  ///< the job's key, as the store knows it
    run_id id{};  ///< the run
};

/// Which jobs to list.
struct run_filter {
    run_filter() = default;
    /// By namespace (empty: all), and perhaps only those that are stopped.
    explicit run_filter(std::string ns, bool only_stopped = false);
    /// Those that wait for an operator, of all namespaces.
    [[nodiscard]] static run_filter stopped() { return run_filter{{}, true}; }

    std::string name_space;  ///< empty: all
    bool stopped_only = false;  ///< those that wait for an operator
    std::size_t limit = 1000;  ///< at most so many, the oldest
};

/// A job without the names of its steps.
struct run_summary {
    record_id job;  ///< its key, as the store knows it
    run_state state = run_state::idle;  ///< a run whose process is dead has failed
    bool stopped = false;  ///< under the limits of who asked last
    int begun = 0;  ///< runs, ever
    int counted = 0;  ///< runs since it was last reopened
    int same_failures = 0;  ///< the last ones that failed in one way
    std::string signature;  ///< of the last failure
    std::chrono::system_clock::time_point created{};  ///< by the wall clock
    std::chrono::system_clock::time_point updated{};  ///< by the wall clock; the last change
};

/// The row without its steps.
[[nodiscard]] run_summary summary_of(record_id job, run_record const& r);

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/run.ipp>
#endif
