// SPDX-License-Identifier: BSL-1.0
#pragma once
// What the steps of one run share: its beginning, its steps' calls, how it failed, its end.

#include <coffer/asio.hpp>
#include <coffer/call/call.hpp>
#include <coffer/policy/journal_options.hpp>
#include <coffer/policy/run_failure.hpp>
#include <coffer/policy/run_report.hpp>
#include <coffer/store/store.hpp>
#include <coffer/time/clock_service.hpp>
#include <coffer/time/completion.hpp>
#include <coffer/time/entropy.hpp>

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace coffer::inline COFFER_ABI::detail {

/// One step of a run. Stays where it is; its call is its coroutine's until it is over.
struct run_step {
    run_step(std::string n, time_point u, coffer::call c) : name{std::move(n)}, until{u}, call{std::move(c)} {}
    std::string name;
    time_point until;
    coffer::call call;
    bool over = false;
    std::optional<fault> why;  ///< once it is over: why there is no answer
};

/// Whose turn the preflight is.
struct preflight_turn {
    bool mine = false;
    std::optional<fault> failed;                ///< it has failed, for this run for good
    std::optional<completion<bool>> of_others;  ///< it is being made
    [[nodiscard]] bool passed() const noexcept { return !mine && !failed && !of_others; }
};

/// Kept by the journal and by each of its steps; the last one to go ends a run that nobody has ended. Any thread.
class run_context {
public:
    using preflight = std::function<awaitable<void>()>;

    run_context(std::shared_ptr<store_backend> where, coffer::key job, journal_options o)
        : store_{std::move(where)}, job_{std::move(job)}, options_{o} {
        options_.check();
        ref_ = {named_by(*store_, job_), entropy<sizeof(claim_id)>()};
    }
    run_context(run_context const&) = delete;
    run_context& operator=(run_context const&) = delete;
    ~run_context() {
        try {
            fail(how_it_was_left());
        } catch (...) {  // no memory: it will have "not ended" when the process has
        }
    }

    [[nodiscard]] store_backend& store() const noexcept { return *store_; }
    [[nodiscard]] coffer::key const& job() const noexcept { return job_; }
    [[nodiscard]] run_ref const& ref() const noexcept { return ref_; }

    /// Policies bind to the first clock they see.
    void bind(clock_service& service) const {
        try {
            store_->bind(service.clock());
        } catch (std::logic_error const& error) {
            throw misuse{error.what()};
        }
    }

    void set_preflight(preflight check) {
        std::lock_guard const lock{mutex_};
        check_no_step("the preflight");
        check_ = std::move(check);
    }
    void tag(std::string name, std::string value) {
        std::lock_guard const lock{mutex_};
        check_no_step("tags");
        tags_.emplace_back(std::move(name), std::move(value));
    }

    // Steps -----------------------------------------------------------------------------------------------------------

    run_step& begin_step(step_name const& what, time_point now) {
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
    void end_step(run_step& s, std::optional<fault> why) {
        std::lock_guard const lock{mutex_};
        s.why = std::move(why);
        s.over = true;
    }
    /// How long the run's lease must be for a step that begins now.
    [[nodiscard]] duration lease_for(duration step) const noexcept {
        return step > duration::max() - options_.lease ? duration::max() : step + options_.lease;
    }
    /// The step, once it is over.
    [[nodiscard]] run_step const& step(std::string_view name) const {
        std::lock_guard const lock{mutex_};
        for (auto const& s : steps_)
            if (s.name == name && s.over) return s;
        throw misuse{"coffer::journal: this run has no step \"" + std::string{name} + "\" that is over"};
    }
    [[nodiscard]] run_report report() const {
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

    // The beginning and the end ---------------------------------------------------------------------------------------

    /// The beginning, submitted by whoever needs it first.
    [[nodiscard]] completion<outcome<run_verdict>> begin() {
        std::lock_guard const lock{mutex_};
        if (!beginning_)
            beginning_ = store_->begin_run(ref_.job, {ref_.id,
                                                      {options_.max_runs, options_.same_failure},
                                                      options_.lease,
                                                      options_.acknowledged_kept,
                                                      options_.unfinished_kept});
        return *beginning_;
    }
    /// What became of it: nothing if the run has begun, or why it has not.
    [[nodiscard]] std::optional<fault> learn(completion<outcome<run_verdict>> const& beginning) {
        auto const& told = *beginning.get();
        std::lock_guard const lock{mutex_};
        if (!told) {
            if (beginning_ && beginning_->get() == beginning.get()) beginning_.reset();  // to be submitted again
            return told.error();
        }
        verdict_ = *told;
        return fault_of(*told, store_->how_to_reopen(ref_.job));
    }
    [[nodiscard]] bool is_done() const {
        std::lock_guard const lock{mutex_};
        return done_ || (verdict_ && std::holds_alternative<run_done>(*verdict_));
    }
    /// Throws if a step is under way.
    void check_at_rest() const {
        std::lock_guard const lock{mutex_};
        if (over_) throw misuse{"coffer::journal: this run has failed; it cannot be done as well"};
        for (auto const& s : steps_)
            if (!s.over) throw misuse{"coffer::journal: done() while the step \"" + s.name + "\" is under way"};
    }
    /// The key under which a step's answer stands, and whether it must be there.
    [[nodiscard]] std::pair<record_id, bool> answer_of(std::string const& name) const {
        std::lock_guard const lock{mutex_};
        for (auto const& s : steps_)
            if (s.name == name && !s.why) return {store_->id_of(s.call.record_key()), true};
        return {store_->id_of(job_.step(name)), false};
    }
    void set_done() {
        std::lock_guard const lock{mutex_};
        done_ = over_ = true;
    }
    /// Ends the run, if it has begun and nobody has ended it before.
    void fail(run_failure const& how) {
        std::lock_guard const lock{mutex_};
        if (over_) return;
        over_ = true;
        // Where the store has not told (yet), it may have begun; if it has not, the store refuses this.
        auto const told = beginning_ ? beginning_->get() : nullptr;
        bool const has_not = told != nullptr && *told && !std::holds_alternative<run_begun>(**told);
        if (submitted() && !has_not) store_->end_run(ref_, how);
    }
    /// The step that has ended with such a fault; empty if none has.
    [[nodiscard]] std::string step_of(fault const& why) const {
        std::lock_guard const lock{mutex_};
        for (auto const& s : steps_)
            if (s.why && s.why->kind() == why.kind()) return s.name;
        return {};
    }

    // The preflight ---------------------------------------------------------------------------------------------------

    [[nodiscard]] bool has_preflight() const {
        std::lock_guard const lock{mutex_};
        return check_ != nullptr;
    }
    [[nodiscard]] awaitable<void> make_preflight() const { return check_(); }
    [[nodiscard]] preflight_turn take_turn() {
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
    /// Gives the turn back; `made`: the preflight came to its end, good or bad.
    void give_turn(bool made, std::optional<fault> failed) {
        std::optional<completion<bool>> over;
        {
            std::lock_guard const lock{mutex_};
            checked_ = made && !failed;
            preflight_failure_ = std::move(failed);
            over.swap(checking_);
        }
        over->set(true);
    }

private:
    void check_no_step(char const* what) const {
        if (!steps_.empty()) throw misuse{"coffer::journal: set " + std::string{what} + " before the first step"};
    }
    [[nodiscard]] bool submitted() const noexcept { return beginning_.has_value() || !steps_.empty(); }
    /// What an operator may have to do something about comes first; then, which step began first.
    [[nodiscard]] run_failure how_it_was_left() const {
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

    std::shared_ptr<store_backend> const store_;
    coffer::key const job_;
    journal_options const options_;
    run_ref ref_;

    mutable std::mutex mutex_;
    std::vector<std::pair<std::string, std::string>> tags_;
    std::deque<run_step> steps_;
    time_point until_{};  // of all steps, once there is one
    std::optional<completion<outcome<run_verdict>>> beginning_;
    std::optional<run_verdict> verdict_;
    bool over_ = false;
    bool done_ = false;

    preflight check_;
    bool checked_ = false;
    std::optional<completion<bool>> checking_;
    std::optional<fault> preflight_failure_;
};

}  // namespace coffer::inline COFFER_ABI::detail
