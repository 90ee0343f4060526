// SPDX-License-Identifier: BSL-1.0
#pragma once
// The store concept on a file: each operation becomes a job that loads a record, applies a rule, and writes it back.

#include <coffer/state/record_machine.hpp>
#include <coffer/store/record_text.hpp>
#include <coffer/store/sqlite_file.hpp>
#include <coffer/store/sqlite_file_job.hpp>
#include <coffer/store/sqlite_ledger_backend.hpp>
#include <coffer/store/sqlite_runs_backend.hpp>
#include <coffer/store/sqlite_spool_jobs.hpp>
#include <coffer/store/store.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// A claim. Where the store itself has answered it, that is noted, but nobody waits for it.
template <class T, class Fn>
class claim_job final : public job_of<T, Fn> {
public:
    using job_of<T, Fn>::job_of;
    void tell() noexcept override {
        job_of<T, Fn>::tell();
        auto const* const said = this->done().get();
        if (!*said || this->fn_.request.cached) return;  // a cache is meant to be asked again and again
        auto const* const r = std::get_if<replayed>(&**said);
        if (r == nullptr) return;
        try {
            auto note = [id = this->fn_.id, saved = r->accepted.what->cost](opened_file& f, clock& c) -> outcome<void> {
                f.alarms().note_replay(id, saved, f.money_moment(c).wall);
                return {};
            };
            (void)submit_to<job_of, void>(this->file_, urgency::before, std::nullopt, this->fn_.id.digest,
                                          std::move(note));
        } catch (...) {  // no memory: one replay is not counted
        }
    }
};

class backend final : public runs_backend {
public:
    explicit backend(std::shared_ptr<opened_file> file);

    [[nodiscard]] std::string name() const override { return file_->path(); }
    COFFER_INLINE void bind(std::shared_ptr<clock> const& c) override;
    [[nodiscard]] record_id id_of(key const& k) const override { return file_->names().id_of(k); }

    COFFER_INLINE result<claim_verdict> claim(record_id const& id, claim_request const& q) override;
    COFFER_INLINE result<permitted> permit(claim_ref const& ref, permit_request const& q,
                                           std::span<ledger_op const> money) override;
    COFFER_INLINE result<void> submit_answer(claim_ref const& ref, int send, shared_answer const& what) override;
    COFFER_INLINE result<void> submit_accept(claim_ref const& ref, int send) override;
    COFFER_INLINE result<void> submit_reject(claim_ref const& ref, int send, fault const& why) override;
    COFFER_INLINE result<void> submit_lost(claim_ref const& ref, int send, fault const& why) override;
    COFFER_INLINE result<void> submit_unsend(claim_ref const& ref, int send) override;
    COFFER_INLINE result<void> submit_fail(claim_ref const& ref, fault const& why, duration kept) override;
    COFFER_INLINE result<void> submit_release(claim_ref const& ref) override;
    COFFER_INLINE result<void> heartbeat(claim_ref const& ref, duration lease) override;
    COFFER_INLINE result<void> acknowledge(record_id const& id) override;
    COFFER_INLINE result<void> resolve(record_id const& id, resolution const& how) override;
    [[nodiscard]] COFFER_INLINE std::string how_to_resolve(record_id const& id) const override;
    COFFER_INLINE result<std::shared_ptr<record const>> peek(record_id const& id) override;
    COFFER_INLINE result<std::vector<record_summary>> list(record_filter const& filter) override;
    /// One batch of what is due.
    result<swept> collect(sweep_place from);
    [[nodiscard]] std::shared_ptr<ledger_backend> const& ledger() const noexcept override { return ledger_; }
    [[nodiscard]] std::size_t unwritten() const noexcept override { return file_->queue().unwritten(); }
    [[nodiscard]] flight_table& flights() noexcept override { return file_->flights(); }

    [[nodiscard]] opened_file& file() const noexcept { return *file_; }

private:
    struct claim_work {
        record_id id;
        claim_request request;
        outcome<claim_verdict> operator()(opened_file& f, clock& c) const { return do_claim(f, c, id, request); }
    };

    /// Before a key's next send: answers to earlier ones that stand in the spool, whoever has left them. What the claim
    /// `at_work` has sent itself is its own business. Throws if one cannot be had: nothing is sent then.
    static void take_from_spool(opened_file& f, clock& c, record_id const& id, claim_id const* at_work = nullptr);

    [[nodiscard]] static outcome<claim_verdict> do_claim(opened_file& f, clock& c, record_id const& id,
                                                         claim_request const& q);

    /// Tried on a copy: a full store still replays, and judges the answers that it has.
    [[nodiscard]] static bool leads_to_a_send(record copy, record_moment at, record_machine::owner_is_dead dead,
                                              claim_request const& q, std::uint64_t token);

    template <class T, class Rule>
    static outcome<T> apply(opened_file& f, clock& c, record_id const& id, Rule const& rule) {
        record_machine m{f.records().of(id).row, f.moment(c), f.owner_test()};
        outcome<T> told = rule(m);
        f.records().changed(id, m.changes());
        return told;
    }
    template <class T, class Rule>
    result<T> change(urgency u, std::optional<store_step> step, record_id const& id, Rule rule) {
        auto work = [id, rule = std::move(rule)](opened_file& f, clock& c) { return apply<T>(f, c, id, rule); };
        return submit<T>(u, step, id, std::move(work));
    }

    std::shared_ptr<ledger_backend> ledger_;
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_backend.ipp>
#endif
