// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of run_context.hpp.

#include <coffer/policy/run_context.hpp>

#include <algorithm>
#include <stdexcept>
#include <variant>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE run_step::run_step(std::string n, time_point u, coffer::call c)
    : name{std::move(n)}, until{u}, call{std::move(c)} {}

COFFER_INLINE run_context::run_context(std::shared_ptr<store_backend> where, coffer::key job, journal_options o)
    : store_{std::move(where)}, job_{std::move(job)}, options_{o} {
    options_.check();
    ref_ = {named_by(*store_, job_), entropy<sizeof(claim_id)>()};
}

COFFER_INLINE run_context::~run_context() {
    try {
        fail(how_it_was_left());
    } catch (...) {  // no memory: it will have "not ended" when the process has
    }
}

COFFER_INLINE void run_context::bind(clock_service& service) const {
    try {
        store_->bind(service.clock());
    } catch (std::logic_error const& error) {
        throw misuse{error.what()};
    }
}

COFFER_INLINE void run_context::set_preflight(preflight check) {
    std::lock_guard const lock{mutex_};
    check_no_step("the preflight");
    check_ = std::move(check);
}

COFFER_INLINE void run_context::tag(std::string name, std::string value) {
    std::lock_guard const lock{mutex_};
    check_no_step("tags");
    tags_.emplace_back(std::move(name), std::move(value));
}

COFFER_INLINE run_step& run_context::begin_step(step_name const& what, time_point now) {
    std::lock_guard const lock{mutex_};
    if (over_) throw misuse{"coffer::journal: this run has ended; begin another one for more steps"};
    for (auto const& s : steps_)
        if (s.name == what.text())
            throw misuse{"coffer::journal: this run has a step \"" + what.text() +
                         "\" already; a step's name is part of its key, so give each its own"};
    if (steps_.empty()) until_ = later(now, options_.deadline);
    auto const until = std::min(until_, later(now, what.deadline().value_or(options_.step_deadline)));
    auto& s = steps_.emplace_back(what.text(), until, coffer::call{job_.step(what.text()), until});
    s.call.tag("job", std::string{job_.name_space()}).tag("step", what.text());
    for (auto const& [name, value] : tags_) s.call.tag(name, value);
    return s;
}

COFFER_INLINE void run_context::end_step(run_step& s, std::optional<fault> why) {
    std::lock_guard const lock{mutex_};
    s.why = std::move(why);
    s.over = true;
}

COFFER_INLINE duration run_context::lease_for(duration step) const noexcept {
    return step > duration::max() - options_.lease ? duration::max() : step + options_.lease;
}

COFFER_INLINE run_step const& run_context::step(std::string_view name) const {
    std::lock_guard const lock{mutex_};
    for (auto const& s : steps_)
        if (s.name == name && s.over) return s;
    throw misuse{"coffer::journal: this run has no step \"" + std::string{name} + "\" that is over"};
}

COFFER_INLINE run_report run_context::report() const {
    std::lock_guard const lock{mutex_};
    run_report r;
    if (verdict_)
        if (auto const* const b = std::get_if<run_begun>(&*verdict_)) r.number = b->number;
    for (auto const& s : steps_) {
        auto& told = r.steps.emplace_back();
        told.name = s.name;
        told.over = s.over;
        if (!s.over) continue;
        told.origin = s.call.origin();
        told.attempts = told.origin == answer_origin::sent || s.why ? static_cast<int>(s.call.log().size()) : 0;
        told.cost = s.call.cost();
        told.why = s.why;
    }
    return r;
}

COFFER_INLINE completion<outcome<run_verdict>> run_context::begin() {
    std::lock_guard const lock{mutex_};
    if (!beginning_)
        beginning_ = store_->begin_run(ref_.job, {ref_.id,
                                                  {options_.max_runs, options_.same_failure},
                                                  options_.lease,
                                                  options_.acknowledged_kept,
                                                  options_.unfinished_kept});
    return *beginning_;
}

COFFER_INLINE std::optional<fault> run_context::learn(completion<outcome<run_verdict>> const& beginning) {
    auto const& told = *beginning.get();
    std::lock_guard const lock{mutex_};
    if (!told) {
        if (beginning_ && beginning_->get() == beginning.get()) beginning_.reset();  // to be submitted again
        return told.error();
    }
    verdict_ = *told;
    return fault_of(*told, store_->how_to_reopen(ref_.job));
}

COFFER_INLINE bool run_context::is_done() const {
    std::lock_guard const lock{mutex_};
    return done_ || (verdict_ && std::holds_alternative<run_done>(*verdict_));
}

COFFER_INLINE void run_context::check_at_rest() const {
    std::lock_guard const lock{mutex_};
    if (over_) throw misuse{"coffer::journal: this run has failed; it cannot be done as well"};
    for (auto const& s : steps_)
        if (!s.over) throw misuse{"coffer::journal: done() while the step \"" + s.name + "\" is under way"};
}

COFFER_INLINE std::pair<record_id, bool> run_context::answer_of(std::string const& name) const {
    std::lock_guard const lock{mutex_};
    for (auto const& s : steps_)
        if (s.name == name && !s.why) return {store_->id_of(s.call.record_key()), true};
    return {store_->id_of(job_.step(name)), false};
}

COFFER_INLINE void run_context::set_done() {
    std::lock_guard const lock{mutex_};
    done_ = over_ = true;
}

COFFER_INLINE void run_context::fail(run_failure const& how) {
    std::lock_guard const lock{mutex_};
    if (over_) return;
    over_ = true;
        // Where the store has not told (yet), it may have begun; if it has not, the store refuses this.
    auto const told = beginning_ ? beginning_->get() : nullptr;
    bool const has_not = told != nullptr && *told && !std::holds_alternative<run_begun>(**told);
    if (submitted() && !has_not) store_->end_run(ref_, how);
}

COFFER_INLINE std::string run_context::step_of(fault const& why) const {
    std::lock_guard const lock{mutex_};
    for (auto const& s : steps_)
        if (s.why && s.why->kind() == why.kind()) return s.name;
    return {};
}

COFFER_INLINE preflight_turn run_context::take_turn() {
    std::lock_guard const lock{mutex_};
    preflight_turn t;
    if (preflight_failure_) t.failed = preflight_failure_;
    else if (checking_) t.of_others = checking_;
    else if (!checked_) {
        checking_.emplace();
        t.mine = true;
    }
    return t;
}

COFFER_INLINE void run_context::give_turn(bool made, std::optional<fault> failed) {
    std::optional<completion<bool>> over;
    {
        std::lock_guard const lock{mutex_};
        checked_ = made && !failed;
        preflight_failure_ = std::move(failed);
        over.swap(checking_);
    }
    over->set(true);
}

COFFER_INLINE void run_context::check_no_step(char const* what) const {
    if (!steps_.empty()) throw misuse{"coffer::journal: set " + std::string{what} + " before the first step"};
}

COFFER_INLINE run_failure run_context::how_it_was_left() const {
    std::optional<run_failure> passing;
    for (auto const& s : steps_) {
        if (!s.why) continue;
        auto f = failure_of(*s.why, s.name);
        if (!f.passing) return f;
        if (!passing) passing = std::move(f);
    }
    if (passing) return *passing;
    auto const last = std::find_if(steps_.rbegin(), steps_.rend(), [](auto const& s) { return s.over; });
    return run_failure{"ended without done()" + (last == steps_.rend() ? "" : ", after " + last->name)};
}

}  // namespace coffer::inline COFFER_ABI::detail
