// SPDX-License-Identifier: BSL-1.0
#pragma once
// A store with bad days: operations that take their time, fail, or are carried out without anybody being told.

#include <coffer/asio.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/store/flight_table.hpp>
#include <coffer/store/memory.hpp>
#include <coffer/store/store.hpp>
#include <coffer/time/sleep.hpp>

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace support {

enum class op {
    claim,
    permit,
    answer,
    accept,
    reject,
    lost,
    unsend,
    fail,
    release,
    heartbeat,
    begin_run,
    note_step,
    end_run,
    other
};

/// What a store does with one operation.
struct treatment {
    enum class kind {
        carried_out,
        fails,       ///< nothing is done, and it says so
        reply_lost,  ///< it is done, and reported as failed
        silent,      ///< it is done, and nothing is ever reported
        dropped,     ///< nothing is done, and nothing is ever reported
    };
    kind what = kind::carried_out;
    coffer::duration delay{};
};

/// Wraps a backend; one process in the sense of `memory_store::another_process`. Operations are carried out in the order
/// of submission, one after another. For one thread in virtual time.
class scripted_backend final : public coffer::store_backend, public std::enable_shared_from_this<scripted_backend> {
public:
    using script = std::function<treatment(op, int)>;  // the operation, and how many of its kind came before it

    struct entry {
        op what;
        coffer::time_point at;
    };

    scripted_backend(std::shared_ptr<store_backend> inner, asio::any_io_executor executor)
        : inner_{std::move(inner)}, executor_{std::move(executor)} {}

    void play(script s) { script_ = std::move(s); }
    [[nodiscard]] std::vector<entry> const& log() const { return log_; }
    [[nodiscard]] int count(op o) const {
        return static_cast<int>(std::count_if(log_.begin(), log_.end(), [o](entry const& e) { return e.what == o; }));
    }

    void bind(std::shared_ptr<coffer::clock> const& c) override { inner_->bind(c); }
    [[nodiscard]] coffer::record_id id_of(coffer::key const& k) const override { return inner_->id_of(k); }

    result<coffer::claim_verdict> claim(coffer::record_id const& id, coffer::claim_request const& q) override {
        return submit<coffer::claim_verdict>(op::claim, [=](auto& s) { return s.claim(id, q); });
    }
    result<coffer::permitted> permit(coffer::claim_ref const& c, coffer::permit_request const& q,
                                     std::span<coffer::ledger_op const> money) override {
        std::vector<coffer::ledger_op> const held{money.begin(), money.end()};
        return submit<coffer::permitted>(op::permit, [=](auto& s) { return s.permit(c, q, held); });
    }
    result<void> submit_answer(coffer::claim_ref const& c, int send, coffer::shared_answer const& what) override {
        return submit(op::answer, [=](auto& s) { return s.submit_answer(c, send, what); });
    }
    result<void> submit_accept(coffer::claim_ref const& c, int send) override {
        return submit(op::accept, [=](auto& s) { return s.submit_accept(c, send); });
    }
    result<void> submit_reject(coffer::claim_ref const& c, int send, coffer::fault const& why) override {
        return submit(op::reject, [=](auto& s) { return s.submit_reject(c, send, why); });
    }
    result<void> submit_lost(coffer::claim_ref const& c, int send, coffer::fault const& why) override {
        return submit(op::lost, [=](auto& s) { return s.submit_lost(c, send, why); });
    }
    result<void> submit_unsend(coffer::claim_ref const& c, int send) override {
        return submit(op::unsend, [=](auto& s) { return s.submit_unsend(c, send); });
    }
    result<void> submit_fail(coffer::claim_ref const& c, coffer::fault const& why, coffer::duration kept) override {
        return submit(op::fail, [=](auto& s) { return s.submit_fail(c, why, kept); });
    }
    result<void> submit_release(coffer::claim_ref const& c) override {
        return submit(op::release, [=](auto& s) { return s.submit_release(c); });
    }
    result<void> heartbeat(coffer::claim_ref const& c, coffer::duration lease) override {
        return submit(op::heartbeat, [=](auto& s) { return s.heartbeat(c, lease); });
    }
    result<void> acknowledge(coffer::record_id const& id) override {
        return submit(op::other, [=](auto& s) { return s.acknowledge(id); });
    }
    result<std::shared_ptr<coffer::record const>> peek(coffer::record_id const& id) override {
        return submit<std::shared_ptr<coffer::record const>>(op::other, [=](auto& s) { return s.peek(id); });
    }
    result<std::vector<coffer::record_summary>> list(coffer::record_filter const& filter) override {
        return submit<std::vector<coffer::record_summary>>(op::other, [=](auto& s) { return s.list(filter); });
    }
    result<void> resolve(coffer::record_id const& id, coffer::resolution const& how) override {
        return submit(op::other, [=](auto& s) { return s.resolve(id, how); });
    }
    [[nodiscard]] std::shared_ptr<coffer::ledger_backend> const& ledger() const noexcept override {
        return inner_->ledger();
    }
    result<coffer::run_verdict> begin_run(coffer::record_id const& job, coffer::run_request const& q) override {
        return submit<coffer::run_verdict>(op::begin_run, [=](auto& s) { return s.begin_run(job, q); });
    }
    result<void> note_step(coffer::run_ref const& run, std::string const& name, coffer::duration lease) override {
        return submit(op::note_step, [=](auto& s) { return s.note_step(run, name, lease); });
    }
    result<void> end_run(coffer::run_ref const& run, coffer::run_failure const& how) override {
        return submit(op::end_run, [=](auto& s) { return s.end_run(run, how); });
    }
    result<std::vector<coffer::record_id>> finish_run(coffer::record_id const& job,
                                                      std::vector<coffer::record_id> const& answers) override {
        return submit<std::vector<coffer::record_id>>(op::end_run, [=](auto& s) { return s.finish_run(job, answers); });
    }
    result<std::shared_ptr<coffer::run_record const>> peek_run(coffer::record_id const& job) override {
        return submit<std::shared_ptr<coffer::run_record const>>(op::other, [=](auto& s) { return s.peek_run(job); });
    }
    result<std::vector<coffer::run_summary>> list_runs(coffer::run_filter const& filter) override {
        return submit<std::vector<coffer::run_summary>>(op::other, [=](auto& s) { return s.list_runs(filter); });
    }
    result<void> reopen_run(coffer::record_id const& job) override {
        return submit(op::other, [=](auto& s) { return s.reopen_run(job); });
    }
    [[nodiscard]] coffer::flight_table& flights() noexcept override { return flights_; }

private:
    struct task {
        coffer::duration delay{};
        std::function<void()> run;
    };

    template <class T = void, class Fn>
    result<T> submit(op o, Fn fn) {
        auto const t = script_ ? script_(o, count(o)) : treatment{};
        log_.push_back({o, coffer::clock_service::of(executor_).clock()->now()});
        result<T> reply;
        auto run = [inner = inner_, t, reply, fn] {
            using enum treatment::kind;
            bool const done = t.what != fails && t.what != dropped;
            auto const said = done ? fn(*inner) : result<T>{};
            if (t.what == silent || t.what == dropped) return;
            if (t.what == carried_out) reply.set(*said.get());
            else
                reply.set(coffer::failed(coffer::fault_kind::store_unavailable,
                                         done ? "the reply was lost" : "the store has a bad day"));
        };
        if (t.delay == coffer::duration{} && queue_.empty()) {
            run();
        } else {
            queue_.push_back({t.delay, std::move(run)});
            if (queue_.size() == 1) asio::co_spawn(executor_, work(shared_from_this()), asio::detached);
        }
        return reply;
    }

    static coffer::awaitable<void> work(std::shared_ptr<scripted_backend> self) {
        while (!self->queue_.empty()) {
            auto const delay = self->queue_.front().delay;
            if (delay > coffer::duration{}) co_await coffer::sleep_for(delay);
            self->queue_.front().run();
            self->queue_.pop_front();
        }
    }

    std::shared_ptr<store_backend> inner_;
    asio::any_io_executor executor_;
    script script_;
    std::vector<entry> log_;
    std::deque<task> queue_;
    coffer::flight_table flights_;
};

/// A handle of one.
class scripted_store : public coffer::store {
public:
    scripted_store(coffer::store const& inner, asio::any_io_executor executor)
        : scripted_store{std::make_shared<scripted_backend>(inner.backend(), std::move(executor))} {}

    [[nodiscard]] scripted_backend& script() const { return *scripted_; }
    /// From now on, this is what happens to every operation of that kind.
    void always(op which, treatment::kind what, coffer::duration delay = {}) const {
        scripted_->play([=](op o, int) { return o == which ? treatment{what, delay} : treatment{}; });
    }
    /// The same for the first one of that kind from now on.
    void once(op which, treatment::kind what, coffer::duration delay = {}) const {
        auto const before = scripted_->count(which);
        scripted_->play([=](op o, int n) { return o == which && n == before ? treatment{what, delay} : treatment{}; });
    }

private:
    explicit scripted_store(std::shared_ptr<scripted_backend> b) : store{b}, scripted_{std::move(b)} {}
    std::shared_ptr<scripted_backend> scripted_;
};

}  // namespace support
