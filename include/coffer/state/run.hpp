// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a store remembers of a job's runs, as data: one row for each job. The rules are in run_machine.hpp.

#include <coffer/base/defaults.hpp>
#include <coffer/state/record.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
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
    run_state state = run_state::idle;
    run_id run{};  ///< the last run; it stays after its end, so that repeating its operations is harmless
    std::string owner;  ///< the process that runs it, as the store names processes
    std::chrono::steady_clock::time_point lease_until{};
    int begun = 0;          ///< runs that have ever begun
    int counted = 0;        ///< those of them that `max_runs` counts, since the job was last reopened
    int same_failures = 0;  ///< runs that have failed in the same way, one after the other
    std::string signature;  ///< that way
    run_limits limits;      ///< of who asked last
    std::vector<std::string> steps;  ///< their names, in the order in which they were first begun
    // How long the row is kept, as the last run wanted it.
    std::chrono::nanoseconds acknowledged_kept = defaults::acknowledged_kept;
    std::chrono::nanoseconds unfinished_kept = defaults::unfinished_run_kept;
    std::chrono::system_clock::time_point created{};
    std::chrono::system_clock::time_point updated{};
    std::chrono::system_clock::time_point expires{std::chrono::system_clock::time_point::max()};

    [[nodiscard]] bool fails_the_same_way(run_limits const& l) const noexcept {
        return same_failures >= l.same_failure;
    }
    /// Would a run under these limits be refused?
    [[nodiscard]] bool is_stopped(run_limits const& l) const noexcept {
        return state == run_state::idle && (fails_the_same_way(l) || counted >= l.max_runs);
    }
};

/// Asks for the right to run a job. `id` is fresh and random for each run, and the same if the reply was lost.
struct run_request {
    run_id id{};
    run_limits limits{};
    std::chrono::nanoseconds lease = defaults::run_lease;
    std::chrono::nanoseconds acknowledged_kept = defaults::acknowledged_kept;
    std::chrono::nanoseconds unfinished_kept = defaults::unfinished_run_kept;
};

// What the request may be answered.

/// The run has begun: the job's `number`th.
struct run_begun {
    int number = 0;
};
/// Another run of the job is under way; worth looking again after `hint`.
struct run_under_way {
    std::chrono::nanoseconds hint{};
};
/// The job is stopped.
struct run_stopped {
    int counted = 0;
    int same_failures = 0;
    bool same_failure = false;  ///< for failing the same way; otherwise for the number of its runs
    std::string signature;
};
struct run_done {};

using run_verdict = std::variant<run_begun, run_under_way, run_stopped, run_done>;

/// How a run failed.
struct run_failure {
    run_failure() = default;
    explicit run_failure(std::string s) : signature{std::move(s)} {}
    std::string signature;  ///< equal for failures of one cause. No secrets
    bool passing = false;  ///< time can mend it: it does not count as the same failure
    bool unbilled = false;  ///< and nothing was spent: it does not count as a run either
};

/// Names a run in later operations.
struct run_ref {
    record_id job;
    run_id id{};
};

/// Which jobs to list.
struct run_filter {
    run_filter() = default;
    explicit run_filter(std::string ns, bool only_stopped = false)
        : name_space{std::move(ns)}, stopped_only{only_stopped} {}
    [[nodiscard]] static run_filter stopped() { return run_filter{{}, true}; }

    std::string name_space;  ///< empty: all
    bool stopped_only = false;  ///< those that wait for an operator
    std::size_t limit = 1000;  ///< at most so many, the oldest
};

/// A job without the names of its steps.
struct run_summary {
    record_id job;
    run_state state = run_state::idle;
    bool stopped = false;  ///< under the limits of who asked last
    int begun = 0;
    int counted = 0;
    int same_failures = 0;
    std::string signature;
    std::chrono::system_clock::time_point created{};
    std::chrono::system_clock::time_point updated{};
};

[[nodiscard]] inline run_summary summary_of(record_id job, run_record const& r) {
    return {std::move(job), r.state,  r.is_stopped(r.limits), r.begun, r.counted, r.same_failures, r.signature,
            r.created,      r.updated};
}

}  // namespace coffer::inline COFFER_ABI
