// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of circuit_breaker.hpp.

#include <coffer/policy/circuit_breaker.hpp>

#include <algorithm>
#include <utility>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE circuit_breaker::circuit_breaker(circuit_breaker_options options)
    : shared_{std::make_shared<shared>((options.check(), options))} {}

COFFER_INLINE circuit_breaker::ticket::~ticket() {
    if (held_ && pass_.probe) shared_->abandon(pass_);
}

COFFER_INLINE verdict circuit_breaker::ticket::settle(attempt_end const& end, attempt& a) noexcept {
    if (std::exchange(held_, false)) shared_->settle(pass_, end, a);
    return verdict::done();
}

COFFER_INLINE void circuit_breaker::describe(composition& to) const {
    auto const now = status();
    to.name("circuit_breaker");
    detail::describe_into(to, options());
    if (now.state != circuit_state::closed) to.now(now.why);
    else to.now(now.in_a_row > 0 ? "closed, failures in a row: " + std::to_string(now.in_a_row) : "closed");
    if (now.left) to.now(*now.left > duration::zero() ? "for " + detail::rest_text(*now.left) : "a probe is next");
}

COFFER_INLINE admission circuit_breaker::shared::enter(attempt& a, slot<ticket>& s) {
    if (bound_to.load(std::memory_order_acquire) != &a.clock()) bind(a);
    if (auto const epoch = closed_in.load(std::memory_order_acquire); epoch != 0) {
        s.emplace(*this, breaker::pass{epoch, false});
        return admission::in();
    }
    std::unique_lock lock{mutex};
    auto const said = machine.enter(a.now(), probe_limit(a));
    if (!said.in) {
        auto why = refusal;
        lock.unlock();
        if (said.ask_again) why.with_retry_after(*said.ask_again);
        return admission::refused(std::move(why));
    }
    s.emplace(*this, *said.in);
    if (said.changed == circuit_reason::none) return admission::in();
    explain("half_open", [&] { return detail::half_open_text(circuit, machine.options().probes); });
    lock.unlock();
    a.tell(
        {event_kind::circuit_half_open, a.now(), {}, a.of().attempts() + 1, nullptr, {}, {}, to_string(said.changed)});
    return admission::in();
}

COFFER_INLINE void circuit_breaker::shared::settle(breaker::pass const& p, attempt_end const& ended,
                                                   attempt& a) noexcept {
    auto const end = judge(ended, a);
    if (end.what == breaker::end::kind::neutral && !p.probe) return;
    std::unique_lock lock{mutex};
    auto const changed = machine.settle(p, end, [&] { return unit_interval(a.clock().random().next()); });
    if (!changed) return;
    publish();
    bool const opened = changed->to == circuit_state::open;
    if (opened) {
        explain("open", [&] {
            circuit = detail::circuit_of(a.target());
            return detail::open_text(circuit, *changed, machine.options(), ended.why);
        });
    }
    lock.unlock();
    a.tell({opened ? event_kind::circuit_opened : event_kind::circuit_closed,
            ended.at,
            {},
            a.number(),
            ended.why,
            changed->lasts,
            {},
            to_string(changed->why)});
}

COFFER_INLINE void circuit_breaker::shared::abandon(breaker::pass const& p) noexcept {
    std::lock_guard const lock{mutex};
    machine.abandon(p);
}

COFFER_INLINE void circuit_breaker::shared::isolate(std::string_view why) {
    fault const says = fault{fault_kind::circuit_open, detail::isolated_text(why)}.with_code("isolated");
    std::lock_guard const lock{mutex};
    machine.isolate();
    refusal = says;
    publish();
}

COFFER_INLINE void circuit_breaker::shared::close() {
    std::lock_guard const lock{mutex};
    machine.close(now());
    publish();
}

COFFER_INLINE void circuit_breaker::shared::reset() {
    std::lock_guard const lock{mutex};
    machine.reset();
    publish();
}

COFFER_INLINE bool circuit_breaker::shared::idle(time_point at) {
    std::lock_guard const lock{mutex};
    return !by_hand && machine.idle(at);
}

COFFER_INLINE void circuit_breaker::shared::change(circuit_breaker_options const& o) {
    std::lock_guard const lock{mutex};
    machine.adopt(o);
    by_hand = true;
}

COFFER_INLINE circuit_breaker_options circuit_breaker::shared::options() {
    std::lock_guard const lock{mutex};
    return machine.options();
}

COFFER_INLINE circuit_status circuit_breaker::shared::status() {
    std::lock_guard const lock{mutex};
    circuit_status s;
    s.state = machine.state();
    if (s.state != circuit_state::closed) s.why = refusal.message();
    if (s.state == circuit_state::open) s.left = std::max(machine.until() - now(), duration::zero());
    s.in_a_row = machine.in_a_row();
    s.tally = machine.tally(now());
    s.probes_under_way = machine.probes_under_way();
    s.probes_succeeded = machine.probes_succeeded();
    s.opened = machine.opened();
    return s;
}

COFFER_INLINE void circuit_breaker::shared::bind(attempt const& a) {
    auto const its = a.of().shared_clock();
    std::lock_guard const lock{mutex};
    if (clock != nullptr && clock != its)
        throw misuse{
            "coffer::circuit_breaker: this breaker, or a copy of it, was used under another clock before: make "
            "one for each clock, in tests one for each context in virtual time"};
    clock = its;
    bound_to.store(its.get(), std::memory_order_release);
}

COFFER_INLINE time_point circuit_breaker::shared::now() const noexcept {
    return clock != nullptr ? clock->now() : time_point{};
}

COFFER_INLINE duration circuit_breaker::shared::probe_limit(attempt const& a) noexcept {
    auto const once = a.timeout();
    return once < duration::max() / 2 ? 2 * once : duration::max();
}

COFFER_INLINE breaker::end circuit_breaker::shared::judge(attempt_end const& ended, attempt const& a) noexcept {
    using kind = breaker::end::kind;
    if (ended.what == attempt_end::kind::succeeded) return {kind::success, ended.at, ended.at - a.now()};
    bool const counts =
        ended.what == attempt_end::kind::failed && row(ended.why->kind()).breaker == breaker_effect::failure;
    if (!counts) return {};
    return {kind::failure, ended.at, ended.at - a.now(), ended.why->retry_after().value_or(duration::zero())};
}

COFFER_INLINE void circuit_breaker::shared::publish() noexcept {
    closed_in.store(machine.state() == circuit_state::closed ? machine.epoch() : 0, std::memory_order_release);
}

}  // namespace coffer::inline COFFER_ABI
