// SPDX-License-Identifier: BSL-1.0
#pragma once
// Paid answers on their way into the store's file, straight or by way of the spool.

#include <coffer/state/record_machine.hpp>
#include <coffer/store/sqlite_file.hpp>
#include <coffer/time/completion.hpp>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// Keeps what a send brought back; nothing is durable yet.
[[nodiscard]] inline outcome<void> keep_answer(opened_file& f, clock& c, spooled_answer const& a,
                                               shared_answer const& what) {
    record_machine m{f.records().of(a.record).row, f.moment(c), f.owner_test()};
    auto kept = m.answer(a.claim, a.send, what, a.print ? &*a.print : nullptr, a.cached_for);
    f.records().changed(a.record, m.changes());
    // What it says that it has cost settles the money that was held for its send, whoever brings it and however late.
    if (kept && what->cost)
        f.ledger().settle_send(a.record.digest, a.send, *what->cost, what->request_id, f.money_moment(c));
    return kept;
}

/// The bringing of a paid answer. While the file does not take it, it stands in the spool, and nowhere else if it can.
class answer_job final : public job {
public:
    answer_job(opened_file& file, std::shared_ptr<clock> c, spooled_answer what)
        : job{urgency::after, store_step::answer, what.record.digest, outside_work{c}, what.what->body.size()},
          file_{file},
          clock_{std::move(c)},
          what_{std::move(what)} {}

    [[nodiscard]] completion<outcome<void>> const& done() const noexcept { return done_; }
    void carry_out() override {
        auto const what = what_.what ? what_.what : file_.spool().read_back(spooled_);
        if (what) result_.emplace(keep_answer(file_, *clock_, what_, what));
        else if (is_known()) result_.emplace();  // whoever claimed the key meanwhile has taken it in
        else throw std::runtime_error{"a paid answer that waited in " + spooled_.string() + " was removed from there"};
    }
    void tell() noexcept override {
        if (!spooled_.empty()) *result_ ? file_.spool().drop(spooled_) : file_.spool().set_aside(spooled_);
        done_.set(*std::move(result_));
    }
    void refuse(fault why) noexcept override { done_.set(failed(std::move(why))); }
    bool spool() noexcept override {
        if (spooled_.empty()) spooled_ = file_.spool().keep(what_);
        if (!spooled_.empty()) what_.what.reset();
        return !spooled_.empty();
    }

private:
    [[nodiscard]] bool is_known() {
        auto const& sends = file_.records().of(what_.record).row.sends;
        return std::any_of(sends.begin(), sends.end(),
                           [&](auto const& s) { return s.number == what_.send && s.reply != nullptr; });
    }

    opened_file& file_;
    std::shared_ptr<clock> clock_;
    spooled_answer what_;
    std::filesystem::path spooled_;
    std::optional<outcome<void>> result_;
    completion<outcome<void>> done_;
};

/// The taking in of what others have left in the spool: one file, then the next, so that memory holds one body and what
/// is submitted meanwhile has its turn.
class leftover_job final : public job {
public:
    /// `left`: at least one, the last one first. `is_all`: nothing is in the spool besides.
    leftover_job(opened_file& file, std::shared_ptr<clock> c, std::vector<spool_file> left, bool is_all)
        : job{urgency::after, store_step::answer, left.back().digest, outside_work{c}},
          file_{file},
          clock_{std::move(c)},
          left_{std::move(left)},
          is_all_{is_all} {}

    void carry_out() override {
        result_.reset();
        std::optional<spooled_answer> found;
        try {
            found = file_.spool().read(left_.back());
        } catch (std::runtime_error const&) {  // it stays
            is_all_ = false;
        }
        if (found) result_ = keep_answer(file_, *clock_, *found, found->what);
    }
    void tell() noexcept override {
        auto const& path = left_.back().path;
        if (result_) *result_ ? file_.spool().drop(path) : file_.spool().set_aside(path);
        next();
    }
    void refuse(fault) noexcept override {
        is_all_ = false;
        next();
    }

private:
    void next() noexcept {
        left_.pop_back();
        if (left_.empty() && is_all_) file_.spool().set_taken_in();
        if (left_.empty() || file_.queue().is_stopping()) return;
        try {
            file_.queue().submit(std::make_unique<leftover_job>(file_, clock_, std::move(left_), is_all_));
        } catch (...) {  // no memory: it stays for whoever claims its key or opens the store next
        }
    }

    opened_file& file_;
    std::shared_ptr<clock> clock_;
    std::vector<spool_file> left_;
    bool is_all_;
    std::optional<outcome<void>> result_;
};

/// Looks for what dead processes have left. It needs no record: whether the file works does not matter.
class look_job final : public job {
public:
    look_job(opened_file& file, std::shared_ptr<clock> c)
        : job{urgency::read, std::nullopt, {}, outside_work{c}}, file_{file}, clock_{std::move(c)} {}

    void carry_out() override {}
    void tell() noexcept override { look(); }
    void refuse(fault) noexcept override { look(); }

private:
    void look() noexcept {
        try {
            auto left = file_.spool().left_by_the_dead();
            if (left.empty()) return file_.spool().set_taken_in();
            file_.queue().submit(std::make_unique<leftover_job>(file_, clock_, std::move(left), true));
        } catch (...) {  // then claims go on looking there by themselves
        }
    }

    opened_file& file_;
    std::shared_ptr<clock> clock_;
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
