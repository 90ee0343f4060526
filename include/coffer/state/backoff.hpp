// SPDX-License-Identifier: BSL-1.0
#pragma once
// How long to wait before an attempt: a schedule, a cap, and a jitter that survives the cap.

#include <coffer/config.hpp>
#include <coffer/state/power.hpp>

#include <chrono>
#include <cstdint>

namespace coffer::inline COFFER_ABI {

/// How the delay grows with the number of the retry.
enum class growth : std::uint8_t { constant, linear, exponential };

/// How chance is mixed in, on top of the capped delay d.
enum class jitter : std::uint8_t {
    none,          ///< d
    full,          ///< uniform in [0, d)
    equal,         ///< uniform in [d/2, d)
    decorrelated,  ///< uniform in [base, 3 * the previous delay), capped; grows by itself. With a base not below the cap: full
};

/// A schedule of delays. Pure: random bits and the previous delay are passed in.
///
/// The cap is applied first and the draw made below it, so that no delay is ever exactly the cap (except with
/// `jitter::none`) and a herd that has reached the cap stays spread. Full and equal jitter, and the decorrelated form,
/// as in M. Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015), but for this order.
///
/// Saturates for any attempt number; never negative, never NaN.
struct backoff {
    using duration = std::chrono::nanoseconds;  ///< whatever unit it is given in

    /// Constant: always `base`; linear: `base` more each time; exponential: `factor` times as long each time.
    growth grow = growth::exponential;
    jitter spread = jitter::full;  ///< how chance is mixed in; full: from zero up to the delay
    duration base = std::chrono::milliseconds{500};  ///< the first delay's cap
    duration cap = std::chrono::seconds{30};  ///< no longer than that, before chance is mixed in
    double factor = 2.0;  ///< of exponential growth

    /// Always the same.
    [[nodiscard]] static constexpr backoff fixed(duration d) noexcept {
        return {growth::constant, jitter::none, d, d, 1.0};
    }
    /// Uniform in [0, `d`).
    [[nodiscard]] static constexpr backoff up_to(duration d) noexcept {
        return {growth::constant, jitter::full, d, d, 1.0};
    }

    /// The delay before retry number `retry` (1 = before the second attempt), without jitter.
    [[nodiscard]] duration ceiling(std::uint32_t retry) const noexcept;

    /// The delay before retry number `retry`, drawn with `unit` in [0, 1); `previous` is the last delay drawn.
    [[nodiscard]] duration delay(std::uint32_t retry, double unit, duration previous = duration{0}) const noexcept;

private:
    /// Uniform in [low, high), also after rounding; `low` when the interval is empty.
    static duration below(duration low, duration high, double unit) noexcept;

    static duration whole(double nanoseconds) noexcept;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/backoff.ipp>
#endif
