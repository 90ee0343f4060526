// SPDX-License-Identifier: BSL-1.0
#pragma once
// Ending a process without losing what it has paid for.
//
//     auto const left = co_await coffer::drain(db, 30s);      // or, with drain_on_signal.hpp, when the system says so
//     if (!left.clean()) log(left.sending.size(), "answers will be looked for by the next run");
//     io.stop();

#include <coffer/asio.hpp>
#include <coffer/base/on_use.hpp>
#include <coffer/store/flight_table.hpp>
#include <coffer/store/record_text.hpp>  // to_text, for who reports what is left
#include <coffer/store/store.hpp>
#include <coffer/time/sleep.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// What was not finished in time.
struct drain_report {
    std::vector<record_id> sending;  ///< keys with a send under way; if the process ends now, the next run decides
    std::size_t unwritten = 0;       ///< operations that follow a send and are not durable yet
    /// Nothing is lost if the process ends now.
    [[nodiscard]] bool clean() const noexcept { return sending.empty() && unwritten == 0; }
};

/// Lets the flights of a store in this process come to their end, for at most `within`.
///
/// From now on, and for good, new calls under any handle of the store get `draining` and no flight sends again. What was
/// not sent is given up at once: its callers get `draining`, its key is free for other processes. What was sent goes on:
/// its answer is stored, its callers get it. Returns when everything has landed and is durable, or when the time is up;
/// then nothing is cut off, but what the process does not live to see is left to the next run of the job.
///
/// Several stores are drained one after another, or at once by several coroutines. Calls without a journal are not
/// waited for. Leaving (cancellation) ends the waiting only. Thread safety: any thread, any executor. Throws nothing but
/// `std::bad_alloc`.
template <class = on_use>
awaitable<drain_report> drain(store s, duration within) {
    using namespace std::chrono_literals;
    auto const executor = co_await asio::this_coro::executor;
    auto& service = clock_service::of(executor);
    auto const clock = service.clock();
    auto const until = coffer::later(clock->now(), within);

    auto const under_way = s.backend()->flights().close();
    bool waits = true;  // a cancelled coroutine must not wait again
    for (auto const& named : under_way)
        if (waits) waits = co_await named.second->landed().wait(service, until) != wake::cancelled;
    // A send that has lost against a hedge, or the other way round, is paid for too.
    for (auto const& named : s.backend()->flights().afterwards())
        if (waits) waits = co_await named.second->home().wait(service, until) != wake::cancelled;
    // What cannot be written is tried again by the store, in its own time.
    while (waits && s.backend()->unwritten() > 0 && clock->now() < until)
        waits = co_await wait_until(service, std::min(until, clock->now() + 20ms)) != wake::cancelled;

    drain_report left;
    for (auto const& [id, f] : under_way)
        if (!f->over()) left.sending.push_back(id);
    for (auto const& [id, f] : s.backend()->flights().afterwards()) left.sending.push_back(id);
    left.unwritten = s.backend()->unwritten();
    co_return left;
}

}  // namespace coffer::inline COFFER_ABI
