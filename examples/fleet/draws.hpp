// SPDX-License-Identifier: BSL-1.0
#pragma once
// Chance in streams: what a client draws does not change what another one, or the provider, draws. So every preset meets
// the same calls at the same moments.

#include <coffer/time/clock.hpp>
#include <coffer/time/random.hpp>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace fleet {

/// One stream of random numbers. The standard's distributions may differ from library to library; these do not.
class draws {
public:
    draws(std::uint64_t seed, std::uint64_t stream) noexcept : source_{seed} {
        // Seeds that differ by little must not make streams that are shifts of one another.
        auto const first = source_.next();
        source_.seed(first ^ (stream * 0xd1342543de82ef95U));
        source_.seed(source_.next() ^ first);
    }

    /// In [0, 1).
    [[nodiscard]] double unit() noexcept { return coffer::unit_interval(source_.next()); }
    /// Between events that come at random, on average so long apart.
    [[nodiscard]] coffer::duration exponential(coffer::duration mean) noexcept {
        return scaled(mean, -std::log(1 - unit()));
    }
    /// With this median; `sigma` is the logarithm's deviation.
    [[nodiscard]] coffer::duration lognormal(coffer::duration median, double sigma) noexcept {
        auto const radius = std::sqrt(-2 * std::log(1 - unit()));
        auto const angle = 2 * std::numbers::pi * unit();
        return scaled(median, std::exp(sigma * radius * std::cos(angle)));
    }
    [[nodiscard]] coffer::duration between(coffer::duration low, coffer::duration high) noexcept {
        return low + scaled(high - low, unit());
    }

    [[nodiscard]] static coffer::duration scaled(coffer::duration d, double by) noexcept {
        return coffer::duration{static_cast<coffer::duration::rep>(static_cast<double>(d.count()) * by)};
    }

private:
    coffer::random_source source_;
};

}  // namespace fleet
