// SPDX-License-Identifier: BSL-1.0
#pragma once
// A context in virtual time, and a way to run a coroutine in it to its end from a plain function.
//
// Coroutines are run, and their results then looked at: a GTest macro must not contain a co_await, and ASSERT_* must not
// stand in a coroutine.

#include <coffer/asio.hpp>
#include <coffer/testing/virtual_time.hpp>

#include <asio/io_context.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace support {

using namespace std::chrono_literals;

/// What became of a coroutine that was started: not over yet, a value, or an exception.
template <class T>
class running {
public:
    [[nodiscard]] bool over() const noexcept { return state_->over; }
    /// The value; rethrows; `std::logic_error` if the coroutine is still suspended.
    T get() const {
        if (!state_->over) throw std::logic_error{"the coroutine has not ended"};
        if (state_->thrown) std::rethrow_exception(state_->thrown);
        if constexpr (!std::is_void_v<T>) return *std::move(state_->value);
    }
    /// Cancels it, as the caller's context would: to be called from within the context, or while it does not run.
    void cancel(asio::cancellation_type type = asio::cancellation_type::terminal) const { state_->signal.emit(type); }

private:
    template <class U, class Executor>
    friend running<U> start(Executor const& executor, asio::awaitable<U, Executor> coroutine);

    struct state {
        bool over = false;
        std::exception_ptr thrown;
        std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
        asio::cancellation_signal signal;
    };
    std::shared_ptr<state> state_ = std::make_shared<state>();
};

namespace detail {

template <class T, class Executor, class State>
asio::awaitable<void, Executor> follow(asio::awaitable<T, Executor> coroutine, std::shared_ptr<State> state) {
    try {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(coroutine);
            state->value.emplace(true);
        } else {
            auto value = co_await std::move(coroutine);
            state->value.emplace(std::move(value));
        }
    } catch (...) {
        state->thrown = std::current_exception();
    }
    state->over = true;
}

}  // namespace detail

/// Starts a coroutine on `executor`.
template <class T, class Executor>
running<T> start(Executor const& executor, asio::awaitable<T, Executor> coroutine) {
    running<T> r;
    // The signal has to live until the handler is called, which newer versions of Asio post when the coroutine has ended.
    auto const keep = [state = r.state_](std::exception_ptr const&) {};
    asio::co_spawn(executor, detail::follow(std::move(coroutine), r.state_),
                   asio::bind_cancellation_slot(r.state_->signal.slot(), keep));
    return r;
}

/// A context in virtual time.
struct simulation {
    explicit simulation(std::uint64_t seed = 1) : time{io, seed} {}

    asio::io_context io;
    coffer::testing::virtual_time time;

    [[nodiscard]] asio::any_io_executor executor() { return io.get_executor(); }
    [[nodiscard]] coffer::clock_service& service() { return coffer::clock_service::of(io.get_executor()); }

    template <class T>
    running<T> start(coffer::awaitable<T> coroutine) {
        return support::start<T, asio::any_io_executor>(io.get_executor(), std::move(coroutine));
    }
    /// Runs a coroutine to its end, and everything else that is there to be done.
    template <class T>
    T run(coffer::awaitable<T> coroutine) {
        auto const r = start(std::move(coroutine));
        time.run();
        return r.get();
    }
    /// Emits a cancellation when the clock has come so far.
    template <class T>
    void cancel_after(coffer::duration delay, running<T> const& what) {
        support::start<void, asio::any_io_executor>(io.get_executor(), cancel_later(delay, what));
    }

private:
    template <class T>
    static coffer::awaitable<void> cancel_later(coffer::duration delay, running<T> what) {
        co_await coffer::sleep_for(delay);
        what.cancel();
    }
};

}  // namespace support
