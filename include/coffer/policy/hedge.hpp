// SPDX-License-Identifier: BSL-1.0
#pragma once
// A second request beside one that is slow: the first accepted answer wins.
//
//     auto ask = coffer::pipeline{coffer::once{db}}.wrap(coffer::hedge{
//         coffer::pipeline{coffer::retry{}, dear_limit}.wrap(openai.chat),
//         coffer::pipeline{cheap_limit}.wrap(other.chat),                      // or leave it out: the same one again
//     });
//
// It stands where an operation stands, as `fallback` does: its requests may go to different targets, each through a
// pipeline of its own.

#include <coffer/asio.hpp>
#include <coffer/call/call.hpp>
#include <coffer/call/call_access.hpp>
#include <coffer/call/classify.hpp>
#include <coffer/call/composition.hpp>
#include <coffer/call/core.hpp>
#include <coffer/call/event.hpp>
#include <coffer/policy/fallback_list.hpp>
#include <coffer/policy/hedge_race.hpp>
#include <coffer/policy/retry_quota.hpp>
#include <coffer/state/hedge_rule.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

// GCC takes every closure in a coroutine's frame for one of an anonymous namespace and warns in whoever includes this.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

namespace coffer::inline COFFER_ABI {

/// A primary, and where the second request goes: to the backups in turn, or, without one, to the primary again. What a
/// pipeline wraps.
///
/// **Alternatives** are wrapped operations, `guarded` handles, or one `std::vector` of such handles; all take the same
/// arguments, which must be copyable, and give the same result. Where there is a backup, each has a `target`. `once` stands
/// outside; `retry`, limits, breakers and `budget` stand inside, in each one's own pipeline. No hedge inside a hedge.
///
/// **Effects.** The call is handed to the primary. If it has not answered after the delay (a percentile of how long its
/// answers take, once enough are known), another request is started beside it, unless: an attempt has failed in a way that
/// the other target cannot mend; less time is left than half of the answers take, once that is known; as many sends as allowed are, or may yet
/// be, under way (never with `max_sends = 1`); the ratio or the quota affords none. A hedge waits at no limit: where it
/// would have to, or is refused otherwise, there is none, and it has cost nothing. Without a backup none starts while the
/// primary itself waits; it is looked again after the delay. A primary that fails before is not hedged: its fault is told.
///
/// **Outcome.** The first answer. Who fails is no reason to drop the other: it is awaited. If all fail, the last fault that
/// time may mend, as a fallback tells it, with what is known of the provider's side of all of them.
///
/// **Who has lost** detaches. A send under way goes on to its end, since it is paid for: its tickets are settled with its
/// true end, its cost goes to its budget, observers are told; `cancel_loser` cuts it off instead. It begins nothing new.
/// The call's log has what ended before the reply, and `call::cost()` is none while something is under way. Of a call that
/// leaves it has that, too.
///
/// **The journal.** Each send takes its permit from the one claim; the first accepted answer is the key's, a later one is
/// stored beside it. Where a send cannot outlive its claim there is no hedge.
///
/// **Cancellation** reaches all of them, and the caller does not wait for them; so does the call's deadline. (Under a
/// journal, what is permitted goes on.) **Thread safety:** copies share window, ratio and quota; any thread. Costs a fork of
/// the call and copies of the arguments; where no hedge could be, a frame. Throws `std::invalid_argument` for options that
/// cannot be meant, `misuse` for an alternative with a journal or a hedge behind `guarded`.
template <class... Alternatives>
class hedge {
    static_assert(sizeof...(Alternatives) > 0, "coffer: a hedge needs a primary");
    using list = detail::fallback_list<Alternatives...>;
    using first = typename list::first;
    static_assert(list::template each<detail::is_wrapped>,
                  "coffer: an alternative of a hedge is an operation with a pipeline of its own: "
                  "coffer::pipeline{coffer::retry{}}.wrap(operation), or coffer::pipeline{}.wrap(operation)");
    static_assert(
        list::template each<detail::has_no_journal>,
        "coffer: an alternative of a hedge has a journal of its own, and two requests would exceed max_sends: "
        "move `once` to the pipeline that wraps the hedge");
    static_assert(
        list::template each<detail::has_no_hedge>,
        "coffer: an alternative of a hedge hedges itself, which would multiply the requests: keep one of them, "
        "with all the backups");
    template <class... Args>
    using called = typename detail::shape<first, Args...>::returned;

public:
    using is_coffer_pipeline = void;  ///< by which a pipeline around it knows it
    /// What stands in the alternatives, for the rules about order, and that there is a hedge.
    static constexpr detail::contents order =
        detail::merged(detail::merged_orders<Alternatives...>(), {false, false, false, false, true});

    /// With the default options: a primary, and backups if there are any.
    explicit hedge(Alternatives... all) : hedge{hedge_options{}, std::move(all)...} {}
    /// A primary and backups.
    explicit hedge(hedge_options options, Alternatives... all)
        : plan_{std::make_shared<plan const>(list{std::move(all)...}, options)} {
        if (plan_->all.size() == 0) throw std::invalid_argument{"coffer::hedge: there is no primary"};
        auto inside = detail::contents{};
        inside = detail::contents_of_all(plan_->all, inside);
        if (inside.journal)
            throw misuse{
                "coffer: an alternative of a hedge has a journal of its own, and two requests would exceed max_sends: "
                "move `once` to the pipeline that wraps the hedge"};
        if (inside.hedges)
            throw misuse{
                "coffer: an alternative of a hedge hedges itself, which would multiply the requests: keep one of them, "
                "with all the backups"};
    }
    hedge(hedge const&) = default;  // and no moves: a handle that was moved from is one, too
    hedge& operator=(hedge const&) = default;

    /// From which hedges are taken besides the ratio: give it that of the retries, and both share one. (Otherwise it is one
    /// of its own, with the default's numbers.)
    [[nodiscard]] hedge with(retry_quota quota) && {
        auto changed = *plan_;
        changed.quota = std::move(quota);
        changed.own_quota = false;
        return std::move(*this).with(std::move(changed));
    }
    /// Adds an observer, told of `hedged` and `not_hedged`. (Of what happens in a request its own pipeline's are told.)
    [[nodiscard]] hedge observe(observer o) && {
        auto changed = *plan_;
        changed.watch.add(std::move(o));
        return std::move(*this).with(std::move(changed));
    }

    /// What it has seen and done so far, and the delay that a call would have at `now`.
    [[nodiscard]] hedge_snapshot look(time_point now) const { return plan_->pace->look(now); }

    /// Its primary and its backups, each with its own lines.
    void describe(composition& to) const {
        auto const& o = plan_->pace->options();
        hedge_options const usual;
        to.name("hedge");
        if (o.percentile == 0) to.with("after", o.delay);
        else to.with_other("percentile", o.percentile, usual.percentile).with_other("delay", o.delay, usual.delay);
        to.with_other("least_delay", o.least_delay, usual.least_delay).with_other("minimum", o.minimum, usual.minimum);
        to.with_other("window", o.window, usual.window).with_other("hedges", o.hedges, usual.hedges);
        to.with_other("ratio", o.ratio, usual.ratio).with_other("burst", o.burst, usual.burst);
        to.with_other("max_sends", o.max_sends, usual.max_sends);
        if (o.cancel_loser) to.with("cancels the loser");
        for (std::size_t i = 0; i < plan_->all.size(); ++i)
            to.inside(std::to_string(i + 1) + ": ", [&] {
                (void)plan_->all.at(i, [&](auto const& a) { return detail::describe_end(to, a), true; });
            });
    }

    // For the pipeline around it ----------------------------------------------------------------------------------------

    /// The call, handed down.
    template <class... Args>
    [[nodiscard]] auto descend(call& c, Args&... args) const {
        using each = detail::alternative_for<Args...>;
        static_assert(list::template each<each::template like<first>::template first>,
                      "coffer: the alternatives of a hedge must give the same result, on the same executor");
        static_assert(
            std::same_as<typename detail::shape<first, Args...>::executor_type, asio::any_io_executor>,
            "coffer: a hedge runs its requests on a strand of asio::any_io_executor: let the operations return "
            "asio::awaitable<T> without an executor type of its own");
        static_assert(list::one || list::template each<each::template has_target>,
                      "coffer: an alternative of a hedge must say where it goes, so that the log tells who answered "
                      "and the journal who can read the answer: describe(operation).target(...)");
        static_assert((std::copy_constructible<std::remove_cvref_t<Args>> && ...),
                      "coffer: a hedge's requests outlive their call and need copies of the arguments: make them "
                      "copyable");
        return run(plan_, c, args...);
    }

    /// Do all of them say where a request goes?
    template <class... Args>
    static constexpr bool has_target = list::template each<detail::alternative_for<Args...>::template has_target>;
    /// Can the results of all be written down and read back?
    template <class... Args>
    static constexpr bool journalable = list::template each<detail::alternative_for<Args...>::template journalable>;

    /// For a pipeline around it: what stands in the alternatives, seen through `guarded` too.
    [[nodiscard]] detail::contents contains() const noexcept { return detail::contents_of_all(plan_->all, order); }

    /// For a journal around it: the primary's.
    template <class... Args>
        requires(!detail::is_absent<decltype(detail::fingerprint_of(std::declval<first const&>(),
                                                                    std::declval<Args const&>()...))>)
    [[nodiscard]] auto fingerprint(Args const&... args) const {
        return plan_->all.first_one().fingerprint(args...);
    }

    /// The best fit of them all.
    template <class... Args>
    [[nodiscard]] detail::fit fits(target const& from, Args const&... args) const {
        return detail::best_fit(plan_->all, from, args...);
    }
    /// Read by those that fit best, in their order, until one can.
    template <class... Args>
    [[nodiscard]] auto read(answer const& what, target const& from, Args const&... args) const {
        if constexpr (list::one) return plan_->all.first_one().read(what, from, args...);
        else return detail::read_by_best(plan_->all, what, from, args...);
    }
    /// Where nobody says where the answer came from (`attach`): the first one that can read it.
    [[nodiscard]] auto decode(answer const& what) const
        requires(list::template each<detail::can_decode>)
    {
        return detail::decode_by_any(plan_->all, what);
    }

private:
    using plan = detail::hedge_plan<list>;
    template <class T, class... Args>
    using race_for = detail::hedge_race<list, T, std::remove_cvref_t<Args>...>;

    [[nodiscard]] hedge with(plan changed) && {
        plan_ = std::make_shared<plan const>(std::move(changed));
        return std::move(*this);
    }

    /// Could another request be started at all? If not, the primary need not be forked.
    [[nodiscard]] static bool can_hedge(plan const& p, call const& c, time_point from) {
        if (from >= c.deadline()) return false;
        if (c.claim() != nullptr) return c.claim()->sends_left() >= 2 && c.claim()->share() != nullptr;
        return p.pace->options().max_sends - c.unproven_sends() >= 2;
    }

    template <class... Args>
    static called<Args...> run(std::shared_ptr<plan const> p, call& c, Args&... args) {
        using value_type = typename called<Args...>::value_type::value_type;
        p->pace->bind(c);
        p->quota.bind(c);
        auto const began = c.clock().now();
        auto const terms = p->pace->called(began);
        auto ask_at = later(began, terms.delay);

        if (!can_hedge(*p, c, ask_at)) {
            call_access::allowed_scope const inside{c, call_access::allowed_with(c, p->pace->options().max_sends)};
            auto running = p->all.at(0, [&](auto const& a) { return a.descend(c, args...); });
            auto result = co_await std::move(running);
            if (result) {
                auto const now = c.clock().now();
                p->pace->learn(now - began, now);
                if (p->own_quota) p->quota.succeeded(now);
            }
            co_return result;
        }

        auto const executor = co_await asio::this_coro::executor;
        std::shared_ptr<race_for<value_type, Args...>> race;
        std::exception_ptr thrown;
        try {
            race = std::make_shared<race_for<value_type, Args...>>(p, asio::make_strand(executor), c, terms, args...);
        } catch (...) {  // by an argument that cannot be copied now, as a rule
            thrown = std::current_exception();
        }
        if (thrown) co_return failed(detail::unsent_fault(thrown));
        call_access::fork_scope const unheard{c};
        following_scope const following{*race};
        // Under a journal this coroutine is a flight's, which ends its work only when it is told that it is not needed, and
        // what was permitted not even then.
        bool const flies = c.claim() != nullptr;
        bool const throws = co_await asio::this_coro::throw_if_cancelled();
        if (flies) co_await asio::this_coro::throw_if_cancelled(false);
        race->begin();
        auto const& over = race->over();
        bool passed_on = false;
        while (over.get() == nullptr) {
            auto until = race->closed() ? time_point::max() : ask_at;
            if (!flies) until = std::min(until, c.deadline());
            auto const woke = co_await over.wait(c.service(), until);
            if (over.get() != nullptr) break;
            // A cancellation may also have come when the wait had ended otherwise, and this coroutine was on its way.
            auto const state = co_await asio::this_coro::cancellation_state;
            bool const told = woke == wake::cancelled || state.cancelled() != asio::cancellation_type::none;
            if (told && !flies) co_return leave(*race, c, fault_kind::cancelled, "the caller left");
            if (told) {
                bool const only_a_send = race->cuts();
                if (only_a_send || !passed_on) race->pass_on_cancellation();
                if (only_a_send) co_await asio::this_coro::reset_cancellation_state();
                else passed_on = true;
                if (woke == wake::cancelled) continue;
            }
            auto const now = c.clock().now();
            if (!flies && now >= c.deadline())
                co_return leave(*race, c, fault_kind::deadline_exceeded, "the call's deadline has passed");
            if (now < ask_at) continue;
            race->ask_for_another();
            ask_at = later(now, terms.delay);
        }
        if (flies) co_await asio::this_coro::throw_if_cancelled(throws);
        call_access::adopt(c, race->made(), race->answered_by());
        race->hand_back_repairs(c);
        co_return race->take();
    }

    /// Under a journal the branches have the flight's time, which grows, as long as the flight waits for them.
    template <class Race>
    struct following_scope {
        explicit following_scope(Race& r) noexcept : race{r} {}
        following_scope(following_scope const&) = delete;
        following_scope& operator=(following_scope const&) = delete;
        ~following_scope() { race.stop_following(); }
        Race& race;
    };

    /// The caller goes, and does not wait for those that may not listen.
    template <class Race>
    [[nodiscard]] static tl::unexpected<fault> leave(Race& race, call& c, fault_kind kind, char const* text) {
        fault why{kind, text};
        auto made = race.leave(why);
        auto known = knowledge::no, billed = knowledge::no;
        for (auto const& a : made.log) known = std::max(known, a.execution), billed = std::max(billed, a.billing);
        call_access::adopt(c, std::move(made), std::nullopt);
        return failed(std::move(why.with_execution(known).with_billing(billed)));
    }

    std::shared_ptr<plan const> plan_;
};

/// `hedge{a, b}` takes the types of its alternatives.
template <class... Alternatives>
hedge(Alternatives...) -> hedge<Alternatives...>;
/// The same with options.
template <class... Alternatives>
hedge(hedge_options, Alternatives...) -> hedge<Alternatives...>;

}  // namespace coffer::inline COFFER_ABI

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
