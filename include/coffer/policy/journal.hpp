// SPDX-License-Identifier: BSL-1.0
#pragma once
// A job of several paid steps, that is run until it is done: each step is paid for once, whichever run sends it, and a job
// that cannot get done is stopped.
//
//     coffer::journal run{db, "report/acme/2026-11-21"};
//     auto outline = co_await run.step("outline", ask, request);       // ask: a pipeline with `once` on the same store
//     auto draft = co_await run.step("draft", ask, request_of(outline));
//     ... write the results where they belong ...
//     co_await run.done();                                             // later runs get already_done

#include <coffer/asio.hpp>
#include <coffer/base/key.hpp>
#include <coffer/base/on_use.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/arguments.hpp>
#include <coffer/call/order_rules.hpp>
#include <coffer/policy/journal_options.hpp>
#include <coffer/policy/run_context.hpp>
#include <coffer/policy/run_report.hpp>
#include <coffer/policy/run_step.hpp>
#include <coffer/store/store.hpp>

#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

// GCC takes every closure in a coroutine's frame for one of an anonymous namespace and warns in whoever includes this.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

namespace coffer::inline COFFER_ABI {
namespace detail {

template <class Awaitable>
struct step_result;
template <class R>
struct step_result<awaitable<outcome<R>>> {
    using type = R;
};

/// Ends a step that its coroutine does not end: an exception, or a context that goes.
class step_guard {
public:
    step_guard(std::shared_ptr<run_context> run, run_step& s) noexcept;
    step_guard(step_guard const&) = delete;
    step_guard& operator=(step_guard const&) = delete;
    ~step_guard();
    void over(std::optional<fault> why);

private:
    std::shared_ptr<run_context> run_;
    run_step& step_;
};

template <class R, class Ask, class... Args>
awaitable<outcome<R>> run_one_step(std::shared_ptr<run_context> run, step_name what, Ask ask, Args... args) {
    if (!ask.contains().journal)
        throw misuse{
            "coffer::journal: a step needs a pipeline with `once` on the journal's store: without it each run would be "
            "billed for the step"};
    auto const executor = co_await asio::this_coro::executor;
    auto& service = clock_service::of(executor);
    run->bind(service);
    auto const now = service.clock()->now();
    auto& step = run->begin_step(what, now);
    step_guard guard{run, step};
    auto preparing = ready_for(run, step, service, step.until - now);
    auto const ready = co_await std::move(preparing);
    if (!ready) {
        guard.over(ready.error());
        co_return failed(ready.error());
    }
    auto running = ask.try_call(step.call, std::forward<Args>(args)...);
    auto result = co_await std::move(running);
    guard.over(result ? std::nullopt : std::optional{result.error()});
    co_return result;
}

template <class Fn>
awaitable<void> call_plain(std::shared_ptr<Fn> check) {
    (*check)();
    co_return;
}

}  // namespace detail

/// One run of a job. Make one for each run, under the same key each time; its steps' keys are derived from it and from
/// their names, so that a step which an earlier run has paid for costs nothing.
///
/// The run begins with its first step, and is refused there: `already_done` (an earlier run has called `done`),
/// `in_progress` (another run is under way, here or in another process), `run_refused` (the job is stopped: it was run
/// `max_runs` times, or failed `same_failure` times in one way, and is not done; `store::reopen_run` lets it go on).
/// `disposition` says what each means to a queue. Nothing is sent then.
///
/// A run that ends without `done()` has failed: with what `failed` was told; otherwise with the fault of a step;
/// otherwise it "ended without done()"; and if its process died, it "did not end". Failures that time can mend (see
/// `disposition`) do not count as the same failure, and as a run only if they may have been billed. `run_job` tells what
/// a job's body threw.
///
/// Movable, not copyable. Steps may run at the same time, on any threads; whatever else is called, one at a time.
class journal {
public:
    /// Throws `std::invalid_argument` for options that cannot be meant, `misuse` for a key of `key::of_request`.
    journal(store const& where, job_name job, journal_options options = {});

    /// A check before the run's first send, once per run: a function without parameters that returns nothing, or a
    /// coroutine of nothing. If it throws, nothing is sent: the step, and every later one that would send, gets
    /// `preflight_failed` with its exception as cause. Steps that are replayed need no preflight.
    ///
    ///     run.preflight([&] { app.rehearse(job); });  // can the result be saved? In a transaction that is rolled back
    ///
    /// Whether a step would send is judged by its key alone: under `mismatch_rule::new_generation` a request that differs
    /// from an answered one is sent without it. Throws `misuse` after the first step.
    template <class Check>
    journal& preflight(Check check) {
        if constexpr (std::is_void_v<std::invoke_result_t<Check&>>) {
            auto const shared = std::make_shared<Check>(std::move(check));
            run_->set_preflight([shared] { return detail::call_plain(shared); });
        } else {
            run_->set_preflight(std::move(check));
        }
        return *this;
    }
    /// A tag for each step's call, beside `job` (the key's namespace) and `step`. No secrets. Throws `misuse` after the
    /// first step.
    journal& tag(std::string name, std::string value);

    /// Runs `ask(call, args...)` with a call of the step's own; `name` may carry a deadline: `{"draft", 2min}`.
    ///
    /// Throws `failure`: what stands in the run's way (see above), `preflight_failed`, `store_unavailable` (nothing was
    /// sent), and what the call ends with. Throws `misuse` for a name that this run has used, for a pipeline without
    /// `once`, and after the run's end. Arguments that are lvalues are borrowed until the step ends, rvalues are moved
    /// into its frame. Cancelling it is cancelling the call: a send that was permitted goes on without it.
    template <class Ask, class... Args>
    [[nodiscard]] auto step(step_name name, Ask const& ask, Args&&... args) const {
        return detail::throwing(try_step(std::move(name), ask, std::forward<Args>(args)...));
    }
    /// The same with every fault as a value.
    template <class Ask, class... Args>
    [[nodiscard]] auto try_step(step_name name, Ask const& ask, Args&&... args) const {
        detail::check_arguments<Args...>();
        using given = decltype(ask.try_call(std::declval<call&>(), std::declval<Args>()...));
        using result = typename detail::step_result<given>::type;
        return detail::run_one_step<result, Ask, Args...>(run_, std::move(name), ask, std::forward<Args>(args)...);
    }

    /// The results are where they belong: ends the job, and acknowledges the steps of this run and of all earlier ones, in
    /// one transaction of the store. So a process that dies here leaves the job done, or undone with all its answers.
    /// Doing so twice is harmless, in this process or a later one. Throws `failure`, after which it may be called again:
    /// `store_unavailable`; what `store::acknowledge` says of a step of this run (the job is done then all the same); what
    /// stands in the run's way, if it has not begun. Throws `misuse` while a step is under way, and after `failed`.
    template <class = on_use>
    [[nodiscard]] awaitable<void> done() const {
        return detail::finish(run_);
    }

    /// The run has failed, and ends. Nothing is awaited: the store writes it down. Without effect after the run's end, or
    /// if it has not begun.
    void failed(std::exception_ptr const& thrown) const;
    /// The same, of a fault: it need not be one of the run's own steps.
    void failed(fault const& why) const;

    /// The call of a step that is over: its log, its cost, where its answer came from. Lives as long as the journal.
    /// Throws `misuse` if there is no such step.
    [[nodiscard]] call const& call_of(std::string_view step) const { return run_->step(step).call; }
    /// The run so far as a table: `std::cout << run.report();`
    [[nodiscard]] run_report report() const { return run_->report(); }
    /// The job's key, from which those of the steps are derived.
    [[nodiscard]] key const& job() const noexcept { return run_->job(); }

private:
    std::shared_ptr<detail::run_context> run_;
};

/// Runs a job: `body(run)` to its end, then `done()`. What the body throws (the first, if steps that ran at the same time
/// have ended with several exceptions) is told to the run and thrown on; so a queue's next runs are refused once the job
/// has failed in one way too often.
///
///     auto const body = [&](coffer::journal& run) -> coffer::awaitable<void> { ... };
///     co_await coffer::run_job(db, "report/acme/2026-11-21", {}, body);
///
/// Name the body first, as here, if it captures anything (GCC 12 destroys a temporary closure in a `co_await` expression
/// twice). Gives what the body gives.
template <class Body>
auto run_job(store where, job_name job, journal_options options, Body body) -> std::invoke_result_t<Body&, journal&> {
    using result = typename std::invoke_result_t<Body&, journal&>::value_type;
    journal run{where, std::move(job), options};
    std::exception_ptr thrown;
    std::optional<std::conditional_t<std::is_void_v<result>, bool, result>> value;
    try {
        auto working = body(run);
        if constexpr (std::is_void_v<result>) {
            co_await std::move(working);
        } else {
            auto made = co_await std::move(working);
            value.emplace(std::move(made));
        }
        auto ending = run.done();
        co_await std::move(ending);
    } catch (...) {
        thrown = first_of(std::current_exception());
    }
    if (thrown) {
        run.failed(thrown);
        std::rethrow_exception(thrown);
    }
    if constexpr (!std::is_void_v<result>) co_return *std::move(value);
}

}  // namespace coffer::inline COFFER_ABI

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/journal.ipp>
#endif
