// SPDX-License-Identifier: BSL-1.0
#pragma once
// A result that comes once and that any number of coroutines, on any executors, may await or drop.

#include <coffer/time/sleep.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace coffer::inline COFFER_ABI {

/// A shared, one-shot result. Copies are handles of the same one. Any thread.
///
///     completion<int> done;
///     ... done.set(42) ...                                   // from any thread
///     wake why = co_await done.wait(service, deadline);      // notified, elapsed or cancelled
///     if (int const* value = done.get()) ...
template <class T>
class completion {
public:
    completion() : state_{std::make_shared<state>()} {}
    /// One that is complete from the beginning.
    [[nodiscard]] static completion ready(T value) { return completion{std::make_shared<state>(std::move(value))}; }

    /// Sets the result and wakes all waiters by post. The first result stands; false if there was one.
    bool set(T value) const {
        {
            std::lock_guard const lock{state_->mutex};
            if (state_->value) return false;
            state_->value.emplace(std::move(value));
            state_->complete.store(true, std::memory_order_release);
        }
        state_->waits.notify_all();
        return true;
    }

    /// The result, or null while there is none. It never changes once it is there.
    [[nodiscard]] T const* get() const noexcept {
        return state_->complete.load(std::memory_order_acquire) ? &*state_->value : nullptr;
    }

    /// Suspends until there is a result, the time has come, or the coroutine is cancelled. See `wait_until`.
    template <class Executor = asio::any_io_executor>
    [[nodiscard]] awaitable<wake, Executor> wait(clock_service& service, time_point until) const {
        return wait_until<Executor>(service, until, &state_->waits);
    }

private:
    struct state {
        state() = default;
        explicit state(T v) : value{std::move(v)}, complete{true}, waits{wait_list::already_notified} {}
        std::mutex mutex;  // of those who set it
        std::optional<T> value;
        std::atomic<bool> complete{false};
        wait_list waits;
    };
    explicit completion(std::shared_ptr<state> s) noexcept : state_{std::move(s)} {}
    std::shared_ptr<state> state_;
};

}  // namespace coffer::inline COFFER_ABI
