// SPDX-License-Identifier: BSL-1.0
#pragma once
// The records of a store in memory: a map under a mutex, the rules applied in place, and what makes room for new ones.

#include <coffer/state/record_machine.hpp>
#include <coffer/store/memory_runs.hpp>
#include <coffer/store/probe.hpp>
#include <coffer/store/verdict.hpp>
#include <coffer/time/clock.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
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

    void bind(std::shared_ptr<clock> const& c) {
        std::lock_guard const lock{mutex_};
        if (!clock_) clock_ = c;
        if (clock_ != c)
            throw std::logic_error{
                "coffer::memory_store: this store is already used under another clock; give each simulation its own"};
    }
    [[nodiscard]] store_probe const* probe() const noexcept { return options_.probe; }
    [[nodiscard]] std::string new_process() {
        std::lock_guard const lock{mutex_};
        return "process " + std::to_string(++processes_);
    }
    void declare_dead(std::string const& process) {
        std::lock_guard const lock{mutex_};
        dead_.insert(process);
    }

    outcome<claim_verdict> claim(record_id const& id, claim_request const& q, std::string const& process) {
        std::lock_guard const lock{mutex_};
        bool const full = bytes_ >= options_.max_bytes || rows_.size() >= options_.max_records;
        if (full && !rows_.contains(id.digest) && !make_room()) return failed(is_full());
        return apply<claim_verdict>(id, [&](record_machine& m) -> outcome<claim_verdict> {
            auto verdict = m.claim(q, process, tokens_ + 1);
            if (auto const* g = std::get_if<granted>(&verdict); g != nullptr && g->token > tokens_) tokens_ = g->token;
            return verdict;
        });
    }

    template <class T, class Fn>
    outcome<T> change(record_id const& id, Fn&& fn) {
        std::lock_guard const lock{mutex_};
        return apply<T>(id, std::forward<Fn>(fn));
    }

    [[nodiscard]] std::shared_ptr<record const> peek(record_id const& id) {
        std::lock_guard const lock{mutex_};
        auto const at = rows_.find(id.digest);
        if (at == rows_.end()) return nullptr;
        auto copy = std::make_shared<record>(at->second.row);
        record_machine now{*copy, moment(), owner_is_dead()};
        if (now.changes().gone) return nullptr;
        now.show_as_it_is();
        return copy;
    }

    [[nodiscard]] std::vector<record_summary> list(record_filter const& filter) {
        std::lock_guard const lock{mutex_};
        std::vector<record_summary> found;
        for (auto const& [digest, n] : rows_) {
            if (!filter.name_space.empty() && n.name_space != filter.name_space) continue;
            auto copy = n.row;
            record_machine const now{copy, moment(), owner_is_dead()};
            bool const waits = now.is_unresolved();
            if (now.changes().gone || (filter.unresolved_only && !waits)) continue;
            found.push_back({{n.name_space, digest},
                             copy.state,
                             waits,
                             copy.counted_sends(),
                             copy.known_cost(),
                             copy.created,
                             copy.updated});
        }
        std::sort(found.begin(), found.end(),
                  [](auto const& a, auto const& b) { return std::pair{a.created, a.id} < std::pair{b.created, b.id}; });
        if (found.size() > filter.limit)
            found.erase(found.begin() + static_cast<std::ptrdiff_t>(filter.limit), found.end());
        return found;
    }

    outcome<run_verdict> begin_run(record_id const& job, run_request const& q, std::string const& process) {
        std::lock_guard const lock{mutex_};
        auto const at = moment();
        runs_.drop_due(at, owner_is_dead());
        if (runs_.size() >= options_.max_records && !runs_.has(job)) return failed(is_full());
        return runs_.change(job, at, owner_is_dead(), [&](run_machine& m) { return m.begin(q, process); });
    }
    template <class Fn>
    outcome<void> change_run(record_id const& job, Fn&& fn) {
        std::lock_guard const lock{mutex_};
        return runs_.change(job, moment(), owner_is_dead(), std::forward<Fn>(fn));
    }
    /// Gives which answers were not acknowledged.
    outcome<std::vector<record_id>> finish_run(record_id const& job, std::vector<record_id> const& answers,
                                               std::vector<record_id>& acknowledged) {
        std::lock_guard const lock{mutex_};
        auto const done = runs_.change(job, moment(), owner_is_dead(), [](run_machine& m) { return m.finish(); });
        if (!done) return failed(done.error());
        std::vector<record_id> left;
        for (auto const& id : answers) {
            auto const told = apply<void>(id, [](record_machine& m) { return m.acknowledge(); });
            (told ? acknowledged : left).push_back(id);
        }
        return left;
    }
    [[nodiscard]] std::shared_ptr<run_record const> peek_run(record_id const& job) {
        std::lock_guard const lock{mutex_};
        return runs_.peek(job, moment(), owner_is_dead());
    }
    [[nodiscard]] std::vector<run_summary> list_runs(run_filter const& filter) {
        std::lock_guard const lock{mutex_};
        return runs_.list(filter, moment(), owner_is_dead());
    }

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

    [[nodiscard]] static fault is_full() {
        return fault{fault_kind::store_unavailable,
                     "the store in memory is full; acknowledge results, or raise memory_options"}
            .with_code("store_full");
    }
    [[nodiscard]] record_moment moment() const {
        if (!clock_) throw std::logic_error{"coffer::memory_store: no clock is bound yet (store_backend::bind)"};
        return {clock_->now(), clock_->wall_now()};
    }
    [[nodiscard]] record_machine::owner_is_dead owner_is_dead() const {
        return [this](std::string const& owner) { return dead_.contains(owner); };
    }

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

    void account(std::string const& digest, node& n) {
        bytes_ -= n.bytes;
        n.bytes = 0;
        for (auto const& s : n.row.sends)
            if (s.reply) n.bytes += s.reply->body.size();
        bytes_ += n.bytes;
        if (auto* const list = spare_list(n.row); n.spare != list) {
            if (n.spare != nullptr) n.spare->erase(n.place);
            if (list != nullptr) n.place = list->insert(list->end(), digest);
            n.spare = list;
        }
        look_again(digest, n, n.row.expires);
    }
    [[nodiscard]] digests* spare_list(record const& r) noexcept {
        using enum record_state;
        if (r.cached && r.state == done) return &cached_;
        return r.state == acked || r.state == free ? &spare_ : nullptr;  // not expired: it would be paid for again
    }
    void look_again(std::string const& digest, node& n, wall_time_point when) {
        if (n.is_due && n.due->first == when) return;
        if (n.is_due) due_.erase(n.due);
        n.is_due = when != wall_time_point::max();
        if (n.is_due) n.due = due_.emplace(when, &digest);
    }
    void forget(std::unordered_map<std::string, node>::iterator at) {
        auto& n = at->second;
        bytes_ -= n.bytes;
        if (n.spare != nullptr) n.spare->erase(n.place);
        if (n.is_due) due_.erase(n.due);
        rows_.erase(at);
    }

    /// A few of the records whose time is over become what time has made of them. With each new key, so that they
    /// cannot grow in number; never many, so that no claim pays for all.
    void drop_due() {
        auto const when = moment();
        for (int i = 0; i < due_per_claim && !due_.empty() && due_.begin()->first <= when.wall; ++i) {
            auto const at = rows_.find(*due_.begin()->second);
            auto& n = at->second;
            record_machine const m{n.row, when, owner_is_dead()};
            if (m.changes().row) account(at->first, n);
            else if (m.changes().gone) forget(at);
            else look_again(at->first, n, when.wall + busy_pause);  // cached, and still being worked on
        }
    }
    /// Never at the cost of an answer that somebody may still come for.
    [[nodiscard]] bool make_room() {
        drop_due();
        while (bytes_ >= options_.max_bytes && !cached_.empty()) forget(rows_.find(cached_.front()));
        if (bytes_ >= options_.max_bytes) return false;
        while (rows_.size() >= options_.max_records) {
            auto const& from = cached_.empty() ? spare_ : cached_;
            if (from.empty()) return false;
            forget(rows_.find(from.front()));
        }
        return true;
    }

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
