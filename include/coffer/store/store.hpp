// SPDX-License-Identifier: BSL-1.0
#pragma once
// The store concept, on which everything durable stands.

#include <coffer/asio.hpp>
#include <coffer/base/key.hpp>
#include <coffer/base/on_use.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/call.hpp>
#include <coffer/state/record.hpp>
#include <coffer/state/run.hpp>
#include <coffer/store/ledger.hpp>
#include <coffer/store/submit.hpp>
#include <coffer/store/verdict.hpp>
#include <coffer/time/completion.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI {

class flight_table;

/// What a store does. Every operation is submitted: it starts at once and is owned by the store, which carries it out
/// whether or not anybody awaits the completion. Operations of one store are carried out in the order of submission.
///
/// Every operation may be submitted again with the same arguments (its reply may have been lost): it then reports what
/// the first one did. Operations named by a `claim_ref` are refused with `store_unavailable` ("claim lost") once
/// another claim has taken the record over, except `submit_answer` and `submit_accept`: a paid answer is good whoever
/// brings it, and the first accepted one wins.
///
/// Errors: `store_unavailable` when the store cannot do its work; nothing was changed then. After a send
/// (`submit_answer`, `submit_accept`, `submit_reject`) a store goes on trying by itself as long as it lives, and
/// completes only when it has succeeded or can never succeed. Any thread.
class store_backend {
public:
    /// What an operation brings, once it is carried out: to be awaited, or dropped.
    template <class T>
    using result = completion<outcome<T>>;

    virtual ~store_backend() = default;

    /// The clock that times leases and expiry. The first one seen stands; `std::logic_error` for another.
    virtual void bind(std::shared_ptr<clock> const& c) = 0;

    /// The record's name for a key. Never fails, does no I/O.
    [[nodiscard]] virtual record_id id_of(key const& k) const = 0;

    /// The right to work on a key, or what stands in its way.
    virtual result<claim_verdict> claim(record_id const& id, claim_request const& request) = 0;
    /// The right to make one send, durable before it is granted. `expected_sends` is the number of counted sends that
    /// the claim knows of; `money` (reservations of the store's own ledger) is marked sent in the same transaction.
    /// `over_budget` with the code `frozen` if somebody has frozen a scope of it.
    virtual result<permitted> permit(claim_ref const& claim, permit_request const& request,
                                     std::span<ledger_op const> money) = 0;
    /// Stores the raw answer of a send, before anybody has looked into it. The first one of a send stays.
    virtual result<void> submit_answer(claim_ref const& claim, int send, shared_answer const& what) = 0;
    /// The stored answer can be used: DONE, unless the record is already. Also one found defective before, and without a
    /// claim (`claim_ref::id` is then nobody's).
    virtual result<void> submit_accept(claim_ref const& claim, int send) = 0;
    /// Judges an answer unusable: billed, kept for inspection, never replayed as a success.
    virtual result<void> submit_reject(claim_ref const& claim, int send, fault const& why) = 0;
    /// A permitted send's attempt ended without an answer and may have been billed.
    virtual result<void> submit_lost(claim_ref const& claim, int send, fault const& why) = 0;
    /// A permitted send is proven unbilled: it counts no longer.
    virtual result<void> submit_unsend(claim_ref const& claim, int send) = 0;
    /// A fault of the request itself, replayed for `kept`.
    virtual result<void> submit_fail(claim_ref const& claim, fault const& why, duration kept) = 0;
    /// Gives the claim up. What the record becomes follows from its sends, never from the caller.
    virtual result<void> submit_release(claim_ref const& claim) = 0;
    /// The lease counts from now on. Refused once the claim has lost the record.
    virtual result<void> heartbeat(claim_ref const& claim, duration lease) = 0;

    /// DONE becomes ACKED. `unresolved` etc. as a claim would say, if there is nothing to acknowledge.
    virtual result<void> acknowledge(record_id const& id) = 0;
    /// The record as it stands; null if there is none. Never changes anything. `held`: somebody is at work on it.
    virtual result<std::shared_ptr<record const>> peek(record_id const& id) = 0;
    /// Records without their payloads, the oldest first.
    virtual result<std::vector<record_summary>> list(record_filter const& filter) = 0;
    /// An operator's decision about an unresolved key.
    virtual result<void> resolve(record_id const& id, resolution const& how) = 0;
    /// What it is called, for people: the path of its file, say. No secrets.
    [[nodiscard]] virtual std::string name() const { return {}; }
    /// What tells an operator how; part of error messages.
    [[nodiscard]] virtual std::string how_to_resolve(record_id const&) const {
        return "resolve it with store::resolve (grant a send, abandon it, or supply the answer)";
    }

    /// The ledger that is kept with the records, if one is: its steps are carried out in the transaction of a permit.
    [[nodiscard]] virtual std::shared_ptr<ledger_backend> const& ledger() const noexcept = 0;

    // The runs of jobs (see `journal`). A job's row is named by its key, beside the records and apart from them.

    /// The right to run a job, or what stands in its way.
    virtual result<run_verdict> begin_run(record_id const& job, run_request const& request) = 0;
    /// The run begins a step; the run's lease is `lease` from now on, if that is longer.
    virtual result<void> note_step(run_ref const& run, std::string const& step, duration lease) = 0;
    /// The run has failed. A store goes on trying to write it down.
    virtual result<void> end_run(run_ref const& run, run_failure const& failure) = 0;
    /// The job is done, whichever run has got it done, and `answers` are acknowledged, in one transaction: no process, and
    /// none that comes after one that died, sees the one without the other. Tells which of them could not be; they stay as
    /// they are, `acknowledge` says why, and the job is done all the same.
    virtual result<std::vector<record_id>> finish_run(record_id const& job, std::vector<record_id> const& answers) = 0;
    /// The job as it stands; null if there is none. Never changes anything.
    virtual result<std::shared_ptr<run_record const>> peek_run(record_id const& job) = 0;
    /// Jobs without the names of their steps.
    virtual result<std::vector<run_summary>> list_runs(run_filter const& filter) = 0;
    /// An operator has seen to the cause of a job's failures.
    virtual result<void> reopen_run(record_id const& job) = 0;
    /// What tells an operator how; part of error messages.
    [[nodiscard]] virtual std::string how_to_reopen(record_id const&) const {
        return "mend the cause, then reopen the job with store::reopen_run";
    }

    /// Operations that follow a send and are not durable yet.
    [[nodiscard]] virtual std::size_t unwritten() const noexcept { return 0; }

    /// The flights of this process under the store's keys (shared by all handles of one file).
    [[nodiscard]] virtual flight_table& flights() noexcept = 0;
};

/// The record's name for a key that stands for one piece of work. Throws `misuse` for a key made with `key::of_request`.
[[nodiscard]] record_id named_by(store_backend const& backend, key const& k);

/// A handle of a store: copies share it. What users call directly; policies take the backend.
///
/// All coroutines may be awaited on any executor, and may be left: what was submitted is carried out. They keep the store,
/// not the handle, which may be gone by then. Any thread; in virtual time all of them under one clock (`std::logic_error`).
class store {
public:
    /// Of a backend that somebody has made.
    explicit store(std::shared_ptr<store_backend> backend) noexcept : backend_{std::move(backend)} {}

    /// Says that the result of the call's last request is where it belongs. For a key that the request has completed (see
    /// `call::record_key`) this is the only way; otherwise it is the same as with the call's key.
    template <class = on_use>
    awaitable<void> acknowledge(call const& c) const {
        return acknowledge(c.record_key());
    }
    /// Says that the result under `k` is where it belongs. Later runs get `already_done`; the payload may go.
    ///
    /// Throws `failure`: `unresolved`, `in_progress`, `result_expired`, `store_unavailable`, or `permanent` if the key
    /// has no accepted answer. Acknowledging twice is no error.
    template <class = on_use>
    awaitable<void> acknowledge(key k) const {
        return detail::submitted<void>(backend_,
                                       [k = std::move(k)](store_backend& b) { return b.acknowledge(named_by(b, k)); });
    }
    /// The record of `k`, or null. Never sends, never claims. Throws `failure` (`store_unavailable`).
    template <class = on_use>
    awaitable<std::shared_ptr<record const>> peek(key k) const {
        return detail::submitted<std::shared_ptr<record const>>(
            backend_, [k = std::move(k)](store_backend& b) { return b.peek(named_by(b, k)); });
    }
    /// Records by state and namespace, oldest first. Throws `failure` (`store_unavailable`).
    template <class = on_use>
    awaitable<std::vector<record_summary>> list(record_filter filter) const {
        return detail::submitted<std::vector<record_summary>>(
            backend_, [filter = std::move(filter)](store_backend& b) { return b.list(filter); });
    }
    /// An operator's decision about an unresolved key. Throws `failure`: `permanent` if the record is not unresolved,
    /// `store_unavailable`.
    template <class = on_use>
    awaitable<void> resolve(record_id id, resolution how) const {
        return detail::submitted<void>(
            backend_, [id = std::move(id), how = std::move(how)](store_backend& b) { return b.resolve(id, how); });
    }
    /// The same by key.
    template <class = on_use>
    awaitable<void> resolve(key k, resolution how) const {
        return detail::submitted<void>(backend_, [k = std::move(k), how = std::move(how)](store_backend& b) {
            return b.resolve(named_by(b, k), how);
        });
    }

    /// The money side of the store. Throws `misuse` if it keeps none.
    [[nodiscard]] coffer::ledger ledger() const;
    /// The job of that key as its runs (`journal`) have left it, or null. Throws `failure` (`store_unavailable`).
    template <class = on_use>
    awaitable<std::shared_ptr<run_record const>> peek_run(key job) const {
        return detail::submitted<std::shared_ptr<run_record const>>(
            backend_, [job = std::move(job)](store_backend& b) { return b.peek_run(named_by(b, job)); });
    }
    /// Jobs by namespace, oldest first; `run_filter::stopped()` for those that wait for an operator. Throws `failure`
    /// (`store_unavailable`).
    template <class = on_use>
    awaitable<std::vector<run_summary>> list_runs(run_filter filter) const {
        return detail::submitted<std::vector<run_summary>>(
            backend_, [filter = std::move(filter)](store_backend& b) { return b.list_runs(filter); });
    }
    /// Says that the cause of a job's failures is mended: it may be run again, as if it had not failed yet. What its steps
    /// have paid for stays paid for. Throws `failure`: `permanent` if the job is done, or no run of it is known.
    template <class = on_use>
    awaitable<void> reopen_run(record_id job) const {
        return detail::submitted<void>(backend_,
                                       [job = std::move(job)](store_backend& b) { return b.reopen_run(job); });
    }
    /// The same by the job's key.
    template <class = on_use>
    awaitable<void> reopen_run(key job) const {
        return detail::submitted<void>(
            backend_, [job = std::move(job)](store_backend& b) { return b.reopen_run(named_by(b, job)); });
    }

    /// For policies and for tests.
    [[nodiscard]] std::shared_ptr<store_backend> const& backend() const noexcept { return backend_; }

private:
    std::shared_ptr<store_backend> backend_;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/store.ipp>
#endif
