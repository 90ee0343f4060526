// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of branch.hpp.

#include <coffer/call/branch.hpp>

#include <utility>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE branch_books::branch_books(int attempts, int unproven) noexcept
    : numbers_{attempts}, unproven_{unproven} {}

COFFER_INLINE branch_books::report branch_books::look() const {
    std::lock_guard const lock{mutex_};
    return figures();
}

COFFER_INLINE branch_books::report branch_books::close(std::chrono::nanoseconds at, fault const& why) {
    std::lock_guard const lock{mutex_};
    closed_ = true;
    for (auto& sent : under_way_)
        if (!sent.fault) give_up(sent, at, why);
    return figures();
}

COFFER_INLINE bool branch_books::join(int most) noexcept {
    std::lock_guard const lock{mutex_};
    if (unproven_ + branches_ + 1 > most) return false;
    ++branches_;
    return true;
}

COFFER_INLINE void branch_books::join() noexcept {
    std::lock_guard const lock{mutex_};
    ++branches_;
}

COFFER_INLINE void branch_books::leave() noexcept {
    std::lock_guard const lock{mutex_};
    --branches_;
}

COFFER_INLINE int branch_books::unproven() const noexcept {
    std::lock_guard const lock{mutex_};
    return unproven_ + branches_ - 1;
}

COFFER_INLINE int branch_books::begin(attempt_record&& entry) {
    std::lock_guard const lock{mutex_};
    if (closed_) return 0;
    entry.number = numbers_ + 1;
    under_way_.push_back(std::move(entry));
    return ++numbers_;
}

COFFER_INLINE void branch_books::abandon(int number, std::chrono::nanoseconds at, fault const& why) {
    std::lock_guard const lock{mutex_};
    ++abandoned_;
    ++unproven_;
    for (auto& sent : under_way_)
        if (sent.number == number && !sent.fault) give_up(sent, at, why);
}

COFFER_INLINE void branch_books::end(attempt_record const& a, bool abandoned) {
    std::lock_guard const lock{mutex_};
    std::erase_if(under_way_, [&](attempt_record const& sent) { return sent.number == a.number; });
    if (abandoned) --abandoned_, --unproven_;
    if (a.billing != knowledge::no) ++unproven_;
    if (a.cost) cost_ += *a.cost;
    else cost_known_ = false;
    log_.add(a);
}

COFFER_INLINE void branch_books::give_up(attempt_record& sent, std::chrono::nanoseconds at, fault why) {
    sent.duration = at - sent.start;
    sent.execution = sent.billing = knowledge::maybe;
    sent.fault = std::move(why.with_execution(knowledge::maybe).with_billing(knowledge::maybe));
}

COFFER_INLINE branch_books::report branch_books::figures() const {
    auto const sending = static_cast<int>(under_way_.size());
    report said{log_, cost_, cost_known_ && sending == 0, numbers_, unproven_ + sending - abandoned_};
    for (auto const& sent : under_way_)
        if (sent.fault) said.log.add(sent);
    return said;
}

COFFER_INLINE call_branch::call_branch(std::shared_ptr<branch_books> books, bool may_wait) noexcept
    : books_{std::move(books)}, may_wait_{may_wait} {}

COFFER_INLINE void call_branch::end_by(time_point at) noexcept { until_.store(at, std::memory_order_relaxed); }

COFFER_INLINE time_point call_branch::until() const noexcept { return until_.load(std::memory_order_relaxed); }

COFFER_INLINE std::optional<call_branch::send> call_branch::sending() const noexcept {
    std::lock_guard const lock{mutex_};
    return sending_;
}

COFFER_INLINE int call_branch::begun() const noexcept {
    std::lock_guard const lock{mutex_};
    return begun_;
}

COFFER_INLINE std::optional<fault_kind> call_branch::failed() const noexcept {
    std::lock_guard const lock{mutex_};
    return failed_;
}

COFFER_INLINE bool call_branch::admit(attempt_record&& entry) {
    auto const attempt = books_->begin(std::move(entry));
    std::lock_guard const lock{mutex_};
    admitted_ = attempt;
    return attempt != 0;
}

COFFER_INLINE int call_branch::begin(int number, time_point deadline) noexcept {
    std::lock_guard const lock{mutex_};
    sending_ = send{number, deadline, admitted_};
    ++begun_;
    return admitted_;
}

COFFER_INLINE void call_branch::abandon(std::chrono::nanoseconds at, fault const& why) {
    std::lock_guard const lock{mutex_};
    if (!sending_) return;
    abandoned_.push_back(sending_->attempt);
    books_->abandon(sending_->attempt, at, why);
    sending_.reset();
}

COFFER_INLINE void call_branch::end(attempt_record const& a) {
    bool abandoned = false;
    {
        std::lock_guard const lock{mutex_};
        abandoned = std::erase(abandoned_, a.number) > 0;
        if (!abandoned) {
            sending_.reset();
            failed_ = a.fault ? std::optional{a.fault->kind()} : std::nullopt;
        }
    }
    books_->end(a, abandoned);
}

}  // namespace coffer::inline COFFER_ABI
