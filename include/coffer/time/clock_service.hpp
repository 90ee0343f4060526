// SPDX-License-Identifier: BSL-1.0
#pragma once
// The clock of an execution context, found through any executor of it.

#include <coffer/asio.hpp>
#include <coffer/time/clock.hpp>
#include <coffer/time/entropy.hpp>
#include <coffer/time/wait.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// steady_clock, system_clock, and a seed from the system. One for the whole process: all contexts in real time may
/// share policies and stores.
class COFFER_ONE_PER_PROCESS real_clock final : public clock {
public:
    /// The process's one. It lives as long as anybody refers to it.
    [[nodiscard]] static std::shared_ptr<real_clock> const& instance() {
        // In here, where it is inline: so there is one for several shared objects.
        static auto const one = std::shared_ptr<real_clock>{new real_clock};
        return one;
    }

    /// `steady_clock`.
    [[nodiscard]] COFFER_INLINE time_point now() const noexcept override;
    /// `system_clock`.
    [[nodiscard]] COFFER_INLINE wall_time_point wall_now() const noexcept override;
    [[nodiscard]] COFFER_INLINE bool begin_wait(std::shared_ptr<pending_wait> const& wait, time_point until) override;

private:
    real_clock();
};

/// Holds the clock of one context and the waits that are pending in it. Any thread.
class COFFER_ONE_PER_PROCESS clock_service final : public asio::execution_context::service {
public:
    inline static asio::execution_context::id id;  ///< by which Asio finds the service

    /// Made by Asio, with real time; use `of`.
    explicit clock_service(asio::execution_context& context);
    COFFER_INLINE ~clock_service() override;

    /// The service of the context that `executor` belongs to.
    template <class Executor>
    [[nodiscard]] static clock_service& of(Executor const& executor) {
        asio::execution_context& context = asio::query(executor, asio::execution::context);
        if (auto* const known = remembered(context)) return *known;
        return first_of(context, executor);
    }

    /// The context's clock as it is now, which a test may replace: `install`.
    [[nodiscard]] std::shared_ptr<coffer::clock> clock() const noexcept;
    /// The same without a share in it, and without a lock; valid as long as the context.
    [[nodiscard]] coffer::clock& borrowed_clock() const noexcept;

    /// Replaces the clock. To be done before the context's first call, because calls and policies keep what they saw.
    void install(std::shared_ptr<coffer::clock> replacement);

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
    [[nodiscard]] static memory& last_found() noexcept;
    [[nodiscard]] static clock_service* remembered(asio::execution_context& context) noexcept;
    [[nodiscard]] static clock_service& first_of(asio::execution_context& context,
                                                 asio::any_io_executor const& executor);
    static clock_service& remember(asio::execution_context& context, clock_service& service) noexcept;

    void shutdown() noexcept override { waits_->close(); }

    inline static std::atomic<std::uint64_t> gone_{0};

    mutable std::mutex mutex_;
    std::vector<std::shared_ptr<coffer::clock>> clocks_;  // the last one counts; who borrowed an earlier one keeps it
    std::atomic<coffer::clock*> current_;
    std::shared_ptr<wait_registry> const waits_;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/time/clock_service.ipp>
#endif
