// SPDX-License-Identifier: BSL-1.0
#pragma once
// A store, with its ledger, whose process dies at a step of it: what it asks for from then on never happens.

#include <coffer/store/flight_table.hpp>
#include <coffer/store/memory.hpp>
#include <coffer/store/store.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace support {

/// How long a process lives. For one thread.
class life {
public:
    /// It dies at its `step`th step from now: before it is done, or after it, without hearing of it.
    void end_at(int step, bool done) {
        left_ = step;
        done_ = done;
    }
    [[nodiscard]] bool over() const noexcept { return over_; }
    std::function<void()> after_step;  // somebody watches
    bool unreachable = false;          // alarms cannot be looked for just now

    /// `step()`, or a completion that never comes.
    template <class Completion, class Step>
    Completion live(Step const& step) {
        if (over_) return {};
        over_ = left_ > 0 && --left_ == 0;
        if (over_ && !done_) return {};
        auto said = step();
        if (after_step) after_step();
        return over_ ? Completion{} : said;
    }

private:
    int left_ = 0;  // 0: for ever
    bool done_ = false;
    bool over_ = false;
};

class mortal_ledger final : public coffer::ledger_backend {
public:
    mortal_ledger(std::shared_ptr<ledger_backend> inner, std::shared_ptr<life> l)
        : inner_{std::move(inner)}, life_{std::move(l)} {}

    void bind(std::shared_ptr<coffer::clock> const& c) override { inner_->bind(c); }
    result<coffer::reserve_verdict> reserve(coffer::reserve_request const& q) override {
        return step<coffer::reserve_verdict>([&] { return inner_->reserve(q); });
    }
    result<void> submit_settle(coffer::reservation_id const& id, std::optional<coffer::money> actual,
                               std::string const& request_id) override {
        return step<void>([&] { return inner_->submit_settle(id, actual, request_id); });
    }
    result<void> submit_release(coffer::reservation_id const& id) override {
        return step<void>([&] { return inner_->submit_release(id); });
    }
    result<void> submit_lapse(coffer::reservation_id const& id) override {
        return step<void>([&] { return inner_->submit_lapse(id); });
    }
    result<std::size_t> freeze(std::string const& scope, std::string const& reason) override {
        return inner_->freeze(scope, reason);
    }
    result<bool> thaw(std::string const& scope) override { return inner_->thaw(scope); }
    result<void> set_limit(std::string const& scope, coffer::window const& over,
                           std::optional<coffer::money> limit) override {
        return inner_->set_limit(scope, over, limit);
    }
    result<std::size_t> correct(std::vector<coffer::correction> const& what) override { return inner_->correct(what); }
    result<std::vector<coffer::account_status>> accounts(std::string const& scope) override {
        return inner_->accounts(scope);
    }
    result<std::vector<coffer::ledger_entry>> entries(coffer::entry_filter const& f) override {
        return inner_->entries(f);
    }
    result<std::vector<std::string>> audit() override { return inner_->audit(); }
    [[nodiscard]] std::string work_of(coffer::fingerprint const& print) const override {
        return inner_->work_of(print);
    }
    [[nodiscard]] std::string record_of(coffer::key const& k) const override { return inner_->record_of(k); }
    result<std::size_t> look_for_alarms(coffer::alarm_watch const& watch) override {
        if (life_->unreachable)
            return result<std::size_t>::ready(coffer::failed(coffer::fault_kind::store_unavailable, "gone for now"));
        return step<std::size_t>([&] { return inner_->look_for_alarms(watch); });
    }
    result<std::vector<coffer::kept_alarm>> take_alarms(std::size_t most, coffer::duration lease) override {
        return step<std::vector<coffer::kept_alarm>>([&] { return inner_->take_alarms(most, lease); });
    }
    result<void> alarm_delivered(std::string const& id) override {
        return step<void>([&] { return inner_->alarm_delivered(id); });
    }
    result<void> alarm_failed(std::string const& id, std::string const& trouble, coffer::duration pause) override {
        return step<void>([&] { return inner_->alarm_failed(id, trouble, pause); });
    }
    result<std::vector<coffer::kept_alarm>> alarms(coffer::alarm_filter const& f) override { return inner_->alarms(f); }
    [[nodiscard]] bool is_shared() const noexcept override { return inner_->is_shared(); }
    [[nodiscard]] void const* identity() const noexcept override { return inner_->identity(); }
    [[nodiscard]] coffer::budget_queue& queue() noexcept override { return inner_->queue(); }

private:
    template <class T, class Fn>
    result<T> step(Fn const& fn) {
        return life_->live<result<T>>(fn);
    }
    std::shared_ptr<ledger_backend> inner_;
    std::shared_ptr<life> life_;
};

class mortal_backend final : public coffer::store_backend {
public:
    mortal_backend(std::shared_ptr<store_backend> inner, std::shared_ptr<life> l)
        : inner_{std::move(inner)}, life_{l}, ledger_{std::make_shared<mortal_ledger>(inner_->ledger(), l)} {}

    void bind(std::shared_ptr<coffer::clock> const& c) override { inner_->bind(c); }
    [[nodiscard]] coffer::record_id id_of(coffer::key const& k) const override { return inner_->id_of(k); }
    result<coffer::claim_verdict> claim(coffer::record_id const& id, coffer::claim_request const& q) override {
        return step<coffer::claim_verdict>([&] { return inner_->claim(id, q); });
    }
    result<coffer::permitted> permit(coffer::claim_ref const& c, coffer::permit_request const& q,
                                     std::span<coffer::ledger_op const> money) override {
        return step<coffer::permitted>([&] { return inner_->permit(c, q, money); });
    }
    result<void> submit_answer(coffer::claim_ref const& c, int send, coffer::shared_answer const& what) override {
        return step<void>([&] { return inner_->submit_answer(c, send, what); });
    }
    result<void> submit_accept(coffer::claim_ref const& c, int send) override {
        return step<void>([&] { return inner_->submit_accept(c, send); });
    }
    result<void> submit_reject(coffer::claim_ref const& c, int send, coffer::fault const& why) override {
        return step<void>([&] { return inner_->submit_reject(c, send, why); });
    }
    result<void> submit_lost(coffer::claim_ref const& c, int send, coffer::fault const& why) override {
        return step<void>([&] { return inner_->submit_lost(c, send, why); });
    }
    result<void> submit_unsend(coffer::claim_ref const& c, int send) override {
        return step<void>([&] { return inner_->submit_unsend(c, send); });
    }
    result<void> submit_fail(coffer::claim_ref const& c, coffer::fault const& why, coffer::duration kept) override {
        return step<void>([&] { return inner_->submit_fail(c, why, kept); });
    }
    result<void> submit_release(coffer::claim_ref const& c) override {
        return step<void>([&] { return inner_->submit_release(c); });
    }
    result<void> heartbeat(coffer::claim_ref const& c, coffer::duration lease) override {
        return step<void>([&] { return inner_->heartbeat(c, lease); });
    }
    result<void> acknowledge(coffer::record_id const& id) override { return inner_->acknowledge(id); }
    result<std::shared_ptr<coffer::record const>> peek(coffer::record_id const& id) override {
        return inner_->peek(id);
    }
    result<std::vector<coffer::record_summary>> list(coffer::record_filter const& f) override {
        return inner_->list(f);
    }
    result<void> resolve(coffer::record_id const& id, coffer::resolution const& how) override {
        return inner_->resolve(id, how);
    }
    result<coffer::run_verdict> begin_run(coffer::record_id const& job, coffer::run_request const& q) override {
        return inner_->begin_run(job, q);
    }
    result<void> note_step(coffer::run_ref const& run, std::string const& name, coffer::duration lease) override {
        return inner_->note_step(run, name, lease);
    }
    result<void> end_run(coffer::run_ref const& run, std::optional<coffer::run_failure> const& failure) override {
        return inner_->end_run(run, failure);
    }
    result<std::shared_ptr<coffer::run_record const>> peek_run(coffer::record_id const& job) override {
        return inner_->peek_run(job);
    }
    result<std::vector<coffer::run_summary>> list_runs(coffer::run_filter const& f) override {
        return inner_->list_runs(f);
    }
    result<void> reopen_run(coffer::record_id const& job) override { return inner_->reopen_run(job); }
    [[nodiscard]] std::shared_ptr<coffer::ledger_backend> const& ledger() const noexcept override { return ledger_; }
    [[nodiscard]] coffer::flight_table& flights() noexcept override { return inner_->flights(); }

private:
    template <class T, class Fn>
    result<T> step(Fn const& fn) {
        return life_->live<result<T>>(fn);
    }
    std::shared_ptr<store_backend> inner_;
    std::shared_ptr<life> life_;
    std::shared_ptr<coffer::ledger_backend> ledger_;
};

/// One process of several that share the records and accounts of `all`.
class mortal_store : public coffer::store {
public:
    explicit mortal_store(coffer::memory_store const& all)
        : mortal_store{all.another_process(), std::make_shared<support::life>()} {}

    [[nodiscard]] support::life& life() const { return *life_; }
    /// Everybody sees that it is dead.
    void declare_dead() const { memory_.declare_dead(); }

private:
    mortal_store(coffer::memory_store memory, std::shared_ptr<support::life> const& l)
        : store{std::make_shared<mortal_backend>(memory.backend(), l)}, memory_{std::move(memory)}, life_{l} {}
    coffer::memory_store memory_;
    std::shared_ptr<support::life> life_;
};

}  // namespace support
