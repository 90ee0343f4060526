// SPDX-License-Identifier: BSL-1.0
#pragma once
// Policies in the order in which a call meets them, first = outermost, and what they make of an operation.
//
//     auto ask = coffer::pipeline{coffer::once{db}, coffer::retry{}}.wrap(openai.chat);
//     auto reply = co_await ask(call, request);

#include <coffer/call/arguments.hpp>
#include <coffer/call/async_call.hpp>
#include <coffer/call/composition.hpp>
#include <coffer/call/core.hpp>
#include <coffer/call/order_rules.hpp>
#include <coffer/call/reader.hpp>
#include <coffer/call/walk.hpp>

#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace coffer::inline COFFER_ABI {

/// A wrapped operation. Copies share everything; const-callable from any thread, each call on its own executor.
///
/// `ask(call, args...)` throws `failure`; `ask.try_call(call, args...)` gives `outcome<R>` and throws only `misuse` and
/// `std::bad_alloc`. Arguments that are lvalues are borrowed until the call ends, rvalues are moved into the call's
/// frame. Cancelling the awaiting coroutine cancels the call (`fault_kind::cancelled`); under a journal, a send that was
/// permitted goes on without it.
template <class Policies, class Op>
class wrapped {
public:
    using is_coffer_pipeline = void;  ///< by which a pipeline around this one knows it
    static constexpr auto order = detail::order_of<Policies, Op>();  ///< what stands in here, for the rules about order

    /// Made by `pipeline::wrap`.
    wrapped(Policies policies, Op op, observers watch)
        : core_{std::make_shared<core_type const>(std::move(policies), std::move(op), std::move(watch))} {}
    wrapped(wrapped const&) = default;  // and no moves: a handle that was moved from is one, too
    /// This one is the other's pipeline from now on; calls under way go on in the old one.
    wrapped& operator=(wrapped const&) = default;

    /// One call: its outcome, as an awaitable of the operation's executor. Nothing happens before it is awaited.
    ///
    /// By the call's deadline it has ended wherever coffer holds the wait; an operation that does not keep to
    /// `attempt::deadline`
    /// needs a `timeout`. Throws `misuse` if the call already carries a request, or has no key where a journal wants
    /// one.
    template <class... Args>
    [[nodiscard]] auto try_call(call& c, Args&&... args) const {
        detail::check_arguments<Args...>();
        return start<Args...>(c, detail::handed::in, std::forward<Args>(args)...);
    }
    /// With a call of its own, which nobody can look at afterwards.
    template <class... Args>
    [[nodiscard]] auto try_call(call&& c, Args&&... args) const {
        detail::check_arguments<Args...>();
        return detail::with_own_call<Args...>(*this, std::move(c), std::forward<Args>(args)...);
    }

    /// The value, or `failure` thrown, with the operation's own exception nested in it.
    template <class Call, class... Args>
        requires std::same_as<std::remove_cvref_t<Call>, call>
    [[nodiscard]] auto operator()(Call&& c, Args&&... args) const {
        return detail::throwing(try_call(std::forward<Call>(c), std::forward<Args>(args)...));
    }

    /// Without a call: does not compile, and says so.
    template <class First, class... Args>
        requires(!std::same_as<std::remove_cvref_t<First>, call>)
    awaitable<detail::no_result> try_call(First const&, Args const&...) const {
        detail::refuse_without_call<First>();
        return awaitable<detail::no_result>{};
    }
    /// The same.
    template <class First, class... Args>
        requires(!std::same_as<std::remove_cvref_t<First>, call>)
    awaitable<detail::no_result> operator()(First const&, Args const&...) const {
        detail::refuse_without_call<First>();
        return awaitable<detail::no_result>{};
    }

    /// From outside of a coroutine: `ask.async_call(call, args..., token)`, with any completion token of Asio's for
    /// `void(outcome<R>)`. The call runs on the token's executor, and so does its handler:
    ///
    ///     ask.async_call(call, request, asio::bind_executor(io, [](coffer::outcome<llm::reply> reply) { ... }));
    ///     auto reply = ask.async_call(call, request, asio::bind_executor(io, asio::use_future));
    ///
    /// It owns copies of the arguments (`std::ref` for those that shall not be copied). The call must live until the handler is
    /// called; one given as an rvalue is owned, too. A cancellation slot of the token's cancels the call. `misuse` and
    /// `std::bad_alloc` are thrown from the context that runs it.
    template <class... ArgsAndToken>
    auto async_call(call& c, ArgsAndToken&&... all) const {
        return detail::async_call(*this, detail::called_by_reference{c}, std::forward<ArgsAndToken>(all)...);
    }
    /// The same with a call of its own, which nobody can look at afterwards.
    template <class... ArgsAndToken>
    auto async_call(call&& c, ArgsAndToken&&... all) const {
        return detail::async_call(*this, detail::called_by_value{std::move(c)}, std::forward<ArgsAndToken>(all)...);
    }

    /// What stands in here, outermost first, and where the call goes in the end: what `to_string` and `<<` print.
    void describe(composition& to) const {
        detail::describe_each(to, core_->policies);
        detail::describe_end(to, core_->operation);
    }

    /// For a pipeline around this one: the same call, handed down.
    template <class... Args>
    [[nodiscard]] auto descend(call& c, Args&... args) const {
        return start<Args&...>(c, detail::handed::down, args...);
    }

    /// For a pipeline around this one: what stands in here, seen through `guarded` too.
    [[nodiscard]] detail::contents contains() const noexcept {
        if constexpr (requires { core_->operation.contains(); })
            return detail::merged(order, core_->operation.contains());
        else return order;
    }

    /// Can the operation be called so? Else calling this says why it cannot.
    template <class... Args>
    static constexpr bool sound = detail::sound<Op, Args...>;

    // What the operation offers, for a journal around this pipeline.
    /// Does it say where a request goes?
    template <class... Args>
    static constexpr bool has_target = detail::core<Policies, Op>::template called_with<Args...>::has_target;
    /// Can its results be written down and read back?
    template <class... Args>
    static constexpr bool journalable = detail::core<Policies, Op>::template called_with<Args...>::journalable;
    /// Does an answer from there come from here?
    template <class... Args>
    [[nodiscard]] detail::fit fits(target const& from, Args const&... args) const {
        if constexpr (core_type::hands_down) return core_->operation.fits(from, args...);
        else return detail::fit_of_operation(core_->operation, from, args...);
    }
    /// What it says.
    template <class... Args>
    [[nodiscard]] auto read(answer const& a, target const& from, Args const&... args) const {
        return detail::read_answer<typename core_type::template called_with<Args const...>>(*core_, a, from, args...);
    }
    /// For a journal around this pipeline: what makes two requests the same.
    template <class... Args>
        requires(!detail::is_absent<decltype(detail::fingerprint_of(std::declval<Op const&>(),
                                                                    std::declval<Args const&>()...))>)
    [[nodiscard]] auto fingerprint(Args const&... args) const {
        return detail::fingerprint_of(core_->operation, args...);
    }
    /// For a journal around this pipeline: what an answer says.
    [[nodiscard]] auto decode(answer const& a) const
        requires(
            !detail::is_absent<decltype(detail::decode_with(std::declval<Op const&>(), std::declval<answer const&>()))>)
    {
        return detail::decode_with(core_->operation, a);
    }

private:
    using core_type = detail::core<Policies, Op>;

    template <class... Args, class... Given>
    auto start(call& c, detail::handed how, Given&&... args) const {
        if constexpr (detail::sound<Op, Args...>) {
            return detail::walk<0, core_type, Args...>(core_, c, how, std::forward<Given>(args)...);
        } else {
            static_assert(sizeof(typename core_type::template called_with<Args...>) > 0);  // says what is wrong
            return awaitable<outcome<detail::no_result>>{};
        }
    }

    std::shared_ptr<core_type const> core_;
};

/// Policies, first = outermost: the order in which a call meets them. Wrap once, call many times.
///
///     auto const ask = coffer::pipeline{
///         coffer::once{db},                                             // pays for a key once
///         coffer::retry{},                                              // what is inside is met by each attempt
///         coffer::rate_limit{{.requests_per_minute = 500}},
///     }.wrap(openai.chat);
///
/// A value that holds handles: what it wraps shares the state of the policies that it was given, and so do several
/// pipelines with copies of one policy: limits and breakers then count all their calls. It need not outlive what it has
/// wrapped. Gates cost no coroutine frame of their own, layers one.
template <class... Policies>
class pipeline {
public:
    /// Policies are copied in: they are handles, and share their state with the ones given. What cannot be a policy,
    /// and orders that
    /// cannot be right, do not compile, and the message says what to do.
    explicit pipeline(Policies... policies) : policies_{std::move(policies)...} {
        static_assert(
            !(detail::nested_pipeline<Policies> || ...),
            "coffer: a fallback, a hedge or a wrapped operation is no policy, but what a pipeline is put around: write "
            "coffer::pipeline{coffer::retry{}, ...}.wrap(coffer::fallback{...})");
        (detail::check_policy<Policies>(), ...);
        detail::check_order<Policies...>();
    }

    /// Adds an observer, told of every event of every call, on the thread where it happens; see `observer`.
    [[nodiscard]] pipeline observe(observer o) && {
        watch_.add(std::move(o));
        return std::move(*this);
    }

    /// The policies, outermost first: what `to_string` and `<<` print.
    void describe(composition& to) const { detail::describe_each(to, policies_); }

    /// Puts the policies around `op`, which is copied or moved in. Throws `misuse` if copies of one policy stand here
    /// twice, or for an order that cannot be right and that only `op`, a `guarded`, knows.
    template <class Op>
    [[nodiscard]] auto wrap(Op&& op) const {
        using operation = std::decay_t<Op>;
        detail::check_nested_order<operation, Policies...>();
        detail::check_states(policies_);
        if constexpr (requires { op.contains(); })
            detail::check_erased_order(detail::contents_of<Policies...>(), op.contains());
        return wrapped<std::tuple<Policies...>, operation>{policies_, std::forward<Op>(op), watch_};
    }

private:
    std::tuple<Policies...> policies_;
    observers watch_;
};

}  // namespace coffer::inline COFFER_ABI
