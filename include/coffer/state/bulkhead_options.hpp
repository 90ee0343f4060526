// SPDX-License-Identifier: BSL-1.0
#pragma once
// How many attempts a bulkhead lets in, who sets that, and how the others wait.

#include <coffer/config.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace coffer::inline COFFER_ABI {

/// Who sets how many attempts may be under way.
enum class limit_rule : std::uint8_t {
    fixed,     ///< you: `limit`, until `bulkhead::set_limit`
    aimd,      ///< the ends of attempts: successes raise it one by one, a sign of overload takes a part of it away
    gradient,  ///< the same, and that attempts take longer than they used to is a sign of overload, too
};

/// Options of `bulkhead`. All members are trivially destructible, so that it may be written inline anywhere.
struct bulkhead_options {
    using duration = std::chrono::nanoseconds;  ///< whatever unit it is given in

    /// So many attempts may be under way at a time; of an adaptive limit, at first. To be said: nobody else knows.
    int limit = 0;

    // Waiting. ---------------------------------------------------------------------------------------------------------
    /// So many may wait; 0: nobody does, and whoever finds no place is refused at once.
    std::size_t max_waiting = 1000;
    /// Nobody waits longer, and never past the call's deadline.
    duration max_wait = duration::max();
    /// The tag of a call that says how important it is, from -100 to 100; higher goes first, and without the tag it is 0.
    /// (The name is copied.) Empty: all are as important.
    std::string_view priority_by{};
    /// So long a wait is worth as much as being more important by one. By default it never is: the less important wait as
    /// long as more important ones come.
    duration ages_after = duration::max();

    // An adaptive limit. -----------------------------------------------------------------------------------------------
    limit_rule rule = limit_rule::fixed;  ///< whether ends of attempts move the limit
    int least = 1;  ///< it never falls below
    int most = 200;  ///< it never rises above
    double shrink = 0.7;  ///< so much of it is left after a sign of overload
    duration slow_after = duration::max();  ///< a success that took longer is a sign of overload
    double tolerance = 2.0;  ///< `gradient`: so many times as long as they used to may attempts take
    int window = 50;  ///< `gradient`: successes whose median says how long they take now; fewer, and chance does

    /// The options after `rule` have an effect only then.
    [[nodiscard]] bool adapts() const noexcept { return rule != limit_rule::fixed; }

    /// Throws `std::invalid_argument` for what cannot be meant, or would have no effect.
    void check() const;

    static constexpr int largest = 1'000'000;  ///< of any limit, and of the line

private:
    template <class Require>
    void check_adaptive(Require const& require) const {
        if (!adapts()) {
            require(least == 1 && most == 200 && shrink == 0.7 && slow_after == duration::max(),
                    "coffer::bulkhead: least, most, shrink and slow_after need a rule that adapts the limit: .rule = "
                    "limit_rule::aimd");
        } else {
            require(least >= 1, "coffer::bulkhead: least must be at least 1, or nothing would ever end and raise it");
            require(least <= limit, "coffer::bulkhead: an adaptive limit begins at least at `least`");
            require(
                limit <= most,
                "coffer::bulkhead: an adaptive limit begins at most at `most`, which is 200 unless it is said: raise "
                "both, .limit = 500, .most = 1000");
            require(most <= largest, "coffer::bulkhead: most is more than a million");
            require(shrink > 0.0 && shrink < 1.0, "coffer::bulkhead: shrink is more than 0 and less than 1");
            require(slow_after > duration::zero(), "coffer::bulkhead: slow_after must be longer than zero");
        }
        if (rule != limit_rule::gradient) {
            require(tolerance == 2.0 && window == 50,
                    "coffer::bulkhead: tolerance and window need .rule = limit_rule::gradient");
        } else {
            require(tolerance >= 1.0 && tolerance <= 100.0, "coffer::bulkhead: tolerance is from 1 to 100");
            require(window >= 1 && window <= largest_window, "coffer::bulkhead: window is from 1 to 1000 successes");
        }
    }

    static constexpr int largest_window = 1000;
};

static_assert(std::is_trivially_destructible_v<bulkhead_options>,
              "or it could not stand in a co_await expression on GCC 12");

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/bulkhead_options.ipp>
#endif
