// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of bulkhead.hpp.

#include <coffer/policy/bulkhead.hpp>

#include <string>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE bulkhead::bulkhead(bulkhead_options options)
    : line_{std::make_shared<detail::bulkhead_line>(options, nullptr)} {}

COFFER_INLINE bulkhead::bulkhead(bulkhead_options options, std::function<int(call const&)> priority)
    : line_{std::make_shared<detail::bulkhead_line>(options, std::move(priority))} {}

COFFER_INLINE verdict bulkhead::ticket::settle(attempt_end const& end, attempt& a) noexcept {
    if (!std::exchange(open_, false)) return verdict::done();
    using kind = concurrency_limit::end::kind;
    bool const succeeded = end.what == attempt_end::kind::succeeded;
    bool const overload = end.what == attempt_end::kind::failed && tells_of_overload(end.why->kind());
    concurrency_limit::end const heard{succeeded ? kind::success : kind::overload, a.now(), end.at};
    line_->release(place_, end.at, succeeded || overload ? &heard : nullptr);
    return verdict::done();
}

COFFER_INLINE bool bulkhead::ticket::tells_of_overload(fault_kind k) noexcept {
    return row(k).feeds_limiter || k == fault_kind::overloaded || k == fault_kind::timed_out;
}

COFFER_INLINE admission bulkhead::try_enter(attempt& a, slot<ticket>& s) const {
    line_->bind(a);
    auto& t = s.emplace(*line_);
    auto in = line_->ask(t.place_, a);
    if (!in) return admission::refused(std::move(in).error());
    t.open_ = true;
    return *in ? admission::in() : admission::wait();
}

COFFER_INLINE void bulkhead::describe(composition& to) const {
    auto const& o = line_->options();
    bulkhead_options const usual;
    to.name("bulkhead").with(std::to_string(limit()) + " at a time");
    if (o.adapts()) {
        to.with(o.rule == limit_rule::aimd ? "aimd" : "gradient");
        to.with(std::to_string(o.least) + " to " + std::to_string(o.most));
        to.with_other("shrink", o.shrink, usual.shrink).with_other("slow_after", o.slow_after, usual.slow_after);
        to.with_other("tolerance", o.tolerance, usual.tolerance).with_other("window", o.window, usual.window);
    }
    to.with_other("max_waiting", o.max_waiting, usual.max_waiting).with_other("max_wait", o.max_wait, usual.max_wait);
    if (line_->has_priorities()) to.with("the more important first");
    to.with_other("ages_after", o.ages_after, usual.ages_after);
    to.now(std::to_string(in_flight()) + " under way");
    if (auto const n = waiting(); n > 0) to.now(std::to_string(n) + " waiting");
}

}  // namespace coffer::inline COFFER_ABI
