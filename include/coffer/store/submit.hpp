// SPDX-License-Identifier: BSL-1.0
#pragma once
// Awaiting what a backend was asked to do, for handles that users call.

#include <coffer/asio.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/time/completion.hpp>

#include <memory>
#include <utility>

namespace coffer::inline COFFER_ABI::detail {

/// Submits `operation(backend)` when it is first resumed, under the clock of where that is, and waits for the end. Throws
/// `failure`. May be left: what was submitted is carried out.
template <class T, class Backend, class Operation>
awaitable<T> submitted(std::shared_ptr<Backend> backend, Operation operation) {
    auto const executor = co_await asio::this_coro::executor;
    auto& service = clock_service::of(executor);
    backend->bind(service.clock());
    auto const done = operation(*backend);
    co_await done.wait(service, time_point::max());
    auto const* const result = done.get();
    if (result == nullptr) throw_failure(fault{fault_kind::cancelled, "left while the store was at work"});
    co_return value_or_throw(outcome<T>{*result});
}

}  // namespace coffer::inline COFFER_ABI::detail
