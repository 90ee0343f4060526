// SPDX-License-Identifier: BSL-1.0
#pragma once
// A result that comes from outside of coroutines: from a callback, or from a thread that was blocked until it had it.

#include <coffer/asio.hpp>
#include <coffer/base/fault.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/attempt.hpp>
#include <coffer/call/call.hpp>
#include <coffer/call/operation.hpp>
#include <coffer/time/completion.hpp>

#include <atomic>
#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace coffer::inline COFFER_ABI {

/// What whoever makes a send outside of coroutines has to know of the attempt, which it may outlive. A copy: any thread.
class send_terms {
public:
    /// Taken from an attempt that begins; `stop` is set when nobody waits any more.
    explicit send_terms(attempt const& a, std::shared_ptr<std::atomic<bool> const> stop);

    /// The number of the attempt, from 1.
    [[nodiscard]] int number() const noexcept { return number_; }
    /// How long it may take, from now on; never negative. What takes longer is not waited for, and may be billed for nothing:
    /// hand this on to your library.
    [[nodiscard]] duration timeout() const noexcept;
    /// See `attempt::provider_key`.
    [[nodiscard]] std::string const& provider_key() const noexcept { return provider_key_; }
    /// See `attempt::output_limit`.
    [[nodiscard]] std::optional<std::int64_t> output_limit() const noexcept { return output_limit_; }
    /// Does nobody wait for the result any more? To be asked now and then by what can be broken off.
    [[nodiscard]] bool stop_requested() const noexcept { return stop_->load(std::memory_order_relaxed); }

private:
    int number_;
    std::shared_ptr<clock> clock_;
    time_point deadline_;
    std::string provider_key_;
    std::optional<std::int64_t> output_limit_;
    std::shared_ptr<std::atomic<bool> const> stop_;
};

namespace detail {

/// Where the result is left, by whichever thread has it, and where one coroutine waits for it.
template <class Result>
class late_result {
public:
    /// The first result stands; false if there was one, or if nobody waits for it any more.
    bool set(Result value) {
        if (taken_.exchange(true, std::memory_order_relaxed)) return false;
        value_.emplace(std::move(value));
        return done_.set(true);
    }
    bool set_exception(std::exception_ptr thrown) {
        if (taken_.exchange(true, std::memory_order_relaxed)) return false;
        thrown_ = std::move(thrown);
        return done_.set(true);
    }

    [[nodiscard]] bool taken() const noexcept { return taken_.load(std::memory_order_relaxed); }

    /// Runs `stop` when nobody waits any more before there is a result; at once if it is so already.
    void on_stop(std::function<void()> stop) {
        {
            std::lock_guard const lock{mutex_};
            if (!stopped_->load(std::memory_order_relaxed)) {
                stop_ = std::move(stop);
                return;
            }
        }
        stop();
    }
    [[nodiscard]] std::shared_ptr<std::atomic<bool> const> stopped() const noexcept { return stopped_; }

    /// Whoever is first: what makes the send begins with it, or nobody waits any more and it never will. True for the first.
    [[nodiscard]] bool begin() noexcept { return !decided_.exchange(true, std::memory_order_acq_rel); }

    /// Who waited has gone. An exception of what is run then is nobody's.
    void leave() noexcept {
        (void)begin();  // what has not begun never will
        std::function<void()> stop;
        {
            std::lock_guard const lock{mutex_};
            stopped_->store(true, std::memory_order_relaxed);
            stop.swap(stop_);
        }
        if (!stop || done_.get() != nullptr) return;
        try {
            stop();
        } catch (...) {
        }
    }

    [[nodiscard]] auto wait(attempt const& a) const { return done_.wait(a.of().service(), a.deadline()); }
    /// Once, after a wait that was notified.
    [[nodiscard]] Result take() {
        if (thrown_) std::rethrow_exception(thrown_);
        return *std::move(value_);
    }

private:
    std::atomic<bool> taken_{false};
    std::atomic<bool> decided_{false};
    completion<bool> done_;
    std::optional<Result> value_;  // written before `done_` is set, read after it
    std::exception_ptr thrown_;
    std::mutex mutex_;  // of the two below
    std::shared_ptr<std::atomic<bool>> stopped_ = std::make_shared<std::atomic<bool>>(false);
    std::function<void()> stop_;
};

/// The right to leave it. Copies share it; the last one that goes without having used it leaves `unused`.
template <class Result>
class late_promise {
public:
    late_promise(std::shared_ptr<late_result<Result>> to, fault unused)
        : held_{std::make_shared<holder>(std::move(to), std::move(unused))} {}
    [[nodiscard]] late_result<Result>& to() const noexcept { return *held_->to; }

private:
    struct holder {
        holder(std::shared_ptr<late_result<Result>> t, fault u) noexcept : to{std::move(t)}, unused{std::move(u)} {}
        holder(holder const&) = delete;
        holder& operator=(holder const&) = delete;
        ~holder() {
            if (!to->taken()) to->set_exception(std::make_exception_ptr(failure{std::move(unused)}));
        }
        std::shared_ptr<late_result<Result>> to;
        fault unused;
    };
    std::shared_ptr<holder const> held_;
};

/// With copies of the arguments: what runs outside reads them for as long as it likes.
template <class Result, class... Args>
struct late_call : late_result<Result> {
    static_assert(
        (std::copy_constructible<Args> && ...),
        "coffer: what is sent by a callback or by another thread may outlive its caller, so it is given copies of "
        "the arguments: they must be copyable");
    explicit late_call(Args const&... args) : arguments{args...} {}
    std::tuple<Args...> arguments;
};

/// Nobody knows what became of it.
[[nodiscard]] fault left_unknown(fault_kind why, std::string text);

/// Waits until the attempt's end at the latest. What has not begun by then is not sent any more, and says so.
template <class State>
auto result_of(std::shared_ptr<State> state, attempt& a) -> awaitable<decltype(state->take())> {
    // Whoever destroys this coroutine waits no more, either.
    struct leaving {
        explicit leaving(State& s) noexcept : of{s} {}
        leaving(leaving const&) = delete;
        leaving& operator=(leaving const&) = delete;
        ~leaving() { of.leave(); }
        State& of;
    };
    leaving const guard{*state};
    auto const woke = co_await state->wait(a);
    if (woke != wake::notified && state->begin()) {  // no thread has begun with it, and none will
        if (woke == wake::cancelled)
            throw failure{fault{fault_kind::cancelled, "the caller left before a thread was free"}};
        throw failure{fault{fault_kind::queue_full,
                            "no thread was free in the attempt's time: have more of them, or a bulkhead before it"}};
    }
    if (woke == wake::cancelled) throw failure{left_unknown(fault_kind::cancelled, "the caller left")};
    if (woke == wake::elapsed)
        throw failure{left_unknown(fault_kind::timed_out, "there was no result when the attempt's time was over")};
    co_return state->take();
}

}  // namespace detail
}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/call/late_result.ipp>
#endif
