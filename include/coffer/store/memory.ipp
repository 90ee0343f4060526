// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of memory.hpp.

#include <coffer/store/memory.hpp>

#include <variant>

namespace coffer::inline COFFER_ABI {

namespace detail {

COFFER_INLINE memory_backend::memory_backend(std::shared_ptr<memory_records> records,
                                             std::shared_ptr<memory_ledger> money)
    : records_{std::move(records)},
      process_{records_->new_process()},
      money_{std::make_shared<memory_ledger_backend>(std::move(money), process_)},
      ledger_{money_} {}

COFFER_INLINE record_id memory_backend::id_of(key const& k) const {
    return {std::string{k.name_space()}, std::string{k.bytes()}};
}

COFFER_INLINE store_backend::result<claim_verdict> memory_backend::claim(record_id const& id, claim_request const& q) {
    auto verdict = step<claim_verdict>(store_step::claim, [&] { return records_->claim(id, q, process_); });
    auto const* const said = verdict.get();
    if (auto const* const r = *said ? std::get_if<replayed>(&**said) : nullptr; r != nullptr && !q.cached)
        money_->shared()->with_alarms(
            [&](memory_alarms& alarms, auto&, auto) { alarms.note_replay(id, r->accepted.what->cost); });
    return verdict;
}

COFFER_INLINE store_backend::result<permitted> memory_backend::permit(claim_ref const& c, permit_request const& q,
                                                                      std::span<ledger_op const> money) {
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

COFFER_INLINE store_backend::result<void> memory_backend::submit_answer(claim_ref const& c, int send,
                                                                        shared_answer const& what) {
    return change(store_step::answer, c, [&](auto& m) {
        auto kept = m.answer(c.id, send, what, c.print.get(), c.cached_for);
        if (kept && what->cost)
            money_->shared()->with([&](ledger_book& b, ledger_moment at) {
                b.settle_send(c.record.digest, send, *what->cost, what->request_id, at);
            });
        return kept;
    });
}

COFFER_INLINE store_backend::result<void> memory_backend::submit_accept(claim_ref const& c, int send) {
    return change(store_step::accept, c, [&](auto& m) { return m.accept(c.id, send); });
}

COFFER_INLINE store_backend::result<void> memory_backend::submit_reject(claim_ref const& c, int send,
                                                                        fault const& why) {
    return change(store_step::reject, c, [&](auto& m) {
        auto judged = m.reject(c.id, send, why);
        if (judged && why.billing() == knowledge::no) give_back(c, send);
        return judged;
    });
}

COFFER_INLINE store_backend::result<void> memory_backend::submit_lost(claim_ref const& c, int send, fault const& why) {
    return change(store_step::lost, c, [&](auto& m) { return m.lost(c.id, send, why); });
}

COFFER_INLINE store_backend::result<void> memory_backend::submit_unsend(claim_ref const& c, int send) {
    return change(store_step::unsend, c, [&](auto& m) {
        auto back = m.unsend(c.id, send);
        if (back) give_back(c, send);
        return back;
    });
}

COFFER_INLINE store_backend::result<void> memory_backend::submit_fail(claim_ref const& c, fault const& why,
                                                                      duration kept) {
    return change(store_step::fail, c, [&](auto& m) { return m.fail(c.id, why, kept); });
}

COFFER_INLINE store_backend::result<void> memory_backend::submit_release(claim_ref const& c) {
    return change(store_step::release, c, [&](auto& m) { return m.release(c.id); });
}

COFFER_INLINE store_backend::result<void> memory_backend::heartbeat(claim_ref const& c, duration lease) {
    return change(std::nullopt, c, [&](auto& m) { return m.heartbeat(c.id, lease); });
}

COFFER_INLINE store_backend::result<void> memory_backend::acknowledge(record_id const& id) {
    auto done = change(store_step::acknowledge, {id}, [](auto& m) { return m.acknowledge(); });
    if (*done.get())
        money_->shared()->with_alarms([&](memory_alarms& alarms, auto&, auto) { alarms.acknowledged(id); });
    return done;
}

COFFER_INLINE store_backend::result<std::shared_ptr<record const>> memory_backend::peek(record_id const& id) {
    return step<std::shared_ptr<record const>>(std::nullopt, [&] { return records_->peek(id); });
}

COFFER_INLINE store_backend::result<std::vector<record_summary>> memory_backend::list(record_filter const& filter) {
    return step<std::vector<record_summary>>(std::nullopt, [&] { return records_->list(filter); });
}

COFFER_INLINE store_backend::result<void> memory_backend::resolve(record_id const& id, resolution const& how) {
    return change(std::nullopt, {id}, [&](auto& m) { return m.resolve(how); });
}

COFFER_INLINE store_backend::result<run_verdict> memory_backend::begin_run(record_id const& job, run_request const& q) {
    return with_alarm(job,
                      step<run_verdict>(store_step::begin_run, [&] { return records_->begin_run(job, q, process_); }));
}

COFFER_INLINE store_backend::result<void> memory_backend::note_step(run_ref const& run, std::string const& name,
                                                                    duration lease) {
    return step<void>(store_step::note_step, [&] {
        return records_->change_run(run.job, [&](run_machine& m) { return m.note(run.id, name, lease); });
    });
}

COFFER_INLINE store_backend::result<void> memory_backend::end_run(run_ref const& run, run_failure const& failure) {
    return with_alarm(run.job, step<void>(store_step::end_run, [&] {
                          return records_->change_run(run.job, [&](run_machine& m) { return m.fail(run.id, failure); });
                      }));
}

COFFER_INLINE store_backend::result<std::vector<record_id>> memory_backend::finish_run(
    record_id const& job, std::vector<record_id> const& answers) {
    std::vector<record_id> acknowledged;
    auto done = with_alarm(job, step<std::vector<record_id>>(store_step::end_run, [&] {
                               return records_->finish_run(job, answers, acknowledged);
                           }));
    money_->shared()->with_alarms([&](memory_alarms& alarms, auto&, auto) {
        for (auto const& id : acknowledged) alarms.acknowledged(id);
    });
    return done;
}

COFFER_INLINE store_backend::result<std::shared_ptr<run_record const>> memory_backend::peek_run(record_id const& job) {
    return step<std::shared_ptr<run_record const>>(std::nullopt, [&] { return records_->peek_run(job); });
}

COFFER_INLINE store_backend::result<std::vector<run_summary>> memory_backend::list_runs(run_filter const& filter) {
    return step<std::vector<run_summary>>(std::nullopt, [&] { return records_->list_runs(filter); });
}

COFFER_INLINE store_backend::result<void> memory_backend::reopen_run(record_id const& job) {
    return with_alarm(job, step<void>(std::nullopt, [&] {
                          return records_->change_run(job, [](run_machine& m) { return m.reopen(); });
                      }));
}

COFFER_INLINE void memory_backend::give_back(claim_ref const& c, int send) {
    money_->shared()->with([&](ledger_book& b, ledger_moment at) { b.release_send(c.record.digest, send, at); });
}

COFFER_INLINE void memory_backend::announce(std::optional<store_step> s, edge e) const {
    auto const* const probe = records_->probe();
    if (s && probe != nullptr && *probe) (*probe)(*s, e);
}

}  // namespace detail

COFFER_INLINE memory_store::memory_store(memory_options options)
    : memory_store{
          std::make_shared<detail::memory_backend>(std::make_shared<detail::memory_records>(options),
                                                   std::make_shared<detail::memory_ledger>(options.most_entries))} {}

COFFER_INLINE memory_store memory_store::another_process() const {
    return memory_store{std::make_shared<detail::memory_backend>(memory_->records(), memory_->money())};
}

COFFER_INLINE void memory_store::declare_dead() const {
    memory_->records()->declare_dead(memory_->process());
    memory_->money()->declare_dead(memory_->process());
}

COFFER_INLINE memory_store::memory_store(std::shared_ptr<detail::memory_backend> backend)
    : store{backend}, memory_{std::move(backend)} {}

}  // namespace coffer::inline COFFER_ABI
