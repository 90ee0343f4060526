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
#include <memory>
#include <mutex>
#include <optional>
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
    budget(ledger const& where, budget_options options);
    /// With the ledger of that store. Throws `misuse` if it keeps none.
    budget(store const& where, budget_options options);
    budget(budget const&) = default;  // and no moves: a handle that was moved from is one, too
    budget& operator=(budget const&) = default;

    /// Money held for one attempt.
    class ticket {
    public:
        /// Made by `try_enter`; asks for nothing yet.
        ticket(settings& s, attempt const& a);
        ticket(ticket const&) = delete;
        ticket& operator=(ticket const&) = delete;
        ~ticket();

        /// Books what the attempt has cost: settled if it is known, given back if nothing was billed, presumed spent as
        /// a whole
        /// otherwise. The ledger owns the write; nobody waits for it.
        verdict settle(attempt_end const& end, attempt& a) noexcept;

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
    [[nodiscard]] admission try_enter(attempt& a, slot<ticket>& s) const;

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
    void describe(composition& to) const;

private:
    struct settings {
        settings(std::shared_ptr<ledger_backend> where, budget_options o);

        /// @cond
        struct limit_on {
            scope_pattern scope;
            budget_limit what;
        };
        void add(budget_limit const& l);
        /// @endcond

        [[nodiscard]] bool waits() const noexcept { return options.max_wait > duration::zero(); }

        void bind(attempt const& a);
        [[nodiscard]] reservation_id next_id() noexcept;
        [[nodiscard]] std::shared_ptr<ledger_lines const> lines_of(attempt const& a) const;
        [[nodiscard]] reserve_request request_for(attempt const& a, reservation_id const& id);
        void size(reserve_request& q, attempt const& a, std::optional<money> bound);
        void learn(attempt const& a, std::optional<money> bound, money cost);
        [[nodiscard]] std::optional<fault> unbounded(attempt const& a, reserve_request const& q) const;
        [[nodiscard]] static std::string why_unbounded(attempt const& a);
        /// What a caller is told who is turned away.
        [[nodiscard]] static fault why_not(budget_denial d, reserve_request const& q, attempt const& a);
        /// The account of the call for which others are waiting already, if there is one.
        [[nodiscard]] std::optional<std::string> first_awaited(ledger_lines const& all) const;
        [[nodiscard]] static std::string name_of(ledger_line const& l) { return l.scope + " (" + l.window_text + ")"; }
        [[nodiscard]] static std::string account_of(budget_denial const& d, ledger_lines const& all);
        /// Can money come back in time, or the window end?
        [[nodiscard]] bool worth_waiting(budget_denial const& d, attempt const& a, time_point now) const;
        /// Lowers the output maximum to what is free. False if that is not allowed, or too little.
        [[nodiscard]] bool shrink(reserve_request& q, attempt& a, budget_denial const& d);

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

    static void ask(ticket& t);

    /// What came of asking. Asks again for less where that is allowed.
    [[nodiscard]] static said conclude(ticket& t, attempt& a);

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

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/budget.ipp>
#endif
