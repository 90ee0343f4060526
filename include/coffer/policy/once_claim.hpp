// SPDX-License-Identifier: BSL-1.0
#pragma once
// Claiming a key for a flight: what is asked of the store, and waiting for another process that is at work on it.

#include <coffer/asio.hpp>
#include <coffer/base/on_use.hpp>
#include <coffer/policy/once_guard.hpp>
#include <coffer/policy/once_options.hpp>
#include <coffer/store/flight.hpp>
#include <coffer/store/live_claim.hpp>
#include <coffer/store/store.hpp>
#include <coffer/time/entropy.hpp>
#include <coffer/time/sleep.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <variant>

// GCC takes every closure in a coroutine's frame for one of an anonymous namespace and warns in whoever includes this.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

namespace coffer::inline COFFER_ABI::detail {

/// The request for a claim, as the plan says it.
[[nodiscard]] claim_request request_for(flight const& f, flight_plan const& plan);

/// Claims the key; waits for another process if asked to.
template <class = on_use>
awaitable<outcome<claim_verdict>> claim_key(std::shared_ptr<flight> f, flight_plan const& plan,
                                            claim_request const& request) {
    using namespace std::chrono_literals;
    auto const executor = co_await asio::this_coro::executor;
    auto& service = clock_service::of(executor);
    bool repeated = false;
    for (duration poll = 20ms;;) {
        auto const done = plan.store->claim(plan.record, request);
        co_await until_done(done, service);
        auto const& verdict = *done.get();
        if (!verdict && reply_may_be_lost(verdict.error()) && !std::exchange(repeated, true)) continue;
        auto const* const busy = verdict ? std::get_if<in_progress>(&*verdict) : nullptr;
        if (busy == nullptr || plan.options.in_other_process == elsewhere::fail_fast) co_return verdict;
        if (f->given_up()) co_return failed(fault_kind::cancelled, "every caller left");
        auto const again = service.clock()->now() + std::min(std::max<duration>(busy->hint, 1ms), poll);
        if (again >= f->own_call().deadline()) co_return verdict;
        if (co_await wait_until(service, again) == wake::cancelled)
            co_return failed(fault_kind::cancelled, "every caller left");
        poll = std::min<duration>(poll * 2, 250ms);
    }
}

}  // namespace coffer::inline COFFER_ABI::detail

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/once_claim.ipp>
#endif
