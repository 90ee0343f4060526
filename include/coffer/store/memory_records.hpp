// SPDX-License-Identifier: BSL-1.0
#pragma once
// The records of a store in memory: a map under a mutex, the rules applied in place, and what makes room for new ones.

#include <coffer/state/record_machine.hpp>
#include <coffer/store/memory_runs.hpp>
#include <coffer/store/probe.hpp>
#include <coffer/store/verdict.hpp>
#include <coffer/time/clock.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// How much a store in memory holds before it refuses claims of new keys. Existing keys go on working, and an answer
/// that was paid for is kept in any case.
struct memory_options {
    /// Rows. Room for a new one is made by what has expired, then by cached answers, then by the oldest row that owes
    /// nobody anything: free or acknowledged.
    std::size_t max_records = 1'000'000;
    std::size_t max_bytes = std::size_t{1} << 30;  ///< bodies of answers; acknowledging and expiry make room
    std::size_t most_entries = 100'000;  ///< of the ledger's ended sends; of older ones only the sums stay
    store_probe const* probe = nullptr;  ///< must outlive the store
};

namespace detail {

class memory_records {
public:
    explicit memory_records(memory_options options) : options_{options} {}

    void bind(std::shared_ptr<clock> const& c);
    [[nodiscard]] store_probe const* probe() const noexcept { return options_.probe; }
    [[nodiscard]] std::string new_process();
    void declare_dead(std::string const& process);

    outcome<claim_verdict> claim(record_id const& id, claim_request const& q, std::string const& process);

    template <class T, class Fn>
    outcome<T> change(record_id const& id, Fn&& fn) {
        std::lock_guard const lock{mutex_};
        return apply<T>(id, std::forward<Fn>(fn));
    }

    [[nodiscard]] std::shared_ptr<record const> peek(record_id const& id);

    [[nodiscard]] std::vector<record_summary> list(record_filter const& filter);

    outcome<run_verdict> begin_run(record_id const& job, run_request const& q, std::string const& process);
    template <class Fn>
    outcome<void> change_run(record_id const& job, Fn&& fn) {
        std::lock_guard const lock{mutex_};
        return runs_.change(job, moment(), owner_is_dead(), std::forward<Fn>(fn));
    }
    /// Gives which answers were not acknowledged.
    outcome<std::vector<record_id>> finish_run(record_id const& job, std::vector<record_id> const& answers,
                                               std::vector<record_id>& acknowledged);
    [[nodiscard]] std::shared_ptr<run_record const> peek_run(record_id const& job);
    [[nodiscard]] std::vector<run_summary> list_runs(run_filter const& filter);

private:
    using digests = std::list<std::string>;
    using due_times = std::multimap<wall_time_point, std::string const*>;  // keys of `rows_`

    static constexpr int due_per_claim = 8;
    static constexpr auto busy_pause = std::chrono::minutes{1};

    struct node {
        std::string name_space;
        record row;
        std::size_t bytes = 0;
        digests* spare = nullptr;  // the list that it stands in, at `place`
        digests::iterator place{};
        due_times::iterator due{};  // if `is_due`
        bool is_due = false;
    };

    [[nodiscard]] static fault is_full();
    [[nodiscard]] record_moment moment() const;
    [[nodiscard]] record_machine::owner_is_dead owner_is_dead() const;

    template <class T, class Fn>
    outcome<T> apply(record_id const& id, Fn&& fn) {
        auto const when = moment();
        auto const [at, added] = rows_.try_emplace(id.digest);
        auto& n = at->second;
        if (added) n.name_space = id.name_space;
        record_machine machine{n.row, when, owner_is_dead()};
        outcome<T> result = fn(machine);
        if (machine.changes().row) {
            account(at->first, n);
        } else if (machine.changes().gone || added) {
            forget(at);
        }
        return result;
    }

    void account(std::string const& digest, node& n);
    [[nodiscard]] digests* spare_list(record const& r) noexcept;
    void look_again(std::string const& digest, node& n, wall_time_point when);
    void forget(std::unordered_map<std::string, node>::iterator at);

    /// A few of the records whose time is over become what time has made of them. With each new key, so that they
    /// cannot grow in number; never many, so that no claim pays for all.
    void drop_due();
    /// Never at the cost of an answer that somebody may still come for.
    [[nodiscard]] bool make_room();

    memory_options const options_;
    std::mutex mutex_;
    std::shared_ptr<clock> clock_;
    std::unordered_map<std::string, node> rows_;
    // Digests of what may be dropped, oldest first. What is cached goes first: losing it is a miss, no more.
    digests cached_;
    digests spare_;
    due_times due_;  // when to look at what expires
    std::size_t bytes_ = 0;
    memory_runs runs_;
    std::uint64_t tokens_ = 0;
    std::uint64_t processes_ = 0;
    std::set<std::string> dead_;
};

}  // namespace detail
}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/memory_records.ipp>
#endif
