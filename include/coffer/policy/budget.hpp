// SPDX-License-Identifier: BSL-1.0
#pragma once
// Money that cannot be exceeded: before each send the most that it can cost is held, after it what it has cost is booked.
//
//     coffer::sqlite::store db{"coffer.db"};
//     auto ask = coffer::pipeline{
//         coffer::once{db}, coffer::retry{},
//         coffer::budget{db, {.scope = "team/search", .limit = 25_usd, .window = coffer::daily}},
//     }.wrap(openai.chat);

#include <coffer/base/on_use.hpp>
#include <coffer/call/gate.hpp>
#include <coffer/policy/budget_options.hpp>
#include <coffer/policy/scope_pattern.hpp>
#include <coffer/state/learned_cost.hpp>
#include <coffer/state/ledger_rules.hpp>
#include <coffer/store/ledger.hpp>
#include <coffer/store/store.hpp>
#include <coffer/time/entropy.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// The gate that holds money; the innermost one.
///
/// On entering it holds the request's upper bound (`estimate` of the operation) in every account that the call belongs
/// to, or in none; with the permit the reservation counts as sent; afterwards it is settled with what the answer has
/// cost, given back if nothing was billed, and presumed spent as a whole if nobody knows. So settled + presumed + held
/// never exceeds a hard limit, whatever is cancelled or dies, in all processes that share the ledger. Where `once`
/// replays, it costs and reserves nothing.
///
/// Faults of its own: `over_budget` (with `fault::denial` and, if the window's end helps, a hint), `never_fits` (more than
/// the whole limit, or no upper bound: code `no_bound`), `over_budget` with the code `frozen`, or `zero_limit` where the
/// limit is zero; `store_unavailable` when the ledger cannot be written: nothing is sent then. A handle; any thread.
class budget {
    struct settings;

public:
    /// The innermost gate, which reads the operation's `estimate`.
    static constexpr policy_traits traits{.per_send = true, .innermost = true, .estimates = true};

    /// Throws `std::invalid_argument` for options that cannot be meant.
    budget(ledger const& where, budget_options options)
        : settings_{std::make_shared<settings>(where.backend(), std::move(options))} {}
    /// With the ledger of that store. Throws `misuse` if it keeps none.
    budget(store const& where, budget_options options) : budget{where.ledger(), std::move(options)} {}
    budget(budget const&) = default;  // and no moves: a handle that was moved from is one, too
    budget& operator=(budget const&) = default;

    /// Money held for one attempt.
    class ticket {
    public:
        /// Made by `try_enter`; asks for nothing yet.
        ticket(settings& s, attempt const& a) : settings_{&s}, id_{s.next_id()}, request_{s.request_for(a, id_)} {}
        ticket(ticket const&) = delete;
        ticket& operator=(ticket const&) = delete;
        ~ticket() {
            if (asked_) finish([&] { settings_->backend->submit_release(id_); });
            else if (held_) finish([&] { settings_->backend->submit_lapse(id_); });
        }

        /// Books what the attempt has cost: settled if it is known, given back if nothing was billed, presumed spent as
        /// a whole
        /// otherwise. The ledger owns the write; nobody waits for it.
        verdict settle(attempt_end const& end, attempt& a) noexcept {
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

    private:
        friend class budget;

        /// What cannot be told now is found out later, by whoever takes this process's reservations for abandoned.
        template <class Fn>
        static void finish(Fn const& fn) noexcept {
            try {
                fn();
            } catch (...) {
            }
        }

        settings* settings_;
        reservation_id id_;
        reserve_request request_;
        std::optional<ledger_backend::result<reserve_verdict>> asked_;
        bool held_ = false;
    };

    /// Holds the money, if the ledger answers at once; else the attempt waits for it. Refuses as the class says.
    [[nodiscard]] admission try_enter(attempt& a, slot<ticket>& s) const {
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

    /// Waits for the ledger, and for money to come back where `max_wait` allows it; never past the deadline. Cancelled,
    /// it holds nothing.
    template <class = on_use>
    [[nodiscard]] awaitable<outcome<void>> enter(attempt& a, slot<ticket>& s) const {
        return wait_for_money(settings_, a, *s);
    }

    /// Copies have it in common.
    [[nodiscard]] void const* state() const noexcept { return settings_.get(); }
    /// What `to_string` and `<<` print: the limits of the program. Those that an operator has set, and what is left, the
    /// ledger knows.
    void describe(composition& to) const {
        to.name("budget");
        detail::describe_into(to, settings_->options);
    }

private:
    struct settings {
        settings(std::shared_ptr<ledger_backend> where, budget_options o)
            : backend{std::move(where)}, options{(o.check(), std::move(o))} {
            add({options.scope, options.limit, options.window, options.kind});
            for (auto const& l : options.also) add(l);
            bool const fixed =
                std::all_of(limits.begin(), limits.end(), [](auto const& l) { return l.scope.is_fixed(); });
            hard = std::any_of(limits.begin(), limits.end(), [](auto const& l) {
                return l.what.kind == limit_kind::hard && l.what.limit != money::max();
            });
            learns = std::any_of(limits.begin(), limits.end(), [](auto const& l) {
                return l.what.kind == limit_kind::soft || l.what.limit == money::max();
            });
            if (fixed) {
                auto all = std::make_shared<ledger_lines>();
                for (auto const& l : limits) all->emplace_back(l.what.scope, l.what.window, l.what.limit, l.what.kind);
                lines = std::move(all);
            }
        }

        /// @cond
        struct limit_on {
            scope_pattern scope;
            budget_limit what;
        };
        void add(budget_limit const& l) { limits.push_back({scope_pattern{l.scope}, l}); }
        /// @endcond

        [[nodiscard]] bool waits() const noexcept { return options.max_wait > duration::zero(); }

        void bind(attempt const& a) {
            auto const* const clock = &a.clock();
            if (bound_to.load(std::memory_order_relaxed) == clock) return;
            try {
                backend->bind(a.of().shared_clock());
            } catch (std::logic_error const& error) {
                throw misuse{error.what()};  // a plain logic_error would be a fault
            }
            bound_to.store(clock, std::memory_order_relaxed);
        }
        [[nodiscard]] reservation_id next_id() noexcept {
            auto id = ids;
            auto const number = next.fetch_add(1, std::memory_order_relaxed);
            std::memcpy(id.data() + sizeof number, &number, sizeof number);
            return id;
        }
        [[nodiscard]] std::shared_ptr<ledger_lines const> lines_of(attempt const& a) const {
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
        [[nodiscard]] reserve_request request_for(attempt const& a, reservation_id const& id) {
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
        void size(reserve_request& q, attempt const& a, std::optional<money> bound) {
            if (bound && !can_be_meant(*bound)) bound.reset();  // no bound of anything
            q.bound = bound ? bound : options.unbounded_at_most;
            if (!learns) return;
            std::lock_guard const lock{mutex};
            q.expected = learned.expected(a.target().model, q.bound).value_or(money{});
        }
        void learn(attempt const& a, std::optional<money> bound, money cost) {
            if (!learns || !can_be_meant(cost)) return;
            std::lock_guard const lock{mutex};
            learned.note(a.target().model, bound, cost);
        }
        [[nodiscard]] std::optional<fault> unbounded(attempt const& a, reserve_request const& q) const {
            if (q.bound || !hard) return std::nullopt;
            return detail::no_bound(why_unbounded(a));
        }
        [[nodiscard]] static std::string why_unbounded(attempt const& a) {
            auto const& e = a.estimate();
            if (e.cost && !can_be_meant(*e.cost)) return "its estimate of $" + e.cost->to_string() + " cannot be meant";
            return e.unbounded;
        }
        /// What a caller is told who is turned away.
        [[nodiscard]] static fault why_not(budget_denial d, reserve_request const& q, attempt const& a) {
            // An operator has set a limit where the program has none.
            bool const bound_is_missing = !q.bound && !d.frozen && !d.limit_is_zero() && d.needed == money::max();
            if (bound_is_missing) return detail::no_bound(why_unbounded(a)).with_denial(std::move(d));
            return detail::fault_of(std::move(d), a.clock().wall_now());
        }
        /// The account of the call for which others are waiting already, if there is one.
        [[nodiscard]] std::optional<std::string> first_awaited(ledger_lines const& all) const {
            for (auto const& l : all)
                if (auto account = name_of(l); backend->queue().anybody_waits_for(account)) return account;
            return std::nullopt;
        }
        [[nodiscard]] static std::string name_of(ledger_line const& l) { return l.scope + " (" + l.window_text + ")"; }
        [[nodiscard]] static std::string account_of(budget_denial const& d, ledger_lines const& all) {
            auto const at = std::find_if(all.begin(), all.end(), [&](auto const& l) {
                return l.scope == d.scope && l.window_text == d.window_text;
            });
            return at == all.end() ? d.scope : name_of(*at);
        }
        /// Can money come back in time, or the window end?
        [[nodiscard]] bool worth_waiting(budget_denial const& d, attempt const& a, time_point now) const {
            auto const left = std::min(a.of().deadline(), later(a.now(), options.max_wait)) - now;
            if (left <= duration::zero() || d.frozen || d.needed > d.limit || !a.of().may_wait()) return false;
            bool const comes_back = !d.is_for_good();
            return comes_back || (d.until && *d.until - a.clock().wall_now() <= left);
        }
        /// Lowers the output maximum to what is free. False if that is not allowed, or too little.
        [[nodiscard]] bool shrink(reserve_request& q, attempt& a, budget_denial const& d) {
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

        std::shared_ptr<ledger_backend> backend;
        budget_options options;
        std::vector<limit_on> limits;
        bool hard = false;
        bool learns = false;
        std::shared_ptr<ledger_lines const> lines;  // if they are the same for all calls
        std::atomic<coffer::clock const*> bound_to{nullptr};
        // Unique among all processes: a random beginning, and a number.
        reservation_id ids = detail::entropy<sizeof(reservation_id)>();
        std::atomic<std::uint64_t> next{0};
        std::mutex mutex;
        learned_cost learned;

        static constexpr auto held_for = std::chrono::minutes{5};
        static constexpr std::int64_t pico_per_nano = 1000;
    };

    struct entered {};
    struct pending {};  // the ledger has not answered yet
    using said = std::variant<entered, pending, budget_denial, fault>;

    static void ask(ticket& t) { t.asked_ = t.settings_->backend->reserve(t.request_); }

    /// What came of asking. Asks again for less where that is allowed.
    [[nodiscard]] static said conclude(ticket& t, attempt& a) {
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

    /// Until the money is held, or there is no use in waiting any longer. What was asked for and is not heard of is given
    /// back by the ticket.
    template <class = on_use>
    static awaitable<outcome<void>> wait_for_money(std::shared_ptr<settings> s, attempt& a, ticket& t) {
        auto const executor = co_await asio::this_coro::executor;
        auto& service = clock_service::of(executor);
        auto const clock = service.clock();
        auto const deadline = a.of().deadline();
        auto const give_up = a.of().may_wait() ? std::min(deadline, later(a.now(), s->options.max_wait)) : a.now();
        std::optional<budget_queue::seat> seat;
        std::optional<budget_denial> last;
        auto pause = first_poll;
        if (!t.asked_)
            if (auto const account = s->first_awaited(*t.request_.lines)) seat.emplace(s->backend->queue(), *account);
        for (;;) {
            auto const nudge = seat ? seat->arm() : nullptr;
            bool const my_turn = !seat || seat->is_first();
            if (my_turn && !t.asked_) ask(t);
            while (t.asked_) {
                if (t.asked_->get() == nullptr) co_await t.asked_->wait(service, deadline);
                if (t.asked_->get() == nullptr) {
                    if (clock->now() >= deadline)
                        co_return failed(fault_kind::deadline_exceeded, "the ledger did not answer in the call's time");
                    co_return failed(fault_kind::cancelled, "the caller left");
                }
                auto answer = conclude(t, a);
                if (std::holds_alternative<entered>(answer)) co_return outcome<void>{};
                if (auto* const why = std::get_if<fault>(&answer)) co_return failed(std::move(*why));
                if (auto* const denied = std::get_if<budget_denial>(&answer)) last = std::move(*denied);
            }
            if (my_turn) {
                if (clock->now() >= give_up || !s->worth_waiting(*last, a, clock->now()))
                    co_return failed(s->why_not(*std::move(last), t.request_, a));
                auto account = s->account_of(*last, *t.request_.lines);
                if (!seat || seat->account() != account) {
                    if (seat) seat->move_to(std::move(account));
                    else seat.emplace(s->backend->queue(), std::move(account));
                    continue;  // once more, now that it would be heard of
                }
            } else if (clock->now() >= give_up) {
                co_return failed(detail::others_wait(seat->account(), std::move(last)));
            }
            auto until = give_up;
            if (my_turn && s->backend->is_shared()) {
                until = std::min(until, later(clock->now(), pause));
                pause = std::min(2 * pause, slowest_poll);
            }
            if (my_turn && last->until) until = std::min(until, later(clock->now(), *last->until - clock->wall_now()));
            if (co_await wait_until(service, until, nudge.get()) == wake::cancelled)
                co_return failed(fault_kind::cancelled, "the caller left");
        }
    }

    static constexpr int most_shrinks = 3;
    // What comes back in another process is seen after a pause: one that has waited long can wait a little longer.
    static constexpr duration first_poll = std::chrono::milliseconds{250};
    static constexpr duration slowest_poll = std::chrono::seconds{5};

    std::shared_ptr<settings> settings_;
};

}  // namespace coffer::inline COFFER_ABI
