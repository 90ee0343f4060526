// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of budget.hpp.

#include <coffer/policy/budget.hpp>

#include <cstring>
#include <stdexcept>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE budget::budget(ledger const& where, budget_options options)
    : settings_{std::make_shared<settings>(where.backend(), std::move(options))} {}

COFFER_INLINE budget::budget(store const& where, budget_options options) : budget{where.ledger(), std::move(options)} {}

COFFER_INLINE budget::ticket::ticket(settings& s, attempt const& a)
    : settings_{&s}, id_{s.next_id()}, request_{s.request_for(a, id_)} {}

COFFER_INLINE budget::ticket::~ticket() {
    if (asked_) finish([&] { settings_->backend->submit_release(id_); });
    else if (held_) finish([&] { settings_->backend->submit_lapse(id_); });
}

COFFER_INLINE verdict budget::ticket::settle(attempt_end const& end, attempt& a) noexcept {
    if (!std::exchange(held_, false)) return verdict::done();
    bool const unbilled = end.what == attempt_end::kind::not_attempted ||
                          (end.what == attempt_end::kind::failed && end.why->billing() == knowledge::no);
    finish([&] {
        if (unbilled) {
            settings_->backend->submit_release(id_);
            return;
        }
        if (end.cost) settings_->learn(a, request_.bound, *end.cost);
        auto request_id = attempt_access::request_id(a);
        if (request_id.empty() && end.why != nullptr) request_id = end.why->request_id();
        settings_->backend->submit_settle(id_, end.cost, request_id);
    });
    return verdict::done();
}

COFFER_INLINE admission budget::try_enter(attempt& a, slot<ticket>& s) const {
    settings_->bind(a);
    auto& t = s.emplace(*settings_, a);
    if (auto no = settings_->unbounded(a, t.request_)) return admission::refused(*std::move(no));
    if (settings_->waits() && settings_->first_awaited(*t.request_.lines)) return admission::wait();
    ask(t);
    auto answer = conclude(t, a);
    if (std::holds_alternative<entered>(answer)) return admission::in();
    if (std::holds_alternative<pending>(answer)) return admission::wait();
    if (auto* const why = std::get_if<fault>(&answer)) return admission::refused(std::move(*why));
    auto& denied = std::get<budget_denial>(answer);
    if (settings_->worth_waiting(denied, a, a.now())) return admission::wait();
    return admission::refused(settings_->why_not(std::move(denied), t.request_, a));
}

COFFER_INLINE void budget::describe(composition& to) const {
    to.name("budget");
    detail::describe_into(to, settings_->options);
}

COFFER_INLINE budget::settings::settings(std::shared_ptr<ledger_backend> where, budget_options o)
    : backend{std::move(where)}, options{(o.check(), std::move(o))} {
    add({options.scope, options.limit, options.window, options.kind});
    for (auto const& l : options.also) add(l);
    bool const fixed = std::all_of(limits.begin(), limits.end(), [](auto const& l) { return l.scope.is_fixed(); });
    hard = std::any_of(limits.begin(), limits.end(),
                       [](auto const& l) { return l.what.kind == limit_kind::hard && l.what.limit != money::max(); });
    learns = std::any_of(limits.begin(), limits.end(),
                         [](auto const& l) { return l.what.kind == limit_kind::soft || l.what.limit == money::max(); });
    if (fixed) {
        auto all = std::make_shared<ledger_lines>();
        for (auto const& l : limits) all->emplace_back(l.what.scope, l.what.window, l.what.limit, l.what.kind);
        lines = std::move(all);
    }
}

COFFER_INLINE void budget::settings::add(budget_limit const& l) { limits.push_back({scope_pattern{l.scope}, l}); }

COFFER_INLINE void budget::settings::bind(attempt const& a) {
    auto const* const clock = &a.clock();
    if (bound_to.load(std::memory_order_relaxed) == clock) return;
    try {
        backend->bind(a.of().shared_clock());
    } catch (std::logic_error const& error) {
        throw misuse{error.what()};  // a plain logic_error would be a fault
    }
    bound_to.store(clock, std::memory_order_relaxed);
}

COFFER_INLINE reservation_id budget::settings::next_id() noexcept {
    auto id = ids;
    auto const number = next.fetch_add(1, std::memory_order_relaxed);
    std::memcpy(id.data() + sizeof number, &number, sizeof number);
    return id;
}

COFFER_INLINE std::shared_ptr<ledger_lines const> budget::settings::lines_of(attempt const& a) const {
    if (lines) return lines;
    auto all = std::make_shared<ledger_lines>();
    for (auto const& l : limits) {
        ledger_line line{l.scope.of(a), l.what.window, l.what.limit, l.what.kind};
        auto const same = std::find_if(all->begin(), all->end(), [&](auto const& other) {
            return other.scope == line.scope && other.window_text == line.window_text;
        });
        if (same == all->end()) all->push_back(std::move(line));
        else detail::make_stricter(*same, line);
    }
    return all;
}

COFFER_INLINE reserve_request budget::settings::request_for(attempt const& a, reservation_id const& id) {
    reserve_request q;
    q.id = id;
    q.lines = lines_of(a);
    size(q, a, a.estimate().cost);
            // Where the permit does not say it, the send begins as soon as the money is held.
    q.sent = !a.permits_in(backend->identity());
    q.held_for = held_for;
    q.longest = later(later(time_point{}, a.timeout()), defaults::finish_grace).time_since_epoch();
    q.about.attempt = a.of().attempts() + 1;
    if (a.of().keyed()) {
        q.about.name_space = a.of().key().name_space();
        if (q.sent) q.about.record = backend->record_of(a.of().record_key());  // else the permit names it
    }
    q.about.provider = a.target().provider;
    q.about.model = a.target().model;
    if (auto const* const print = a.print()) q.about.work = backend->work_of(*print);
    for (auto const& [tag, value] : a.of().tags())
        if (tag == "job") q.about.job = value;
    return q;
}

COFFER_INLINE void budget::settings::size(reserve_request& q, attempt const& a, std::optional<money> bound) {
    if (bound && !can_be_meant(*bound)) bound.reset();  // no bound of anything
    q.bound = bound ? bound : options.unbounded_at_most;
    if (!learns) return;
    std::lock_guard const lock{mutex};
    q.expected = learned.expected(a.target().model, q.bound).value_or(money{});
}

COFFER_INLINE void budget::settings::learn(attempt const& a, std::optional<money> bound, money cost) {
    if (!learns || !can_be_meant(cost)) return;
    std::lock_guard const lock{mutex};
    learned.note(a.target().model, bound, cost);
}

COFFER_INLINE std::optional<fault> budget::settings::unbounded(attempt const& a, reserve_request const& q) const {
    if (q.bound || !hard) return std::nullopt;
    return detail::no_bound(why_unbounded(a));
}

COFFER_INLINE std::string budget::settings::why_unbounded(attempt const& a) {
    auto const& e = a.estimate();
    if (e.cost && !can_be_meant(*e.cost)) return "its estimate of $" + e.cost->to_string() + " cannot be meant";
    return e.unbounded;
}

COFFER_INLINE fault budget::settings::why_not(budget_denial d, reserve_request const& q, attempt const& a) {
    // An operator has set a limit where the program has none.
    bool const bound_is_missing = !q.bound && !d.frozen && !d.limit_is_zero() && d.needed == money::max();
    if (bound_is_missing) return detail::no_bound(why_unbounded(a)).with_denial(std::move(d));
    return detail::fault_of(std::move(d), a.clock().wall_now());
}

COFFER_INLINE std::optional<std::string> budget::settings::first_awaited(ledger_lines const& all) const {
    for (auto const& l : all)
        if (auto account = name_of(l); backend->queue().anybody_waits_for(account)) return account;
    return std::nullopt;
}

COFFER_INLINE std::string budget::settings::account_of(budget_denial const& d, ledger_lines const& all) {
    auto const at = std::find_if(all.begin(), all.end(),
                                 [&](auto const& l) { return l.scope == d.scope && l.window_text == d.window_text; });
    return at == all.end() ? d.scope : name_of(*at);
}

COFFER_INLINE bool budget::settings::worth_waiting(budget_denial const& d, attempt const& a, time_point now) const {
    auto const left = std::min(a.of().deadline(), later(a.now(), options.max_wait)) - now;
    if (left <= duration::zero() || d.frozen || d.never_fits() || !a.of().may_wait()) return false;
    bool const comes_back = !d.is_for_good();
    return comes_back || (d.until && *d.until - a.clock().wall_now() <= left);
}

COFFER_INLINE bool budget::settings::shrink(reserve_request& q, attempt& a, budget_denial const& d) {
    auto const& e = a.estimate();
    if (!options.shrink_to || d.frozen || !e.cost || !e.output_limit || q.bound != d.needed) return false;
    auto const pico = detail::wide_int{e.per_output.pico()};
    if (pico <= 0) return false;
    auto const rest = detail::wide_int{e.cost->nano()} * pico_per_nano - pico * *e.output_limit;
    if (rest < 0) return false;  // the estimate contradicts itself
    auto const tokens = (detail::wide_int{d.free.nano()} * pico_per_nano - rest) / pico;
    auto const now = a.output_limit().value_or(*e.output_limit);
    if (tokens < *options.shrink_to || tokens >= now) return false;
    a.limit_output(static_cast<std::int64_t>(tokens));
    auto const bound = (rest + tokens * pico + pico_per_nano - 1) / pico_per_nano;
    size(q, a, money::from_nano(detail::saturate(bound)));
    return true;
}

COFFER_INLINE void budget::ask(ticket& t) { t.asked_ = t.settings_->backend->reserve(t.request_); }

COFFER_INLINE budget::said budget::conclude(ticket& t, attempt& a) {
    for (int tries = 0;; ++tries) {
        auto const* const answer = t.asked_->get();
        if (answer == nullptr) return pending{};
        auto const verdict = *answer;
        t.asked_.reset();
        if (!verdict) return verdict.error();
        auto const* const denied = std::get_if<budget_denial>(&*verdict);
        if (denied == nullptr) {
            t.held_ = true;
            if (!t.request_.sent) a.hold_money(t.id_);
            return entered{};
        }
        if (tries == most_shrinks || !t.settings_->shrink(t.request_, a, *denied)) return *denied;
        ask(t);
    }
}

}  // namespace coffer::inline COFFER_ABI
