// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a limiter goes by at a time: its options, and the buckets of its limits. Others take over when options are changed.

#include <coffer/base/fault.hpp>
#include <coffer/call/attempt.hpp>
#include <coffer/policy/rate_limit_options.hpp>
#include <coffer/state/rate.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace coffer::inline COFFER_ABI::detail {

struct rate_rules {
    /// The options are taken as checked; what their `fair_by` views must outlive this.
    rate_rules(rate_limit_options const& o, std::uint64_t number)
        : options{o},
          limits{limits_of(o)},
          counts_tokens{
              std::any_of(limits.begin(), limits.end(), [](auto const& l) { return l.of != rate_measure::requests; })},
          generation{number},
          bucket{rules_of(o), number} {}

    /// What an attempt takes until it is known better, where tokens count. A fault if that cannot be said.
    [[nodiscard]] std::optional<fault> weigh(attempt const& a, rate_weight& w) const {
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
    /// Is it more than a whole limit?
    [[nodiscard]] std::optional<fault> never_fits(rate_weight const& w) const {
        if (auto const i = bucket.never_fits(w))
            return larger_than_limit(limits[*i], bucket[*i].limit(), w[limits[*i].of]);
        return std::nullopt;
    }
    [[nodiscard]] std::string_view tenant_of(attempt const& a) const noexcept {
        if (!options.fair_by.empty())
            for (auto const& [name, value] : a.of().tags())
                if (name == options.fair_by) return value;
        return {};
    }

    static constexpr rate_weight one_request{1, 0, 0};

    rate_limit_options options;
    std::vector<named_limit> limits;
    bool counts_tokens;
    std::uint64_t generation;
    rate_bucket bucket;
};

}  // namespace coffer::inline COFFER_ABI::detail
