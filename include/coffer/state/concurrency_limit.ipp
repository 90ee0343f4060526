// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of concurrency_limit.hpp.

#include <coffer/state/concurrency_limit.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE concurrency_limit::concurrency_limit(bulkhead_options const& o) : options_{o}, parts_{of(o.limit)} {
    if (o.rule == limit_rule::gradient) window_.reserve(static_cast<std::size_t>(o.window));
}

COFFER_INLINE void concurrency_limit::ended(end const& e) noexcept {
    if (!options_.adapts() || (shrunk_at_ && e.began < *shrunk_at_)) return;
    auto const took = std::clamp(e.at - e.began, duration{1}, longest);
    if (e.what == end::kind::overload || took > options_.slow_after) return shrink(options_.shrink, e.at);
    if (options_.rule == limit_rule::gradient && !in_time(took, e.used, e.at)) return;
    if (e.used) raise();
}

COFFER_INLINE std::optional<concurrency_limit::duration> concurrency_limit::usual() const noexcept {
    if (windows_ == 0) return std::nullopt;
    return duration{static_cast<std::int64_t>(usual_)};
}

COFFER_INLINE void concurrency_limit::keep_within() noexcept {
    if (options_.adapts()) parts_ = std::clamp(parts_, of(options_.least), of(options_.most));
}

COFFER_INLINE void concurrency_limit::shrink(double to, time_point at) noexcept {
    parts_ = static_cast<std::int64_t>(static_cast<double>(parts_) * to);
    keep_within();
    shrunk_at_ = at;
    window_.clear();
    used_ = 0;
}

COFFER_INLINE bool concurrency_limit::in_time(duration took, bool used, time_point at) noexcept {
    window_.push_back(took.count());
    used_ += used ? 1 : 0;
    if (window_.size() == static_cast<std::size_t>(options_.window)) {
        auto const middle = window_.begin() + options_.window / 2;
        std::nth_element(window_.begin(), middle, window_.end());
        auto const typical = static_cast<double>(*middle);
        bool const to_blame = 2 * used_ >= options_.window && parts_ > of(options_.least);
        window_.clear();
        used_ = 0;
        if (to_blame && slow(typical)) {
            shrink(std::max(options_.tolerance * usual_ / typical, 0.5), at);
            return false;
        }
        learn(typical, to_blame);
    }
    return !slow(static_cast<double>(took.count()));
}

COFFER_INLINE void concurrency_limit::learn(double typical, bool to_blame) noexcept {
    bool const first = windows_ == 0;
    if (windows_ < remembered) ++windows_;
    auto weight = 1.0 / windows_;
    if (2 * typical < usual_) {
        weight = 0.5;  // the old times would hide an overload
    } else if (to_blame && !first && typical > usual_) {
        // Chance is to be learnt, and not what a rising limit does: it takes 1.5 n * n successes to rise from n to 2 n.
        if (typical * typical > options_.tolerance * usual_ * usual_) return;  // half of the tolerance, in factors
        weight /= std::max(8.0, 4.0 * now() * now() / options_.window / remembered);
    }
    usual_ += (typical - usual_) * weight;
}

}  // namespace coffer::inline COFFER_ABI
