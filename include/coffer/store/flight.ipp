// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of flight.hpp.

#include <coffer/store/flight.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE flight::flight(asio::any_io_executor executor, fingerprint print, call own,
                             std::shared_ptr<flight> predecessor)
    : executor_{std::move(executor)},
      print_{std::move(print)},
      call_{std::move(own)},
      predecessor_{std::move(predecessor)} {}

COFFER_INLINE void flight::go_on_after(landing const& before) {
    std::lock_guard const lock{mutex_};
    log_ = before.log;
    cost_ = before.cost.value_or(money{});
    cost_known_ = before.cost.has_value();
    paid_before_ = before.in_send ||
                   std::any_of(log_.begin(), log_.end(), [](auto const& a) { return a.billing != knowledge::no; });
}

COFFER_INLINE bool flight::board(time_point now, time_point deadline) {
    std::lock_guard const lock{mutex_};
    if (given_up_) return false;
        // A send that goes on only because nobody waited for it must not be cut off because somebody does again.
    if (aboard_++ == 0)
        for (auto& s : sends_) s.outlived = s.outlived || now >= later(s.permitted_at, s.timeout);
    call_access::extend_deadline(call_, deadline);
    nudge();
    return true;
}

COFFER_INLINE void flight::leave(time_point now) noexcept {
    std::lock_guard const lock{mutex_};
    if (--aboard_ > 0 || over_) return;
    left_at_ = now;
    if (sending() > 0) nudge();
    else give_up();
}

COFFER_INLINE bool flight::progress::maybe_billed() const noexcept {
    return sending || paid_before ||
           std::any_of(log.begin(), log.end(), [](auto const& a) { return a.billing != knowledge::no; });
}

COFFER_INLINE flight::progress flight::so_far() const {
    std::lock_guard const lock{mutex_};
    bool const in_send = sending() > 0;
    return {log_, cost_known_ && !in_send ? std::optional{cost_} : std::nullopt, in_send, paid_before_};
}

COFFER_INLINE std::optional<landing> flight::accepted() const {
    std::lock_guard const lock{mutex_};
    if (accepted_ == nullptr) return std::nullopt;
    landing how;
    how.what = accepted_;
    how.from = accepted_from_;
    how.replayed = replayed_;
    how.log = log_;
    how.cost = cost_known_ && sending() == 0 ? std::optional{cost_} : std::nullopt;
    return how;
}

COFFER_INLINE void flight::launched() noexcept {
    std::lock_guard const lock{mutex_};
    launched_ = true;
    if (given_up_) cancel();
}

COFFER_INLINE void flight::accept(shared_answer what, target from, bool replayed) {
    std::lock_guard const lock{mutex_};
    accepted_ = std::move(what);
    accepted_from_ = std::move(from);
    replayed_ = replayed;
}

COFFER_INLINE void flight::drain() noexcept {
    std::lock_guard const lock{mutex_};
    draining_ = true;
    if (sending() == 0 && accepted_ == nullptr) give_up();
}

COFFER_INLINE bool flight::awaited() const {
    std::lock_guard const lock{mutex_};
    return aboard_ > 0 && !draining_;
}

COFFER_INLINE bool flight::begin_send(int send, time_point now, duration timeout, duration finish_grace) {
    std::lock_guard const lock{mutex_};
    if (given_up_ || draining_ || accepted_ != nullptr) return false;
    sends_.push_back({send, now, timeout, finish_grace});
    nudge();
    return true;
}

COFFER_INLINE void flight::end_send(int send) {
    std::lock_guard const lock{mutex_};
    auto const at = find(send);
    if (at == sends_.end()) return;
    if (at->cut) at->over = true;  // until it has been taken notice of
    else sends_.erase(at);
    if (sending() == 0 && (aboard_ == 0 || draining_)) give_up();
}

COFFER_INLINE void flight::recorded(attempt_record const& entry) {
    std::lock_guard const lock{mutex_};
    log_.add(entry);
    if (entry.cost) cost_ += *entry.cost;
    else cost_known_ = false;
}

COFFER_INLINE time_point flight::send_limit() const {
    std::lock_guard const lock{mutex_};
    auto first = time_point::max();
    for (auto const& s : sends_)
        if (!s.cut) first = std::min(first, limit_of(s));
    return first;
}

COFFER_INLINE void flight::cut(time_point now) {
    bool any = false;
    {
        std::lock_guard const lock{mutex_};
        for (auto& s : sends_)
            if (!s.cut && limit_of(s) <= now) any = s.cut = true;
    }
    if (any) signal_.emit(asio::cancellation_type::terminal);
}

COFFER_INLINE bool flight::was_cut(int send) const {
    std::lock_guard const lock{mutex_};
    return std::any_of(sends_.begin(), sends_.end(), [&](auto const& s) { return s.number == send && s.cut; });
}

COFFER_INLINE bool flight::take_cut(int send) {
    std::lock_guard const lock{mutex_};
    auto const at = find(send);
    if (at == sends_.end() || !at->cut) return false;
    if (at->over) sends_.erase(at);
    else at->cut = false;
    return true;
}

COFFER_INLINE std::shared_ptr<wait_list> flight::next_nudge() {
    std::lock_guard const lock{mutex_};
    if (!nudge_) nudge_ = std::make_shared<wait_list>();
    return nudge_;
}

COFFER_INLINE void flight::land(landing how) {
    asio::any_io_executor gone;  // released after the lock
    {
        std::lock_guard const lock{mutex_};
        if (over_) return;
        how.log = log_;
        how.in_send = sending() > 0;
        how.cost = cost_known_ && !how.in_send ? std::optional{cost_} : std::nullopt;
        if (how.why && paid_before_)
            how.why->with_execution(std::max(how.why->execution(), knowledge::maybe))
                .with_billing(std::max(how.why->billing(), knowledge::maybe));
        if (draining_ && how.why && how.why->kind() == fault_kind::cancelled)
            how.why = fault{fault_kind::draining, "this process is shutting down; run the job again elsewhere"}
                          .with_execution(how.why->execution())
                          .with_billing(how.why->billing());
        over_ = true;
        gone.swap(executor_);
        nudge();
    }
    landed_.set(std::move(how));
}

COFFER_INLINE std::vector<flight::running_send>::iterator flight::find(int send) noexcept {
    return std::find_if(sends_.begin(), sends_.end(), [&](auto const& s) { return s.number == send; });
}

COFFER_INLINE std::ptrdiff_t flight::sending() const noexcept {
    return std::count_if(sends_.begin(), sends_.end(), [](auto const& s) { return !s.over; });
}

COFFER_INLINE time_point flight::limit_of(running_send const& s) const noexcept {
    auto const timeout = later(s.permitted_at, s.timeout);
    if (aboard_ > 0 && !s.outlived) return timeout;
    return std::min(later(left_at_, s.finish_grace), later(timeout, s.finish_grace));
}

COFFER_INLINE void flight::nudge() noexcept {
    if (auto const before = std::exchange(nudge_, nullptr)) before->notify_all();
}

COFFER_INLINE void flight::give_up() noexcept {
    if (!std::exchange(given_up_, true) && launched_) cancel();
}

COFFER_INLINE void flight::cancel() noexcept {
    if (over_) return;
    try {
        asio::post(executor_, [self = shared_from_this()] { self->signal_.emit(asio::cancellation_type::terminal); });
    } catch (...) {  // no memory: the work ends by itself, and sends nothing
    }
}

}  // namespace coffer::inline COFFER_ABI
