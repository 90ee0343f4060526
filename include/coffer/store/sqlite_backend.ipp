// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_backend.hpp.

#include <coffer/store/sqlite_backend.hpp>

#include <algorithm>
#include <exception>
#include <stdexcept>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE backend::backend(std::shared_ptr<opened_file> file)
    : runs_backend{file}, ledger_{std::make_shared<ledger_on_file>(std::move(file))} {}

COFFER_INLINE void backend::bind(std::shared_ptr<clock> const& c) {
    if (file_->bind(c) && file_->in_its_process()) file_->queue().submit(std::make_unique<look_job>(*file_, c));
}

COFFER_INLINE store_backend::result<claim_verdict> backend::claim(record_id const& id, claim_request const& q) {
    auto hidden = q;
    hidden.print = file_->names().conceal(id, q.print);
    return submit_to<claim_job, claim_verdict>(*file_, urgency::before, store_step::claim, id.digest,
                                               claim_work{id, std::move(hidden)});
}

COFFER_INLINE store_backend::result<permitted> backend::permit(claim_ref const& ref, permit_request const& q,
                                                               std::span<ledger_op const> money) {
    auto const held = money.empty() ? std::nullopt : std::optional{money.front().sent};
    auto work = [id = ref.record, c = ref.id, q, held](opened_file& f, clock& at) -> outcome<permitted> {
        if (auto const gone = f.keep_owner()) return tl::unexpected{unowned(f, gone)};
        if (f.left().is_short()) return tl::unexpected{f.left().refusal()};
        if (held)
            if (auto may = f.ledger().may_send(*held); !may) return tl::unexpected{std::move(may).error()};
        take_from_spool(f, at, id, &c);
        auto granted = apply<permitted>(f, at, id, [&](record_machine& m) { return m.permit(c, q); });
        if (granted) f.ledger().begin_send(id.digest, granted->send, held ? &*held : nullptr);
        if (held && granted) f.ledger().send(*held, id.digest, granted->send, q.longest, f.money_moment(at));
        return granted;
    };
    return submit<permitted>(urgency::before, store_step::permit, ref.record, std::move(work));
}

COFFER_INLINE store_backend::result<void> backend::submit_answer(claim_ref const& ref, int send,
                                                                 shared_answer const& what) {
    if (!file_->in_its_process()) return result<void>::ready(failed(forked()));
    auto print = ref.print ? std::optional{file_->names().conceal(ref.record, *ref.print)} : std::nullopt;
    auto made = std::make_unique<answer_job>(
        *file_, file_->bound_clock(), spooled_answer{ref.record, ref.id, send, std::move(print), what, ref.cached_for});
    auto done = made->done();
    file_->queue().submit(std::move(made));
    return done;
}

COFFER_INLINE store_backend::result<void> backend::submit_accept(claim_ref const& ref, int send) {
    // Nobody has to wait for its end. So where there is no such answer (it was refused), the claim ends all the same.
    auto work = [id = ref.record, c = ref.id, send](opened_file& f, clock& at) {
        auto done = apply<void>(f, at, id, [&](record_machine& m) { return m.accept(c, send); });
        if (!done && done.error().kind() != fault_kind::already_done)
            (void)apply<void>(f, at, id, [&](record_machine& m) { return m.release(c); });
        return done;
    };
    return submit<void>(urgency::after, store_step::accept, ref.record, std::move(work));
}

COFFER_INLINE store_backend::result<void> backend::submit_reject(claim_ref const& ref, int send, fault const& why) {
    auto work = [id = ref.record, c = ref.id, send, why](opened_file& f, clock& at) {
        auto done = apply<void>(f, at, id, [&](record_machine& m) { return m.reject(c, send, why); });
        if (done && why.billing() == knowledge::no) f.ledger().release_send(id.digest, send, f.money_moment(at));
        return done;
    };
    return submit<void>(urgency::after, store_step::reject, ref.record, std::move(work));
}

COFFER_INLINE store_backend::result<void> backend::submit_lost(claim_ref const& ref, int send, fault const& why) {
    return change<void>(urgency::after, store_step::lost, ref.record,
                        [c = ref.id, send, why](record_machine& m) { return m.lost(c, send, why); });
}

COFFER_INLINE store_backend::result<void> backend::submit_unsend(claim_ref const& ref, int send) {
    auto work = [id = ref.record, c = ref.id, send](opened_file& f, clock& at) {
        auto done = apply<void>(f, at, id, [&](record_machine& m) { return m.unsend(c, send); });
        if (done) f.ledger().release_send(id.digest, send, f.money_moment(at));
        return done;
    };
    return submit<void>(urgency::after, store_step::unsend, ref.record, std::move(work));
}

COFFER_INLINE store_backend::result<void> backend::submit_fail(claim_ref const& ref, fault const& why, duration kept) {
    return change<void>(urgency::after, store_step::fail, ref.record,
                        [c = ref.id, why, kept](record_machine& m) { return m.fail(c, why, kept); });
}

COFFER_INLINE store_backend::result<void> backend::submit_release(claim_ref const& ref) {
    return change<void>(urgency::after, store_step::release, ref.record,
                        [c = ref.id](record_machine& m) { return m.release(c); });
}

COFFER_INLINE store_backend::result<void> backend::heartbeat(claim_ref const& ref, duration lease) {
    auto work = [id = ref.record, c = ref.id, lease](opened_file& f, clock& at) {
        (void)f.keep_owner();  // the lease holds without it
        return apply<void>(f, at, id, [&](record_machine& m) { return m.heartbeat(c, lease); });
    };
    return submit<void>(urgency::before, std::nullopt, ref.record, std::move(work));
}

COFFER_INLINE store_backend::result<void> backend::acknowledge(record_id const& id) {
    auto work = [id](opened_file& f, clock& at) {
        auto done = apply<void>(f, at, id, [](record_machine& m) { return m.acknowledge(); });
        if (done) f.alarms().acknowledged(id);
        return done;
    };
    return submit<void>(urgency::before, store_step::acknowledge, id, std::move(work));
}

COFFER_INLINE store_backend::result<void> backend::resolve(record_id const& id, resolution const& how) {
    return change<void>(urgency::before, std::nullopt, id, [how](record_machine& m) { return m.resolve(how); });
}

COFFER_INLINE std::string backend::how_to_resolve(record_id const& id) const {
    return "resolve it with `coffer resolve " + shell_word(file_->path()) + " " + shell_word(to_text(id)) +
           " --grant` (one more send), `--abandon`, or `--answer FILE`";
}

COFFER_INLINE store_backend::result<std::shared_ptr<record const>> backend::peek(record_id const& id) {
    using found = std::shared_ptr<record const>;
    return submit<found>(urgency::read, std::nullopt, id, [id](opened_file& f, clock& c) -> outcome<found> {
        auto& rows = f.records().rows();
        auto stored = rows.load(id.digest);
        if (stored.id == 0) return found{};
        rows.load_bodies(stored);
        record_machine m{stored.row, f.moment(c), f.owner_test()};
        if (m.changes().gone) return found{};
        m.show_as_it_is();
        return std::make_shared<record const>(std::move(stored.row));
    });
}

COFFER_INLINE store_backend::result<std::vector<record_summary>> backend::list(record_filter const& filter) {
    using found = std::vector<record_summary>;
    return submit<found>(urgency::read, std::nullopt, {}, [filter](opened_file& f, clock& c) -> outcome<found> {
        found all;
        if (filter.limit == 0) return all;
        f.records().rows().for_each(filter.name_space, filter.unresolved_only,
                                    [&, now = f.moment(c)](auto const& digest, stored_record s) {
                                        record_machine const m{s.row, now, f.owner_test()};
                                        bool const waits = m.is_unresolved();
                                        if (m.changes().gone || (filter.unresolved_only && !waits)) return true;
                                        all.push_back({{s.name_space, digest},
                                                       s.row.state,
                                                       waits,
                                                       s.row.counted_sends(),
                                                       s.row.known_cost(),
                                                       s.row.created,
                                                       s.row.updated});
                                        return all.size() < filter.limit;
                                    });
        return all;
    });
}

COFFER_INLINE store_backend::result<swept> backend::collect(sweep_place from) {
    return submit<swept>(urgency::before, std::nullopt, {},
                         [from](opened_file& f, clock& c) -> outcome<swept> { return f.collect(from, c); });
}

COFFER_INLINE void backend::take_from_spool(opened_file& f, clock& c, record_id const& id, claim_id const* at_work) {
    auto const& row = f.records().of(id).row;
    if (at_work != nullptr && (!row.held || row.claim != *at_work)) return;  // it is refused anyway
    bool const may_have_come = std::any_of(row.sends.begin(), row.sends.end(), [&](auto const& s) {
        return s.unaccounted() && (at_work == nullptr || s.claim != *at_work);
    });
    if (!may_have_come && (!row.sends.empty() || f.spool().is_taken_in())) return;
    auto left = f.spool().of(id.digest);
    if (left.empty()) return;
    for (auto const& file : left) {
        auto const found = f.spool().read(file);
        if (!found) continue;
        (void)keep_answer(f, c, *found, found->what);
        try {
            (void)f.records().rows();  // writes it
        } catch (error const& e) {
            if (may_pass(std::current_exception())) throw;
            throw std::runtime_error{"it does not take the paid answer to this key that stands in " +
                                     file.path.string() + " (" + e.what() +
                                     "); as long as it is there, nothing is sent under the key"};
        }
    }
    f.queue().submit(std::make_unique<leftover_job>(f, f.bound_clock(), std::move(left), false));  // they may go
}

COFFER_INLINE outcome<claim_verdict> backend::do_claim(opened_file& f, clock& c, record_id const& id,
                                                       claim_request const& q) {
    if (auto const gone = f.keep_owner()) return tl::unexpected{unowned(f, gone)};
    take_from_spool(f, c, id);
    auto& records = f.records();
    auto& stored = records.of(id);
    auto const token = records.last_token() + 1;
    auto const now = f.moment(c);
    if (f.left().is_short() && leads_to_a_send(stored.row, now, f.owner_test(), q, token))
        return tl::unexpected{f.left().refusal()};
    record_machine m{stored.row, now, f.owner_test()};
    auto verdict = m.claim(q, f.owner().name(), token);
    // The rules have seen no bodies.
    auto const fill = [&](stored_answer& a) {
        for (std::size_t i = 0; i < stored.row.sends.size(); ++i)
            if (stored.row.sends[i].number == a.send) a.what = records.with_body(stored, i);
    };
    if (auto* const r = std::get_if<replayed>(&verdict)) fill(r->accepted);
    if (auto* const g = std::get_if<granted>(&verdict)) {
        for (auto& a : g->undecoded) fill(a);
        if (g->token == token) records.set_last_token(token);
    }
    if (auto* const found = coffer::detail::defective_answers(verdict))
        std::erase_if(*found, [&](stored_answer& a) {
            try {
                fill(a);
                return false;
            } catch (std::exception const&) {  // damaged, or its key is gone: it was no use before, either
                return true;
            }
        });
    records.changed(id, m.changes());
    return verdict;
}

COFFER_INLINE bool backend::leads_to_a_send(record copy, record_moment at, record_machine::owner_is_dead dead,
                                            claim_request const& q, std::uint64_t token) {
    record_machine m{copy, at, std::move(dead)};
    auto const verdict = m.claim(q, {}, token);
    auto const* const g = std::get_if<granted>(&verdict);
    return g != nullptr && g->token == token && g->undecoded.empty() && g->defective.empty();
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
