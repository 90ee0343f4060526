// SPDX-License-Identifier: BSL-1.0
#pragma once
// Calls that were refused for want of money, for looks to ask about. Pure.

#include <coffer/base/denial.hpp>
#include <coffer/state/refusal_rules.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <string>

namespace coffer::inline COFFER_ABI {

/// Denials of the last hour, one of each id, for looks to ask about. In memory: what is forgotten with its process is found
/// again with the next refusal.
class recent_denials {
public:
    using time_point = std::chrono::system_clock::time_point;  ///< of the wall clock

    /// Remembers it if it is for good. Beyond a fixed number an earlier one goes.
    void note(budget_denial const& d, time_point now);
    /// Calls `fn(denial)` for those of the last hour, and forgets the others.
    template <class Fn>
    void for_each(time_point now, Fn const& fn) {
        std::erase_if(all_, [&](auto const& one) { return now - one.second.when > kept; });
        for (auto const& [id, one] : all_) fn(one.what);
    }

private:
    static constexpr std::size_t most = 1000;
    static constexpr auto kept = std::chrono::hours{1};
    struct noted {
        budget_denial what;
        time_point when;
    };
    std::map<std::string, noted> all_;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/recent_denials.ipp>
#endif
