// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of attempt.hpp.

#include <coffer/call/attempt.hpp>

#include <algorithm>
#include <utility>

namespace coffer::inline COFFER_ABI {

namespace detail {

COFFER_INLINE void tell_of(call const& c, observers const& watch, event e) noexcept {
    if (c.keyed()) e.name_space = c.key().name_space();
    e.call = c.number();
    watch.tell(e);
}

}  // namespace detail

/// What is learned of a send.
struct attempt::knowledge_of_send {
    std::optional<usage> used;
    std::optional<money> cost;
    std::string request_id;
    std::optional<rate_facts> rate;
};

/// What is known of the request beside that it is one.
struct attempt::particulars {
    /// As far as the operation says. The arguments do not change, so it is asked for once.
    struct request_size {
        coffer::estimate bound;
        std::optional<fingerprint> print;
    };
    std::optional<coffer::target> target;
    std::optional<knowledge_of_send> learned;  // of the try under way
    std::optional<request_size> size;
};

COFFER_INLINE attempt::attempt(call& c, observers const* watch) noexcept
    : call_{&c}, watch_{watch}, allowed_{c.allowed()} {}

COFFER_INLINE attempt::~attempt() {
    if (call_access::running(*call_) == this) call_access::set_running(*call_, nullptr);
}

COFFER_INLINE coffer::target const& attempt::target() const noexcept {
    return known_ && known_->target ? *known_->target : nowhere();
}

COFFER_INLINE std::optional<int> attempt::sends_left() const noexcept {
    return call_->claim() != nullptr ? std::optional{call_->claim()->sends_left()} : std::nullopt;
}

COFFER_INLINE std::string const& attempt::provider_key() const { return call_access::provider_key(*call_); }

COFFER_INLINE std::optional<std::int64_t> attempt::output_limit() const noexcept {
    return output_limit_ < 0 ? std::nullopt : std::optional{output_limit_};
}

COFFER_INLINE void attempt::report_request_id(std::string id) { learned().request_id = std::move(id); }

COFFER_INLINE void attempt::limit_timeout(duration d) noexcept {
    allowed_.attempt_timeout = std::min(allowed_.attempt_timeout, d);
}

COFFER_INLINE void attempt::limit_attempts(int most) noexcept { allowed_.attempts = std::min(allowed_.attempts, most); }

COFFER_INLINE void attempt::limit_sends(int most) noexcept { allowed_.sends = std::min(allowed_.sends, most); }

COFFER_INLINE void attempt::limit_output(std::int64_t tokens) noexcept {
    output_limit_ = output_limit_ < 0 ? std::max<std::int64_t>(tokens, 0) : std::min(output_limit_, tokens);
}

COFFER_INLINE coffer::estimate const& attempt::estimate() const noexcept {
    static coffer::estimate const none;
    return known_ && known_->size ? known_->size->bound : none;
}

COFFER_INLINE fingerprint const* attempt::print() const noexcept {
    auto const* const journaled = call_->claim() != nullptr ? call_->claim()->print() : nullptr;
    return journaled != nullptr || !known_ || !known_->size || !known_->size->print ? journaled : &*known_->size->print;
}

COFFER_INLINE bool attempt::permits_in(void const* ledger) const noexcept {
    return call_->claim() != nullptr && call_->claim()->keeps(ledger);
}

COFFER_INLINE void attempt::tell(event e) const noexcept {
    if (watch_ == nullptr || watch_->empty()) return;
    if (e.target == nullptr && known_ && known_->target) e.target = &*known_->target;
    detail::tell_of(*call_, *watch_, e);
}

COFFER_INLINE void attempt::report(usage const& used) { learned().used = used; }
COFFER_INLINE void attempt::report_cost(money cost) { learned().cost = cost; }
COFFER_INLINE void attempt::report_rate(rate_facts const& said) { learned().rate = said; }

COFFER_INLINE attempt::particulars& attempt::known() {
    if (!known_) known_ = std::make_unique<particulars>();
    return *known_;
}

COFFER_INLINE attempt::knowledge_of_send& attempt::learned() {
    auto& all = known();
    return all.learned ? *all.learned : all.learned.emplace();
}

COFFER_INLINE attempt::knowledge_of_send const* attempt::learned_or_null() const noexcept {
    return known_ && known_->learned ? &*known_->learned : nullptr;
}

COFFER_INLINE coffer::target const& attempt::nowhere() noexcept {
    static coffer::target const none;
    return none;
}

COFFER_INLINE ended_before::ended_before(attempt_end const& e)
    : why_{*e.why}, used_{e.used != nullptr ? std::optional{*e.used} : std::nullopt}, end_{e} {
    end_.why = &why_;
    end_.used = used_ ? &*used_ : nullptr;
}

COFFER_INLINE void attempt_access::begin(attempt& a, time_point now) noexcept {
    a.now_ = now;
    a.number_ = 0;
    a.send_ = 0;
    forget(a);
    a.money_ = nullptr;
    a.output_limit_ = -1;
}

COFFER_INLINE void attempt_access::waited(attempt& a, time_point now) noexcept {
    call_access::add_wait(*a.call_, now - a.now_, wait_reason::admission);
    a.now_ = now;
}

COFFER_INLINE void attempt_access::set_target(attempt& a, target t) { a.known().target = std::move(t); }

COFFER_INLINE void attempt_access::set_size(attempt& a, coffer::estimate bound, std::optional<fingerprint> print) {
    a.known().size.emplace(attempt::particulars::request_size{std::move(bound), std::move(print)});
}

COFFER_INLINE void attempt_access::forget_request(attempt& a) noexcept {
    if (a.known_) a.known_->target.reset(), a.known_->size.reset();
}

COFFER_INLINE void attempt_access::start(attempt& a, time_point now, time_point deadline, int send) noexcept {
    a.now_ = now, a.deadline_ = deadline, a.send_ = send;
    a.number_ = call_access::next_attempt(*a.call_, send, deadline);
    call_access::set_running(*a.call_, &a);
}

COFFER_INLINE void attempt_access::learn(attempt& a, answer const& from) {
    if (from.usage) a.report(*from.usage);
    if (from.cost) a.report_cost(*from.cost);
    if (!from.request_id.empty()) a.report_request_id(from.request_id);
}

COFFER_INLINE void attempt_access::forget(attempt& a) noexcept {
    if (a.known_) a.known_->learned.reset();
}

COFFER_INLINE std::optional<usage> attempt_access::used(attempt const& a) noexcept {
    auto const* const learned = a.learned_or_null();
    return learned != nullptr ? learned->used : std::nullopt;
}

COFFER_INLINE usage const* attempt_access::used_or_null(attempt const& a) noexcept {
    auto const* const learned = a.learned_or_null();
    return learned != nullptr && learned->used ? &*learned->used : nullptr;
}

COFFER_INLINE std::optional<money> attempt_access::cost(attempt const& a) noexcept {
    auto const* const learned = a.learned_or_null();
    return learned != nullptr ? learned->cost : std::nullopt;
}

COFFER_INLINE void attempt_access::made_inside(attempt& a, attempt_record const& last, bool one_target) {
    a.now_ = later(a.call_->began(), last.start);
    if (one_target && last.rate) a.report_rate(*last.rate);
}

COFFER_INLINE rate_facts const* attempt_access::rate_or_null(attempt const& a) noexcept {
    auto const* const learned = a.learned_or_null();
    return learned != nullptr && learned->rate ? &*learned->rate : nullptr;
}

COFFER_INLINE std::string attempt_access::request_id(attempt const& a) {
    auto const* const learned = a.learned_or_null();
    return learned != nullptr ? learned->request_id : std::string{};
}

COFFER_INLINE void attempt_access::record(attempt& a, attempt_end& end) {
    auto& c = *a.call_;
    call_access::set_running(c, nullptr);
    end.used = used_or_null(a);
    end.cost = cost(a);
    if (end.why != nullptr && end.why->billing() == knowledge::no) end.cost = money{};
    call_access::add_cost(c, end.cost);
    if (end.why == nullptr || end.why->billing() != knowledge::no) call_access::add_unproven(c);

    auto& entry = call_access::log(c).begin_entry();
    entry.number = a.number();
    if (has_target(a)) entry.target = a.target();
    entry.start = a.now() - c.began();
    entry.waited = call_access::take_wait(c);
    entry.why_waited = call_access::take_wait_reason(c);
    entry.duration = end.at - a.now();
    if (end.why != nullptr) {
        entry.fault = *end.why;
        entry.execution = end.why->execution();
        entry.billing = end.why->billing();
        entry.request_id = end.why->request_id();
    }
    if (learned(a)) {
        entry.usage = used(a);
        if (auto const* const said = rate_or_null(a)) entry.rate = std::make_shared<rate_facts const>(*said);
        if (auto id = request_id(a); !id.empty()) entry.request_id = std::move(id);
    }
    entry.cost = end.cost;
    entry.send = send(a);
    if (c.claim() != nullptr) c.claim()->recorded(entry);
    if (auto* const branch = call_access::branch_of(c)) branch->end(entry);
    if (watched(a)) {
        event e{event_kind::attempt_ended, end.at, {}, a.number(), end.why, {}, end.cost};
        e.took = end.at - a.now();
        a.tell(e);
    }
}

COFFER_INLINE bool attempt_access::watched(attempt const& a) noexcept {
    return a.watch_ != nullptr && !a.watch_->empty();
}

COFFER_INLINE bool attempt_access::has_target(attempt const& a) noexcept { return a.known_ && a.known_->target; }
COFFER_INLINE bool attempt_access::has_size(attempt const& a) noexcept { return a.known_ && a.known_->size; }
COFFER_INLINE bool attempt_access::learned(attempt const& a) noexcept { return a.learned_or_null() != nullptr; }

}  // namespace coffer::inline COFFER_ABI
