// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of duration_text.hpp.

#include <coffer/base/duration_text.hpp>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE std::string duration_text(std::chrono::nanoseconds d) {
    if (d == std::chrono::nanoseconds::max()) return "for ever";
    struct unit {
        std::int64_t ns;
        char const* name;
    };
    constexpr unit units[] = {{86'400'000'000'000, " d"}, {3'600'000'000'000, " h"}, {60'000'000'000, " min"},
                              {1'000'000'000, " s"},      {1'000'000, " ms"},        {1'000, " us"}};
    for (auto const& u : units)
        if (d.count() != 0 && d.count() % u.ns == 0) return std::to_string(d.count() / u.ns) + u.name;
    return d.count() == 0 ? "0 s" : std::to_string(d.count()) + " ns";
}

COFFER_INLINE std::string rest_text(std::chrono::nanoseconds d) {
    auto const tenths = std::chrono::ceil<std::chrono::duration<std::int64_t, std::deci>>(d).count();
    return std::to_string(tenths / 10) + (tenths % 10 == 0 ? "" : "." + std::to_string(tenths % 10)) + " s";
}

}  // namespace coffer::inline COFFER_ABI::detail
