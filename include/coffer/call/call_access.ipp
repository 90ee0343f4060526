// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of call_access.hpp.

#include <coffer/call/call_access.hpp>

#include <algorithm>
#include <atomic>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE allowed_inside call_access::allowed_with(call const& c, int most_sends) noexcept {
    auto inside = c.inside_;
    inside.sends = std::min(inside.sends, most_sends);
    return inside;
}

COFFER_INLINE void call_access::limit_sends(call& c, int most) noexcept { c.inside_ = allowed_with(c, most); }

COFFER_INLINE call_access::fork_scope::fork_scope(call& c) noexcept : call_{c} { ++c.forks_; }

COFFER_INLINE void call_access::set_record_key(call& c, coffer::key k) { c.record_key_ = std::move(k); }

COFFER_INLINE call call_access::fork(call const& c, attempt_log const& so_far) {
    call own{c.allowed_};
    own.key_ = c.key_;
    own.unkeyed_ = c.unkeyed_;
    own.inside_ = c.inside_;
    own.number_ = c.number_;
    own.in_flight_ = true;
    own.deadline_ = c.deadline().time_since_epoch().count();
    own.tags_ = c.tags_;
    for (auto const& a : so_far) {
        own.attempts_ = std::max(own.attempts_, a.number);
        if (a.billing != knowledge::no) ++own.unproven_;
    }
    return own;
}

COFFER_INLINE void call_access::branch_off(call& own, call& c) {
    own.record_key_ = c.record_key_;
    own.provider_key_ = provider_key(c);
    own.service_ = c.service_;
    own.clock_ = c.clock_;
    own.began_ = c.began_;
    own.claim_ = c.claim_;
    own.attempts_ = c.attempts_;
    own.attempts_elsewhere_ = c.attempts_elsewhere_;
    own.followed_ = c.followed_;
    own.inside_until_ = c.inside_until_;
    own.repairs_ = c.repairs_;
    own.repaired_by_ = c.repaired_by_;
    own.repaired_ = c.repaired_;
}

COFFER_INLINE void call_access::follow_deadline(call& own, call const& flight) noexcept {
    own.followed_ = flight.followed_ != nullptr ? flight.followed_ : &flight.deadline_;
}

COFFER_INLINE void call_access::stop_following(call& own) noexcept {
    if (own.followed_ == nullptr) return;
    own.deadline_ = own.followed_->load(std::memory_order_relaxed);
    own.followed_ = nullptr;
}

COFFER_INLINE bool call_access::admit(call& c, target const& to, time_point now) {
    if (c.branch_ == nullptr) return true;
    attempt_record entry;
    entry.target = to;
    entry.start = now - c.began_;
    entry.waited = c.waited_;
    entry.why_waited = c.why_waited_;
    return c.branch_->admit(std::move(entry));
}

COFFER_INLINE void call_access::set_branch(call& c, std::shared_ptr<call_branch> branch) noexcept {
    c.branch_ = std::move(branch);
}

COFFER_INLINE call_branch* call_access::branch_of(call const& c) noexcept { return c.branch_.get(); }

COFFER_INLINE void call_access::adopt(call& c, branch_books::report made, std::optional<target> answered_by) {
    for (auto const& a : made.log) c.log_.add(a);
    c.cost_ += made.cost;
    c.cost_known_ = c.cost_known_ && made.cost_known;
    c.attempts_ = made.attempts;
    c.unproven_ = made.unproven;
    if (answered_by) c.answered_by_ = std::move(answered_by);
}

COFFER_INLINE void call_access::extend_deadline(call& c, time_point to) noexcept {
    auto const rep = to.time_since_epoch().count();
    auto seen = c.deadline_.load(std::memory_order_relaxed);
    while (seen < rep && !c.deadline_.compare_exchange_weak(seen, rep, std::memory_order_relaxed)) {
    }
}

COFFER_INLINE std::string const& call_access::provider_key(call& c) {
    if (c.provider_key_.empty())
        c.provider_key_ = c.claim_ != nullptr ? c.claim_->provider_key() : random_hex(c.clock().random());
    return c.provider_key_;
}

COFFER_INLINE int call_access::next_attempt(call& c, int send, time_point deadline) noexcept {
    c.repaired_now_ = false;
    ++c.attempts_;
    return c.branch_ == nullptr ? c.attempts_ : c.branch_->begin(send, deadline);
}

COFFER_INLINE void call_access::take_repairs(call& c, call const* from) noexcept {
    c.repaired_now_ = from != nullptr && from->repaired_now_;
    if (!c.repaired_now_) return;
    c.repairs_ = from->repairs_;
    c.repaired_by_ = from->repaired_by_;
    c.repaired_ = from->repaired_;
}

COFFER_INLINE void call_access::set_repaired(call& c, void const* by, std::shared_ptr<void> arguments) noexcept {
    ++c.repairs_;
    c.repaired_now_ = true;
    c.repaired_by_ = by;
    c.repaired_ = std::move(arguments);
}

COFFER_INLINE void* call_access::repaired(call const& c, void const* by) noexcept {
    return c.repaired_by_ == by ? c.repaired_.get() : nullptr;
}

COFFER_INLINE void call_access::add_wait(call& c, duration d, wait_reason why) noexcept {
    c.waited_ += d;
    if (c.why_waited_ == wait_reason::none) c.why_waited_ = why;
}

COFFER_INLINE duration call_access::take_wait(call& c) noexcept { return std::exchange(c.waited_, duration{}); }

COFFER_INLINE wait_reason call_access::take_wait_reason(call& c) noexcept {
    return std::exchange(c.why_waited_, wait_reason::none);
}

COFFER_INLINE void call_access::add_cost(call& c, std::optional<money> cost) noexcept {
    if (cost) c.cost_ += *cost;
    else c.cost_known_ = false;
}

COFFER_INLINE void call_access::adopt(call& c, attempt_log log, std::optional<money> cost, answer_origin origin,
                                      bool stored, target const& answered_by) {
    c.log_ = std::move(log);
    if (!answered_by.provider.empty()) c.answered_by_ = answered_by;
    c.cost_ = cost.value_or(money{});
    c.cost_known_ = cost.has_value();
    c.origin_ = origin;
    c.stored_ = stored;
}

COFFER_INLINE std::uint64_t call_access::next_number() noexcept {
    constexpr std::uint64_t many = 1024;
    thread_local std::uint64_t next = 0;
    if (next % many == 0) next = numbers_taken_.fetch_add(many, std::memory_order_relaxed);
    return ++next;
}

COFFER_INLINE std::string call_access::random_hex(random_source& random) {
    std::string text;
    for (int word = 0; word < 2; ++word)
        for (auto bits = random.next(), i = std::uint64_t{0}; i < 16; ++i, bits >>= 4)
            text += "0123456789abcdef"[bits & 15U];
    return text;
}

COFFER_INLINE bool call_access::scope::enter(bool nested) {
    if (call_.depth_ > 0 && !nested)
        throw misuse{"coffer::call: this call already carries a request; use one call for each request in flight"};
    // A flight walks more than once at most under another claim: its attempts go on being counted.
    return call_.depth_++ == 0 && !(call_.in_flight_ && call_.service_ != nullptr);
}

COFFER_INLINE void call_access::scope::begin(clock_service& service) {
    call_.service_ = &service;
    call_.clock_ = &call_.service_->borrowed_clock();
    call_.began_ = call_.clock_->now();
    if (call_.in_flight_) return;  // made for this one request
    call_.number_ = next_number();
    auto const until = call_.until_ ? *call_.until_ : later(call_.began_, call_.allowed_);
    call_.deadline_ = until.time_since_epoch().count();
    call_.log_.clear();
    call_.cost_ = money{};
    call_.cost_known_ = true;
    call_.stored_ = false;
    call_.origin_ = answer_origin::none;
    call_.answered_by_.reset();
    call_.attempts_ = 0;
    call_.unproven_ = 0;
    call_.forks_ = 0;
    call_.repairs_ = 0;
    call_.repaired_now_ = false;
    call_.repaired_by_ = nullptr;
    call_.repaired_.reset();
    call_.why_waited_ = wait_reason::none;
    call_.waited_ = {};
    call_.provider_key_.clear();
    call_.record_key_.reset();
}

}  // namespace coffer::inline COFFER_ABI
