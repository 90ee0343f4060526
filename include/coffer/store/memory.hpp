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
#include <variant>
#include <vector>

namespace coffer::inline COFFER_ABI {
namespace detail {

/// One process's view of the records. Everything is done before `submit` returns.
class memory_backend final : public store_backend {
public:
    memory_backend(std::shared_ptr<memory_records> records, std::shared_ptr<memory_ledger> money)
        : records_{std::move(records)},
          process_{records_->new_process()},
          money_{std::make_shared<memory_ledger_backend>(std::move(money), process_)},
          ledger_{money_} {}

    [[nodiscard]] std::string name() const override { return "in memory"; }
    void bind(std::shared_ptr<clock> const& c) override {
        records_->bind(c);
        ledger_->bind(c);
    }
    [[nodiscard]] record_id id_of(key const& k) const override {
        return {std::string{k.name_space()}, std::string{k.bytes()}};
    }

    result<claim_verdict> claim(record_id const& id, claim_request const& q) override {
        auto verdict = step<claim_verdict>(store_step::claim, [&] { return records_->claim(id, q, process_); });
        auto const* const said = verdict.get();
        if (auto const* const r = *said ? std::get_if<replayed>(&**said) : nullptr; r != nullptr && !q.cached)
            money_->shared()->with_alarms(
                [&](memory_alarms& alarms, auto&, auto) { alarms.note_replay(id, r->accepted.what->cost); });
        return verdict;
    }
    result<permitted> permit(claim_ref const& c, permit_request const& q, std::span<ledger_op const> money) override {
        return change<permitted>(store_step::permit, c, [&](record_machine& m) -> outcome<permitted> {
            return money_->shared()->with([&](ledger_book& b, ledger_moment at) -> outcome<permitted> {
                if (!money.empty())
                    if (auto may = b.may_send(money.front().sent); !may) return tl::unexpected{std::move(may).error()};
                auto granted = m.permit(c.id, q);
                if (!granted) return granted;
                b.begin_send(c.record.digest, granted->send, money.empty() ? nullptr : &money.front().sent);
                if (!money.empty()) b.send(money.front().sent, c.record.digest, granted->send, q.longest, at);
                return granted;
            });
        });
    }
    result<void> submit_answer(claim_ref const& c, int send, shared_answer const& what) override {
        return change(store_step::answer, c, [&](auto& m) {
            auto kept = m.answer(c.id, send, what, c.print.get(), c.cached_for);
            if (kept && what->cost)
                money_->shared()->with([&](ledger_book& b, ledger_moment at) {
                    b.settle_send(c.record.digest, send, *what->cost, what->request_id, at);
                });
            return kept;
        });
    }
    result<void> submit_accept(claim_ref const& c, int send) override {
        return change(store_step::accept, c, [&](auto& m) { return m.accept(send); });
    }
    result<void> submit_reject(claim_ref const& c, int send, fault const& why) override {
        return change(store_step::reject, c, [&](auto& m) {
            auto judged = m.reject(c.id, send, why);
            if (judged && why.billing() == knowledge::no) give_back(c, send);
            return judged;
        });
    }
    result<void> submit_lost(claim_ref const& c, int send, fault const& why) override {
        return change(store_step::lost, c, [&](auto& m) { return m.lost(c.id, send, why); });
    }
    result<void> submit_unsend(claim_ref const& c, int send) override {
        return change(store_step::unsend, c, [&](auto& m) {
            auto back = m.unsend(c.id, send);
            if (back) give_back(c, send);
            return back;
        });
    }
    result<void> submit_fail(claim_ref const& c, fault const& why, duration kept) override {
        return change(store_step::fail, c, [&](auto& m) { return m.fail(c.id, why, kept); });
    }
    result<void> submit_release(claim_ref const& c) override {
        return change(store_step::release, c, [&](auto& m) { return m.release(c.id); });
    }
    result<void> heartbeat(claim_ref const& c, duration lease) override {
        return change(std::nullopt, c, [&](auto& m) { return m.heartbeat(c.id, lease); });
    }
    result<void> acknowledge(record_id const& id) override {
        auto done = change(store_step::acknowledge, {id}, [](auto& m) { return m.acknowledge(); });
        if (*done.get())
            money_->shared()->with_alarms([&](memory_alarms& alarms, auto&, auto) { alarms.acknowledged(id); });
        return done;
    }
    result<std::shared_ptr<record const>> peek(record_id const& id) override {
        return step<std::shared_ptr<record const>>(std::nullopt, [&] { return records_->peek(id); });
    }
    result<std::vector<record_summary>> list(record_filter const& filter) override {
        return step<std::vector<record_summary>>(std::nullopt, [&] { return records_->list(filter); });
    }
    result<void> resolve(record_id const& id, resolution const& how) override {
        return change(std::nullopt, {id}, [&](auto& m) { return m.resolve(how); });
    }
    [[nodiscard]] std::shared_ptr<ledger_backend> const& ledger() const noexcept override { return ledger_; }
    result<run_verdict> begin_run(record_id const& job, run_request const& q) override {
        return with_alarm(
            job, step<run_verdict>(store_step::begin_run, [&] { return records_->begin_run(job, q, process_); }));
    }
    result<void> note_step(run_ref const& run, std::string const& name, duration lease) override {
        return step<void>(store_step::note_step, [&] {
            return records_->change_run(run.job, [&](run_machine& m) { return m.note(run.id, name, lease); });
        });
    }
    result<void> end_run(run_ref const& run, run_failure const& failure) override {
        return with_alarm(run.job, step<void>(store_step::end_run, [&] {
                              return records_->change_run(run.job,
                                                          [&](run_machine& m) { return m.fail(run.id, failure); });
                          }));
    }
    result<std::vector<record_id>> finish_run(record_id const& job, std::vector<record_id> const& answers) override {
        std::vector<record_id> acknowledged;
        auto done = with_alarm(job, step<std::vector<record_id>>(store_step::end_run, [&] {
                                   return records_->finish_run(job, answers, acknowledged);
                               }));
        money_->shared()->with_alarms([&](memory_alarms& alarms, auto&, auto) {
            for (auto const& id : acknowledged) alarms.acknowledged(id);
        });
        return done;
    }
    result<std::shared_ptr<run_record const>> peek_run(record_id const& job) override {
        return step<std::shared_ptr<run_record const>>(std::nullopt, [&] { return records_->peek_run(job); });
    }
    result<std::vector<run_summary>> list_runs(run_filter const& filter) override {
        return step<std::vector<run_summary>>(std::nullopt, [&] { return records_->list_runs(filter); });
    }
    result<void> reopen_run(record_id const& job) override {
        return with_alarm(job, step<void>(std::nullopt, [&] {
                              return records_->change_run(job, [](run_machine& m) { return m.reopen(); });
                          }));
    }
    [[nodiscard]] flight_table& flights() noexcept override { return flights_; }

    [[nodiscard]] std::shared_ptr<memory_records> const& records() const noexcept { return records_; }
    [[nodiscard]] std::shared_ptr<memory_ledger> const& money() const noexcept { return money_->shared(); }
    [[nodiscard]] std::string const& process() const noexcept { return process_; }

private:
    /// In the step that says that the send was not billed.
    void give_back(claim_ref const& c, int send) {
        money_->shared()->with([&](ledger_book& b, ledger_moment at) { b.release_send(c.record.digest, send, at); });
    }
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
    void announce(std::optional<store_step> s, edge e) const {
        auto const* const probe = records_->probe();
        if (s && probe != nullptr && *probe) (*probe)(*s, e);
    }

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
    explicit memory_store(memory_options options = {})
        : memory_store{std::make_shared<detail::memory_backend>(
              std::make_shared<detail::memory_records>(options),
              std::make_shared<detail::memory_ledger>(options.most_entries))} {}

    /// A handle that acts as another process which uses the same records: for simulations. It has its own flights.
    [[nodiscard]] memory_store another_process() const {
        return memory_store{std::make_shared<detail::memory_backend>(memory_->records(), memory_->money())};
    }
    /// From now on the process that this handle stands for is proven dead to all others.
    void declare_dead() const {
        memory_->records()->declare_dead(memory_->process());
        memory_->money()->declare_dead(memory_->process());
    }

private:
    explicit memory_store(std::shared_ptr<detail::memory_backend> backend)
        : store{backend}, memory_{std::move(backend)} {}
    std::shared_ptr<detail::memory_backend> memory_;
};

}  // namespace coffer::inline COFFER_ABI
