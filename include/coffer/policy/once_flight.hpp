// SPDX-License-Identifier: BSL-1.0
#pragma once
// The coroutines of a flight: one does the work, from the claim to the landing; one keeps the lease alive and watches
// the send's time limit. Both run on the flight's strand and belong to nobody who could cancel them by leaving.

#include <coffer/asio.hpp>
#include <coffer/base/on_use.hpp>
#include <coffer/call/call.hpp>
#include <coffer/call/call_access.hpp>
#include <coffer/call/reader.hpp>
#include <coffer/policy/once_claim.hpp>
#include <coffer/policy/once_guard.hpp>
#include <coffer/policy/once_options.hpp>
#include <coffer/store/flight.hpp>
#include <coffer/store/live_claim.hpp>
#include <coffer/store/store.hpp>
#include <coffer/time/sleep.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

// GCC takes every closure in a coroutine's frame for one of an anonymous namespace and warns in whoever includes this;
// and where it inlines Asio's allocation of frames, but not the deallocation, it takes the two for no pair.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace coffer::inline COFFER_ABI::detail {

/// Renews the lease and cuts off a send whose time is up, until the flight has landed. A flight that was given up lets
/// its lease go: if its store does not answer either, the key is free for others in the end.
template <class = on_use>
awaitable<void> keep(std::shared_ptr<flight> f, flight_plan plan, claim_ref ref, bool journaled) {
    auto const executor = co_await asio::this_coro::executor;
    auto& service = clock_service::of(executor);
    auto const clock = service.clock();
    auto next_beat = journaled ? later(clock->now(), plan.options.heartbeat) : time_point::max();
    while (!f->over()) {
        auto const nudge = f->next_nudge();
        auto const limit = f->send_limit();
        auto const now = clock->now();
        if (f->given_up()) next_beat = time_point::max();
        if (now >= limit) {
            f->cut(now);
        } else if (now >= next_beat) {
            try {
                plan.store->heartbeat(ref, plan.options.lease);
            } catch (...) {  // a lease more or less: the time limit has to be watched on
            }
            next_beat = later(now, plan.options.heartbeat);
        } else {
            co_await wait_until(service, std::min(limit, next_beat), nudge.get());
        }
    }
}

/// Waits, not for long, until an acceptance is durable. If another answer was accepted first, that one is the key's.
template <class = on_use>
awaitable<void> await_acceptance(flight_guard& guard, completion<outcome<void>> done, claim_ref ref) {
    auto const executor = co_await asio::this_coro::executor;
    auto& service = clock_service::of(executor);
    auto& plan = guard.plan();
    auto& how = guard.how();
    auto const until = later(service.clock()->now(), plan.options.store_wait);
    guard.settled();  // the store goes on trying, and ends the claim with it
    co_await done.wait(service, until);
    auto const* const accepted = done.get();
    if (accepted == nullptr) co_return;
    how.stored = accepted->has_value();
    if (how.stored) co_return;
    if (accepted->error().kind() != fault_kind::already_done) {
        guard.holds(std::move(ref));
        co_return;
    }
    auto const looked_up = plan.store->peek(plan.record);
    co_await looked_up.wait(service, until);
    auto const* const found = looked_up.get();
    if (found == nullptr || !*found || **found == nullptr) co_return;
    auto const& r = ***found;
    if (r.state == record_state::done) {
        how.what = r.accepted()->reply;
        how.from = {r.accepted()->provider, r.accepted()->model};
        how.replayed = how.stored = true;
    } else if (r.state == record_state::acked || r.state == record_state::expired) {
        // Somebody has that one already, and it is dropped here. Another one would be a second answer under one key.
        how.what.reset();
        how.why = fault_of(r.state == record_state::acked ? claim_verdict{acked{}} : claim_verdict{expired{}});
    }
}

/// An answer that the store has is the key's.
template <class = on_use>
awaitable<void> accept_stored(flight_guard& guard, claim_ref ref, stored_answer const& paid) {
    auto& how = guard.how();
    how.what = paid.what;
    how.from = {paid.provider, paid.model};
    how.replayed = true;
    guard.of().accept(how.what, how.from, true);
    auto const accepted = guard.plan().store->submit_accept(ref, paid.send);
    co_await await_acceptance(guard, accepted, ref);
}

/// Of answers that could not be used, one that can be read after all, since the program has been mended: it is paid for, and
/// nothing has to be sent. Null: there is none.
template <class Step>
[[nodiscard]] stored_answer const* read_anew(Step const& step, std::vector<stored_answer> const& defective) {
    auto const at = std::find_if(defective.begin(), defective.end(), [&](stored_answer const& a) {
        return step.reads_anew(*a.what, {a.provider, a.model});
    });
    return at == defective.end() ? nullptr : &*at;
}

/// The live claim of a flight's call, for as long as the walk lasts.
class claim_scope {
public:
    claim_scope(call& c, permit_source& claim) noexcept;
    claim_scope(claim_scope const&) = delete;
    claim_scope& operator=(claim_scope const&) = delete;
    ~claim_scope() { call_access::set_claim(call_, nullptr); }

private:
    call& call_;
};

/// Everything inside the journal, once, under a claim. Nothing is cancelled or thrown when it returns, because what was
/// paid is then brought home.
template <class Step>
awaitable<void> walk_under(live_claim& claim, flight_guard& guard, claim_ref ref, Step& step) {
    auto& f = guard.of();
    auto& how = guard.how();
    bool const throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(true);  // what users' coroutines expect
    std::exception_ptr thrown;
    std::optional<outcome<typename Step::value_type>> result;
    try {
        claim_scope const scope{f.own_call(), claim};
        result.emplace(co_await step(f.own_call()));
    } catch (...) {
        thrown = std::current_exception();
    }
    co_await asio::this_coro::throw_if_cancelled(throws);

    if (auto const& accepted = claim.accepted_answer()) {
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        how.what = accepted->what;
        how.from = {accepted->provider, accepted->model};
        if (auto const& done = claim.acceptance()) co_await await_acceptance(guard, *done, ref);
    } else if (thrown) {
        how.thrown = thrown;
    } else if (*result) {
        how.why.emplace(fault_kind::permanent,
                        "a layer inside `once` made a result of its own; only answers of a send can be kept and "
                        "shared: put that layer before `once`");
    } else {
        how.why = std::move(*result).error();
    }
}

/// The whole flight, after its predecessor: claim, judge what is stored, walk, store. How it lands is left in the guard.
template <class Step>
awaitable<void> work(flight_guard& guard, Step& step) {
    auto const executor = co_await asio::this_coro::executor;
    auto const& f = guard.shared_flight();
    auto& plan = guard.plan();
    auto& options = plan.options;
    auto& how = guard.how();
    bool const may_degrade = options.without_store == degrade::send_unjournaled;
    claim_request const request = request_for(*f, plan);
    claim_ref const ref{plan.record, request.id, std::make_shared<fingerprint const>(f->print()),
                        request.cached ? request.unacknowledged_kept : duration{}};

    // More than once only when the record has moved between the claim and a permit: because this process slept beyond its
    // lease, or an earlier owner has woken up and brought its answer. Not for ever, since then something else is wrong.
    constexpr int most_claims = 3;
    for (int claims = 1;; ++claims) {
        guard.holds(ref);  // as far as anybody knows: its reply may be lost, or come when this context is gone
        auto verdict = co_await claim_key(f, plan, request);

        granted grant;
        auto mode = live_claim::mode::journaled;
        if (!verdict) {
            // Only at first: later there may have been sends that an unjournaled claim would not know of.
            if (!may_degrade || claims > 1 || verdict.error().kind() != fault_kind::store_unavailable) {
                how.why = std::move(verdict).error();
                co_return;
            }
            mode = live_claim::mode::unjournaled;
            grant.sends_allowed = options.max_sends;
        } else if (auto const* const paid = std::get_if<replayed>(&*verdict)) {
            how.what = paid->accepted.what;
            how.from = {paid->accepted.provider, paid->accepted.model};
            how.differing = paid->differing;
            how.replayed = how.stored = true;
            guard.settled();
            co_return;
        } else if (auto* const g = std::get_if<granted>(&*verdict)) {
            grant = std::move(*g);
        } else {
            auto const* const found = defective_answers(*verdict);
            if (auto const* const readable = found != nullptr ? read_anew(step, *found) : nullptr) {
                co_await accept_stored(guard, ref, *readable);
                co_return;
            }
            how.why = fault_of(*verdict, plan.store->how_to_resolve(plan.record));
            guard.settled();
            co_return;
        }

        // What an earlier owner was answered and did not live to judge.
        std::optional<fault> defect;
        std::optional<fault> unread;
        for (auto const& earlier : grant.undecoded) {
            target const from{earlier.provider, earlier.model};
            auto value = step.decode(*earlier.what, from);
            if (!value && is_no_reader(value.error())) {
                unread = std::move(value).error();
                continue;
            }
            if (!value) {
                plan.store->submit_reject(ref, earlier.send, value.error());
                if (earlier.counts && value.error().billing() == knowledge::no) --grant.sends;
                else defect = std::move(value).error();
                continue;
            }
            co_await accept_stored(guard, ref, earlier);
            co_return;
        }
        if (unread) {  // it is paid and may be the very answer: nothing is sent until somebody has read it
            how.why = std::move(unread);
            co_return;
        }
        if (auto const* const readable = read_anew(step, grant.defective)) {
            co_await accept_stored(guard, ref, *readable);
            co_return;
        }
        if (defect && row(defect->kind()).stored) {  // the provider has refused the request itself: it would again
            how.why = std::move(defect);
            plan.store->submit_fail(ref, *how.why, options.request_fault_kept);
            co_return;
        }
        if (defect && grant.sends >= grant.sends_allowed) {
            how.why = std::move(defect->with_stop(stop_reason::sends_spent));
            co_return;
        }

        if (f->given_up()) {  // while the key was claimed
            how.why.emplace(fault_kind::cancelled, "every caller left");
            co_return;
        }
        live_claim::terms const terms{options.max_sends, options.attempt_timeout, options.finish_grace,
                                      options.store_wait, may_degrade};
        auto const shared = std::make_shared<live_claim>(f, plan.store, ref, terms, grant, mode);
        auto& claim = *shared;
        if (claims == 1) asio::co_spawn(executor, keep(f, plan, ref, claim.journaled()), asio::detached);
        co_await walk_under(claim, guard, ref, step);

        if (how.why && claim.journaled()) {
            if (record_has_moved(*how.why) && claims < most_claims && !claim.has_degraded() && !f->given_up()) {
                how.why.reset();
                continue;
            }
            // No run after this one can change that: the queue is told so now, and not by the next claim.
            if (how.why->kind() == fault_kind::defective_answer && claim.sends_left() <= 0)
                how.why->with_stop(stop_reason::sends_spent);
            if (row(how.why->kind()).stored)
                plan.store->submit_fail(ref, *how.why,
                                        options.request_fault_kept);  // what follows, the release, then does nothing
        }
        co_return;
    }
}

/// The flight's own coroutine. Everything that it refers to, it owns.
template <class Step>
awaitable<void> fly(flight_guard guard, Step step) {
    auto const executor = co_await asio::this_coro::executor;
    co_await asio::this_coro::throw_if_cancelled(false);
    // A flight that was given up under this key still has to hand its claim back.
    if (auto const before = guard.of().take_predecessor())
        co_await until_done(before->landed(), clock_service::of(executor));
    try {
        if (guard.of().given_up()) guard.how().why.emplace(fault_kind::cancelled, "every caller left");
        else co_await work(guard, step);
    } catch (...) {
        if (!guard.how().what) guard.how().thrown = std::current_exception();
    }
    guard.land();
}

/// Keeps a flight, and with it the cancellation signal that its coroutine listens to, until that coroutine has ended.
class flight_keeper {
public:
    explicit flight_keeper(std::shared_ptr<flight> f) noexcept : flight_{std::move(f)} {}
    void operator()(std::exception_ptr const&) const noexcept {}

private:
    std::shared_ptr<flight> flight_;
};

/// Sets a flight off.
template <class Step>
void launch(flight_guard guard, Step step) {
    auto const f = guard.shared_flight();
    asio::co_spawn(f->executor(), fly(std::move(guard), std::move(step)),
                   asio::bind_cancellation_slot(f->cancellation(), flight_keeper{f}));
    f->launched();
}

}  // namespace coffer::inline COFFER_ABI::detail

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/once_flight.ipp>
#endif
