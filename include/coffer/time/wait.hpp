// SPDX-License-Identifier: BSL-1.0
#pragma once
// One suspended wait: it ends when its time comes, when somebody notifies it, or when its coroutine is cancelled,
// whichever is first, exactly once, on the waiter's own executor, and without throwing.

#include <coffer/time/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace coffer::inline v0 {

/// How a wait ended.
enum class wake : std::uint8_t { elapsed, notified, cancelled };

/// All waits of one context that have not ended, so that the context's shutdown can destroy their coroutines while the
/// context still exists, wherever else the waits are referred to. Outlives the context.
class wait_registry {
public:
    wait_registry() = default;
    wait_registry(wait_registry const&) = delete;
    wait_registry& operator=(wait_registry const&) = delete;

    /// Destroys the coroutines of all waits; none begins or ends afterwards.
    void close() noexcept;

private:
    friend class pending_wait;
    std::mutex mutex_;
    pending_wait* first_ = nullptr;
    bool closed_ = false;
};

/// A wait that has begun. It owns itself until it ends; the first `finish` wins. Any thread.
///
/// Ending one posts its coroutine, for which Asio may need memory. If there is none the process is terminated: a wait that
/// does not end would be worse.
class pending_wait : public std::enable_shared_from_this<pending_wait> {
public:
    explicit pending_wait(std::shared_ptr<wait_registry> registry) : registry_{std::move(registry)} {}
    pending_wait(pending_wait const&) = delete;
    pending_wait& operator=(pending_wait const&) = delete;
    virtual ~pending_wait() = default;

    /// Registers the wait, with an Asio timer at `until` if that is given. False, and the coroutine is destroyed, when the
    /// context is shutting down.
    bool begin(std::optional<time_point> until) {
        {
            std::lock_guard const lock{registry_->mutex_};
            if (!registry_->closed_) {
                if (early_) {
                    state_ = state::ended;
                    resume(*early_);
                    return true;
                }
                if (until) arm_timer(*until);  // it may throw; it cannot end the wait before the lock is given up
                next_ = registry_->first_;
                if (next_ != nullptr) next_->previous_ = this;
                registry_->first_ = this;
                self_ = shared_from_this();
                state_ = state::pending;
                return true;
            }
            state_ = state::ended;
        }
        discard();  // whoever else knows this wait must not keep its coroutine alive beyond the context
        return false;
    }

    /// Ends the wait; its coroutine is posted to its executor. False if it had ended already. A wait that has not begun
    /// yet will end when it begins.
    bool finish(wake why) noexcept {
        std::shared_ptr<pending_wait> self;  // released after the lock
        // The post happens under the lock, so that a context that shuts down meanwhile waits for it.
        std::lock_guard const lock{registry_->mutex_};
        if (state_ == state::ended || early_) return false;
        if (state_ == state::fresh) {
            early_ = why;
            return true;
        }
        self = unlink();
        resume(why);
        return true;
    }

    [[nodiscard]] bool ended() const noexcept {
        std::lock_guard const lock{registry_->mutex_};
        return state_ == state::ended;
    }

private:
    friend class wait_registry;
    enum class state : std::uint8_t { fresh, pending, ended };

    virtual void arm_timer(time_point until) = 0;
    virtual void resume(wake why) noexcept = 0;
    virtual void discard() noexcept = 0;

    std::shared_ptr<pending_wait> unlink() noexcept {
        (previous_ != nullptr ? previous_->next_ : registry_->first_) = next_;
        if (next_ != nullptr) next_->previous_ = previous_;
        state_ = state::ended;
        return std::move(self_);
    }

    std::shared_ptr<wait_registry> registry_;
    std::shared_ptr<pending_wait> self_;
    state state_ = state::fresh;
    std::optional<wake> early_;  // ended before it began
    pending_wait* previous_ = nullptr;
    pending_wait* next_ = nullptr;
};

inline void wait_registry::close() noexcept {
    for (;;) {
        std::shared_ptr<pending_wait> wait;
        {
            std::lock_guard const lock{mutex_};
            closed_ = true;
            if (first_ == nullptr) return;
            wait = first_->unlink();
        }
        wait->discard();  // runs destructors of user code: not under the lock
    }
}

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
        std::optional<asio::steady_timer> timer;
    };

    void arm_timer(time_point until) override {
        active_->timer.emplace(active_->executor, until);
        active_->timer->async_wait([self = this->shared_from_this()](std::error_code error) {
            if (!error) self->finish(wake::elapsed);
        });
    }

    void resume(wake why) noexcept override {
        auto executor = std::move(active_->executor);
        active_->timer.reset();
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
}  // namespace coffer::inline v0
