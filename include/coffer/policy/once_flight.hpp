// SPDX-License-Identifier: BSL-1.0
#pragma once
// The coroutines of a flight: one does the work, from the claim to the landing; one keeps the lease alive and watches
// the send's time limit. Both run on the flight's strand and belong to nobody who could cancel them by leaving.

#include <coffer/asio.hpp>
#include <coffer/call/walk.hpp>
#include <coffer/policy/once_options.hpp>
#include <coffer/store/flight.hpp>
#include <coffer/store/flight_table.hpp>
#include <coffer/store/live_claim.hpp>
#include <coffer/store/store.hpp>
#include <coffer/time/sleep.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <utility>

// GCC 12 takes every closure in a coroutine's frame for one of an anonymous namespace and warns in whoever includes this.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

namespace coffer::inline v0::detail {

/// What a flight needs to know of its journal.
struct flight_plan {
    flight_plan(std::shared_ptr<store_backend> s, record_id r, once_options o)
        : store{std::move(s)}, record{std::move(r)}, options{o} {}
    std::shared_ptr<store_backend> store;
    record_id record;
    once_options options;
};

/// Lands the flight whatever becomes of its coroutine, and gives its claim up if nobody else did.
class flight_guard {
public:
    flight_guard(std::shared_ptr<flight> f, flight_plan const& plan) : flight_{std::move(f)}, plan_{plan} {}
    flight_guard(flight_guard const&) = delete;
    flight_guard& operator=(flight_guard const&) = delete;
    ~flight_guard() {
        if (flight_->over()) return;
        landing how;
        how.why.emplace(fault_kind::cancelled, "the context that this key was worked on was shut down");
        land(std::move(how));
    }

    void holds(claim_ref ref) { claim_ = std::move(ref); }
    /// The claim's end was submitted.
    void settled() noexcept { claim_.reset(); }

    void land(landing how) {
        if (claim_) plan_.store->submit_release(*std::exchange(claim_, std::nullopt));
        plan_.store->flights().remove(plan_.record, flight_.get());
        flight_->land(std::move(how));
    }

private:
    std::shared_ptr<flight> flight_;
    flight_plan const& plan_;
    std::optional<claim_ref> claim_;
};

/// Renews the lease and cuts off a send whose time is up, until the flight has landed.
inline awaitable<void> keep(std::shared_ptr<flight> f, flight_plan plan, claim_ref ref) {
    auto const executor = co_await asio::this_coro::executor;
    auto& service = clock_service::of(executor);
    auto const clock = service.clock();
    auto next_beat = clock->now() + plan.options.heartbeat;
    while (!f->over()) {
        auto const nudge = f->next_nudge();
        auto const limit = f->send_limit();
        auto const now = clock->now();
        if (now >= limit) {
            f->cut();
        } else if (now >= next_beat) {
            plan.store->heartbeat(ref, plan.options.lease);
            next_beat = now + plan.options.heartbeat;
        } else {
            co_await wait_until(service, std::min(limit, next_beat), nudge.get());
        }
    }
}

[[nodiscard]] inline claim_id new_claim_id(random_source& random) noexcept {
    claim_id id{};
    for (std::size_t i = 0; i < id.size(); i += 8)
        for (auto bits = random.next(), j = std::uint64_t{0}; j < 8; ++j, bits >>= 8)
            id[i + j] = static_cast<std::uint8_t>(bits & 0xffU);
    return id;
}

/// Claims the key; waits for another process if asked to.
inline awaitable<outcome<claim_verdict>> claim_key(std::shared_ptr<flight> f, flight_plan const& plan,
                                                   claim_request const& request) {
    using namespace std::chrono_literals;
    auto const executor = co_await asio::this_coro::executor;
    auto& service = clock_service::of(executor);
    for (duration poll = 20ms;; poll = std::min<duration>(poll * 2, 250ms)) {
        auto const done = plan.store->claim(plan.record, request);
        co_await until_done(done, service);
        auto const& verdict = *done.get();
        auto const* const busy = verdict ? std::get_if<in_progress>(&*verdict) : nullptr;
        if (busy == nullptr || plan.options.in_other_process == elsewhere::fail_fast) co_return verdict;
        auto const again = service.clock()->now() + std::min(std::max<duration>(busy->hint, 1ms), poll);
        if (again >= f->own_call().deadline()) co_return verdict;
        if (co_await wait_until(service, again) == wake::cancelled)
            co_return failed(fault_kind::cancelled, "every caller left");
    }
}

/// The whole flight, after its predecessor: claim, judge what is stored, walk, store, land.
template <class Step>
awaitable<landing> work(std::shared_ptr<flight> f, flight_plan const& plan, flight_guard& guard, Step& step) {
    auto const executor = co_await asio::this_coro::executor;
    auto& service = clock_service::of(executor);
    auto& options = plan.options;
    landing how;

    claim_request request;
    request.id = new_claim_id(service.clock()->random());
    request.print = f->print();
    request.max_sends = options.max_sends;
    request.lease = options.lease;
    request.takeover_grace = options.takeover_grace;
    request.acknowledged_kept = options.acknowledged_kept;
    request.unacknowledged_kept = options.unacknowledged_kept;
    auto verdict = co_await claim_key(f, plan, request);

    granted grant;
    auto mode = live_claim::mode::journaled;
    if (!verdict) {
        bool const degrades = verdict.error().kind() == fault_kind::store_unavailable &&
                              options.without_store == degrade::send_unjournaled;
        if (!degrades) {
            how.why = std::move(verdict).error();
            co_return how;
        }
        mode = live_claim::mode::unjournaled;
        grant.sends_allowed = options.max_sends;
    } else if (auto const* const paid = std::get_if<replayed>(&*verdict)) {
        how.what = paid->accepted.what;
        how.replayed = how.stored = true;
        co_return how;
    } else if (auto* const g = std::get_if<granted>(&*verdict)) {
        grant = std::move(*g);
    } else {
        how.why = fault_of(*verdict);
        co_return how;
    }

    claim_ref ref{plan.record, request.id, std::make_shared<fingerprint const>(f->print())};
    if (mode == live_claim::mode::journaled) guard.holds(ref);

    // What an earlier owner was answered and did not live to judge.
    for (auto const& earlier : grant.undecoded) {
        auto const value = step.decode(*earlier.what);
        if (!value) {
            plan.store->submit_reject(ref, earlier.send, value.error());
            continue;
        }
        auto const done = plan.store->submit_accept(ref, earlier.send);
        guard.settled();
        co_await done.wait(service, service.clock()->now() + options.store_wait);
        how.what = earlier.what;
        how.replayed = true;
        how.stored = done.get() != nullptr && done.get()->has_value();
        co_return how;
    }

    live_claim claim{f, plan.store, ref, options.max_sends, options.finish_grace, grant, mode};
    asio::co_spawn(executor, keep(f, plan, ref), asio::detached);
    auto& own = f->own_call();
    call_access::set_claim(own, &claim);
    bool const throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(true);  // what users' coroutines expect
    std::exception_ptr thrown;
    std::optional<outcome<typename Step::value_type>> result;
    try {
        result.emplace(co_await step(own));
    } catch (...) {
        thrown = std::current_exception();
    }
    // From here on nothing may be cancelled or thrown: what was paid is brought home.
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await asio::this_coro::throw_if_cancelled(throws);
    call_access::set_claim(own, nullptr);

    if (auto const& accepted = claim.accepted_answer()) {
        how.what = accepted->what;
        guard.settled();
        if (auto const& done = claim.acceptance()) {
            co_await done->wait(service, service.clock()->now() + options.store_wait);
            how.stored = done->get() != nullptr && done->get()->has_value();
        }
    } else if (thrown) {
        how.thrown = thrown;
    } else if (*result) {
        how.why.emplace(fault_kind::permanent,
                        "a layer inside `once` made a result of its own; only answers of a send can be kept and "
                        "shared: put that layer before `once`");
    } else {
        how.why = std::move(*result).error();
        if (claim.journaled() && row(how.why->kind()).stored) {
            plan.store->submit_fail(ref, *how.why, options.request_fault_kept);
            guard.settled();
        }
    }
    co_return how;
}

/// The flight's own coroutine. Everything that it refers to, it owns.
template <class Step>
awaitable<void> fly(std::shared_ptr<flight> f, flight_plan plan, Step step) {
    flight_guard guard{f, plan};
    auto const executor = co_await asio::this_coro::executor;
    co_await asio::this_coro::throw_if_cancelled(false);
    // A flight that was given up under this key still has to hand its claim back.
    if (auto const before = f->take_predecessor())
        co_await until_done(before->landed(), clock_service::of(executor));
    landing how;
    try {
        how = co_await work(f, plan, guard, step);
    } catch (...) {
        how.thrown = std::current_exception();
    }
    guard.land(std::move(how));
}

}  // namespace coffer::inline v0::detail

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#pragma GCC diagnostic pop
#endif
