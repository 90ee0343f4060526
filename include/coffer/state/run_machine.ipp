// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of run_machine.hpp.

#include <coffer/state/run_machine.hpp>

#include <algorithm>
#include <utility>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE run_machine::run_machine(run_record& row, record_moment at, owner_is_dead dead)
    : r_{row}, at_{at}, dead_{std::move(dead)} {
    if (at_.trusted < r_.expires || left_to_owner()) return;
    r_ = run_record{};
    changes_.gone = true;
}

COFFER_INLINE run_verdict run_machine::begin(run_request const& q, std::string const& owner) {
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

COFFER_INLINE outcome<void> run_machine::note(run_id const& run, std::string const& step,
                                              std::chrono::nanoseconds lease) {
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

COFFER_INLINE outcome<void> run_machine::fail(run_id const& run, run_failure const& how) {
    if (r_.state == run_state::done) return {};  // whoever got it done was faster
    if (auto const f = fenced(run); !f) return f;
    if (r_.state == run_state::running) failed_with(how);
    return {};
}

COFFER_INLINE outcome<void> run_machine::finish() {
    if (r_.begun == 0) return no_such_job();
    if (r_.state == run_state::done) return {};
    r_.state = run_state::done;
    touch();
    return {};
}

COFFER_INLINE outcome<void> run_machine::reopen() {
    if (r_.begun == 0) return no_such_job();
    if (r_.state == run_state::done) return misused("this job is done; there is nothing to reopen");
    if (!left_to_owner()) r_.state = run_state::idle;
    r_.counted = r_.state == run_state::running ? 1 : 0;
    r_.same_failures = 0;
    r_.signature.clear();
    touch();
    return {};
}

COFFER_INLINE std::optional<std::chrono::nanoseconds> run_machine::left_to_owner() const {
    if (r_.state != run_state::running || r_.lease_until <= at_.now || dead_(r_.owner)) return std::nullopt;
    return r_.lease_until - at_.now;
}

COFFER_INLINE void run_machine::end_what_is_lost() {
    if (r_.state == run_state::running) failed_with(run_failure{"did not end"});
}

COFFER_INLINE void run_machine::failed_with(run_failure const& how) {
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

COFFER_INLINE void run_machine::touch() {
    changes_.row = true;
    r_.updated = at_.wall;
    r_.expires = later(at_.wall, r_.state == run_state::done ? r_.acknowledged_kept : r_.unfinished_kept);
}

COFFER_INLINE outcome<void> run_machine::fenced(run_id const& run) const {
    if (r_.begun == 0 || r_.run != run) return refused("run_lost", "another run has taken this job over");
    return {};
}

COFFER_INLINE tl::unexpected<fault> run_machine::refused(std::string code, std::string message) {
    return failed(fault{fault_kind::store_unavailable, std::move(message)}.with_code(std::move(code)));
}

COFFER_INLINE tl::unexpected<fault> run_machine::misused(std::string message) {
    return failed(
        fault{fault_kind::permanent, std::move(message)}.with_execution(knowledge::no).with_billing(knowledge::no));
}

}  // namespace coffer::inline COFFER_ABI
