// SPDX-License-Identifier: BSL-1.0
#pragma once
// What sends usually cost, learned from those that were: for soft limits, which do not hold the worst case.

#include <coffer/base/money.hpp>

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
    void note(std::string_view model, std::optional<money> bound, money actual);

    /// Before anything is learned: the bound; none if there is no bound either.
    [[nodiscard]] std::optional<money> expected(std::string_view model, std::optional<money> bound) const;

private:
    static constexpr std::size_t enough = 8;
    static constexpr std::size_t most_models = 1000;
    static constexpr std::int64_t millionth = 1'000'000;

    /// In millionths, rounded up.
    [[nodiscard]] static std::int64_t share(money actual, money bound) noexcept;

    class ring {
    public:
        void add(std::int64_t value) noexcept;
        [[nodiscard]] std::size_t size() const noexcept { return size_; }
        /// The 95th percentile, by the nearest rank.
        [[nodiscard]] std::int64_t quantile() const;

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

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/learned_cost.ipp>
#endif
