// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of memory_runs.hpp.

#include <coffer/store/memory_runs.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE std::shared_ptr<run_record const> memory_runs::peek(record_id const& job, record_moment at,
                                                                  owner_is_dead dead) const {
    auto const where = rows_.find(job.digest);
    if (where == rows_.end()) return nullptr;
    auto copy = std::make_shared<run_record>(where->second.row);
    run_machine now{*copy, at, std::move(dead)};
    if (now.changes().gone) return nullptr;
    now.show_as_it_is();
    return copy;
}

COFFER_INLINE std::vector<run_summary> memory_runs::list(run_filter const& filter, record_moment at,
                                                         owner_is_dead const& dead) const {
    std::vector<run_summary> found;
    for (auto const& [digest, n] : rows_) {
        if (!filter.name_space.empty() && n.name_space != filter.name_space) continue;
        auto copy = n.row;
        run_machine now{copy, at, dead};
        if (now.changes().gone) continue;
        now.show_as_it_is();
        if (!filter.stopped_only || copy.is_stopped(copy.limits))
            found.push_back(summary_of({n.name_space, digest}, copy));
    }
    std::sort(found.begin(), found.end(),
              [](auto const& a, auto const& b) { return std::pair{a.created, a.job} < std::pair{b.created, b.job}; });
    if (found.size() > filter.limit)
        found.erase(found.begin() + static_cast<std::ptrdiff_t>(filter.limit), found.end());
    return found;
}

COFFER_INLINE void memory_runs::drop_due(record_moment at, owner_is_dead const& dead) {
    for (int i = 0; i < due_at_once && !due_.empty() && due_.begin()->first <= at.trusted; ++i) {
        auto const oldest = *due_.begin();
        due_.erase(due_.begin());
        auto& n = rows_.find(oldest.second)->second;
        run_machine const machine{n.row, at, dead};
        if (machine.changes().gone) {
            rows_.erase(oldest.second);
        } else {  // a run is under way
            n.row.expires = later(at.wall, busy_pause);
            due_.emplace(n.row.expires, oldest.second);
        }
    }
}

}  // namespace coffer::inline COFFER_ABI::detail
