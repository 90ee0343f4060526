// SPDX-License-Identifier: BSL-1.0
#pragma once
// The records of a store in memory: a map under a mutex, the rules applied in place, and what is dropped when it is
// full.

#include <coffer/state/record_machine.hpp>
#include <coffer/store/probe.hpp>
#include <coffer/store/verdict.hpp>
#include <coffer/time/clock.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace coffer::inline v0 {

/// How much a store in memory holds before it refuses claims of new keys. Existing keys go on working, and an answer
/// that was paid for is kept in any case.
struct memory_options {
    std::size_t max_records = 1'000'000;           ///< rows; acknowledged and free ones make room for new ones
    std::size_t max_bytes = std::size_t{1} << 30;  ///< bodies of answers; acknowledging makes room
    store_probe const* probe = nullptr;            ///< must outlive the store
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
        if (full && !rows_.contains(id.digest) && !make_room())
            return failed(fault{fault_kind::store_unavailable,
                                "the store in memory is full; acknowledge results, or raise memory_options"}
                              .with_code("store_full"));
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
        record_machine const now{*copy, moment(), owner_is_dead()};
        if (now.changes().gone) return nullptr;
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

private:
    struct node {
        std::string name_space;
        record row;
        std::size_t bytes = 0;
        bool spare = false;  // stands in `spare_`, at `place`
        std::list<std::string>::iterator place{};
    };

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
        bool const spare = n.row.state == record_state::acked || n.row.state == record_state::free;
        if (n.spare && !spare) spare_.erase(n.place);
        if (!n.spare && spare) n.place = spare_.insert(spare_.end(), digest);
        n.spare = spare;
    }
    void forget(std::unordered_map<std::string, node>::iterator at) {
        bytes_ -= at->second.bytes;
        if (at->second.spare) spare_.erase(at->second.place);
        rows_.erase(at);
    }
    /// Never at the cost of an answer that somebody may still come for.
    [[nodiscard]] bool make_room() {
        if (bytes_ >= options_.max_bytes) return false;
        while (rows_.size() >= options_.max_records) {
            if (spare_.empty()) return false;
            forget(rows_.find(spare_.front()));
        }
        return true;
    }

    memory_options const options_;
    std::mutex mutex_;
    std::shared_ptr<clock> clock_;
    std::unordered_map<std::string, node> rows_;
    std::list<std::string> spare_;  // digests of what may be dropped, oldest first
    std::size_t bytes_ = 0;
    std::uint64_t tokens_ = 0;
    std::uint64_t processes_ = 0;
    std::set<std::string> dead_;
};

}  // namespace detail
}  // namespace coffer::inline v0
