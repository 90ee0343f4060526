// SPDX-License-Identifier: BSL-1.0
#pragma once
// One of several walks that carry one call beside each other (a hedge's), each with a call of its own, and the books that
// they keep together: a call itself is not safe for two walks at once.

#include <coffer/base/money.hpp>
#include <coffer/call/attempt_log.hpp>
#include <coffer/time/clock.hpp>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace coffer::inline v0 {

/// What the branches of one call have in common: the numbers of their attempts, the sends that they may make, what they
/// have made and what it cost. Any thread.
class branch_books {
public:
    /// For a call with so many attempts, of which so many sends are not proven unbilled, and its first branch.
    branch_books(int attempts, int unproven) noexcept : numbers_{attempts}, unproven_{unproven} {}

    /// What the call is told when one branch has answered, or when it leaves.
    struct report {
        attempt_log log;  ///< attempts that have ended, in the order of their ends
        money cost;
        bool cost_known = true;  ///< not where one may have been billed and nobody knows how much, or is under way
        int attempts = 0;
        int unproven = 0;
        int sending = 0;  ///< under way
    };
    [[nodiscard]] report look() const {
        std::lock_guard const lock{mutex_};
        return {log_, cost_, cost_known_ && sending_ == 0, numbers_, unproven_ + sending_, sending_};
    }

    /// Another branch, if all of them together then make no more than `most` sends not proven unbilled. Each branch has one
    /// in reserve, the one that is under way or may come next: so nobody has to ask before that one.
    [[nodiscard]] bool join(int most) noexcept {
        std::lock_guard const lock{mutex_};
        if (unproven_ + branches_ + 1 > most) return false;
        ++branches_;
        return true;
    }
    /// The same where somebody else counts the sends.
    void join() noexcept {
        std::lock_guard const lock{mutex_};
        ++branches_;
    }
    /// A branch has ended.
    void leave() noexcept {
        std::lock_guard const lock{mutex_};
        --branches_;
    }
    /// What one of the branches has to count besides the send that it has in reserve.
    [[nodiscard]] int unproven() const noexcept {
        std::lock_guard const lock{mutex_};
        return unproven_ + branches_ - 1;
    }

    // For the branches' attempts.

    [[nodiscard]] int begin() noexcept {
        std::lock_guard const lock{mutex_};
        ++sending_;
        return ++numbers_;
    }
    void end(attempt_record const& a) {
        std::lock_guard const lock{mutex_};
        --sending_;
        if (a.billing != knowledge::no) ++unproven_;
        if (a.cost) cost_ += *a.cost;
        else cost_known_ = false;
        log_.add(a);
    }

private:
    mutable std::mutex mutex_;
    attempt_log log_;
    money cost_;
    bool cost_known_ = true;
    int numbers_;
    int unproven_;
    int branches_ = 1;
    int sending_ = 0;
};

/// One branch, as its call knows it. Used on the strand that the branch runs on.
class call_branch {
public:
    call_branch(std::shared_ptr<branch_books> books, bool may_wait) noexcept
        : books_{std::move(books)}, may_wait_{may_wait} {}

    /// May it wait in line at a limit? A request that is only made so as to be quicker may not.
    [[nodiscard]] bool may_wait() const noexcept { return may_wait_; }
    [[nodiscard]] int unproven() const noexcept { return books_->unproven(); }

    /// A send of it is under way, which was told to end by then.
    [[nodiscard]] bool sending() const noexcept { return sending_; }
    [[nodiscard]] time_point send_deadline() const noexcept { return deadline_; }
    /// The journal's number of that send.
    [[nodiscard]] int send() const noexcept { return send_; }
    /// Attempts that it has begun.
    [[nodiscard]] int begun() const noexcept { return begun_; }
    /// How its last attempt ended; none for a success, or if none has ended yet.
    [[nodiscard]] std::optional<fault_kind> const& failed() const noexcept { return failed_; }

    [[nodiscard]] int begin(int send, time_point deadline) noexcept {
        sending_ = true;
        send_ = send;
        deadline_ = deadline;
        ++begun_;
        return books_->begin();
    }
    void end(attempt_record const& a) {
        sending_ = false;
        failed_ = a.fault ? std::optional{a.fault->kind()} : std::nullopt;
        books_->end(a);
    }

private:
    std::shared_ptr<branch_books> books_;
    bool may_wait_;
    bool sending_ = false;
    int send_ = 0;
    int begun_ = 0;
    time_point deadline_{};
    std::optional<fault_kind> failed_;
};

}  // namespace coffer::inline v0
