// SPDX-License-Identifier: BSL-1.0
#pragma once
// How long to wait before an attempt: a schedule, a cap, and a jitter that survives the cap.

#include <coffer/config.hpp>
#include <coffer/state/power.hpp>

#include <algorithm>
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
    [[nodiscard]] duration ceiling(std::uint32_t retry) const noexcept {
        auto const start = static_cast<double>(std::max(base, duration{0}).count());
        auto const top = static_cast<double>(std::max(cap, duration{0}).count());
        auto const n = std::max<std::uint32_t>(retry, 1);
        auto wanted = start;
        if (grow == growth::linear) wanted = start * static_cast<double>(n);
        // It overflows to infinity, which min brings back to the cap; 0 * infinity would be NaN, a NaN factor counts as 1.
        if (grow == growth::exponential && start > 0) wanted = start * detail::power(std::max(1.0, factor), n - 1);
        return std::min(whole(std::min(wanted, top)), std::max(cap, duration{0}));
    }

    /// The delay before retry number `retry`, drawn with `unit` in [0, 1); `previous` is the last delay drawn.
    [[nodiscard]] duration delay(std::uint32_t retry, double unit, duration previous = duration{0}) const noexcept {
        auto const d = ceiling(retry);
        switch (spread) {
            case jitter::none: return d;
            case jitter::full: return below(duration{0}, d, unit);
            case jitter::equal: return below(d / 2, d, unit);
            case jitter::decorrelated: {
                auto const low = std::max(base, duration{0});
                if (low >= cap) return below(duration{0}, cap, unit);  // nothing to draw from otherwise
                auto const high = 3.0 * static_cast<double>(std::max(previous, low).count());
                return below(low, std::min(whole(high), cap), unit);
            }
        }
        return d;
    }

private:
    /// Uniform in [low, high), also after rounding; `low` when the interval is empty.
    static duration below(duration low, duration high, double unit) noexcept {
        if (high <= low) return low;
        auto const width = static_cast<double>((high - low).count());
        auto const drawn = low + whole(width * std::clamp(unit, 0.0, 1.0));
        return std::min(drawn, high - duration{1});
    }

    static duration whole(double nanoseconds) noexcept {
        constexpr double most = 9.0e18;
        if (!(nanoseconds > 0)) return duration{0};
        return duration{static_cast<duration::rep>(std::min(nanoseconds, most))};
    }
};

}  // namespace coffer::inline COFFER_ABI
