// SPDX-License-Identifier: BSL-1.0
#pragma once
// Ordered alternatives (other providers, cheaper models), each with a pipeline of its own.
//
//     auto ask = coffer::pipeline{coffer::once{db}}.wrap(coffer::fallback{
//         coffer::pipeline{coffer::retry{}, coffer::budget{db, dear}}.wrap(openai.chat),
//         coffer::pipeline{coffer::retry{}, coffer::budget{db, cheap}}.wrap(llm::with_model(openai.chat, "gpt-4o-mini")),
//     });
//
// It stands where an operation stands and not among the policies: a layer runs what is inside it, with arguments that
// it does not see, and has no way to another operation.

#include <coffer/asio.hpp>
#include <coffer/call/call.hpp>
#include <coffer/call/call_access.hpp>
#include <coffer/call/composition.hpp>
#include <coffer/call/core.hpp>
#include <coffer/call/event.hpp>
#include <coffer/policy/changeable.hpp>
#include <coffer/policy/fallback_list.hpp>
#include <coffer/state/fallback_rule.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
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

/// Alternatives, first = asked first. What a pipeline wraps: the call is handed down to one after another.
///
/// **Alternatives** are wrapped operations, `guarded` handles, or one `std::vector` of such handles; all take the same
/// arguments and give the same result. Each has a `target`: it tells the log who answered, and the journal who can read
/// the answer. Two that go to one provider must read its answers alike. `once` stands outside, in the pipeline that wraps
/// this; `retry`, limits and `budget` stand inside, in each alternative's own.
///
/// **Effects.** The next alternative is tried where the fault table says that another target may help, or where the rule
/// given to `when` says so (not where the call as a whole has ended: left, out of time, its journal not to be written; if
/// the rule throws, it has said no). Nobody further is tried when the call's time is over, or when as many sends as allowed
/// are not proven unbilled: those of the journal, or `max_sends` without one. An alternative has the call's deadline; its
/// retries do not count what was tried before at others. What ends without an attempt falls over at once: a budget's
/// denial, a hint longer than the retry waits for, a gate whose wait would pass the deadline.
///
/// **Outcome.** The first answer. Without one, the last fault that time may mend, else the last one; a fault of the request
/// itself only where no other was seen. The others are in the log. `fault::stop()` says why nobody further was tried.
///
/// **The journal.** The request's fingerprint is that of the first alternative: all should say the same of the same request,
/// so that their order may change. A stored answer is read by the alternative with the target that it came from, else by one
/// with that provider. Is there none, the fault is `unresolved` with the code `no_reader`, and nothing is sent or lost.
///
/// **Cancellation** ends the alternative under way, and nobody further is tried. **Thread safety:** copies share alternatives and
/// options; any thread. Costs one coroutine frame. Throws `std::invalid_argument` for options that cannot be meant, `misuse`
/// for an alternative with a journal behind `guarded`.
template <class... Alternatives>
class fallback {
    static_assert(sizeof...(Alternatives) > 0, "coffer: a fallback needs alternatives");
    using list = detail::fallback_list<Alternatives...>;
    using first = typename list::first;
    static_assert(list::template each<detail::is_wrapped>,
                  "coffer: an alternative of a fallback is an operation with a pipeline of its own: "
                  "coffer::pipeline{coffer::retry{}}.wrap(operation), or coffer::pipeline{}.wrap(operation)");
    static_assert(
        list::template each<detail::has_no_journal>,
        "coffer: an alternative of a fallback has a journal of its own, and switching would exceed max_sends: "
        "move `once` to the pipeline that wraps the fallback");
    template <class... Args>
    using called = typename detail::shape<first, Args...>::returned;

public:
    /// `(fault const&, int from) -> bool`: is another alternative tried after that fault of the one number `from`?
    using rule = std::function<bool(fault const&, int from)>;

    using is_coffer_pipeline = void;  ///< by which a pipeline around it knows it
    /// What stands in the alternatives, for the rules about order.
    static constexpr detail::contents order = detail::merged_orders<Alternatives...>();

    /// With the default options. See above for what an alternative may be.
    explicit fallback(Alternatives... all) : fallback{fallback_options{}, std::move(all)...} {}
    /// Alternatives, first = asked first.
    explicit fallback(fallback_options options, Alternatives... all)
        : state_{std::make_shared<state>(list{std::move(all)...}, (check(options), options))} {
        if (state_->all.size() == 0) throw std::invalid_argument{"coffer::fallback: there is no alternative"};
        if (contains().journal)
            throw misuse{
                "coffer: an alternative of a fallback has a journal of its own, and switching would exceed max_sends: "
                "move `once` to the pipeline that wraps the fallback"};
    }
    fallback(fallback const&) = default;  // and no moves: a handle that was moved from is one, too
    fallback& operator=(fallback const&) = default;

    /// Overrules the fault table. From any thread at once.
    [[nodiscard]] fallback when(rule user) && {
        auto changed = *state_;
        changed.user = std::move(user);
        return std::move(*this).with(std::move(changed));
    }
    /// Adds an observer, told of `fell_back`. (Of what happens in an alternative its own pipeline's are told.)
    [[nodiscard]] fallback observe(observer o) && {
        auto changed = *state_;
        changed.watch.add(std::move(o));
        return std::move(*this).with(std::move(changed));
    }

    /// Other options for this one and its copies, in all pipelines. Throws `std::invalid_argument` for what cannot be meant;
    /// the old ones stay then. Which alternative is next is decided by the new ones from now on, for calls under way too.
    void change(fallback_options options) const {
        check(options);
        state_->options.set(options);
    }
    /// As last changed.
    [[nodiscard]] fallback_options options() const { return *state_->options.read(); }

    /// Its alternatives, first = asked first, each with its own lines.
    void describe(composition& to) const {
        to.name("fallback");
        auto const o = options();
        to.with_other("max_sends", o.max_sends, defaults::max_sends);
        if (o.larger_context) to.with("larger_context");
        if (state_->user) to.with("a rule");
        for (std::size_t i = 0; i < state_->all.size(); ++i)
            to.inside(std::to_string(i + 1) + ": ", [&] {
                (void)state_->all.at(i, [&](auto const& a) { return detail::describe_end(to, a), true; });
            });
    }

    // For the pipeline around it ----------------------------------------------------------------------------------------

    /// The call, handed down.
    template <class... Args>
    [[nodiscard]] auto descend(call& c, Args&... args) const {
        using each = detail::alternative_for<Args...>;
        static_assert(list::template each<each::template like<first>::template first>,
                      "coffer: the alternatives of a fallback must give the same result, on the same executor");
        static_assert(list::template each<each::template has_target>,
                      "coffer: an alternative of a fallback must say where it goes, so that the log tells who answered "
                      "and the journal who can read the answer: describe(operation).target(...)");
        return run(state_, c, args...);
    }

    /// Do all of them say where a request goes?
    template <class... Args>
    static constexpr bool has_target = list::template each<detail::alternative_for<Args...>::template has_target>;
    /// Can the results of all be written down and read back?
    template <class... Args>
    static constexpr bool journalable = list::template each<detail::alternative_for<Args...>::template journalable>;

    /// For a pipeline around it: what stands in the alternatives, seen through `guarded` too.
    [[nodiscard]] detail::contents contains() const noexcept { return detail::contents_of_all(state_->all, order); }

    /// For a journal around it: the first alternative's.
    template <class... Args>
        requires(!detail::is_absent<decltype(detail::fingerprint_of(std::declval<first const&>(),
                                                                    std::declval<Args const&>()...))>)
    [[nodiscard]] auto fingerprint(Args const&... args) const {
        return state_->all.first_one().fingerprint(args...);
    }

    /// The best fit of them all.
    template <class... Args>
    [[nodiscard]] detail::fit fits(target const& from, Args const&... args) const {
        return detail::best_fit(state_->all, from, args...);
    }
    /// Read by those that fit best, in their order, until one can.
    template <class... Args>
    [[nodiscard]] auto read(answer const& what, target const& from, Args const&... args) const {
        return detail::read_by_best(state_->all, what, from, args...);
    }
    /// Where nobody says where the answer came from (`attach`): the first one that can read it.
    [[nodiscard]] auto decode(answer const& what) const
        requires(list::template each<detail::can_decode>)
    {
        return detail::decode_by_any(state_->all, what);
    }

private:
    struct state {
        state(list l, fallback_options o) : all{std::move(l)}, options{o} {}
        list all;
        detail::changeable<fallback_options> options;
        rule user;
        observers watch;
    };
    [[nodiscard]] fallback with(state changed) && {
        state_ = std::make_shared<state>(std::move(changed));
        return std::move(*this);
    }
    static void check(fallback_options const& o) {
        if (o.max_sends < 1) throw std::invalid_argument{"coffer::fallback: max_sends must be at least 1"};
    }

    [[nodiscard]] static fallback_verdict decide(state const& s, call const& c, fault const& why, std::size_t from) {
        fallback_facts facts;
        facts.more = from + 1 < s.all.size();
        facts.now = c.clock().now();
        facts.deadline = c.deadline();
        if (s.user && facts.more && !ends_the_call(why.kind())) {
            try {
                facts.user = s.user(why, static_cast<int>(from));
            } catch (...) {
                facts.user = false;
            }
        }
        auto const options = s.options.read();
        auto const most = std::min(options->max_sends, c.allowed().sends);
        facts.sends_left = c.claim() != nullptr ? c.claim()->sends_left() : most - c.unproven_sends();
        return decide_fallback(*options, why, facts);
    }

    static void tell(state const& s, call const& c, fault const& why) {
        if (s.watch.empty()) return;
        detail::tell_of(c, s.watch, {event_kind::fell_back, c.clock().now(), {}, c.attempts(), &why, {}, {}});
    }

    template <class... Args>
    static called<Args...> run(std::shared_ptr<state const> s, call& c, Args&... args) {
        auto const made_here = c.attempts_here();
        told_fault told;
        for (std::size_t i = 0;; ++i) {
            call_access::elsewhere_scope const elsewhere{c, c.attempts() - made_here};
            auto const most_sends = s->options.read()->max_sends;
            call_access::allowed_scope const inside{c, call_access::allowed_with(c, most_sends)};
            auto running = s->all.at(i, [&](auto const& a) { return a.descend(c, args...); });
            auto result = co_await std::move(running);
            if (result) co_return result;
            told.add(result.error());
            auto const verdict = decide(*s, c, result.error(), i);  // who has left was told `cancelled`, which ends it
            if (!verdict.next) {
                auto why = told.after(result.error());
                if (verdict.stop != stop_reason::none) why.with_stop(verdict.stop);
                co_return failed(std::move(why));
            }
            tell(*s, c, result.error());
        }
    }

    std::shared_ptr<state> state_;
};

/// `fallback{a, b}` takes the types of its alternatives.
template <class... Alternatives>
fallback(Alternatives...) -> fallback<Alternatives...>;
/// The same with options.
template <class... Alternatives>
fallback(fallback_options, Alternatives...) -> fallback<Alternatives...>;

}  // namespace coffer::inline COFFER_ABI

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
