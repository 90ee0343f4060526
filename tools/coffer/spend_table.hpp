// SPDX-License-Identifier: BSL-1.0
#pragma once
// Entries of the ledger added up by something that they have in common.

#include <coffer/store/ledger.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coffer_command {

enum class group { day, hour, scope, model, job, name_space, key };

/// `day`, `scope`, …; nothing for any other word.
std::optional<group> group_from_text(std::string_view word);
std::string_view to_string(group by);
inline constexpr char const* group_words = "day, hour, scope, model, job, namespace, key";

/// The money of one group.
struct spend {
    std::int64_t sends = 0;
    std::int64_t unpriced = 0;  ///< of them: of unknown cost, without any bound
    coffer::money settled;
    coffer::money presumed;
    coffer::money held;     ///< for sends under way
    coffer::money overrun;  ///< of `settled`: beyond the bounds that hard limits held, as `limits` counts it

    [[nodiscard]] coffer::money spent() const noexcept { return settled + presumed; }
    void add(coffer::reservation const& r, coffer::money beyond_bounds);
};

using spend_table = std::vector<std::pair<std::string, spend>>;

/// By name; days and hours that lie between two others are there, with nothing. Of `within` and the scopes inside it.
spend_table add_up(std::vector<coffer::ledger_entry> const& entries, group by, std::string_view within);
/// The dearest first, `most` of them at the most.
spend_table dearest(spend_table all, std::size_t most);
spend total(std::vector<coffer::ledger_entry> const& entries, std::string_view within);

}  // namespace coffer_command
