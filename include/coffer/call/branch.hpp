// SPDX-License-Identifier: BSL-1.0
#pragma once
// One of several walks that carry one call beside each other (a hedge's), each with a call of its own, and the books that
// they keep together: a call itself is not safe for two walks at once.

#include <coffer/base/fault.hpp>
#include <coffer/base/money.hpp>
#include <coffer/call/attempt_log.hpp>
#include <coffer/time/clock.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// What the branches of one call have in common: the numbers of their attempts, the sends that they may make, what they
/// have made and what it cost. Any thread.
class branch_books {
public:
    /// For a call with so many attempts, of which so many sends are not proven unbilled, and its first branch.
    branch_books(int attempts, int unproven) noexcept;

    /// What the call is told when one branch has answered, or when it leaves.
    struct report {
        attempt_log log;  ///< attempts that have ended, in the order of their ends, then those that were left behind
        money cost;
        bool cost_known = true;  ///< not where one may have been billed and nobody knows how much, or is under way
        int attempts = 0;
        int unproven = 0;
    };
    [[nodiscard]] report look() const;
    /// The call leaves at `at`, since it began, for `why`: from now on no branch begins anything. Whatever is under way may
    /// have been sent, and may be billed.
    [[nodiscard]] report close(std::chrono::nanoseconds at, fault const& why);

    /// Another branch, if all of them together then make no more than `most` sends not proven unbilled. Each branch has one
    /// in reserve, the one that is under way or may come next: so nobody has to ask before that one.
    [[nodiscard]] bool join(int most) noexcept;
    /// The same where somebody else counts the sends.
    void join() noexcept;
    /// A branch has ended.
    void leave() noexcept;
    /// What one of the branches has to count besides the send that it has in reserve.
    [[nodiscard]] int unproven() const noexcept;

    // For the branches' attempts.

    /// Another attempt, if the call has not left: its number, or 0.
    [[nodiscard]] int begin(attempt_record&& entry);
    /// One that goes on although its branch has turned to something else: from now on it is nobody's reserve.
    void abandon(int number, std::chrono::nanoseconds at, fault const& why);
    void end(attempt_record const& a, bool abandoned);

private:
    static void give_up(attempt_record& sent, std::chrono::nanoseconds at, fault why);
    [[nodiscard]] report figures() const;

    mutable std::mutex mutex_;
    attempt_log log_;
    money cost_;
    bool cost_known_ = true;
    bool closed_ = false;
    int numbers_;
    int unproven_;
    int branches_ = 1;
    std::vector<attempt_record> under_way_;  // with a fault: left behind
    int abandoned_ = 0;  // of those, by their branch
};

/// One branch, as its call knows it, and every fork of that call which a layer in the branch has made. Any thread.
class call_branch {
public:
    call_branch(std::shared_ptr<branch_books> books, bool may_wait) noexcept;

    /// May it wait in line at a limit? A request that is only made so as to be quicker may not.
    [[nodiscard]] bool may_wait() const noexcept { return may_wait_; }
    [[nodiscard]] int unproven() const noexcept { return books_->unproven(); }

    /// From then on it begins nothing any more; what is under way goes on.
    void end_by(time_point at) noexcept;
    [[nodiscard]] time_point until() const noexcept;

    /// A send of it that is under way.
    struct send {
        int number = 0;  ///< the journal's
        time_point deadline{};  ///< by which it was told to end
        int attempt = 0;
    };
    [[nodiscard]] std::optional<send> sending() const noexcept;
    /// Attempts that it has begun.
    [[nodiscard]] int begun() const noexcept;
    /// How its last attempt ended; none for a success, or if none has ended yet.
    [[nodiscard]] std::optional<fault_kind> failed() const noexcept;

    /// Before `begin`, and at once: false if the call has left, and nothing may begin any more.
    [[nodiscard]] bool admit(attempt_record&& entry);
    [[nodiscard]] int begin(int number, time_point deadline) noexcept;
    /// A timeout leaves behind what is under way, at `at` since the call began.
    void abandon(std::chrono::nanoseconds at, fault const& why);
    void end(attempt_record const& a);
    /// It has ended.
    void leave() noexcept { books_->leave(); }

private:
    std::shared_ptr<branch_books> const books_;
    bool const may_wait_;
    std::atomic<time_point> until_{time_point::max()};
    mutable std::mutex mutex_;
    std::optional<send> sending_;
    int admitted_ = 0;  // the attempt that is about to begin
    int begun_ = 0;
    std::vector<int> abandoned_;  // attempts
    std::optional<fault_kind> failed_;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/call/branch.ipp>
#endif
