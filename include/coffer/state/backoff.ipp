// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of backoff.hpp.

#include <coffer/state/backoff.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE backoff::duration backoff::ceiling(std::uint32_t retry) const noexcept {
    auto const start = static_cast<double>(std::max(base, duration{0}).count());
    auto const top = static_cast<double>(std::max(cap, duration{0}).count());
    auto const n = std::max<std::uint32_t>(retry, 1);
    auto wanted = start;
    if (grow == growth::linear) wanted = start * static_cast<double>(n);
    // It overflows to infinity, which min brings back to the cap; 0 * infinity would be NaN, a NaN factor counts as 1.
    if (grow == growth::exponential && start > 0) wanted = start * detail::power(std::max(1.0, factor), n - 1);
    return std::min(whole(std::min(wanted, top)), std::max(cap, duration{0}));
}

COFFER_INLINE backoff::duration backoff::delay(std::uint32_t retry, double unit, duration previous) const noexcept {
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

COFFER_INLINE backoff::duration backoff::below(duration low, duration high, double unit) noexcept {
    if (high <= low) return low;
    auto const width = static_cast<double>((high - low).count());
    auto const drawn = low + whole(width * std::clamp(unit, 0.0, 1.0));
    return std::min(drawn, high - duration{1});
}

COFFER_INLINE backoff::duration backoff::whole(double nanoseconds) noexcept {
    constexpr double most = 9.0e18;
    if (!(nanoseconds > 0)) return duration{0};
    return duration{static_cast<duration::rep>(std::min(nanoseconds, most))};
}

}  // namespace coffer::inline COFFER_ABI
