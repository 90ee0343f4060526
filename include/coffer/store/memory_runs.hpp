// SPDX-License-Identifier: BSL-1.0
#pragma once
// The runs of jobs, of a store in memory: a map, the rules applied in place. Its owner holds the lock.

#include <coffer/state/run_machine.hpp>

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
                                                         owner_is_dead dead) const;

    [[nodiscard]] std::vector<run_summary> list(run_filter const& filter, record_moment at,
                                                owner_is_dead const& dead) const;

    /// A few of the rows whose time is over go.
    void drop_due(record_moment at, owner_is_dead const& dead);

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

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/memory_runs.ipp>
#endif
