// SPDX-License-Identifier: BSL-1.0
#pragma once
// A ledger in memory: as good as its process's life. Also the money side of a store in memory.

#include <coffer/state/ledger_book.hpp>
#include <coffer/store/alarms_memory.hpp>
#include <coffer/store/ledger.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI {
namespace detail {

/// The book under a lock, with its clock and the processes that are known to be dead. Any thread.
class memory_ledger {
public:
    explicit memory_ledger(std::size_t most_entries) : book_{most_entries} {}

    void bind(std::shared_ptr<clock> const& c) {
        std::lock_guard const lock{mutex_};
        if (!clock_) clock_ = c;
        if (clock_ != c)
            throw std::logic_error{
                "coffer: this ledger in memory is already used under another clock; give each simulation its own"};
    }
    void declare_dead(std::string const& process) {
        {
            std::lock_guard const lock{mutex_};
            dead_.insert(process);
        }
        queue_.changed();
    }
    /// One more process uses it.
    void join() noexcept { users_.fetch_add(1, std::memory_order_relaxed); }
    [[nodiscard]] bool is_shared() const noexcept { return users_.load(std::memory_order_relaxed) > 1; }
    /// `fn(book, now)`, alone.
    template <class Fn>
    decltype(auto) with(Fn&& fn) {
        std::lock_guard const lock{mutex_};
        return fn(book_, moment());
    }
    /// `fn(alarms, book, now)`, alone.
    template <class Fn>
    decltype(auto) with_alarms(Fn&& fn) {
        std::lock_guard const lock{mutex_};
        return fn(alarms_, book_, moment().wall);
    }
    [[nodiscard]] ledger_book::owner_is_dead owner_is_dead() const {
        return [this](std::string const& owner) { return dead_.contains(owner); };  // asked under the lock
    }
    [[nodiscard]] budget_queue& queue() noexcept { return queue_; }

private:
    [[nodiscard]] ledger_moment moment() const {
        if (!clock_) throw std::logic_error{"coffer: no clock is bound to this ledger yet (ledger_backend::bind)"};
        return {clock_->now(), clock_->wall_now()};
    }

    std::mutex mutex_;
    std::shared_ptr<clock> clock_;
    std::set<std::string> dead_;
    ledger_book book_;
    memory_alarms alarms_;
    budget_queue queue_;
    std::atomic<int> users_{0};
};

/// One process's view of it. Everything is done before a submission returns.
class memory_ledger_backend final : public ledger_backend {
public:
    memory_ledger_backend(std::shared_ptr<memory_ledger> shared, std::string process)
        : shared_{std::move(shared)}, process_{std::move(process)} {
        shared_->join();
    }

    void bind(std::shared_ptr<clock> const& c) override { shared_->bind(c); }

    [[nodiscard]] std::string work_of(fingerprint const& print) const override {
        return std::to_string(std::hash<std::string>{}(print.text()));  // good for this process, as the ledger is
    }

    [[nodiscard]] std::string record_of(key const& k) const override { return std::string{k.bytes()}; }

    result<reserve_verdict> reserve(reserve_request const& q) override {
        auto verdict = shared_->with(
            [&](ledger_book& b, ledger_moment at) { return b.reserve(q, process_, at, shared_->owner_is_dead()); });
        if (auto const* const denied = std::get_if<budget_denial>(&verdict))
            shared_->with_alarms([&](memory_alarms& alarms, ledger_book const&, wall_time_point now) {
                alarms.note_denial(*denied, now);
            });
        static auto const yes = result<reserve_verdict>::ready(reserved{});  // all of them are the same
        return std::holds_alternative<reserved>(verdict) ? yes : result<reserve_verdict>::ready(std::move(verdict));
    }
    result<void> submit_settle(reservation_id const& id, std::optional<money> actual,
                               std::string const& request_id) override {
        return change([&](ledger_book& b, ledger_moment at) { b.settle(id, actual, request_id, at); });
    }
    result<void> submit_release(reservation_id const& id) override {
        return change([&](ledger_book& b, ledger_moment at) { b.release(id, at); });
    }
    result<void> submit_lapse(reservation_id const& id) override {
        return change([&](ledger_book& b, ledger_moment at) { b.lapse(id, at); });
    }
    result<std::size_t> freeze(std::string const& scope, std::string const& reason) override {
        auto under_way = done<std::size_t>([&](ledger_book& b, ledger_moment at) {
            b.lapse(at, shared_->owner_is_dead());
            return b.freeze(scope, reason);
        });
        shared_->queue().changed();  // who waits there is told at once
        return under_way;
    }
    result<bool> thaw(std::string const& scope) override {
        auto thawed = done<bool>([&](ledger_book& b, ledger_moment) { return b.thaw(scope); });
        shared_->queue().changed();
        return thawed;
    }
    result<void> set_limit(std::string const& scope, window const& over, std::optional<money> limit) override {
        return change([&](ledger_book& b, ledger_moment) { b.set_limit(scope, over.text(), limit); });
    }
    result<std::size_t> correct(std::vector<correction> const& what) override {
        auto corrected = done<std::size_t>([&](ledger_book& b, ledger_moment at) {
            std::size_t known = 0;
            for (auto const& c : what) known += b.settle(c.entry, c.actual, {}, at) ? 1U : 0U;
            return known;
        });
        shared_->queue().changed();
        return corrected;
    }
    result<std::vector<account_status>> accounts(std::string const& scope) override {
        return done<std::vector<account_status>>([&](ledger_book& b, ledger_moment at) {
            b.lapse(at, shared_->owner_is_dead());
            return b.accounts(scope);
        });
    }
    result<std::vector<ledger_entry>> entries(entry_filter const& filter) override {
        return done<std::vector<ledger_entry>>([&](ledger_book& b, ledger_moment at) {
            b.lapse(at, shared_->owner_is_dead());
            return chosen(b, filter);
        });
    }
    result<std::vector<std::string>> audit() override {
        return done<std::vector<std::string>>([&](ledger_book& b, ledger_moment) { return b.audit(); });
    }
    result<std::size_t> look_for_alarms(alarm_watch const& watch) override {
        auto found = alarmed<std::size_t>(
            [&](memory_alarms& alarms, ledger_book& b, wall_time_point now) { return alarms.look(watch, b, now); });
        shared_->queue().changed();  // who waits in a scope that was frozen is told at once
        return found;
    }
    result<std::vector<kept_alarm>> take_alarms(std::size_t most, duration lease) override {
        return alarmed<std::vector<kept_alarm>>(
            [&](memory_alarms& alarms, ledger_book&, wall_time_point now) { return alarms.take(most, lease, now); });
    }
    result<void> alarm_delivered(std::string const& id) override {
        shared_->with_alarms(
            [&](memory_alarms& alarms, ledger_book&, wall_time_point now) { alarms.delivered(id, now); });
        return result<void>::ready({});
    }
    result<void> alarm_failed(std::string const& id, std::string const& trouble, duration pause) override {
        shared_->with_alarms(
            [&](memory_alarms& alarms, ledger_book&, wall_time_point now) { alarms.failed(id, trouble, pause, now); });
        return result<void>::ready({});
    }
    result<std::vector<kept_alarm>> alarms(alarm_filter const& filter) override {
        return alarmed<std::vector<kept_alarm>>(
            [&](memory_alarms const& alarms, ledger_book const&, wall_time_point) { return alarms.list(filter); });
    }
    [[nodiscard]] bool is_shared() const noexcept override { return shared_->is_shared(); }
    [[nodiscard]] budget_queue& queue() noexcept override { return shared_->queue(); }
    [[nodiscard]] void const* identity() const noexcept override { return shared_.get(); }

    [[nodiscard]] std::shared_ptr<memory_ledger> const& shared() const noexcept { return shared_; }

private:
    template <class T, class Fn>
    result<T> done(Fn&& fn) {
        return result<T>::ready(outcome<T>{shared_->with(std::forward<Fn>(fn))});
    }
    template <class T, class Fn>
    result<T> alarmed(Fn&& fn) {
        return result<T>::ready(outcome<T>{shared_->with_alarms(std::forward<Fn>(fn))});
    }
    /// Something that may bring money back.
    template <class Fn>
    result<void> change(Fn&& fn) {
        static auto const done = result<void>::ready({});  // all of them are the same
        shared_->with(std::forward<Fn>(fn));
        shared_->queue().changed();
        return done;
    }
    [[nodiscard]] static std::vector<ledger_entry> chosen(ledger_book const& b, entry_filter const& f) {
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

    std::shared_ptr<memory_ledger> shared_;
    std::string const process_;
};

}  // namespace detail

/// How much a ledger in memory keeps.
struct memory_ledger_options {
    std::size_t most_entries = 100'000;  ///< of ended sends; of older ones only the sums stay
};

/// A ledger that keeps its accounts in memory and loses them with the process: its limits hold for one run of one
/// process. Copies are handles of the same ledger. Any thread.
class in_memory_ledger : public ledger {
public:
    /// An empty one, with nothing held and no limits set.
    explicit in_memory_ledger(memory_ledger_options options = {})
        : ledger{std::make_shared<detail::memory_ledger_backend>(
              std::make_shared<detail::memory_ledger>(options.most_entries), "this process")} {}
};

}  // namespace coffer::inline COFFER_ABI
