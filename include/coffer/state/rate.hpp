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
    [[nodiscard]] static rate_weight of(usage const& u, bool cache_reads) noexcept {
        auto const input = sane(u.input()) - (cache_reads ? 0 : sane(u.input_cache_read));
        return {1, input, sane(u.output) + sane(u.output_audio) + sane(u.output_image)};
    }

    /// In units of that measure; never negative.
    [[nodiscard]] std::int64_t operator[](rate_measure m) const noexcept { return of_[static_cast<std::size_t>(m)]; }
    /// So much of that one, and only of that one.
    rate_weight& set(rate_measure m, std::int64_t units) noexcept {
        return of_[static_cast<std::size_t>(m)] = sane(units), *this;
    }
    /// Adds measure by measure.
    rate_weight& operator+=(rate_weight const& o) noexcept {
        for (std::size_t i = 0; i < of_.size(); ++i) of_[i] += o.of_[i];
        return *this;
    }
    /// Subtracts measure by measure.
    rate_weight& operator-=(rate_weight const& o) noexcept {
        for (std::size_t i = 0; i < of_.size(); ++i) of_[i] -= o.of_[i];
        return *this;
    }
    /// `part` / `whole` of each, rounded down.
    [[nodiscard]] rate_weight scaled(std::uint64_t part, std::uint64_t whole) const noexcept {
        auto less = *this;
        for (auto& n : less.of_)
            n = static_cast<std::int64_t>(detail::wide_int{n} * static_cast<std::int64_t>(part) /
                                          static_cast<std::int64_t>(whole));
        return less;
    }
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
    explicit rate_bucket(std::vector<rate_rule> const& rules, std::uint64_t generation = 0) {
        dimensions_.reserve(rules.size());
        for (auto const& r : rules) dimensions_.emplace_back(r, generation);
    }

    /// The rule of which `w` is more than all, if there is one.
    [[nodiscard]] std::optional<std::size_t> never_fits(rate_weight const& w) const noexcept {
        for (std::size_t i = 0; i < dimensions_.size(); ++i)
            if (w[dimensions_[i].of] > dimensions_[i].bucket.limit()) return i;
        return std::nullopt;
    }
    /// When `w` may be taken, if nothing else is taken before; at once, if that has passed.
    [[nodiscard]] time_point earliest(rate_weight const& w) const noexcept {
        auto when = time_point::min();
        for (auto const& d : dimensions_)
            if (auto const units = w[d.of]; units > 0) when = std::max(when, d.bucket.earliest(units));
        return when;
    }
    /// The same behind those who take `ahead`: not before that, and for want of what. Not before `now`.
    [[nodiscard]] std::pair<time_point, std::size_t> earliest_behind(rate_weight const& ahead, rate_weight const& w,
                                                                     time_point now) const noexcept {
        std::pair<time_point, std::size_t> last{now, 0};
        for (std::size_t i = 0; i < dimensions_.size(); ++i) {
            auto const& d = dimensions_[i];
            if (w[d.of] == 0) continue;
            auto const when = d.bucket.earliest_behind(ahead[d.of], w[d.of], now);
            if (when > last.first) last = {when, i};
        }
        return last;
    }

    /// What became of an attempt to take. `none`: there was too little.
    enum class took : std::uint8_t {
        all,
        none,
        undone,  ///< none: another thread was quicker at one of them, and may have missed what was given back meanwhile
    };
    /// Takes `w`, if all of it is there. `lost`: what was taken there and cannot be put back any more, because others took over.
    [[nodiscard]] took try_take(rate_weight const& w, time_point now, marks& after, missed& lost) noexcept {
        if (dimensions_.size() == 1) {
            auto& d = dimensions_.front();
            return d.take(w, d.bucket.cost(w[d.of]), now, after[0]) ? took::all : took::none;
        }
        std::array<gcra::duration, most_rules> costs;
        for (std::size_t i = 0; i < dimensions_.size(); ++i) {
            auto const& d = dimensions_[i];
            costs[i] = d.bucket.cost(w[d.of]);
            if (w[d.of] != 0 && !d.bucket.has(costs[i], now)) return took::none;
        }
        for (std::size_t i = 0; i < dimensions_.size(); ++i) {
            if (dimensions_[i].take(w, costs[i], now, after[i])) continue;
            bool const any = i > 0;
            while (i > 0)
                if (--i; !dimensions_[i].bucket.undo(costs[i])) lost |= bit(i);
            return any ? took::undone : took::none;
        }
        return took::all;
    }
    /// All of it or nothing, and the marks for `learn` if it was taken.
    [[nodiscard]] took try_take(rate_weight const& w, time_point now, marks& after) noexcept {
        missed none = 0;
        return try_take(w, now, after, none);
    }
    /// `was` has been taken, and it turns out to be `is`. Tells where others have taken over.
    missed correct(rate_weight const& was, rate_weight const& is, time_point now) noexcept {
        missed lost = 0;
        for (std::size_t i = 0; i < dimensions_.size(); ++i) {
            auto& d = dimensions_[i];
            if (was[d.of] != is[d.of] && !d.bucket.correct(was[d.of], is[d.of], now)) lost |= bit(i);
        }
        return lost;
    }

    // Where limits change ----------------------------------------------------------------------------------------------

    /// Goes on with what lies in the buckets of `before`, of which nothing is taken any more; see `gcra::take_over`. A rule
    /// that was not there before begins full.
    void take_over(rate_bucket& before, time_point now) noexcept {
        for (auto& d : dimensions_)
            if (auto const i = before.same(d)) {
                auto& b = before.dimensions_[*i];
                d.born = b.born;
                if (d.bucket.take_over(b.bucket, now)) d.shaped = b.shaped;
            }
        for (auto& b : before.dimensions_) b.bucket.close();
    }
    /// `correct`, for those that were `lost` when it was told to `before`, from which it was taken: at the limits of that
    /// day. A rule that has come since then knows nothing of it.
    void correct(rate_bucket const& before, missed lost, rate_weight const& was, rate_weight const& is,
                 time_point now) noexcept {
        for (auto& d : dimensions_) {
            auto const i = before.same(d);
            if (!i || (lost & bit(*i)) == 0 || before.dimensions_[*i].born != d.born) continue;
            d.bucket.correct(before.dimensions_[*i].bucket.difference(was[d.of], is[d.of]), now);
        }
    }
    /// `marks` of `before` as those of this one. Where the limit has changed since, nothing is to be learned from them.
    [[nodiscard]] marks translate(marks const& of, rate_bucket const& before) const noexcept {
        marks here;
        here.fill(gcra::no_mark);
        for (std::size_t i = 0; i < dimensions_.size(); ++i)
            if (auto const j = before.same(dimensions_[i]); j && before.dimensions_[*j].shaped == dimensions_[i].shaped)
                here[i] = of[*j];
        return here;
    }

    /// What the provider said of the moment `sent`, to an attempt that had left the buckets as `then`. Of several rules for
    /// one measure it goes to that whose limit is nearest to the provider's: a header does not say which window it means.
    void learn(rate_facts const& said, marks const& then, time_point sent, time_point now) noexcept {
        for (std::size_t m = 0; m < rate_measure_count; ++m) {
            auto const& fact = said[static_cast<rate_measure>(m)];
            if (!fact.known()) continue;
            auto const i = meant(static_cast<rate_measure>(m), fact.limit);
            if (!i) continue;
            auto& bucket = dimensions_[*i].bucket;
            auto theirs = sent + bucket.burst() - bucket.cost(std::min(fact.remaining, bucket.limit()));
            if (fact.reset) theirs = std::min(theirs, later(sent, std::max(*fact.reset, gcra::duration::zero())));
            bucket.learn(then[*i], theirs, now);
        }
    }

    /// Is everything there again that has ever been taken?
    [[nodiscard]] bool full(time_point now) const noexcept {
        return std::all_of(dimensions_.begin(), dimensions_.end(),
                           [&](auto const& d) { return d.bucket.full_at() <= now; });
    }

    /// What `w` is of the whole, where it is most, in parts of `whole`: what tenants are compared by.
    [[nodiscard]] std::uint64_t share(rate_weight const& w) const noexcept {
        std::uint64_t most = 1;
        for (auto const& d : dimensions_) {
            auto const units = static_cast<std::uint64_t>(std::min(w[d.of], d.bucket.limit()));
            most = std::max(most, units * whole / static_cast<std::uint64_t>(d.bucket.limit()));
        }
        return most;
    }
    /// The whole of a limit, in the parts that the function above counts in.
    static constexpr std::uint64_t whole = std::uint64_t{1} << 20;

    /// Of the rule of that number.
    [[nodiscard]] gcra const& operator[](std::size_t i) const noexcept { return dimensions_[i].bucket; }
    /// How many rules it has.
    [[nodiscard]] std::size_t size() const noexcept { return dimensions_.size(); }

private:
    struct dimension {
        dimension(rate_rule const& r, std::uint64_t generation) noexcept
            : of{r.of}, bucket{r.limit, r.window, r.burst}, born{generation}, shaped{generation} {}
        rate_measure of;
        gcra bucket;
        std::uint64_t born;  // the generation since which it is without a gap
        std::uint64_t shaped;  // ... and with this limit

        // Who needs none of it does not care how much there is.
        [[nodiscard]] bool take(rate_weight const& w, gcra::duration cost, time_point now, time_point& mark) noexcept {
            if (w[of] == 0) return mark = bucket.mark(), true;
            return bucket.take_if(cost, now, mark);
        }
    };

    [[nodiscard]] static constexpr missed bit(std::size_t i) noexcept { return static_cast<missed>(1U << i); }
    [[nodiscard]] std::optional<std::size_t> same(dimension const& d) const noexcept {
        for (std::size_t i = 0; i < dimensions_.size(); ++i)
            if (dimensions_[i].of == d.of && dimensions_[i].bucket.window() == d.bucket.window()) return i;
        return std::nullopt;
    }
    [[nodiscard]] std::optional<std::size_t> meant(rate_measure m, std::int64_t limit) const noexcept {
        std::optional<std::size_t> best;
        auto distance = 0.0;
        for (std::size_t i = 0; i < dimensions_.size(); ++i) {
            if (dimensions_[i].of != m) continue;
            auto const ours = static_cast<double>(dimensions_[i].bucket.limit());
            auto const theirs = static_cast<double>(limit);
            auto const far = limit > 0 ? std::max(ours / theirs, theirs / ours) : 0.0;  // how many times as much
            if (!best || far < distance) best = i, distance = far;
        }
        return best;
    }

    std::vector<dimension> dimensions_;
};

}  // namespace coffer::inline COFFER_ABI
