// SPDX-License-Identifier: BSL-1.0
#pragma once
// Scopes that spend as scopes do: by day and week, growing, with launches, quiet days, nightly and monthly jobs. One seed is
// one scope. What is drawn is drawn in doubles; the amounts are whole nano-dollars.

#include <coffer/base/money.hpp>

#include "support/seeds.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace support {

/// One scope, hour after hour from its birth on. Hour 0 is a Monday's midnight.
class spending_scope {
public:
    enum class habit { people, jobs, sparse };

    explicit spending_scope(std::uint64_t seed) : dice_{seed} {
        habit_ = dice_.one_in(4) ? habit::sparse : dice_.one_in(3) ? habit::jobs : habit::people;
        // Calls of people: from some a day to some thousands an hour, from a tenth of a cent to half a dollar.
        calls_per_hour_ = habit_ == habit::people ? decades(1, 2000) : decades(0.02, 1);
        dollars_per_call_ = decades(0.001, habit_ == habit::people ? 0.1 : 0.5);
        spread_ = 0.3 + 0.8 * dice_.unit();  // of a call's cost: e to this, either way
        night_ = dice_.unit() * 0.5;
        weekend_ = dice_.one_in(4) ? 1.0 : dice_.unit();
        noon_ = 10 + 8 * dice_.unit();
        growth_per_week_ = 0.97 + 0.13 * dice_.unit();
        if (habit_ == habit::jobs) {
            auto const jobs = 1 + dice_.below(3U);
            auto const dollars = decades(0.2, 100);
            for (unsigned i = 0; i < jobs; ++i) {
                auto const every = std::array{24, 24, 7 * 24, 30 * 24}[dice_.below(4U)];
                jobs_.push_back({every, dice_.below(every), 1 + dice_.below(3), dollars * (0.5 + 1.5 * dice_.unit())});
            }
        }
        if (dice_.one_in(5)) ramp_hours_ = 24 * (1 + dice_.below(14));
    }

    [[nodiscard]] habit kind() const noexcept { return habit_; }
    /// Days of launches so far, several in a row counted as one.
    [[nodiscard]] int launches() const noexcept { return launches_; }

    /// What the next hour costs.
    coffer::money next_hour() {
        if (hour_ % 24 == 0) begin_day();
        auto const of_day = static_cast<double>(hour_ % 24);
        auto const from_noon = std::min(std::abs(of_day - noon_), 24 - std::abs(of_day - noon_)) / 12;
        auto rate =
            calls_per_hour_ * day_factor_ * (night_ + (1 - night_) * 0.5 * (1 + std::cos(from_noon * 3.14159265)));
        rate *= std::pow(growth_per_week_, static_cast<double>(hour_) / 168);
        if (hour_ < ramp_hours_) rate *= static_cast<double>(hour_ + 1) / static_cast<double>(ramp_hours_);
        auto dollars = calls(poisson(rate));
        for (auto const& one : jobs_) {
            // Jobs start on time, give or take an hour, and take as long as they take.
            auto const since = (hour_ - one.starts + one.every) % one.every;
            if (since < one.lasts)
                dollars += one.dollars * day_factor_ / static_cast<double>(one.lasts) * (0.8 + 0.4 * dice_.unit());
        }
        ++hour_;
        return coffer::money::from_nano(static_cast<std::int64_t>(dollars * 1e9));
    }

private:
    struct job {
        int every;
        int starts;
        int lasts;
        double dollars;
    };

    void begin_day() {
        auto const weekday = hour_ / 24 % 7;
        if (launch_left_ > 0) --launch_left_;
        if (launch_left_ == 0) launch_factor_ = 1;
        // A launch now and then, a month apart at the least.
        if (hour_ >= quiet_until_ && dice_.one_in(25)) {
            launch_left_ = 1 + dice_.below(3);
            launch_factor_ = 1.5 + 2.5 * dice_.unit();
            quiet_until_ = hour_ + 30 * 24;
            ++launches_;
        }
        day_factor_ = launch_factor_ * (weekday >= 5 ? weekend_ : 1.0);
        if (dice_.one_in(40)) day_factor_ *= 0.2;  // a holiday, an outage
    }
    // Between them, each order of magnitude as often as any other.
    double decades(double low, double high) { return low * std::pow(high / low, dice_.unit()); }
    double normal() { return std::sqrt(-2 * std::log(1 - dice_.unit())) * std::cos(6.2831853 * dice_.unit()); }
    std::int64_t poisson(double mean) {
        if (mean > 50) return std::max<std::int64_t>(0, std::llround(mean + std::sqrt(mean) * normal()));
        std::int64_t n = 0;
        for (auto left = dice_.unit(); left > std::exp(-mean); left *= dice_.unit()) ++n;
        return n;
    }
    double calls(std::int64_t n) {
        if (n > 200) {  // as many as that are normal together
            auto const mean = std::exp(spread_ * spread_ / 2);
            auto const deviation = mean * std::sqrt(std::exp(spread_ * spread_) - 1);
            auto const count = static_cast<double>(n);
            return dollars_per_call_ * std::max(0.0, count * mean + std::sqrt(count) * deviation * normal());
        }
        double sum = 0;
        for (; n > 0; --n) sum += dollars_per_call_ * std::exp(spread_ * normal());
        return sum;
    }

    dice dice_;
    habit habit_{};
    double calls_per_hour_ = 0;
    double dollars_per_call_ = 0;
    double spread_ = 0;
    double night_ = 0;
    double weekend_ = 0;
    double noon_ = 0;
    double growth_per_week_ = 1;
    int ramp_hours_ = 0;
    std::vector<job> jobs_;
    int hour_ = 0;
    double day_factor_ = 1;
    double launch_factor_ = 1;
    int launch_left_ = 0;
    int quiet_until_ = 14 * 24;  // a new scope is a launch itself
    int launches_ = 0;
};

}  // namespace support
