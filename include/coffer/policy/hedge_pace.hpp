// SPDX-License-Identifier: BSL-1.0
#pragma once
// What all copies of one `hedge` share: how long answers take, and how many hedges the calls have earned.

#include <coffer/call/call.hpp>
#include <coffer/state/hedge_rule.hpp>
#include <coffer/state/latency_window.hpp>
#include <coffer/time/clock.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

namespace coffer::inline COFFER_ABI {

/// What a `hedge` has seen and done so far.
struct hedge_snapshot {
    std::uint64_t calls = 0;  ///< that were handed to the primary
    std::uint64_t hedges = 0;  ///< requests that were started beside another one, and sent
    std::uint64_t wins = 0;  ///< of them: those that answered first
    duration delay{};  ///< after which a call would be hedged now
    bool learnt = false;  ///< from the answers, rather than the fixed one
    double earned = 0;  ///< hedges that the ratio affords now
};

namespace detail {

/// Any thread.
class hedge_pace {
public:
    explicit hedge_pace(hedge_options const& o)
        : options_{(o.check(), o)}, window_{o.window}, credit_{o.ratio, o.burst} {}
    hedge_pace(hedge_pace const&) = delete;
    hedge_pace& operator=(hedge_pace const&) = delete;

    [[nodiscard]] hedge_options const& options() const noexcept { return options_; }

    /// The first clock counts. Throws `misuse` for another one.
    void bind(call const& c) {
        if (bound_to_.load(std::memory_order_acquire) == &c.clock()) return;
        auto const its = c.shared_clock();
        std::lock_guard const lock{mutex_};
        if (bound_ != nullptr && bound_ != its)
            throw misuse{
                "coffer::hedge: it is already used under another clock; give each simulation a hedge of its own"};
        bound_ = its;
        bound_to_.store(its.get(), std::memory_order_release);
    }

    /// How long a call waits for its answer before it is hedged, and how long it usually takes: nothing as long as nobody
    /// knows.
    struct terms {
        duration delay{};
        duration usual{};
    };
    /// One more call.
    [[nodiscard]] terms called(time_point now) {
        std::lock_guard const lock{mutex_};
        ++calls_;
        credit_.called();
        return terms_at(now);
    }
    /// The primary has answered after so long; or it was cut off by then, and would have taken longer.
    void learn(duration took, time_point now) noexcept {
        if (options_.percentile == 0) return;
        std::lock_guard const lock{mutex_};
        window_.add(took, now);
    }
    [[nodiscard]] bool take() noexcept {
        std::lock_guard const lock{mutex_};
        return credit_.take();
    }
    void give_back() noexcept {
        std::lock_guard const lock{mutex_};
        credit_.give_back();
    }
    void hedged() noexcept {
        std::lock_guard const lock{mutex_};
        ++hedges_;
    }
    void won() noexcept {
        std::lock_guard const lock{mutex_};
        ++wins_;
    }
    [[nodiscard]] hedge_snapshot look(time_point now) {
        std::lock_guard const lock{mutex_};
        return {calls_, hedges_, wins_, terms_at(now).delay, learnt(now), credit_.left()};
    }

private:
    [[nodiscard]] bool learnt(time_point now) noexcept {
        return options_.percentile != 0 && window_.samples(now) >= options_.minimum;
    }
    [[nodiscard]] terms terms_at(time_point now) noexcept {
        if (!learnt(now)) return {options_.delay, {}};
        return {std::max<duration>(window_.percentile(options_.percentile / 100, now), options_.least_delay),
                window_.percentile(0.5, now)};
    }

    hedge_options const options_;
    std::atomic<clock const*> bound_to_{nullptr};

    std::mutex mutex_;
    std::shared_ptr<clock> bound_;  // a share in it: no other one can come to lie in its place
    latency_window window_;
    hedge_credit credit_;
    std::uint64_t calls_ = 0;
    std::uint64_t hedges_ = 0;
    std::uint64_t wins_ = 0;
};

}  // namespace detail
}  // namespace coffer::inline COFFER_ABI
