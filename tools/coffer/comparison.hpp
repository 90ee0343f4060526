// SPDX-License-Identifier: BSL-1.0
#pragma once
// The ledger beside a provider's usage export: what both know, what they say of it, and what only one of them knows.

#include <coffer/store/ledger.hpp>

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "export_file.hpp"

namespace coffer_command {

/// From the first moment to the one after the last, by when entries were made.
struct time_range {
    coffer::wall_time_point from = coffer::wall_time_point::min();
    coffer::wall_time_point to = coffer::wall_time_point::max();

    [[nodiscard]] bool contains(coffer::wall_time_point t) const noexcept { return from <= t && t < to; }
};

struct tally {
    std::size_t count = 0;
    coffer::money amount;

    void add(coffer::money m) noexcept {
        ++count;
        amount += m;
    }
};

/// Of sends that have ended; of those under way nobody knows anything yet.
struct comparison {
    // What both know.
    std::size_t equal = 0;
    std::vector<coffer::correction> corrections;  ///< entries that differ, and what was charged
    std::size_t not_meant = 0;                    ///< that differ, by what no send can have cost
    coffer::money in_ledger;
    coffer::money in_export;

    tally only_in_export;

    /// The time that the export covers: as it was said to be, or from the first to the last entry that both know, in
    /// whole seconds. None if neither is known; then nothing is counted as known to the ledger alone.
    std::optional<time_range> covered;
    std::set<std::string> providers;  ///< of what both know; none: of any
    tally only_in_ledger;  ///< in that time, of those providers
    tally without_id;  ///< entries whose request id is not known: likewise; if the time is not known, all
    tally presumed;  ///< of `only_in_ledger` and `without_id`, in that time
    /// Presumed entries of that time which the export does know, and charges, or may charge:
    std::size_t presumed_to_correct = 0;
    std::size_t presumed_in_doubt = 0;  ///< it says no amount that could be booked
    std::size_t presumed_elsewhere = 0;  ///< presumed in that time, too, but sent to other providers

    std::vector<std::string> lines;  ///< what differs, and what only the ledger knows

    [[nodiscard]] std::size_t differing() const noexcept { return corrections.size() + not_meant; }
    [[nodiscard]] bool any_in_common() const noexcept { return equal + differing() > 0; }
};

/// `told` is the time that the export is said to cover, where its ends were named.
comparison compare(std::vector<coffer::ledger_entry> const& entries, usage_export const& said, time_range const& told);

}  // namespace coffer_command
