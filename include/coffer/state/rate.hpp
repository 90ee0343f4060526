// SPDX-License-Identifier: BSL-1.0
#pragma once
// Several rate limits at once: requests, input, output and all tokens, by the second, the minute and the day. Pure.

#include <coffer/base/later.hpp>
#include <coffer/base/rate_facts.hpp>
#include <coffer/base/usage.hpp>
#include <coffer/state/gcra.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// How much one attempt takes of each measure.
class rate_weight {
public:
    constexpr rate_weight() = default;
    /// Negative numbers count as zero, absurd ones as more than any limit.
    constexpr rate_weight(std::int64_t requests, std::int64_t input, std::int64_t output) noexcept
        : of_{sane(requests), sane(input), sane(output), sane(input) + sane(output)} {}
    /// What an answer has consumed. `cache_reads`: do tokens count that were read from the provider's cache?
    [[nodiscard]] static rate_weight of(usage const& u, bool cache_reads) noexcept;

    /// In units of that measure; never negative.
    [[nodiscard]] std::int64_t operator[](rate_measure m) const noexcept { return of_[static_cast<std::size_t>(m)]; }
    /// So much of that one, and only of that one.
    rate_weight& set(rate_measure m, std::int64_t units) noexcept;
    /// Adds measure by measure.
    rate_weight& operator+=(rate_weight const& o) noexcept;
    /// Subtracts measure by measure.
    rate_weight& operator-=(rate_weight const& o) noexcept;
    /// `part` / `whole` of each, rounded down.
    [[nodiscard]] rate_weight scaled(std::uint64_t part, std::uint64_t whole) const noexcept;
    /// The larger one of each measure.
    [[nodiscard]] friend rate_weight largest(rate_weight a, rate_weight const& b) noexcept {
        for (std::size_t i = 0; i < a.of_.size(); ++i) a.of_[i] = std::max(a.of_[i], b.of_[i]);
        return a;
    }
    /// Equal in all measures.
    friend bool operator==(rate_weight const& a, rate_weight const& b) noexcept {
        auto const &x = a.of_, &y = b.of_;  // one by one: GCC calls memcmp for them
        return x[0] == y[0] && x[1] == y[1] && x[2] == y[2] && x[3] == y[3];
    }

private:
    [[nodiscard]] static constexpr std::int64_t sane(std::int64_t n) noexcept {
        return std::clamp<std::int64_t>(n, 0, 2 * gcra::most);
    }
    std::array<std::int64_t, rate_measure_count> of_{};
};

/// So much of a measure in each window.
struct rate_rule {
    rate_measure of;  ///< what is counted
    std::int64_t limit;  ///< in whole units
    std::chrono::nanoseconds window;  ///< in each such time
    std::chrono::nanoseconds burst;  ///< so much of it at once, as the time in which it is refilled
};

/// The buckets of all rules: an attempt takes from every one of them, or from none. Any thread, without a lock; `learn` and
/// `take_over` by one at a time.
class rate_bucket {
public:
    using time_point = gcra::time_point;  ///< of the monotonic clock
    static constexpr std::size_t most_rules = 12;  ///< one for each measure and window
    /// What the buckets looked like when an attempt had taken its part.
    using marks = std::array<time_point, most_rules>;

    /// Which rules, of those that were not heard.
    using missed = std::uint16_t;

    /// At most `most_rules`, of which no two are of one measure and window. `generation` counts on where buckets take over
    /// from one another.
    explicit rate_bucket(std::vector<rate_rule> const& rules, std::uint64_t generation = 0);

    /// The rule of which `w` is more than all, if there is one.
    [[nodiscard]] std::optional<std::size_t> never_fits(rate_weight const& w) const noexcept;
    /// When `w` may be taken, if nothing else is taken before; at once, if that has passed.
    [[nodiscard]] time_point earliest(rate_weight const& w) const noexcept;
    /// The same behind those who take `ahead`: not before that, and for want of what. Not before `now`.
    [[nodiscard]] std::pair<time_point, std::size_t> earliest_behind(rate_weight const& ahead, rate_weight const& w,
                                                                     time_point now) const noexcept;

    /// What became of an attempt to take. `none`: there was too little.
    enum class took : std::uint8_t {
        all,
        none,
        undone,  ///< none: another thread was quicker at one of them, and may have missed what was given back meanwhile
    };
    /// Takes `w`, if all of it is there. `lost`: what was taken there and cannot be put back any more, because others took over.
    [[nodiscard]] took try_take(rate_weight const& w, time_point now, marks& after, missed& lost) noexcept;
    /// All of it or nothing, and the marks for `learn` if it was taken.
    [[nodiscard]] took try_take(rate_weight const& w, time_point now, marks& after) noexcept;
    /// `was` has been taken, and it turns out to be `is`. Tells where others have taken over.
    missed correct(rate_weight const& was, rate_weight const& is, time_point now) noexcept;

    // Where limits change ----------------------------------------------------------------------------------------------

    /// Goes on with what lies in the buckets of `before`, of which nothing is taken any more; see `gcra::take_over`. A rule
    /// that was not there before begins full.
    void take_over(rate_bucket& before, time_point now) noexcept;
    /// `correct`, for those that were `lost` when it was told to `before`, from which it was taken: at the limits of that
    /// day. A rule that has come since then knows nothing of it.
    void correct(rate_bucket const& before, missed lost, rate_weight const& was, rate_weight const& is,
                 time_point now) noexcept;
    /// `marks` of `before` as those of this one. Where the limit has changed since, nothing is to be learned from them.
    [[nodiscard]] marks translate(marks const& of, rate_bucket const& before) const noexcept;

    /// What the provider said of the moment `sent`, to an attempt that had left the buckets as `then`. Of several rules for
    /// one measure it goes to that whose limit is nearest to the provider's: a header does not say which window it means.
    void learn(rate_facts const& said, marks const& then, time_point sent, time_point now) noexcept;

    /// Is everything there again that has ever been taken?
    [[nodiscard]] bool full(time_point now) const noexcept;

    /// What `w` is of the whole, where it is most, in parts of `whole`: what tenants are compared by.
    [[nodiscard]] std::uint64_t share(rate_weight const& w) const noexcept;
    /// The whole of a limit, in the parts that the function above counts in.
    static constexpr std::uint64_t whole = std::uint64_t{1} << 20;

    /// Of the rule of that number.
    [[nodiscard]] gcra const& operator[](std::size_t i) const noexcept { return dimensions_[i].bucket; }
    /// How many rules it has.
    [[nodiscard]] std::size_t size() const noexcept { return dimensions_.size(); }

private:
    struct dimension {
        dimension(rate_rule const& r, std::uint64_t generation) noexcept;
        rate_measure of;
        gcra bucket;
        std::uint64_t born;  // the generation since which it is without a gap
        std::uint64_t shaped;  // ... and with this limit

        // Who needs none of it does not care how much there is.
        [[nodiscard]] bool take(rate_weight const& w, gcra::duration cost, time_point now, time_point& mark) noexcept;
    };

    [[nodiscard]] static constexpr missed bit(std::size_t i) noexcept { return static_cast<missed>(1U << i); }
    [[nodiscard]] std::optional<std::size_t> same(dimension const& d) const noexcept;
    [[nodiscard]] std::optional<std::size_t> meant(rate_measure m, std::int64_t limit) const noexcept;

    std::vector<dimension> dimensions_;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/rate.ipp>
#endif
