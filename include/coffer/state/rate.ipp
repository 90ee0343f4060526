// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of rate.hpp.

#include <coffer/state/rate.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE rate_weight rate_weight::of(usage const& u, bool cache_reads) noexcept {
    auto const input = sane(u.input()) - (cache_reads ? 0 : sane(u.input_cache_read));
    return {1, input, sane(u.output) + sane(u.output_audio) + sane(u.output_image)};
}

COFFER_INLINE rate_weight& rate_weight::set(rate_measure m, std::int64_t units) noexcept {
    return of_[static_cast<std::size_t>(m)] = sane(units), *this;
}

COFFER_INLINE rate_weight& rate_weight::operator+=(rate_weight const& o) noexcept {
    for (std::size_t i = 0; i < of_.size(); ++i) of_[i] += o.of_[i];
    return *this;
}

COFFER_INLINE rate_weight& rate_weight::operator-=(rate_weight const& o) noexcept {
    for (std::size_t i = 0; i < of_.size(); ++i) of_[i] -= o.of_[i];
    return *this;
}

COFFER_INLINE rate_weight rate_weight::scaled(std::uint64_t part, std::uint64_t whole) const noexcept {
    auto less = *this;
    for (auto& n : less.of_)
        n = static_cast<std::int64_t>(detail::wide_int{n} * static_cast<std::int64_t>(part) /
                                      static_cast<std::int64_t>(whole));
    return less;
}

COFFER_INLINE rate_bucket::rate_bucket(std::vector<rate_rule> const& rules, std::uint64_t generation) {
    dimensions_.reserve(rules.size());
    for (auto const& r : rules) dimensions_.emplace_back(r, generation);
}

COFFER_INLINE std::optional<std::size_t> rate_bucket::never_fits(rate_weight const& w) const noexcept {
    for (std::size_t i = 0; i < dimensions_.size(); ++i)
        if (w[dimensions_[i].of] > dimensions_[i].bucket.limit()) return i;
    return std::nullopt;
}

COFFER_INLINE rate_bucket::time_point rate_bucket::earliest(rate_weight const& w) const noexcept {
    auto when = time_point::min();
    for (auto const& d : dimensions_)
        if (auto const units = w[d.of]; units > 0) when = std::max(when, d.bucket.earliest(units));
    return when;
}

COFFER_INLINE std::pair<rate_bucket::time_point, std::size_t> rate_bucket::earliest_behind(
    rate_weight const& ahead, rate_weight const& w, time_point now) const noexcept {
    std::pair<time_point, std::size_t> last{now, 0};
    for (std::size_t i = 0; i < dimensions_.size(); ++i) {
        auto const& d = dimensions_[i];
        if (w[d.of] == 0) continue;
        auto const when = d.bucket.earliest_behind(ahead[d.of], w[d.of], now);
        if (when > last.first) last = {when, i};
    }
    return last;
}

COFFER_INLINE rate_bucket::took rate_bucket::try_take(rate_weight const& w, time_point now, marks& after,
                                                      missed& lost) noexcept {
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

COFFER_INLINE rate_bucket::took rate_bucket::try_take(rate_weight const& w, time_point now, marks& after) noexcept {
    missed none = 0;
    return try_take(w, now, after, none);
}

COFFER_INLINE rate_bucket::missed rate_bucket::correct(rate_weight const& was, rate_weight const& is,
                                                       time_point now) noexcept {
    missed lost = 0;
    for (std::size_t i = 0; i < dimensions_.size(); ++i) {
        auto& d = dimensions_[i];
        if (was[d.of] != is[d.of] && !d.bucket.correct(was[d.of], is[d.of], now)) lost |= bit(i);
    }
    return lost;
}

COFFER_INLINE void rate_bucket::take_over(rate_bucket& before, time_point now) noexcept {
    for (auto& d : dimensions_)
        if (auto const i = before.same(d)) {
            auto& b = before.dimensions_[*i];
            d.born = b.born;
            if (d.bucket.take_over(b.bucket, now)) d.shaped = b.shaped;
        }
    for (auto& b : before.dimensions_) b.bucket.close();
}

COFFER_INLINE void rate_bucket::correct(rate_bucket const& before, missed lost, rate_weight const& was,
                                        rate_weight const& is, time_point now) noexcept {
    for (auto& d : dimensions_) {
        auto const i = before.same(d);
        if (!i || (lost & bit(*i)) == 0 || before.dimensions_[*i].born != d.born) continue;
        d.bucket.correct(before.dimensions_[*i].bucket.difference(was[d.of], is[d.of]), now);
    }
}

COFFER_INLINE rate_bucket::marks rate_bucket::translate(marks const& of, rate_bucket const& before) const noexcept {
    marks here;
    here.fill(gcra::no_mark);
    for (std::size_t i = 0; i < dimensions_.size(); ++i)
        if (auto const j = before.same(dimensions_[i]); j && before.dimensions_[*j].shaped == dimensions_[i].shaped)
            here[i] = of[*j];
    return here;
}

COFFER_INLINE void rate_bucket::learn(rate_facts const& said, marks const& then, time_point sent,
                                      time_point now) noexcept {
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

COFFER_INLINE bool rate_bucket::full(time_point now) const noexcept {
    return std::all_of(dimensions_.begin(), dimensions_.end(),
                       [&](auto const& d) { return d.bucket.full_at() <= now; });
}

COFFER_INLINE std::uint64_t rate_bucket::share(rate_weight const& w) const noexcept {
    std::uint64_t most = 1;
    for (auto const& d : dimensions_) {
        auto const units = static_cast<std::uint64_t>(std::min(w[d.of], d.bucket.limit()));
        most = std::max(most, units * whole / static_cast<std::uint64_t>(d.bucket.limit()));
    }
    return most;
}

COFFER_INLINE rate_bucket::dimension::dimension(rate_rule const& r, std::uint64_t generation) noexcept
    : of{r.of}, bucket{r.limit, r.window, r.burst}, born{generation}, shaped{generation} {}

COFFER_INLINE bool rate_bucket::dimension::take(rate_weight const& w, gcra::duration cost, time_point now,
                                                time_point& mark) noexcept {
    if (w[of] == 0) return mark = bucket.mark(), true;
    return bucket.take_if(cost, now, mark);
}

COFFER_INLINE std::optional<std::size_t> rate_bucket::same(dimension const& d) const noexcept {
    for (std::size_t i = 0; i < dimensions_.size(); ++i)
        if (dimensions_[i].of == d.of && dimensions_[i].bucket.window() == d.bucket.window()) return i;
    return std::nullopt;
}

COFFER_INLINE std::optional<std::size_t> rate_bucket::meant(rate_measure m, std::int64_t limit) const noexcept {
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

}  // namespace coffer::inline COFFER_ABI
