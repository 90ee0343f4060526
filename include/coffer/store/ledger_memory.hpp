// SPDX-License-Identifier: BSL-1.0
#pragma once
// A ledger in memory: as good as its process's life. Also the money side of a store in memory.

#include <coffer/state/ledger_book.hpp>
#include <coffer/store/alarms_memory.hpp>
#include <coffer/store/ledger.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI {
namespace detail {

/// The book under a lock, with its clock and the processes that are known to be dead. Any thread.
class memory_ledger {
public:
    explicit memory_ledger(std::size_t most_entries) : book_{most_entries} {}

    void bind(std::shared_ptr<clock> const& c);
    void declare_dead(std::string const& process);
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
    [[nodiscard]] ledger_book::owner_is_dead owner_is_dead() const;
    [[nodiscard]] budget_queue& queue() noexcept { return queue_; }

private:
    [[nodiscard]] ledger_moment moment() const;

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
    memory_ledger_backend(std::shared_ptr<memory_ledger> shared, std::string process);

    void bind(std::shared_ptr<clock> const& c) override { shared_->bind(c); }

    [[nodiscard]] COFFER_INLINE std::string work_of(fingerprint const& print) const override;

    [[nodiscard]] COFFER_INLINE std::string record_of(key const& k) const override;

    COFFER_INLINE result<reserve_verdict> reserve(reserve_request const& q) override;
    COFFER_INLINE result<void> submit_settle(reservation_id const& id, std::optional<money> actual,
                                             std::string const& request_id) override;
    COFFER_INLINE result<void> submit_release(reservation_id const& id) override;
    COFFER_INLINE result<void> submit_lapse(reservation_id const& id) override;
    COFFER_INLINE result<std::size_t> freeze(std::string const& scope, std::string const& reason) override;
    COFFER_INLINE result<bool> thaw(std::string const& scope) override;
    COFFER_INLINE result<void> set_limit(std::string const& scope, window const& over,
                                         std::optional<money> limit) override;
    COFFER_INLINE result<std::size_t> correct(std::vector<correction> const& what) override;
    COFFER_INLINE result<std::vector<account_status>> accounts(std::string const& scope) override;
    COFFER_INLINE result<std::vector<ledger_entry>> entries(entry_filter const& filter) override;
    COFFER_INLINE result<std::vector<std::string>> audit() override;
    COFFER_INLINE result<std::size_t> look_for_alarms(alarm_watch const& watch) override;
    COFFER_INLINE result<std::vector<kept_alarm>> take_alarms(std::size_t most, duration lease) override;
    COFFER_INLINE result<void> alarm_delivered(std::string const& id) override;
    COFFER_INLINE result<void> alarm_failed(std::string const& id, std::string const& trouble, duration pause) override;
    COFFER_INLINE result<std::vector<kept_alarm>> alarms(alarm_filter const& filter) override;
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
    [[nodiscard]] static std::vector<ledger_entry> chosen(ledger_book const& b, entry_filter const& f);

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
    explicit in_memory_ledger(memory_ledger_options options = {});
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/ledger_memory.ipp>
#endif
