// SPDX-License-Identifier: BSL-1.0
#pragma once
// A store around another one: what is not overridden, that one does.
//
//     class audited : public coffer::forwarding_backend {
//     public:
//         using forwarding_backend::forwarding_backend;
//         result<coffer::permitted> permit(coffer::claim_ref const& c, coffer::permit_request const& q,
//                                          std::span<coffer::ledger_op const> money) override {
//             if (!written_down(c, q)) return result<coffer::permitted>::ready(coffer::failed(…));   // nothing is sent
//             return forwarding_backend::permit(c, q, money);
//         }
//     };
//     coffer::store db{std::make_shared<audited>(coffer::sqlite::store{"coffer.db"})};

#include <coffer/store/store.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// Hands every operation to another store, of which it shares the flights, the ledger and the clock: keys that are at work
/// through the one are at work through the other. What a program wants to see, to write down or to refuse, it overrides.
///
/// An override keeps to what `store_backend` says of the operation: it is carried out whether or not anybody awaits it, may be
/// submitted again with the same arguments, and comes from any thread. One that refuses does so before it hands the operation
/// on. An answer is never refused: it is paid for.
class forwarding_backend : public store_backend {
public:
    /// Throws `misuse` for a null pointer.
    explicit forwarding_backend(std::shared_ptr<store_backend> to);
    /// Around the store of that handle.
    explicit forwarding_backend(store const& to) : forwarding_backend{to.backend()} {}

    void bind(std::shared_ptr<clock> const& c) override { to_->bind(c); }
    [[nodiscard]] record_id id_of(key const& k) const override { return to_->id_of(k); }

    result<claim_verdict> claim(record_id const& id, claim_request const& q) override { return to_->claim(id, q); }
    result<permitted> permit(claim_ref const& c, permit_request const& q, std::span<ledger_op const> money) override {
        return to_->permit(c, q, money);
    }
    result<void> submit_answer(claim_ref const& c, int send, shared_answer const& what) override {
        return to_->submit_answer(c, send, what);
    }
    result<void> submit_accept(claim_ref const& c, int send) override { return to_->submit_accept(c, send); }
    result<void> submit_reject(claim_ref const& c, int send, fault const& why) override {
        return to_->submit_reject(c, send, why);
    }
    result<void> submit_lost(claim_ref const& c, int send, fault const& why) override {
        return to_->submit_lost(c, send, why);
    }
    result<void> submit_unsend(claim_ref const& c, int send) override { return to_->submit_unsend(c, send); }
    result<void> submit_fail(claim_ref const& c, fault const& why, duration kept) override {
        return to_->submit_fail(c, why, kept);
    }
    result<void> submit_release(claim_ref const& c) override { return to_->submit_release(c); }
    result<void> heartbeat(claim_ref const& c, duration lease) override { return to_->heartbeat(c, lease); }
    result<void> acknowledge(record_id const& id) override { return to_->acknowledge(id); }
    result<std::shared_ptr<record const>> peek(record_id const& id) override { return to_->peek(id); }
    result<std::vector<record_summary>> list(record_filter const& filter) override { return to_->list(filter); }
    result<void> resolve(record_id const& id, resolution const& how) override { return to_->resolve(id, how); }
    [[nodiscard]] std::string name() const override { return to_->name(); }
    [[nodiscard]] std::string how_to_resolve(record_id const& id) const override { return to_->how_to_resolve(id); }
    [[nodiscard]] std::shared_ptr<ledger_backend> const& ledger() const noexcept override { return to_->ledger(); }

    result<run_verdict> begin_run(record_id const& job, run_request const& q) override {
        return to_->begin_run(job, q);
    }
    result<void> note_step(run_ref const& run, std::string const& step, duration lease) override {
        return to_->note_step(run, step, lease);
    }
    result<void> end_run(run_ref const& run, run_failure const& failure) override { return to_->end_run(run, failure); }
    result<std::vector<record_id>> finish_run(record_id const& job, std::vector<record_id> const& answers) override {
        return to_->finish_run(job, answers);
    }
    result<std::shared_ptr<run_record const>> peek_run(record_id const& job) override { return to_->peek_run(job); }
    result<std::vector<run_summary>> list_runs(run_filter const& filter) override { return to_->list_runs(filter); }
    result<void> reopen_run(record_id const& job) override { return to_->reopen_run(job); }
    [[nodiscard]] std::string how_to_reopen(record_id const& job) const override { return to_->how_to_reopen(job); }

    [[nodiscard]] std::size_t unwritten() const noexcept override { return to_->unwritten(); }
    [[nodiscard]] flight_table& flights() noexcept override { return to_->flights(); }

private:
    std::shared_ptr<store_backend> to_;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/forwarding_backend.ipp>
#endif
