// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of ledger_memory.hpp.

#include <coffer/store/ledger_memory.hpp>

#include <algorithm>
#include <functional>
#include <stdexcept>

namespace coffer::inline COFFER_ABI {

namespace detail {

COFFER_INLINE void memory_ledger::bind(std::shared_ptr<clock> const& c) {
    std::lock_guard const lock{mutex_};
    if (!clock_) clock_ = c;
    if (clock_ != c)
        throw std::logic_error{
            "coffer: this ledger in memory is already used under another clock; give each simulation its own"};
}

COFFER_INLINE void memory_ledger::declare_dead(std::string const& process) {
    {
        std::lock_guard const lock{mutex_};
        dead_.insert(process);
    }
    queue_.changed();
}

COFFER_INLINE ledger_book::owner_is_dead memory_ledger::owner_is_dead() const {
    return [this](std::string const& owner) { return dead_.contains(owner); };  // asked under the lock
}

COFFER_INLINE ledger_moment memory_ledger::moment() const {
    if (!clock_) throw std::logic_error{"coffer: no clock is bound to this ledger yet (ledger_backend::bind)"};
    return {clock_->now(), clock_->wall_now()};
}

COFFER_INLINE memory_ledger_backend::memory_ledger_backend(std::shared_ptr<memory_ledger> shared, std::string process)
    : shared_{std::move(shared)}, process_{std::move(process)} {
    shared_->join();
}

COFFER_INLINE std::string memory_ledger_backend::work_of(fingerprint const& print) const {
    return std::to_string(std::hash<std::string>{}(print.text()));  // good for this process, as the ledger is
}

COFFER_INLINE std::string memory_ledger_backend::record_of(key const& k) const { return std::string{k.bytes()}; }

COFFER_INLINE alarm_outbox::result<reserve_verdict> memory_ledger_backend::reserve(reserve_request const& q) {
    auto verdict = shared_->with(
        [&](ledger_book& b, ledger_moment at) { return b.reserve(q, process_, at, shared_->owner_is_dead()); });
    if (auto const* const denied = std::get_if<budget_denial>(&verdict))
        shared_->with_alarms(
            [&](memory_alarms& alarms, ledger_book const&, wall_time_point now) { alarms.note_denial(*denied, now); });
    static auto const yes = result<reserve_verdict>::ready(reserved{});  // all of them are the same
    return std::holds_alternative<reserved>(verdict) ? yes : result<reserve_verdict>::ready(std::move(verdict));
}

COFFER_INLINE alarm_outbox::result<void> memory_ledger_backend::submit_settle(reservation_id const& id,
                                                                              std::optional<money> actual,
                                                                              std::string const& request_id) {
    return change([&](ledger_book& b, ledger_moment at) { b.settle(id, actual, request_id, at); });
}

COFFER_INLINE alarm_outbox::result<void> memory_ledger_backend::submit_release(reservation_id const& id) {
    return change([&](ledger_book& b, ledger_moment at) { b.release(id, at); });
}

COFFER_INLINE alarm_outbox::result<void> memory_ledger_backend::submit_lapse(reservation_id const& id) {
    return change([&](ledger_book& b, ledger_moment at) { b.lapse(id, at); });
}

COFFER_INLINE alarm_outbox::result<std::size_t> memory_ledger_backend::freeze(std::string const& scope,
                                                                              std::string const& reason) {
    auto under_way = done<std::size_t>([&](ledger_book& b, ledger_moment at) {
        b.lapse(at, shared_->owner_is_dead());
        return b.freeze(scope, reason);
    });
    shared_->queue().changed();  // who waits there is told at once
    return under_way;
}

COFFER_INLINE alarm_outbox::result<bool> memory_ledger_backend::thaw(std::string const& scope) {
    auto thawed = done<bool>([&](ledger_book& b, ledger_moment) { return b.thaw(scope); });
    shared_->queue().changed();
    return thawed;
}

COFFER_INLINE alarm_outbox::result<void> memory_ledger_backend::set_limit(std::string const& scope, window const& over,
                                                                          std::optional<money> limit) {
    return change([&](ledger_book& b, ledger_moment) { b.set_limit(scope, over.text(), limit); });
}

COFFER_INLINE alarm_outbox::result<std::size_t> memory_ledger_backend::correct(std::vector<correction> const& what) {
    auto corrected = done<std::size_t>([&](ledger_book& b, ledger_moment at) {
        std::size_t known = 0;
        for (auto const& c : what) known += b.settle(c.entry, c.actual, {}, at) ? 1U : 0U;
        return known;
    });
    shared_->queue().changed();
    return corrected;
}

COFFER_INLINE alarm_outbox::result<std::vector<account_status>> memory_ledger_backend::accounts(
    std::string const& scope) {
    return done<std::vector<account_status>>([&](ledger_book& b, ledger_moment at) {
        b.lapse(at, shared_->owner_is_dead());
        return b.accounts(scope);
    });
}

COFFER_INLINE alarm_outbox::result<std::vector<ledger_entry>> memory_ledger_backend::entries(
    entry_filter const& filter) {
    return done<std::vector<ledger_entry>>([&](ledger_book& b, ledger_moment at) {
        b.lapse(at, shared_->owner_is_dead());
        return chosen(b, filter);
    });
}

COFFER_INLINE alarm_outbox::result<std::vector<std::string>> memory_ledger_backend::audit() {
    return done<std::vector<std::string>>([&](ledger_book& b, ledger_moment) { return b.audit(); });
}

COFFER_INLINE alarm_outbox::result<std::size_t> memory_ledger_backend::look_for_alarms(alarm_watch const& watch) {
    auto found = alarmed<std::size_t>(
        [&](memory_alarms& alarms, ledger_book& b, wall_time_point now) { return alarms.look(watch, b, now); });
    shared_->queue().changed();  // who waits in a scope that was frozen is told at once
    return found;
}

COFFER_INLINE alarm_outbox::result<std::vector<kept_alarm>> memory_ledger_backend::take_alarms(std::size_t most,
                                                                                               duration lease) {
    return alarmed<std::vector<kept_alarm>>(
        [&](memory_alarms& alarms, ledger_book&, wall_time_point now) { return alarms.take(most, lease, now); });
}

COFFER_INLINE alarm_outbox::result<void> memory_ledger_backend::alarm_delivered(std::string const& id) {
    shared_->with_alarms([&](memory_alarms& alarms, ledger_book&, wall_time_point now) { alarms.delivered(id, now); });
    return result<void>::ready({});
}

COFFER_INLINE alarm_outbox::result<void> memory_ledger_backend::alarm_failed(std::string const& id,
                                                                             std::string const& trouble,
                                                                             duration pause) {
    shared_->with_alarms(
        [&](memory_alarms& alarms, ledger_book&, wall_time_point now) { alarms.failed(id, trouble, pause, now); });
    return result<void>::ready({});
}

COFFER_INLINE alarm_outbox::result<std::vector<kept_alarm>> memory_ledger_backend::alarms(alarm_filter const& filter) {
    return alarmed<std::vector<kept_alarm>>(
        [&](memory_alarms const& alarms, ledger_book const&, wall_time_point) { return alarms.list(filter); });
}

COFFER_INLINE std::vector<ledger_entry> memory_ledger_backend::chosen(ledger_book const& b, entry_filter const& f) {
    std::vector<ledger_entry> found;
    b.for_each([&](reservation const& r, ledger_lines const& lines) {
        bool const inside =
            std::any_of(lines.begin(), lines.end(), [&](auto& l) { return is_within(l.scope, f.scope); });
        if (!inside || (f.state && r.state != *f.state) || r.created < f.from || r.created >= f.to ||
            (!f.request_id.empty() && r.about.request_id != f.request_id))
            return;
        ledger_entry e;
        e.row = r;
        for (auto const& l : lines) {
            e.scopes.push_back(l.scope);
            e.windows.push_back(l.window_text);
        }
        found.push_back(std::move(e));
    });
    std::sort(found.begin(), found.end(), [](ledger_entry const& a, ledger_entry const& other) {
        return std::pair{a.row.created, a.row.id} < std::pair{other.row.created, other.row.id};
    });
    if (found.size() > f.limit) found.erase(found.begin() + static_cast<std::ptrdiff_t>(f.limit), found.end());
    return found;
}

}  // namespace detail

COFFER_INLINE in_memory_ledger::in_memory_ledger(memory_ledger_options options)
    : ledger{std::make_shared<detail::memory_ledger_backend>(
          std::make_shared<detail::memory_ledger>(options.most_entries), "this process")} {}

}  // namespace coffer::inline COFFER_ABI
