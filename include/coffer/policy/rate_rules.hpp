// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a limiter goes by at a time: its options, and the buckets of its limits. Others take over when options are changed.

#include <coffer/base/fault.hpp>
#include <coffer/call/attempt.hpp>
#include <coffer/policy/rate_limit_options.hpp>
#include <coffer/state/rate.hpp>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace coffer::inline COFFER_ABI::detail {

struct rate_rules {
    /// The options are taken as checked; what their `fair_by` views must outlive this.
    rate_rules(rate_limit_options const& o, std::uint64_t number);

    /// What an attempt takes until it is known better, where tokens count. A fault if that cannot be said.
    [[nodiscard]] std::optional<fault> weigh(attempt const& a, rate_weight& w) const;
    /// Is it more than a whole limit?
    [[nodiscard]] std::optional<fault> never_fits(rate_weight const& w) const;
    [[nodiscard]] std::string_view tenant_of(attempt const& a) const noexcept;

    static constexpr rate_weight one_request{1, 0, 0};

    rate_limit_options options;
    std::vector<named_limit> limits;
    bool counts_tokens;
    std::uint64_t generation;
    rate_bucket bucket;
};

}  // namespace coffer::inline COFFER_ABI::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/rate_rules.ipp>
#endif
