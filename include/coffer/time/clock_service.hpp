// SPDX-License-Identifier: BSL-1.0
#pragma once
// The clock of an execution context, found through any executor of it.

#include <coffer/asio.hpp>
#include <coffer/time/clock.hpp>
#include <coffer/time/entropy.hpp>
#include <coffer/time/wait.hpp>

#include <atomic>
#include <bit>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// steady_clock, system_clock, and a seed from the system. One for the whole process: all contexts in real time may
/// share policies and stores.
class COFFER_ONE_PER_PROCESS real_clock final : public clock {
public:
    /// The process's one. It lives as long as anybody refers to it.
    [[nodiscard]] static std::shared_ptr<real_clock> const& instance() {
        static auto const one = std::shared_ptr<real_clock>{new real_clock};
        return one;
    }

    /// `steady_clock`.
    [[nodiscard]] time_point now() const noexcept override { return std::chrono::steady_clock::now(); }
    /// `system_clock`.
    [[nodiscard]] wall_time_point wall_now() const noexcept override { return std::chrono::system_clock::now(); }
    [[nodiscard]] bool begin_wait(std::shared_ptr<pending_wait> const& wait, time_point until) override {
        return wait->begin(until == time_point::max() ? std::nullopt : std::optional{until});
    }

private:
    real_clock() : clock{std::bit_cast<std::uint64_t>(detail::entropy<sizeof(std::uint64_t)>())} {}
};

/// Holds the clock of one context and the waits that are pending in it. Any thread.
class COFFER_ONE_PER_PROCESS clock_service final : public asio::execution_context::service {
public:
    inline static asio::execution_context::id id;  ///< by which Asio finds the service

    /// Made by Asio, with real time; use `of`.
    explicit clock_service(asio::execution_context& context)
        : asio::execution_context::service{context},
          clocks_{real_clock::instance()},
          current_{clocks_.back().get()},
          waits_{std::make_shared<wait_registry>(context)} {}
    ~clock_service() override { gone_.fetch_add(1, std::memory_order_release); }

    /// The service of the context that `executor` belongs to.
    template <class Executor>
    [[nodiscard]] static clock_service& of(Executor const& executor) {
        asio::execution_context& context = asio::query(executor, asio::execution::context);
        if (auto* const known = remembered(context)) return *known;
        // Services are shut down in the reverse order of their making. That of the strands has to be there first: shut
        // down before this one, it would destroy coroutines where waits are ended, in the middle of that.
        if (!asio::has_service<clock_service>(context)) (void)asio::make_strand(executor);
        return remember(context, asio::use_service<clock_service>(context));
    }

    /// The context's clock as it is now, which a test may replace: `install`.
    [[nodiscard]] std::shared_ptr<coffer::clock> clock() const noexcept {
        std::lock_guard const lock{mutex_};
        return clocks_.back();
    }
    /// The same without a share in it, and without a lock; valid as long as the context.
    [[nodiscard]] coffer::clock& borrowed_clock() const noexcept { return *current_.load(std::memory_order_acquire); }

    /// Replaces the clock. To be done before the context's first call, because calls and policies keep what they saw.
    void install(std::shared_ptr<coffer::clock> replacement) {
        std::lock_guard const lock{mutex_};
        clocks_.push_back(std::move(replacement));
        current_.store(clocks_.back().get(), std::memory_order_release);
    }

    /// The context's waits that have not ended.
    [[nodiscard]] std::shared_ptr<wait_registry> const& waits() const noexcept { return waits_; }

private:
    /// Asio locks and searches a list for a service. A thread remembers what it found last, as long as no service anywhere
    /// has gone since: else the context could be another one that lies where the first one did.
    struct memory {
        asio::execution_context* context;
        clock_service* service;
        std::uint64_t gone;
    };
    [[nodiscard]] static memory& last_found() noexcept {
        thread_local memory last{};
        return last;
    }
    [[nodiscard]] static clock_service* remembered(asio::execution_context& context) noexcept {
        auto const& last = last_found();
        return last.context == &context && last.gone == gone_.load(std::memory_order_acquire) ? last.service : nullptr;
    }
    static clock_service& remember(asio::execution_context& context, clock_service& service) noexcept {
        last_found() = {&context, &service, gone_.load(std::memory_order_acquire)};
        return service;
    }

    void shutdown() noexcept override { waits_->close(); }

    inline static std::atomic<std::uint64_t> gone_{0};

    mutable std::mutex mutex_;
    std::vector<std::shared_ptr<coffer::clock>> clocks_;  // the last one counts; who borrowed an earlier one keeps it
    std::atomic<coffer::clock*> current_;
    std::shared_ptr<wait_registry> const waits_;
};

}  // namespace coffer::inline COFFER_ABI
