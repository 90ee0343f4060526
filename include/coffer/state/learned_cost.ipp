// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of learned_cost.hpp.

#include <coffer/state/learned_cost.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE void learned_cost::note(std::string_view model, std::optional<money> bound, money actual) {
    auto found = models_.find(model);
    if (found == models_.end()) {
        if (models_.size() >= most_models) return;
        found = models_.emplace(std::string{model}, history{}).first;
    }
    auto& h = found->second;
    h.costs.add(actual.nano());
    if (bound && *bound > money{}) h.shares.add(share(actual, *bound));
}

COFFER_INLINE std::optional<money> learned_cost::expected(std::string_view model, std::optional<money> bound) const {
    auto const found = models_.find(model);
    if (found == models_.end()) return bound;
    auto const& h = found->second;
    if (bound && h.shares.size() >= enough) {
        auto const most = detail::wide_int{bound->nano()} * h.shares.quantile();
        return std::min(*bound, money::from_nano(detail::saturate((most + millionth - 1) / millionth)));
    }
    if (bound) return bound;
    return h.costs.size() >= enough ? std::optional{money::from_nano(h.costs.quantile())} : std::nullopt;
}

COFFER_INLINE std::int64_t learned_cost::share(money actual, money bound) noexcept {
    auto const parts = detail::wide_int{actual.nano()} * millionth;
    return detail::saturate((parts + bound.nano() - 1) / bound.nano());
}

COFFER_INLINE void learned_cost::ring::add(std::int64_t value) noexcept {
    values_[next_] = value;
    next_ = (next_ + 1) % values_.size();
    size_ = std::min(size_ + 1, values_.size());
}

COFFER_INLINE std::int64_t learned_cost::ring::quantile() const {
    auto sorted = values_;
    auto const end = sorted.begin() + static_cast<std::ptrdiff_t>(size_);
    auto const at = sorted.begin() + static_cast<std::ptrdiff_t>((size_ * 95 + 99) / 100 - 1);
    std::nth_element(sorted.begin(), at, end);
    return *at;
}

}  // namespace coffer::inline COFFER_ABI
