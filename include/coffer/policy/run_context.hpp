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

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::detail {

/// One step of a run. Stays where it is; its call is its coroutine's until it is over.
struct run_step {
    run_step(std::string n, time_point u, coffer::call c);
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

    run_context(std::shared_ptr<store_backend> where, coffer::key job, journal_options o);
    run_context(run_context const&) = delete;
    run_context& operator=(run_context const&) = delete;
    ~run_context();

    [[nodiscard]] store_backend& store() const noexcept { return *store_; }
    [[nodiscard]] coffer::key const& job() const noexcept { return job_; }
    [[nodiscard]] run_ref const& ref() const noexcept { return ref_; }

    /// Policies bind to the first clock they see.
    void bind(clock_service& service) const;

    void set_preflight(preflight check);
    void tag(std::string name, std::string value);

    // Steps -----------------------------------------------------------------------------------------------------------

    run_step& begin_step(step_name const& what, time_point now);
    void end_step(run_step& s, std::optional<fault> why);
    /// How long the run's lease must be for a step that begins now.
    [[nodiscard]] duration lease_for(duration step) const noexcept;
    /// The step, once it is over.
    [[nodiscard]] run_step const& step(std::string_view name) const;
    [[nodiscard]] run_report report() const;

    // The beginning and the end ---------------------------------------------------------------------------------------

    /// The beginning, submitted by whoever needs it first.
    [[nodiscard]] completion<outcome<run_verdict>> begin();
    /// What became of it: nothing if the run has begun, or why it has not.
    [[nodiscard]] std::optional<fault> learn(completion<outcome<run_verdict>> const& beginning);
    [[nodiscard]] bool is_done() const;
    /// Throws if a step is under way.
    void check_at_rest() const;
    /// The key under which a step's answer stands, and whether it must be there.
    [[nodiscard]] std::pair<record_id, bool> answer_of(std::string const& name) const;
    void set_done();
    /// Ends the run, if it has begun and nobody has ended it before.
    void fail(run_failure const& how);
    /// The step that has ended with such a fault; empty if none has.
    [[nodiscard]] std::string step_of(fault const& why) const;

    // The preflight ---------------------------------------------------------------------------------------------------

    [[nodiscard]] bool has_preflight() const {
        std::lock_guard const lock{mutex_};
        return check_ != nullptr;
    }
    [[nodiscard]] awaitable<void> make_preflight() const { return check_(); }
    [[nodiscard]] preflight_turn take_turn();
    /// Gives the turn back; `made`: the preflight came to its end, good or bad.
    void give_turn(bool made, std::optional<fault> failed);

private:
    void check_no_step(char const* what) const;
    [[nodiscard]] bool submitted() const noexcept { return beginning_.has_value() || !steps_.empty(); }
    /// What an operator may have to do something about comes first; then, which step began first.
    [[nodiscard]] run_failure how_it_was_left() const;

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

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/run_context.ipp>
#endif
