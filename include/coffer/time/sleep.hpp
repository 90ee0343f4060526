// SPDX-License-Identifier: BSL-1.0
#pragma once
// Awaiting a time, a notification, or both.

#include <coffer/asio.hpp>
#include <coffer/time/clock_service.hpp>
#include <coffer/time/wait.hpp>

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// The waits that one event will end. Any thread.
class wait_list {
public:
    struct already_notified_t {};
    static constexpr already_notified_t already_notified{};  ///< makes a list whose event has been

    wait_list() = default;
    /// One whose event has been.
    explicit wait_list(already_notified_t) noexcept : notified_{true} {}

    /// Ends `wait` at the event; at once if that has been.
    void add(std::shared_ptr<pending_wait> wait);

    /// The event: ends all waits, in the order in which they began, and every later one at once.
    void notify_all();

private:
    std::mutex mutex_;
    bool notified_ = false;
    std::size_t prune_at_ = 8;
    std::vector<std::shared_ptr<pending_wait>> waits_;
};

namespace detail {

/// Begins a wait for `handler`. A function object of plain pointers: GCC 12 destroys capturing closures twice when they
/// are temporaries of a co_await expression.
struct begin_wait {
    clock_service* service;
    time_point until;
    wait_list* event;

    template <class Handler>
    void operator()(Handler&& handler) const {
        using wait_type = handler_wait<std::decay_t<Handler>>;
        auto slot = asio::get_associated_cancellation_slot(handler);
        auto const wait = std::make_shared<wait_type>(service->waits(), std::decay_t<Handler>(std::move(handler)));
        auto const clock = service->clock();
        // As soon as the wait has begun another thread may resume the coroutine, which owns the slot, perhaps the event,
        // and this object: the beginning comes last.
        if (slot.is_connected()) {
            auto leave = [weak = std::weak_ptr<pending_wait>{wait}](asio::cancellation_type type) {
                if (type == asio::cancellation_type::none) return;
                if (auto const pending = weak.lock()) pending->finish(wake::cancelled);
            };
            slot.assign(std::move(leave));
        }
        if (event != nullptr) event->add(wait);
        (void)clock->begin_wait(wait, until);
    }
};

}  // namespace detail

/// Suspends until `until`, or until `event` is notified, or until the coroutine is cancelled (by any type of cancellation
/// that the coroutine lets through: by Asio's default only `terminal`).
///
/// Never throws for a cancellation: it returns `wake::cancelled`. (By Asio's rule the *next* `co_await` of a cancelled
/// coroutine throws.) Resumes by post on the coroutine's executor.
template <class Executor = asio::any_io_executor>
[[nodiscard]] awaitable<wake, Executor> wait_until(clock_service& service, time_point until,
                                                   wait_list* event = nullptr) {
    return asio::async_initiate<asio::use_awaitable_t<Executor> const, void(wake)>(
        detail::begin_wait{&service, until, event}, asio::use_awaitable_t<Executor>{});
}

#if defined(COFFER_SEPARATE_COMPILATION)
extern template awaitable<wake, asio::any_io_executor> wait_until(clock_service&, time_point, wait_list*);
#endif

/// Sleeps until `until` by the clock of the coroutine's context.
template <class Executor = asio::any_io_executor>
awaitable<wake, Executor> sleep_until(time_point until) {
    auto const executor = co_await asio::this_coro::executor;
    co_return co_await wait_until<Executor>(clock_service::of(executor), until);
}

/// Sleeps for `d` by the clock of the coroutine's context.
template <class Executor = asio::any_io_executor>
awaitable<wake, Executor> sleep_for(duration d) {
    auto const executor = co_await asio::this_coro::executor;
    auto& service = clock_service::of(executor);
    auto const until = later(service.clock()->now(), d);
    co_return co_await wait_until<Executor>(service, until);
}

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/time/sleep.ipp>
#endif
