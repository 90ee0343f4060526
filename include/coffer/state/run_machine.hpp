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

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

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
    run_machine(run_record& row, record_moment at, owner_is_dead dead) : r_{row}, at_{at}, dead_{std::move(dead)} {
        if (at_.trusted < r_.expires || left_to_owner()) return;
        r_ = run_record{};
        changes_.gone = true;
    }

    /// What is to be written; ask it last.
    [[nodiscard]] run_changes const& changes() const noexcept { return changes_; }

    /// The right to run the job. A run that has begun and never ended, and whose process is gone, has failed.
    run_verdict begin(run_request const& q, std::string const& owner) {
        if (r_.state == run_state::done) return run_done{};
        if (auto const left = left_to_owner()) {
            if (r_.run == q.id) return run_begun{r_.begun};  // the first one's reply was lost
            return run_under_way{*left};
        }
        end_what_is_lost();
        r_.limits = q.limits;
        r_.acknowledged_kept = q.acknowledged_kept;
        r_.unfinished_kept = q.unfinished_kept;
        if (r_.is_stopped(q.limits)) {
            touch();  // it is asked for, so it is not forgotten
            return run_stopped{r_.counted, r_.same_failures, r_.fails_the_same_way(q.limits), r_.signature};
        }
        if (r_.begun == 0) r_.created = at_.wall;
        r_.state = run_state::running;
        r_.run = q.id;
        r_.owner = owner;
        r_.lease_until = later(at_.now, q.lease);
        ++r_.begun;
        ++r_.counted;
        touch();
        return run_begun{r_.begun};
    }

    /// The run begins a step; its lease is `lease` from now on, if that is longer.
    outcome<void> note(run_id const& run, std::string const& step, std::chrono::nanoseconds lease) {
        if (auto const f = fenced(run); !f) return f;
        if (r_.state != run_state::running) return refused("run_over", "this run has ended");
        if (std::find(r_.steps.begin(), r_.steps.end(), step) == r_.steps.end()) {
            r_.steps.push_back(step);
            changes_.step = true;
        }
        r_.lease_until = std::max(r_.lease_until, later(at_.now, lease));
        touch();
        return {};
    }

    /// The run has failed.
    outcome<void> fail(run_id const& run, run_failure const& how) {
        if (r_.state == run_state::done) return {};  // whoever got it done was faster
        if (auto const f = fenced(run); !f) return f;
        if (r_.state == run_state::running) failed_with(how);
        return {};
    }
    /// The job's results are where they belong, whichever run has brought them there.
    outcome<void> finish() {
        if (r_.begun == 0) return no_such_job();
        if (r_.state == run_state::done) return {};
        r_.state = run_state::done;
        touch();
        return {};
    }

    /// An operator has seen to the cause: the job may be run again, as if it had not failed yet.
    outcome<void> reopen() {
        if (r_.begun == 0) return no_such_job();
        if (r_.state == run_state::done) return misused("this job is done; there is nothing to reopen");
        if (!left_to_owner()) r_.state = run_state::idle;
        r_.counted = r_.state == run_state::running ? 1 : 0;
        r_.same_failures = 0;
        r_.signature.clear();
        touch();
        return {};
    }

    /// For a look at the row: a run whose process is gone has ended. Not to be written back.
    void show_as_it_is() {
        if (!left_to_owner()) end_what_is_lost();
    }

private:
    /// How long the job is still its runner's; nothing if no run is under way.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> left_to_owner() const {
        if (r_.state != run_state::running || r_.lease_until <= at_.now || dead_(r_.owner)) return std::nullopt;
        return r_.lease_until - at_.now;
    }
    void end_what_is_lost() {
        if (r_.state == run_state::running) failed_with(run_failure{"did not end"});
    }
    void failed_with(run_failure const& how) {
        r_.state = run_state::idle;
        if (how.passing) {
            if (how.unbilled) --r_.counted;
        } else if (how.signature == r_.signature) {
            ++r_.same_failures;
        } else {
            r_.signature = how.signature;
            r_.same_failures = 1;
        }
        touch();
    }
    void touch() {
        changes_.row = true;
        r_.updated = at_.wall;
        r_.expires = later(at_.wall, r_.state == run_state::done ? r_.acknowledged_kept : r_.unfinished_kept);
    }

    [[nodiscard]] outcome<void> fenced(run_id const& run) const {
        if (r_.begun == 0 || r_.run != run) return refused("run_lost", "another run has taken this job over");
        return {};
    }
    [[nodiscard]] static tl::unexpected<fault> refused(std::string code, std::string message) {
        return failed(fault{fault_kind::store_unavailable, std::move(message)}.with_code(std::move(code)));
    }
    [[nodiscard]] static tl::unexpected<fault> misused(std::string message) {
        return failed(
            fault{fault_kind::permanent, std::move(message)}.with_execution(knowledge::no).with_billing(knowledge::no));
    }
    [[nodiscard]] static tl::unexpected<fault> no_such_job() { return misused("no run of this job is known"); }

    run_record& r_;
    record_moment at_;
    owner_is_dead dead_;
    run_changes changes_;
};

}  // namespace coffer::inline COFFER_ABI
