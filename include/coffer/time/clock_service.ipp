// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of clock_service.hpp.

#include <coffer/time/clock_service.hpp>

#include <bit>
#include <utility>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE time_point real_clock::now() const noexcept { return std::chrono::steady_clock::now(); }

COFFER_INLINE wall_time_point real_clock::wall_now() const noexcept { return std::chrono::system_clock::now(); }

COFFER_INLINE bool real_clock::begin_wait(std::shared_ptr<pending_wait> const& wait, time_point until) {
    return wait->begin(until == time_point::max() ? std::nullopt : std::optional{until});
}

COFFER_INLINE real_clock::real_clock()
    : clock{std::bit_cast<std::uint64_t>(detail::entropy<sizeof(std::uint64_t)>())} {}

COFFER_INLINE clock_service::clock_service(asio::execution_context& context)
    : asio::execution_context::service{context},
      clocks_{real_clock::instance()},
      current_{clocks_.back().get()},
      waits_{std::make_shared<wait_registry>(context)} {}

COFFER_INLINE clock_service::~clock_service() { gone_.fetch_add(1, std::memory_order_release); }

COFFER_INLINE std::shared_ptr<coffer::clock> clock_service::clock() const noexcept {
    std::lock_guard const lock{mutex_};
    return clocks_.back();
}

COFFER_INLINE coffer::clock& clock_service::borrowed_clock() const noexcept {
    return *current_.load(std::memory_order_acquire);
}

COFFER_INLINE void clock_service::install(std::shared_ptr<coffer::clock> replacement) {
    std::lock_guard const lock{mutex_};
    clocks_.push_back(std::move(replacement));
    current_.store(clocks_.back().get(), std::memory_order_release);
}

COFFER_INLINE clock_service::memory& clock_service::last_found() noexcept {
    thread_local memory last{};
    return last;
}

COFFER_INLINE clock_service* clock_service::remembered(asio::execution_context& context) noexcept {
    auto const& last = last_found();
    return last.context == &context && last.gone == gone_.load(std::memory_order_acquire) ? last.service : nullptr;
}

COFFER_INLINE clock_service& clock_service::remember(asio::execution_context& context,
                                                     clock_service& service) noexcept {
    last_found() = {&context, &service, gone_.load(std::memory_order_acquire)};
    return service;
}

COFFER_INLINE clock_service& clock_service::first_of(asio::execution_context& context,
                                                     asio::any_io_executor const& executor) {
    // Services are shut down in the reverse order of their making. That of the strands has to be there first: shut
    // down before this one, it would destroy coroutines where waits are ended, in the middle of that.
    if (!asio::has_service<clock_service>(context)) (void)asio::make_strand(executor);
    return remember(context, asio::use_service<clock_service>(context));
}

}  // namespace coffer::inline COFFER_ABI
