// SPDX-License-Identifier: BSL-1.0
#pragma once
// The runs of jobs, of a store in memory: a map, the rules applied in place. Its owner holds the lock.

#include <coffer/state/run_machine.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::detail {

class memory_runs {
public:
    using owner_is_dead = run_machine::owner_is_dead;

    [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }
    [[nodiscard]] bool has(record_id const& job) const { return rows_.contains(job.digest); }

    /// Lets `fn`, which takes a `run_machine&`, change a job's row.
    template <class Fn>
    auto change(record_id const& job, record_moment at, owner_is_dead dead, Fn&& fn) {
        auto const [where, added] = rows_.try_emplace(job.digest);
        auto& n = where->second;
        if (added) n.name_space = job.name_space;
        auto const expired = n.row.expires;
        run_machine machine{n.row, at, std::move(dead)};
        auto result = fn(machine);
        auto const& changes = machine.changes();
        if (added || changes.any()) {
            if (!added) due_.erase({expired, job.digest});
            if (changes.row) due_.emplace(n.row.expires, job.digest);
            else rows_.erase(where);
        }
        return result;
    }

    [[nodiscard]] std::shared_ptr<run_record const> peek(record_id const& job, record_moment at,
                                                         owner_is_dead dead) const {
        auto const where = rows_.find(job.digest);
        if (where == rows_.end()) return nullptr;
        auto copy = std::make_shared<run_record>(where->second.row);
        run_machine now{*copy, at, std::move(dead)};
        if (now.changes().gone) return nullptr;
        now.show_as_it_is();
        return copy;
    }

    [[nodiscard]] std::vector<run_summary> list(run_filter const& filter, record_moment at,
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
        std::sort(found.begin(), found.end(), [](auto const& a, auto const& b) {
            return std::pair{a.created, a.job} < std::pair{b.created, b.job};
        });
        if (found.size() > filter.limit)
            found.erase(found.begin() + static_cast<std::ptrdiff_t>(filter.limit), found.end());
        return found;
    }

    /// A few of the rows whose time is over go.
    void drop_due(record_moment at, owner_is_dead const& dead) {
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

private:
    static constexpr int due_at_once = 8;
    static constexpr auto busy_pause = std::chrono::minutes{1};

    struct node {
        std::string name_space;
        run_record row;
    };
    std::unordered_map<std::string, node> rows_;
    std::set<std::pair<std::chrono::system_clock::time_point, std::string>> due_;  // when to look at which row
};

}  // namespace coffer::inline COFFER_ABI::detail
