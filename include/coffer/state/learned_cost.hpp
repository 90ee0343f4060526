// SPDX-License-Identifier: BSL-1.0
#pragma once
// What sends usually cost, learned from those that were: for soft limits, which do not hold the worst case.

#include <coffer/base/money.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI {

/// By model: of the last 64 sends the share of their upper bound that they have cost, and what they have cost. What is
/// expected of the next is what 95 of 100 did not exceed. Not for use by several threads at once.
class learned_cost {
public:
    /// What a send of that model has cost, and its upper bound, if it had one. Of more than a fixed number of models
    /// nothing is learned.
    void note(std::string_view model, std::optional<money> bound, money actual) {
        auto found = models_.find(model);
        if (found == models_.end()) {
            if (models_.size() >= most_models) return;
            found = models_.emplace(std::string{model}, history{}).first;
        }
        auto& h = found->second;
        h.costs.add(actual.nano());
        if (bound && *bound > money{}) h.shares.add(share(actual, *bound));
    }

    /// Before anything is learned: the bound; none if there is no bound either.
    [[nodiscard]] std::optional<money> expected(std::string_view model, std::optional<money> bound) const {
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

private:
    static constexpr std::size_t enough = 8;
    static constexpr std::size_t most_models = 1000;
    static constexpr std::int64_t millionth = 1'000'000;

    /// In millionths, rounded up.
    [[nodiscard]] static std::int64_t share(money actual, money bound) noexcept {
        auto const parts = detail::wide_int{actual.nano()} * millionth;
        return detail::saturate((parts + bound.nano() - 1) / bound.nano());
    }

    class ring {
    public:
        void add(std::int64_t value) noexcept {
            values_[next_] = value;
            next_ = (next_ + 1) % values_.size();
            size_ = std::min(size_ + 1, values_.size());
        }
        [[nodiscard]] std::size_t size() const noexcept { return size_; }
        /// The 95th percentile, by the nearest rank.
        [[nodiscard]] std::int64_t quantile() const {
            auto sorted = values_;
            auto const end = sorted.begin() + static_cast<std::ptrdiff_t>(size_);
            auto const at = sorted.begin() + static_cast<std::ptrdiff_t>((size_ * 95 + 99) / 100 - 1);
            std::nth_element(sorted.begin(), at, end);
            return *at;
        }

    private:
        std::array<std::int64_t, 64> values_{};
        std::size_t next_ = 0;
        std::size_t size_ = 0;
    };
    struct history {
        ring shares;
        ring costs;
    };
    std::map<std::string, history, std::less<>> models_;
};

}  // namespace coffer::inline COFFER_ABI
