// SPDX-License-Identifier: BSL-1.0
#pragma once
// The one Asio timer of a context, for all that waits in it in real time. It keeps no run() from returning: those who wait
// do that themselves, and when they are gone a timer that is still set must not.

#include <coffer/asio.hpp>

#include COFFER_ASIO_HEADER(basic_waitable_timer.hpp)

#include <chrono>
#include <concepts>
#include <type_traits>
#include <utility>

namespace coffer::inline COFFER_ABI::detail {

/// Runs a function where it stands: in the thread that runs the context, on nobody's strand, and counting as no work.
class in_place_executor {
public:
    explicit in_place_executor(asio::execution_context& context) noexcept : context_{&context} {}
    [[nodiscard]] asio::execution_context& query(asio::execution::context_t) const noexcept { return *context_; }
    template <class Function>
    void execute(Function&& function) const {
        std::decay_t<Function> mine(std::forward<Function>(function));
        mine();
    }
    friend bool operator==(in_place_executor const&, in_place_executor const&) noexcept = default;

private:
    asio::execution_context* context_;
};

/// Not safe for several threads; what it calls may come from any thread of the context.
class context_timer {
public:
    explicit context_timer(asio::execution_context& context);
    context_timer(context_timer const&) = delete;
    context_timer& operator=(context_timer const&) = delete;

    /// Calls `then()` once, at `at` or when it is set anew before that. What was set before is no longer waited for.
    template <std::invocable Then>
    void set(std::chrono::steady_clock::time_point at, Then then) {
        timer_.expires_at(at);
        timer_.async_wait([context = context_, then = std::move(then)](asio_error_code const&) mutable {
            context->work_started();  // which the end of this handler will take back
            then();
        });
        context_->work_finished();  // of those who wait, each counts as work
    }

private:
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>,
                               in_place_executor>
        timer_;
    asio::detail::io_context_impl* context_;  // the scheduler, of whatever kind of context
};

}  // namespace coffer::inline COFFER_ABI::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/time/context_timer.ipp>
#endif
