// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of rate_rules.hpp.

#include <coffer/policy/rate_rules.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE rate_rules::rate_rules(rate_limit_options const& o, std::uint64_t number)
    : options{o},
      limits{limits_of(o)},
      counts_tokens{
          std::any_of(limits.begin(), limits.end(), [](auto const& l) { return l.of != rate_measure::requests; })},
      generation{number},
      bucket{rules_of(o), number} {}

COFFER_INLINE std::optional<fault> rate_rules::weigh(attempt const& a, rate_weight& w) const {
    auto const& e = a.estimate();
    if (e.input_tokens <= 0 && e.output_tokens <= 0) {
        auto const each = options.unestimated_tokens;
        if (each == 0) return no_estimate();
        w = rate_weight{1, each, each}.set(rate_measure::tokens, each);
        return std::nullopt;
    }
    auto const input = wide_int{e.input_tokens} * options.input_percent / 100;
    w = {1, saturate(input), options.output == output_counted::at_most ? e.output_tokens : 0};
    return std::nullopt;
}

COFFER_INLINE std::optional<fault> rate_rules::never_fits(rate_weight const& w) const {
    if (auto const i = bucket.never_fits(w)) return larger_than_limit(limits[*i], bucket[*i].limit(), w[limits[*i].of]);
    return std::nullopt;
}

COFFER_INLINE std::string_view rate_rules::tenant_of(attempt const& a) const noexcept {
    if (!options.fair_by.empty())
        for (auto const& [name, value] : a.of().tags())
            if (name == options.fair_by) return value;
    return {};
}

}  // namespace coffer::inline COFFER_ABI::detail
