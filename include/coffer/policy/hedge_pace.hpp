// SPDX-License-Identifier: BSL-1.0
#pragma once
// What all copies of one `hedge` share: how long answers take, and how many hedges the calls have earned.

#include <coffer/call/call.hpp>
#include <coffer/state/hedge_rule.hpp>
#include <coffer/state/latency_window.hpp>
#include <coffer/time/clock.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

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
    explicit hedge_pace(hedge_options const& o);
    hedge_pace(hedge_pace const&) = delete;
    hedge_pace& operator=(hedge_pace const&) = delete;

    [[nodiscard]] hedge_options const& options() const noexcept { return options_; }

    /// The first clock counts. Throws `misuse` for another one.
    void bind(call const& c);

    /// How long a call waits for its answer before it is hedged, and how long it usually takes: nothing as long as nobody
    /// knows.
    struct terms {
        duration delay{};
        duration usual{};
    };
    /// One more call.
    [[nodiscard]] terms called(time_point now);
    /// The primary has answered after so long; or it was cut off by then, and would have taken longer.
    void learn(duration took, time_point now) noexcept;
    [[nodiscard]] bool take() noexcept;
    void give_back() noexcept;
    void hedged() noexcept {
        std::lock_guard const lock{mutex_};
        ++hedges_;
    }
    void won() noexcept {
        std::lock_guard const lock{mutex_};
        ++wins_;
    }
    [[nodiscard]] hedge_snapshot look(time_point now);

private:
    [[nodiscard]] bool learnt(time_point now) noexcept;
    [[nodiscard]] terms terms_at(time_point now) noexcept;

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

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/hedge_pace.ipp>
#endif
