// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of memory_records.hpp.

#include <coffer/store/memory_records.hpp>

#include <algorithm>
#include <stdexcept>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE void memory_records::bind(std::shared_ptr<clock> const& c) {
    std::lock_guard const lock{mutex_};
    if (!clock_) clock_ = c;
    if (clock_ != c)
        throw std::logic_error{
            "coffer::memory_store: this store is already used under another clock; give each simulation its own"};
}

COFFER_INLINE std::string memory_records::new_process() {
    std::lock_guard const lock{mutex_};
    return "process " + std::to_string(++processes_);
}

COFFER_INLINE void memory_records::declare_dead(std::string const& process) {
    std::lock_guard const lock{mutex_};
    dead_.insert(process);
}

COFFER_INLINE outcome<claim_verdict> memory_records::claim(record_id const& id, claim_request const& q,
                                                           std::string const& process) {
    std::lock_guard const lock{mutex_};
    bool const full = bytes_ >= options_.max_bytes || rows_.size() >= options_.max_records;
    if (full && !rows_.contains(id.digest) && !make_room()) return failed(is_full());
    return apply<claim_verdict>(id, [&](record_machine& m) -> outcome<claim_verdict> {
        auto verdict = m.claim(q, process, tokens_ + 1);
        if (auto const* g = std::get_if<granted>(&verdict); g != nullptr && g->token > tokens_) tokens_ = g->token;
        return verdict;
    });
}

COFFER_INLINE std::shared_ptr<record const> memory_records::peek(record_id const& id) {
    std::lock_guard const lock{mutex_};
    auto const at = rows_.find(id.digest);
    if (at == rows_.end()) return nullptr;
    auto copy = std::make_shared<record>(at->second.row);
    record_machine now{*copy, moment(), owner_is_dead()};
    if (now.changes().gone) return nullptr;
    now.show_as_it_is();
    return copy;
}

COFFER_INLINE std::vector<record_summary> memory_records::list(record_filter const& filter) {
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

COFFER_INLINE outcome<run_verdict> memory_records::begin_run(record_id const& job, run_request const& q,
                                                             std::string const& process) {
    std::lock_guard const lock{mutex_};
    auto const at = moment();
    runs_.drop_due(at, owner_is_dead());
    if (runs_.size() >= options_.max_records && !runs_.has(job)) return failed(is_full());
    return runs_.change(job, at, owner_is_dead(), [&](run_machine& m) { return m.begin(q, process); });
}

COFFER_INLINE outcome<std::vector<record_id>> memory_records::finish_run(record_id const& job,
                                                                         std::vector<record_id> const& answers,
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

COFFER_INLINE std::shared_ptr<run_record const> memory_records::peek_run(record_id const& job) {
    std::lock_guard const lock{mutex_};
    return runs_.peek(job, moment(), owner_is_dead());
}

COFFER_INLINE std::vector<run_summary> memory_records::list_runs(run_filter const& filter) {
    std::lock_guard const lock{mutex_};
    return runs_.list(filter, moment(), owner_is_dead());
}

COFFER_INLINE fault memory_records::is_full() {
    return fault{fault_kind::store_unavailable,
                 "the store in memory is full; acknowledge results, or raise memory_options"}
        .with_code("store_full");
}

COFFER_INLINE record_moment memory_records::moment() const {
    if (!clock_) throw std::logic_error{"coffer::memory_store: no clock is bound yet (store_backend::bind)"};
    return {clock_->now(), clock_->wall_now()};
}

COFFER_INLINE record_machine::owner_is_dead memory_records::owner_is_dead() const {
    return [this](std::string const& owner) { return dead_.contains(owner); };
}

COFFER_INLINE void memory_records::account(std::string const& digest, node& n) {
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

COFFER_INLINE memory_records::digests* memory_records::spare_list(record const& r) noexcept {
    using enum record_state;
    if (r.cached && r.state == done) return &cached_;
    return r.state == acked || r.state == free ? &spare_ : nullptr;  // not expired: it would be paid for again
}

COFFER_INLINE void memory_records::look_again(std::string const& digest, node& n, wall_time_point when) {
    if (n.is_due && n.due->first == when) return;
    if (n.is_due) due_.erase(n.due);
    n.is_due = when != wall_time_point::max();
    if (n.is_due) n.due = due_.emplace(when, &digest);
}

COFFER_INLINE void memory_records::forget(std::unordered_map<std::string, node>::iterator at) {
    auto& n = at->second;
    bytes_ -= n.bytes;
    if (n.spare != nullptr) n.spare->erase(n.place);
    if (n.is_due) due_.erase(n.due);
    rows_.erase(at);
}

COFFER_INLINE void memory_records::drop_due() {
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

COFFER_INLINE bool memory_records::make_room() {
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

}  // namespace coffer::inline COFFER_ABI::detail
