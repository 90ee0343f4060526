// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of forked_call.hpp.

#include <coffer/call/forked_call.hpp>

#include <algorithm>
#include <utility>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE void forked_call::begin(call& own, call& c, time_point until) {
    own.service_ = c.service_;
    own.clock_ = c.clock_;
    own.began_ = c.began_;
    own.deadline_ = std::min(c.deadline(), until).time_since_epoch().count();
    own.branched_ = c.branched_ + 1;
    own.branch_ = c.branch_;
    own.attempts_ = c.attempts_;
    own.attempts_elsewhere_ = c.attempts_elsewhere_;
    own.unproven_ = c.unproven_;
    own.waited_ = std::exchange(c.waited_, duration{});
    own.why_waited_ = std::exchange(c.why_waited_, wait_reason::none);
    own.provider_key_ = c.provider_key_;
    own.repairs_ = c.repairs_;
    own.repaired_by_ = c.repaired_by_;
    own.repaired_ = c.repaired_;
}

COFFER_INLINE void forked_call::close(call& own) noexcept {
    own.inside_until_ = std::min(own.inside_until_, own.clock_->now());
}

COFFER_INLINE forked_call::report forked_call::ended(call& own) {
    auto said = figures(own);
    said.log = std::move(own.log_);
    return said;
}

COFFER_INLINE forked_call::report forked_call::left(call const& own, time_point now, fault const& why) {
    auto said = figures(own);
    said.log = own.log_;
    auto const* const a = own.running_;
    if (a == nullptr && own.forks_ == 0) return said;
    if (own.branch_ != nullptr) own.branch_->abandon(now - own.began_, why);
    auto const start = a != nullptr ? a->now() : now;
    auto& entry = said.log.begin_entry();
    entry.number = a != nullptr ? a->number() : ++said.attempts;
    if (a != nullptr) entry.target = a->target();
    entry.start = start - own.began_;
    entry.waited = std::exchange(said.waited, duration{});
    entry.why_waited = std::exchange(said.why_waited, wait_reason::none);
    entry.duration = now - start;
    entry.fault = why;
    entry.execution = entry.billing = knowledge::maybe;
    said.cost.reset();
    ++said.unproven;
    return said;
}

COFFER_INLINE forked_call::known forked_call::of_provider(attempt_log const& log, std::size_t first) noexcept {
    known k;
    for (auto i = first; i < log.size(); ++i)
        k = {std::max(k.execution, log[i].execution), std::max(k.billing, log[i].billing)};
    return k;
}

COFFER_INLINE void forked_call::join(call& c, report&& said) {
    if (c.log_.empty()) c.log_ = std::move(said.log);
    else
        for (auto const& entry : said.log) c.log_.add(entry);
    if (said.cost) c.cost_ += *said.cost;
    else c.cost_known_ = false;
    c.attempts_ = said.attempts;
    c.unproven_ = said.unproven;
    c.waited_ += said.waited;
    if (c.why_waited_ == wait_reason::none) c.why_waited_ = said.why_waited;
    c.provider_key_ = std::move(said.provider_key);
    c.origin_ = said.origin;
    c.stored_ = said.stored;
    if (said.answered_by) c.answered_by_ = std::move(said.answered_by);
    if (said.record_key) c.record_key_ = std::move(said.record_key);
    c.repairs_ = said.repairs;
    c.repaired_now_ = said.repaired_now;
    c.repaired_by_ = said.repaired_by;
    c.repaired_ = std::move(said.repaired);
}

COFFER_INLINE forked_call::report forked_call::figures(call const& own) {
    report said;
    said.cost = own.cost();
    said.attempts = own.attempts_;
    said.unproven = own.unproven_;
    said.waited = own.waited_;
    said.why_waited = own.why_waited_;
    said.provider_key = own.provider_key_;
    said.origin = own.origin_;
    said.stored = own.stored_;
    said.answered_by = own.answered_by_;
    said.record_key = own.record_key_;
    said.repairs = own.repairs_;
    said.repaired_now = own.repaired_now_;
    said.repaired_by = own.repaired_by_;
    said.repaired = own.repaired_;
    return said;
}

}  // namespace coffer::inline COFFER_ABI
