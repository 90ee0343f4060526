// SPDX-License-Identifier: BSL-1.0
#pragma once
// One suspended wait: it ends when its time comes, when somebody notifies it, or when its coroutine is cancelled,
// whichever is first, exactly once, on the waiter's own executor, and without throwing.

#include <coffer/asio.hpp>
#include <coffer/state/timer_wheel.hpp>
#include <coffer/time/clock.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace coffer::inline COFFER_ABI {

namespace detail {
class context_timer;
}

/// How a wait ended: its time came, its event did, or its coroutine was cancelled.
enum class wake : std::uint8_t { elapsed, notified, cancelled };

/// All waits of one context that have not ended: the context's shutdown destroys their coroutines while the context still
/// exists, wherever else the waits are referred to. In real time it also ends those whose time has come, by one Asio timer
/// for all of them, which fires once for a tick of 1 ms. Outlives the context. Any thread.
///
/// Its lock may be held while Asio's are taken (a timer is set, a coroutine is posted), never the other way round.
class wait_registry : public std::enable_shared_from_this<wait_registry> {
public:
    /// For waits without a time of their own.
    wait_registry() = default;
    /// `context` is not used once this is closed.
    explicit wait_registry(asio::execution_context& context) noexcept : context_{&context} {}
    wait_registry(wait_registry const&) = delete;
    wait_registry& operator=(wait_registry const&) = delete;

    /// Destroys the coroutines of all waits; none begins or ends afterwards.
    void close() noexcept;

private:
    friend class pending_wait;
    using tick = timer_wheel::tick;

    /// Adds a wait; false if its time has come already. Under the lock.
    bool add(pending_wait& wait, std::optional<time_point> until);
    void set_timer(tick due, tick now);
    /// The timer that was set as the `number`th has fired.
    void expire(std::uint64_t number) noexcept;
    [[nodiscard]] static tick this_tick() noexcept;

    std::mutex mutex_;
    timer_wheel waits_;
    bool closed_ = false;
    asio::execution_context* context_ = nullptr;
    std::shared_ptr<detail::context_timer> timer_;
    tick set_to_ = timer_wheel::never;
    tick last_set_ = timer_wheel::never;  // in which tick
    std::uint64_t times_set_ = 0;
};

/// A wait that has begun. It owns itself until it ends; the first `finish` wins. Any thread.
///
/// Ending one posts its coroutine, for which Asio may need memory. If there is none the process is terminated: a wait that
/// does not end would be worse.
class pending_wait : public std::enable_shared_from_this<pending_wait>, private timer_entry {
public:
    /// Registered with `begin`, not here.
    explicit pending_wait(std::shared_ptr<wait_registry> registry);
    pending_wait(pending_wait const&) = delete;
    pending_wait& operator=(pending_wait const&) = delete;
    virtual ~pending_wait() = default;

    /// Registers the wait, to be ended in real time no earlier than `until` if that is given. False, and the coroutine is
    /// destroyed, when the context is shutting down.
    bool begin(std::optional<time_point> until);

    /// Ends the wait; its coroutine is posted to its executor. False if it had ended already. A wait that has not begun
    /// yet will end when it begins.
    bool finish(wake why) noexcept;

    /// Has somebody won, be its coroutine resumed yet or not?
    [[nodiscard]] bool ended() const noexcept;

private:
    friend class wait_registry;
    enum class state : std::uint8_t { fresh, pending, ended };

    /// It has ended. Under the registry's lock: it may post, and nothing else.
    virtual void resume(wake why) noexcept = 0;
    /// Its context goes.
    virtual void discard() noexcept = 0;

    std::shared_ptr<pending_wait> unlink() noexcept;

    std::shared_ptr<wait_registry> registry_;
    std::shared_ptr<pending_wait> self_;
    state state_ = state::fresh;
    std::optional<wake> early_;  // ended before it began
};

namespace detail {

/// A pending wait with its coroutine. Everything that refers to the context stands in `active_`, which is gone once the
/// wait has ended, so that a forgotten reference to the wait never reaches into a context that no longer exists.
template <class Handler>
class handler_wait final : public pending_wait {
public:
    handler_wait(std::shared_ptr<wait_registry> registry, Handler&& handler) : pending_wait{std::move(registry)} {
        asio::any_io_executor const executor = asio::get_associated_executor(handler);
        active_.emplace(std::move(handler), asio::prefer(executor, asio::execution::outstanding_work.tracked));
    }

private:
    struct active {
        active(Handler&& h, asio::any_io_executor e) : handler{std::move(h)}, executor{std::move(e)} {}
        Handler handler;
        asio::any_io_executor executor;  // keeps the context's run() from returning
    };

    void resume(wake why) noexcept override {
        auto executor = std::move(active_->executor);
        auto handler = std::move(active_->handler);
        active_.reset();
        asio::post(executor, [handler = std::move(handler), executor, why]() mutable {
            executor = {};
            std::move(handler)(why);
        });
    }

    void discard() noexcept override { active_.reset(); }

    std::optional<active> active_;
};

}  // namespace detail
}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/time/wait.ipp>
#endif
