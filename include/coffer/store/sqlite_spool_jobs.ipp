// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_spool_jobs.hpp.

#include <coffer/store/sqlite_spool_jobs.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE outcome<void> keep_answer(opened_file& f, clock& c, spooled_answer const& a, shared_answer const& what) {
    record_machine m{f.records().of(a.record).row, f.moment(c), f.owner_test()};
    auto kept = m.answer(a.claim, a.send, what, a.print ? &*a.print : nullptr, a.cached_for);
    f.records().changed(a.record, m.changes());
    // What it says that it has cost settles the money that was held for its send, whoever brings it and however late.
    if (kept && what->cost)
        f.ledger().settle_send(a.record.digest, a.send, *what->cost, what->request_id, f.money_moment(c));
    return kept;
}

COFFER_INLINE answer_job::answer_job(opened_file& file, std::shared_ptr<clock> c, spooled_answer what)
    : job{urgency::after, store_step::answer, what.record.digest, outside_work{c}, what.what->body.size()},
      file_{file},
      clock_{std::move(c)},
      what_{std::move(what)} {}

COFFER_INLINE void answer_job::carry_out() {
    auto const what = what_.what ? what_.what : file_.spool().read_back(spooled_);
    if (what) result_.emplace(keep_answer(file_, *clock_, what_, what));
    else if (is_known()) result_.emplace();  // whoever claimed the key meanwhile has taken it in
    else throw std::runtime_error{"a paid answer that waited in " + spooled_.string() + " was removed from there"};
}

COFFER_INLINE void answer_job::tell() noexcept {
    if (!spooled_.empty()) *result_ ? file_.spool().drop(spooled_) : file_.spool().set_aside(spooled_);
    done_.set(*std::move(result_));
}

COFFER_INLINE void answer_job::refuse(fault why) noexcept { done_.set(failed(std::move(why))); }

COFFER_INLINE bool answer_job::spool() noexcept {
    if (spooled_.empty()) spooled_ = file_.spool().keep(what_);
    if (!spooled_.empty()) what_.what.reset();
    return !spooled_.empty();
}

COFFER_INLINE bool answer_job::is_known() {
    auto const& sends = file_.records().of(what_.record).row.sends;
    return std::any_of(sends.begin(), sends.end(),
                       [&](auto const& s) { return s.number == what_.send && s.reply != nullptr; });
}

COFFER_INLINE leftover_job::leftover_job(opened_file& file, std::shared_ptr<clock> c, std::vector<spool_file> left,
                                         bool is_all)
    : job{urgency::after, store_step::answer, left.back().digest, outside_work{c}},
      file_{file},
      clock_{std::move(c)},
      left_{std::move(left)},
      is_all_{is_all} {}

COFFER_INLINE void leftover_job::carry_out() {
    result_.reset();
    std::optional<spooled_answer> found;
    try {
        found = file_.spool().read(left_.back());
    } catch (std::runtime_error const&) {  // it stays
        is_all_ = false;
    }
    if (found) result_ = keep_answer(file_, *clock_, *found, found->what);
}

COFFER_INLINE void leftover_job::tell() noexcept {
    auto const& path = left_.back().path;
    if (result_) *result_ ? file_.spool().drop(path) : file_.spool().set_aside(path);
    next();
}

COFFER_INLINE void leftover_job::next() noexcept {
    left_.pop_back();
    if (left_.empty() && is_all_) file_.spool().set_taken_in();
    if (left_.empty() || file_.queue().is_stopping()) return;
    try {
        file_.queue().submit(std::make_unique<leftover_job>(file_, clock_, std::move(left_), is_all_));
    } catch (...) {  // no memory: it stays for whoever claims its key or opens the store next
    }
}

COFFER_INLINE look_job::look_job(opened_file& file, std::shared_ptr<clock> c)
    : job{urgency::read, std::nullopt, {}, outside_work{c}}, file_{file}, clock_{std::move(c)} {}

COFFER_INLINE void look_job::look() noexcept {
    try {
        auto left = file_.spool().left_by_the_dead();
        if (left.empty()) return file_.spool().set_taken_in();
        file_.queue().submit(std::make_unique<leftover_job>(file_, clock_, std::move(left), true));
    } catch (...) {  // then claims go on looking there by themselves
    }
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
