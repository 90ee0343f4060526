// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a run does before a step's call and after its last one: it begins, notes the step, makes its preflight; it is done.

#include <coffer/asio.hpp>
#include <coffer/base/on_use.hpp>
#include <coffer/call/classify.hpp>
#include <coffer/policy/run_context.hpp>
#include <coffer/store/store.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// GCC takes every closure in a coroutine's frame for one of an anonymous namespace and warns in whoever includes this.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

namespace coffer::inline COFFER_ABI::detail {

/// Waits for `done`; why it had to be left, if so. After a cancellation nothing more may be awaited: Asio would throw.
template <class T>
awaitable<std::optional<fault>> waited(completion<T> done, clock_service& service, time_point until) {
    if (done.get() != nullptr) co_return std::nullopt;
    auto const woke = co_await done.wait(service, until);
    auto const cancellation = co_await asio::this_coro::cancellation_state;
    if (woke == wake::cancelled || cancellation.cancelled() != asio::cancellation_type::none)
        co_return fault{fault_kind::cancelled, "the step was left before its call"};
    if (woke == wake::elapsed) co_return fault{fault_kind::deadline_exceeded, "the step's time was up before its call"};
    co_return std::nullopt;
}

/// Did the store fail, rather than refuse? Then the operation may have been carried out, and is submitted again.
[[nodiscard]] bool may_have_been_done(fault const& why);

template <class T>
awaitable<T> type_told_by(completion<T> const&);

/// Submits an operation, once more if its reply may have been lost, and waits for its end.
template <class Submit>
auto carried_out(Submit submit, clock_service& service, time_point until) -> decltype(type_told_by(submit())) {
    for (bool repeated = false;; repeated = true) {
        auto const done = submit();
        if (auto const left = co_await waited(done, service, until)) co_return failed(*left);
        auto const& told = *done.get();
        if (told || repeated || !may_have_been_done(told.error())) co_return told;
    }
}

/// Begins the run, or learns that it has begun.
template <class = on_use>
awaitable<outcome<void>> begun(std::shared_ptr<run_context> run, clock_service& service, time_point until) {
    for (bool repeated = false;; repeated = true) {
        auto const done = run->begin();
        if (auto const left = co_await waited(done, service, until)) co_return failed(*left);
        auto const why = run->learn(done);
        if (!why) co_return outcome<void>{};
        if (repeated || !may_have_been_done(*why)) co_return failed(*why);
    }
}

/// A turn that is given back, however it ends.
class held_turn {
public:
    explicit held_turn(std::shared_ptr<run_context> run) noexcept : run_{std::move(run)} {}
    held_turn(held_turn const&) = delete;
    held_turn& operator=(held_turn const&) = delete;
    ~held_turn();
    void over(std::optional<fault> failed);

private:
    std::shared_ptr<run_context> run_;
};

[[nodiscard]] fault preflight_fault(std::exception_ptr const& thrown);

/// Makes the run's preflight before its first send, or waits for who makes it.
template <class = on_use>
awaitable<outcome<void>> preflighted(std::shared_ptr<run_context> run, record_id step, clock_service& service,
                                     time_point until) {
    if (!run->has_preflight()) co_return outcome<void>{};
    // An accepted answer is never replaced, so such a step sends nothing.
    auto const found = run->store().peek(step);
    if (auto const left = co_await waited(found, service, until)) co_return failed(*left);
    if (!*found.get()) co_return failed(found.get()->error());
    if (auto const& r = **found.get(); r && (r->state == record_state::done || r->state == record_state::expired))
        co_return outcome<void>{};

    for (;;) {
        auto const turn = run->take_turn();
        if (turn.passed()) co_return outcome<void>{};
        if (turn.failed) co_return failed(*turn.failed);
        if (turn.of_others) {
            if (auto const left = co_await waited(*turn.of_others, service, until)) co_return failed(*left);
            continue;
        }
        held_turn mine{run};
        std::exception_ptr thrown;
        try {
            auto checking = run->make_preflight();
            co_await std::move(checking);
        } catch (...) {
            thrown = std::current_exception();
        }
        auto const cancellation = co_await asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != asio::cancellation_type::none)
            co_return failed(fault_kind::cancelled, "the step was left during the run's preflight");
        if (!thrown) {
            mine.over(std::nullopt);
            co_return outcome<void>{};
        }
        auto why = preflight_fault(thrown);
        mine.over(why);
        co_return failed(std::move(why));
    }
}

/// All that comes before a step's call.
template <class = on_use>
awaitable<outcome<void>> ready_for(std::shared_ptr<run_context> run, run_step& step, clock_service& service,
                                   duration allowed) {
    auto beginning = begun(run, service, step.until);
    auto const has_begun = co_await std::move(beginning);
    if (!has_begun) co_return has_begun;
    auto const note = [run, &step, lease = run->lease_for(allowed)] {
        return run->store().note_step(run->ref(), step.name, lease);
    };
    auto noting = carried_out(note, service, step.until);
    auto const noted = co_await std::move(noting);
    if (!noted) co_return noted;
    auto checking = preflighted(run, run->store().id_of(step.call.key()), service, step.until);
    auto checked = co_await std::move(checking);
    co_return checked;
}

/// Ends the job, and acknowledges the steps of this run and of the earlier ones. Both at once: a process that dies in here
/// leaves a job that is done and asks for nothing more, or one that is not done and has all its answers.
template <class = on_use>
awaitable<void> finish(std::shared_ptr<run_context> run) {
    auto const executor = co_await asio::this_coro::executor;
    auto& service = clock_service::of(executor);
    auto constexpr never = time_point::max();
    if (run->is_done()) co_return;
    run->check_at_rest();
    auto& store = run->store();
    run->bind(service);
    auto beginning = begun(run, service, never);
    auto const has_begun = co_await std::move(beginning);
    if (run->is_done()) co_return;
    if (!has_begun) throw_failure(has_begun.error());

    auto const found = store.peek_run(run->ref().job);
    if (auto const left = co_await waited(found, service, never)) throw_failure(*left);
    auto const job = value_or_throw(outcome<std::shared_ptr<run_record const>>{*found.get()});
    std::vector<record_id> answers;
    std::vector<record_id> of_this_run;
    for (auto const& name : job ? job->steps : std::vector<std::string>{}) {
        auto const [record, ours] = run->answer_of(name);
        answers.push_back(record);
        if (ours) of_this_run.push_back(record);
    }
    auto const end = [run, &answers] { return run->store().finish_run(run->ref().job, answers); };
    auto ending = carried_out(end, service, never);
    auto const ended = co_await std::move(ending);
    if (!ended) throw_failure(ended.error());

    // What could not be acknowledged then, such as an answer that the store still tries to write, is asked for by itself.
    std::vector<completion<outcome<void>>> asked;
    for (auto const& record : *ended) asked.push_back(store.acknowledge(record));
    for (std::size_t i = 0; i < asked.size(); ++i) {
        if (auto const left = co_await waited(asked[i], service, never)) throw_failure(*left);
        auto const& told = *asked[i].get();
        // An earlier program may have had steps that this one has not: what they did not finish is no concern of it.
        bool const ours = std::find(of_this_run.begin(), of_this_run.end(), (*ended)[i]) != of_this_run.end();
        if (!told && (ours || told.error().kind() == fault_kind::store_unavailable)) throw_failure(told.error());
    }
    run->set_done();
}

}  // namespace coffer::inline COFFER_ABI::detail

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/run_step.ipp>
#endif
