// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a circuit breaker has to do, said as plainly as possible: everything that ever happened is kept, and looked through.
// Breaks and hints have no chance in them here.

#include <coffer/state/breaker.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

namespace support {

class breaker_oracle {
public:
    using time_point = coffer::breaker::time_point;
    using duration = coffer::breaker::duration;
    using kind = coffer::breaker::end::kind;
    using state = coffer::circuit_state;

    explicit breaker_oracle(coffer::circuit_breaker_options o) : o_{o} {}

    struct said {
        bool in = false;
        std::optional<duration> ask_again;
        friend bool operator==(said const&, said const&) = default;
    };

    /// The attempts are numbered as they ask.
    said enter(time_point now, duration limit) {
        all_.push_back({era_, false, false, {}, {}, {}, {}});
        if (state_ == state::isolated) return {};
        if (state_ == state::open) {
            if (now < break_end_) return {false, break_end_ - now};
            go(state::half_open);
        } else if (state_ == state::half_open && under_way() >= o_.probes) {
            auto const rest = std::max<duration>(last_probe() + usual_ - now, o_.breaks.first);
            if (now < lost_at()) return {false, std::min<duration>(lost_at() - now, rest)};
            go(state::half_open);
        }
        auto& mine = all_.back();
        mine.era = era_;
        mine.in = true;
        mine.lost_at = now + limit;
        mine.began = now;
        return {true, std::nullopt};
    }
    void settle(std::size_t n, kind what, time_point at, duration took, duration hint) {
        auto& a = all_[n];
        a.in = false;
        if (a.era != era_) return;
        if (what == kind::neutral) return;
        if (what == kind::success) usual_ = std::max(took, usual_ - usual_ / 16);
        a.ended = what;
        a.at = at;
        a.slow = what == kind::success && took > o_.slow_after;
        order_.push_back(n);
        if (what == kind::failure) wanted_ = std::max(wanted_, at + std::min(hint, o_.hint_ceiling));
        if (state_ == state::half_open) {
            if (what == kind::failure || a.slow) return open(at);
            if (of_era([](auto const& x) { return x.ended == kind::success; }) >= o_.probes) {
                go(state::closed);
                closed_at_ = at;
            }
            return;
        }
        if (must_open(at)) open(at);
    }
    void abandon(std::size_t n) { all_[n].in = false; }
    void change(coffer::circuit_breaker_options const& o) {
        if (o.window != o_.window) window_from_ = order_.size();
        o_ = o;
    }
    void isolate() { go(state::isolated); }
    void close(time_point now) {
        go(state::closed);
        closed_at_ = now;
    }
    void reset() {
        go(state::closed);
        breaks_.clear();
        closed_at_ = {};
        usual_ = {};
    }

    [[nodiscard]] state now_in() const { return state_; }
    [[nodiscard]] int under_way() const {
        return state_ != state::half_open ? 0 : of_era([](auto const& a) { return a.in; });
    }
    [[nodiscard]] time_point break_end() const { return break_end_; }

private:
    struct one {
        int era;
        bool in;
        bool slow;
        std::optional<kind> ended;
        time_point at;
        time_point lost_at;
        time_point began;
    };

    template <class Is>
    [[nodiscard]] int of_era(Is const& is) const {
        return static_cast<int>(
            std::count_if(all_.begin(), all_.end(), [&](one const& a) { return a.era == era_ && is(a); }));
    }
    [[nodiscard]] time_point lost_at() const {
        time_point last{};
        for (auto const& a : all_)
            if (a.era == era_) last = std::max(last, a.lost_at);
        return last;
    }
    [[nodiscard]] time_point last_probe() const {
        time_point last{};
        for (auto const& a : all_)
            if (a.era == era_) last = std::max(last, a.began);
        return last;
    }
    [[nodiscard]] bool must_open(time_point now) const {
        std::vector<one> ends;
        for (auto const n : order_)
            if (all_[n].era == era_) ends.push_back(all_[n]);
        int row = 0;
        for (auto i = ends.rbegin(); i != ends.rend() && i->ended == kind::failure; ++i) ++row;
        if (o_.in_a_row > 0 && row >= o_.in_a_row) return true;
        if (o_.window.is_none()) return false;
        ends.clear();
        for (auto i = window_from_; i < order_.size(); ++i)
            if (all_[order_[i]].era == era_) ends.push_back(all_[order_[i]]);

        if (auto const n = static_cast<std::size_t>(o_.window.size()); n > 0) {
            if (ends.size() > n) ends.erase(ends.begin(), ends.end() - static_cast<std::ptrdiff_t>(n));
        } else {
            auto const slice = o_.window.length() / 10;  // the tests' windows can be divided
            auto const number = [&](time_point t) { return t.time_since_epoch() / slice; };
            std::erase_if(ends, [&](one const& a) { return number(a.at) <= number(now) - 10; });
        }
        auto const total = static_cast<int>(ends.size());
        auto const percent = [&](auto const& is) {
            return 100.0 * static_cast<double>(std::count_if(ends.begin(), ends.end(), is)) / total;
        };
        if (total < o_.minimum) return false;
        return percent([](one const& a) { return a.ended == kind::failure; }) >= 100 * o_.failure_ratio - 1e-9 ||
               percent([](one const& a) { return a.slow; }) >= 100 * o_.slow_ratio - 1e-9;
    }
    void open(time_point at) {
        bool const relapse = state_ == state::half_open || (!breaks_.empty() && at - closed_at_ < breaks_.back());
        if (!relapse) breaks_.clear();
        auto length = static_cast<double>(o_.breaks.first.count());
        for (std::size_t i = 0; i < breaks_.size(); ++i)
            length = std::min(length * o_.breaks.factor, static_cast<double>(o_.breaks.longest.count()));
        auto const lasts = std::max(duration{static_cast<duration::rep>(length)}, wanted_ - at);
        breaks_.push_back(lasts);
        go(state::open);
        break_end_ = at + lasts;
    }
    void go(state to) {
        state_ = to;
        ++era_;
        wanted_ = {};
    }

    coffer::circuit_breaker_options o_;
    state state_ = state::closed;
    int era_ = 0;
    std::vector<one> all_;
    std::vector<std::size_t> order_;  // in which they ended
    std::size_t window_from_ = 0;  // of those: the first since the window was changed
    std::vector<duration> breaks_;  // one after the other, without a good while between them
    time_point wanted_{};
    duration usual_{};
    time_point break_end_{};
    time_point closed_at_{};
};

}  // namespace support
