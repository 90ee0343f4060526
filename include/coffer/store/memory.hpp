// SPDX-License-Identifier: BSL-1.0
#pragma once
// A store in memory: for tests, for programs that need no more than their own life, and as the plainest example.

#include <coffer/store/flight_table.hpp>
#include <coffer/store/ledger_memory.hpp>
#include <coffer/store/memory_records.hpp>
#include <coffer/store/probe.hpp>
#include <coffer/store/store.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI {
namespace detail {

/// One process's view of the records. Everything is done before `submit` returns.
class memory_backend final : public store_backend {
public:
    memory_backend(std::shared_ptr<memory_records> records, std::shared_ptr<memory_ledger> money);

    [[nodiscard]] std::string name() const override { return "in memory"; }
    void bind(std::shared_ptr<clock> const& c) override {
        records_->bind(c);
        ledger_->bind(c);
    }
    [[nodiscard]] COFFER_INLINE record_id id_of(key const& k) const override;

    COFFER_INLINE result<claim_verdict> claim(record_id const& id, claim_request const& q) override;
    COFFER_INLINE result<permitted> permit(claim_ref const& c, permit_request const& q,
                                           std::span<ledger_op const> money) override;
    COFFER_INLINE result<void> submit_answer(claim_ref const& c, int send, shared_answer const& what) override;
    COFFER_INLINE result<void> submit_accept(claim_ref const& c, int send) override;
    COFFER_INLINE result<void> submit_reject(claim_ref const& c, int send, fault const& why) override;
    COFFER_INLINE result<void> submit_lost(claim_ref const& c, int send, fault const& why) override;
    COFFER_INLINE result<void> submit_unsend(claim_ref const& c, int send) override;
    COFFER_INLINE result<void> submit_fail(claim_ref const& c, fault const& why, duration kept) override;
    COFFER_INLINE result<void> submit_release(claim_ref const& c) override;
    COFFER_INLINE result<void> heartbeat(claim_ref const& c, duration lease) override;
    COFFER_INLINE result<void> acknowledge(record_id const& id) override;
    COFFER_INLINE result<std::shared_ptr<record const>> peek(record_id const& id) override;
    COFFER_INLINE result<std::vector<record_summary>> list(record_filter const& filter) override;
    COFFER_INLINE result<void> resolve(record_id const& id, resolution const& how) override;
    [[nodiscard]] std::shared_ptr<ledger_backend> const& ledger() const noexcept override { return ledger_; }
    COFFER_INLINE result<run_verdict> begin_run(record_id const& job, run_request const& q) override;
    COFFER_INLINE result<void> note_step(run_ref const& run, std::string const& name, duration lease) override;
    COFFER_INLINE result<void> end_run(run_ref const& run, run_failure const& failure) override;
    COFFER_INLINE result<std::vector<record_id>> finish_run(record_id const& job,
                                                            std::vector<record_id> const& answers) override;
    COFFER_INLINE result<std::shared_ptr<run_record const>> peek_run(record_id const& job) override;
    COFFER_INLINE result<std::vector<run_summary>> list_runs(run_filter const& filter) override;
    COFFER_INLINE result<void> reopen_run(record_id const& job) override;
    [[nodiscard]] flight_table& flights() noexcept override { return flights_; }

    [[nodiscard]] std::shared_ptr<memory_records> const& records() const noexcept { return records_; }
    [[nodiscard]] std::shared_ptr<memory_ledger> const& money() const noexcept { return money_->shared(); }
    [[nodiscard]] std::string const& process() const noexcept { return process_; }

private:
    /// In the step that says that the send was not billed.
    void give_back(claim_ref const& c, int send);
    template <class T, class Fn>
    result<T> step(std::optional<store_step> s, Fn&& fn) {
        announce(s, edge::before);
        auto value = outcome<T>{fn()};
        announce(s, edge::after);
        return result<T>::ready(std::move(value));
    }
    /// A job may have been stopped, or reopened.
    template <class T>
    result<T> with_alarm(record_id const& job, result<T> changed) {
        auto const row = records_->peek_run(job);
        money_->shared()->with_alarms([&](memory_alarms& alarms, auto&, auto) { alarms.note_run(job, row.get()); });
        return changed;
    }
    template <class T = void, class Fn>
    result<T> change(std::optional<store_step> s, claim_ref const& c, Fn&& fn) {
        return step<T>(s, [&] { return records_->change<T>(c.record, fn); });
    }
    void announce(std::optional<store_step> s, edge e) const;

    std::shared_ptr<memory_records> records_;
    std::string process_;
    std::shared_ptr<memory_ledger_backend> money_;  // its lock is taken within that of the records
    std::shared_ptr<ledger_backend> ledger_;  // the same
    flight_table flights_;
};

}  // namespace detail

/// A store that keeps its records in memory and loses them with the process. Copies are handles of the same store.
///
/// Within this process it promises what every store does: a key is paid for at most `max_sends` times, its callers share
/// one flight, and its answer is replayed. A process that ends forgets all of it, and pays again. With a ledger, for
/// `budget`.
///
/// Operations are carried out at once, in the caller's thread; under virtual time one seed is one run. Keys stand in
/// memory as they are. Full (`memory_options`), it refuses new keys with `store_unavailable` rather than forget an answer
/// that nobody has acknowledged. Thread safety: any thread. Example: `coffer::memory_store db;`
class memory_store : public store {
public:
    /// An empty one.
    explicit memory_store(memory_options options = {});

    /// A handle that acts as another process which uses the same records: for simulations. It has its own flights.
    [[nodiscard]] memory_store another_process() const;
    /// From now on the process that this handle stands for is proven dead to all others.
    void declare_dead() const;

private:
    explicit memory_store(std::shared_ptr<detail::memory_backend> backend);
    std::shared_ptr<detail::memory_backend> memory_;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/memory.ipp>
#endif
