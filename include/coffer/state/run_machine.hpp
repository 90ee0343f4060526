// SPDX-License-Identifier: BSL-1.0
#pragma once
// The rules of a job's runs: when one may begin, what a failure counts for, when the job is stopped. No I/O, time passed
// in, like those of a record.
//
//     run_machine machine{row, {clock.now(), clock.wall_now()}, owner_is_dead};
//     run_verdict verdict = machine.begin(request, my_process);
//     if (machine.changes().any()) ... write `row` back ...
//
// Nothing here guards money: every step of a run is journaled under a key of its own. What is guarded is that somebody
// looks at a job that cannot get done.

#include <coffer/base/later.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/state/record_rules.hpp>
#include <coffer/state/run.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace coffer::inline COFFER_ABI {

/// What a rule has changed, for stores that write rows.
struct run_changes {
    bool row = false;  ///< anything but the steps
    bool step = false;  ///< a step was added at the end
    bool gone = false;  ///< the row as it was is to be removed; with `row`, another takes its place
    /// Something has to be written.
    [[nodiscard]] bool any() const noexcept { return row || step || gone; }
};

/// The transitions, applied to one row at one moment. Make one, call one function, write the row back. Constructing it
/// applies what time alone does.
///
/// Refusals: `store_unavailable` with the code `run_lost` (another run has taken the job over) or `run_over` (the run has
/// ended); `permanent` for what cannot be.
class run_machine {
public:
    using owner_is_dead = record_rules::owner_is_dead;  ///< true only if it is proven

    /// Applies what time alone does: expiry.
    run_machine(run_record& row, record_moment at, owner_is_dead dead);

    /// What is to be written; ask it last.
    [[nodiscard]] run_changes const& changes() const noexcept { return changes_; }

    /// The right to run the job. A run that has begun and never ended, and whose process is gone, has failed.
    run_verdict begin(run_request const& q, std::string const& owner);

    /// The run begins a step; its lease is `lease` from now on, if that is longer.
    outcome<void> note(run_id const& run, std::string const& step, std::chrono::nanoseconds lease);

    /// The run has failed.
    outcome<void> fail(run_id const& run, run_failure const& how);
    /// The job's results are where they belong, whichever run has brought them there.
    outcome<void> finish();

    /// An operator has seen to the cause: the job may be run again, as if it had not failed yet.
    outcome<void> reopen();

    /// For a look at the row: a run whose process is gone has ended. Not to be written back.
    void show_as_it_is() {
        if (!left_to_owner()) end_what_is_lost();
    }

private:
    /// How long the job is still its runner's; nothing if no run is under way.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> left_to_owner() const;
    void end_what_is_lost();
    void failed_with(run_failure const& how);
    void touch();

    [[nodiscard]] outcome<void> fenced(run_id const& run) const;
    [[nodiscard]] static tl::unexpected<fault> refused(std::string code, std::string message);
    [[nodiscard]] static tl::unexpected<fault> misused(std::string message);
    [[nodiscard]] static tl::unexpected<fault> no_such_job() { return misused("no run of this job is known"); }

    run_record& r_;
    record_moment at_;
    owner_is_dead dead_;
    run_changes changes_;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/run_machine.ipp>
#endif
