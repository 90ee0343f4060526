// SPDX-License-Identifier: BSL-1.0
#pragma once
// The nameable handle of a wrapped operation, for a class member: one indirect call.

#include <coffer/base/answer.hpp>
#include <coffer/base/codec.hpp>
#include <coffer/call/arguments.hpp>
#include <coffer/call/async_call.hpp>
#include <coffer/call/call.hpp>
#include <coffer/call/composition.hpp>
#include <coffer/call/pipeline.hpp>

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

// GCC takes every closure in a coroutine's frame for one of an anonymous namespace and warns in whoever includes this.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

namespace coffer::inline COFFER_ABI {

/// See `guarded<R(Args...), Executor>`.
template <class Signature, class Executor = asio::any_io_executor>
class guarded;

/// Any wrapped operation that takes `Args...` and gives R. Owning and copyable; const-callable from any thread. See
/// `wrapped` for what calling it means.
///
///     coffer::guarded<llm::reply(llm::request const&)> ask = coffer::pipeline{…}.wrap(openai.chat);
///
/// A call costs one indirect call more, and a coroutine frame where an argument is moved in or converted. Copies share the
/// pipeline; there is no empty one. `Executor` is that of the operation's awaitable. What stands in the pipeline is no part
/// of the type: an order that cannot be right is found by `wrap`, at run time, instead of by the compiler.
template <class R, class... Args, class Executor>
class guarded<R(Args...), Executor> {
    template <class... Given>
    static consteval bool takes() {
        if constexpr (sizeof...(Given) != sizeof...(Args)) return false;
        else return (std::is_convertible_v<Given&&, Args> && ...);
    }
    /// Can the wrapped operation be called with what this one is called with?
    template <class Wrapped>
    static constexpr bool takes_mine = Wrapped::template sound<std::remove_reference_t<Args> const&...>;

public:
    using is_coffer_pipeline = void;  ///< by which a pipeline around this one knows it

    /// Any wrapped operation of this signature; another `guarded` of another executor does not compile. One allocation.
    template <class Wrapped>
        requires(!std::same_as<std::remove_cvref_t<Wrapped>, guarded>) && detail::nested_pipeline<Wrapped>
    guarded(Wrapped w) {
        using given = decltype(std::declval<Wrapped const&>().try_call(
            std::declval<call&>(), std::declval<std::remove_reference_t<Args> const&>()...));
        if constexpr (takes_mine<Wrapped>) {  // if not, that has been said
            constexpr bool fits = std::same_as<given, awaitable<outcome<R>, Executor>>;
            static_assert(
                fits,
                "coffer: guarded<R(Args...), Executor> must name what the wrapped operation gives: its R (for "
                "an operation with decode, what decode gives), and its awaitable's executor");
            if constexpr (fits) self_ = std::make_shared<model<Wrapped>>(std::move(w));
        }
    }
    guarded() = delete;  // there is no empty one: make it of coffer::pipeline{...}.wrap(operation), in the constructor
    guarded(guarded const&) = default;  // and no moves: a handle that was moved from is one, too
    /// This one is the other's pipeline from now on; calls under way go on in the old one.
    guarded& operator=(guarded const&) = default;

    /// One call: its outcome. Throws only `misuse` and `std::bad_alloc`. See `wrapped` for arguments, cancellation and
    /// threads.
    template <class... Given>
        requires(takes<Given...>())
    [[nodiscard]] awaitable<outcome<R>, Executor> try_call(call& c, Given&&... args) const {
        detail::check_arguments<Given...>();
        // Borrowed is only what is already of the right type; the result of a conversion needs a frame to live in.
        if constexpr ((borrowable<Given, Args> && ...)) return self_->start(c, args...);
        else return hold<held<Given, Args>...>(self_, c, std::forward<Given>(args)...);
    }
    /// The same with a call of its own, which nobody can look at afterwards.
    template <class... Given>
        requires(takes<Given...>())
    [[nodiscard]] awaitable<outcome<R>, Executor> try_call(call&& c, Given&&... args) const {
        detail::check_arguments<Given...>();
        return detail::with_own_call<Given...>(*this, std::move(c), std::forward<Given>(args)...);
    }

    /// The value, or `failure` thrown.
    template <class Call, class... Given>
        requires std::same_as<std::remove_cvref_t<Call>, call> && (takes<Given...>())
    [[nodiscard]] awaitable<R, Executor> operator()(Call&& c, Given&&... args) const {
        return detail::throwing(try_call(std::forward<Call>(c), std::forward<Given>(args)...));
    }

    // What cannot be called says why.
    template <class First, class... Given>
        requires(!std::same_as<std::remove_cvref_t<First>, call>)
    void try_call(First&&, Given&&...) const = delete;  // the first argument is the call: ask.try_call(call, request)
    template <class First, class... Given>
        requires(!std::same_as<std::remove_cvref_t<First>, call>)
    void operator()(First&&, Given&&...) const = delete;  // the first argument is the call: ask(call, request)
    template <class Call, class... Given>
        requires(std::same_as<std::remove_cvref_t<Call>, call> && !takes<Given...>())
    void try_call(Call&&, Given&&...) const = delete;  // it takes the Args of guarded<R(Args...)>, nothing else
    template <class Call, class... Given>
        requires(std::same_as<std::remove_cvref_t<Call>, call> && !takes<Given...>())
    void operator()(Call&&, Given&&...) const = delete;  // it takes the Args of guarded<R(Args...)>, nothing else

    /// See `wrapped`.
    template <class... ArgsAndToken>
    auto async_call(call& c, ArgsAndToken&&... all) const {
        return detail::async_call(*this, detail::called_by_reference{c}, std::forward<ArgsAndToken>(all)...);
    }
    /// The same with a call of its own.
    template <class... ArgsAndToken>
    auto async_call(call&& c, ArgsAndToken&&... all) const {
        return detail::async_call(*this, detail::called_by_value{std::move(c)}, std::forward<ArgsAndToken>(all)...);
    }

    /// Can it be called with such arguments?
    template <class... Given>
    static constexpr bool sound = takes<Given...>();

    /// For a pipeline around this one: the same call, handed down.
    template <class... Given>
        requires(std::is_convertible_v<Given&, Args> && ...)
    [[nodiscard]] awaitable<outcome<R>, Executor> descend(call& c, Given&... args) const {
        if constexpr ((borrowable<Given&, Args> && ...)) return self_->descend(c, args...);
        else return hold_to_descend<held<Given&, Args>...>(self_, c, args...);
    }

    /// For a journal around this pipeline: what an answer says that a send in here brought.
    [[nodiscard]] outcome<R> decode(answer const& a) const
        requires(!std::is_void_v<R>)
    {
        return self_->decode(a);
    }

    // The type does not tell: a pipeline without a fingerprint throws `misuse` when a journal asks for one.
    template <class...>
    static constexpr bool has_target = true;  ///< for a journal: its log may name the target
    template <class...>
    static constexpr bool journalable = !std::is_void_v<R>;  ///< false: a journal around this one does not compile
    /// For a journal around this pipeline: what makes two requests the same. Throws `misuse` if nobody in here says.
    template <class... Given>
        requires(std::is_convertible_v<Given const&, Args> && ...)
    [[nodiscard]] coffer::fingerprint fingerprint(Given const&... args) const {
        return self_->fingerprint(args...);
    }
    /// For a journal around this pipeline: does an answer of that target come from here?
    template <class... Given>
    [[nodiscard]] detail::fit fits(target const& from, Given const&... args) const {
        return self_->fits(from, args...);
    }
    /// For a journal around this pipeline: what such an answer says.
    template <class... Given>
    [[nodiscard]] outcome<R> read(answer const& a, target const& from, Given const&... args) const {
        return self_->read(a, from, args...);
    }

    /// See `wrapped`.
    void describe(composition& to) const { self_->describe(to); }

    /// For a pipeline around this one: what stands in here.
    [[nodiscard]] detail::contents contains() const noexcept { return self_->contains(); }

private:
    /// An lvalue to which the parameter can refer, without a conversion.
    template <class Given, class Arg>
    static constexpr bool borrowable =
        std::is_lvalue_reference_v<Given> &&
        std::is_convertible_v<std::remove_reference_t<Given>*, std::remove_cvref_t<Arg> const*>;
    /// What a frame keeps for such a parameter: a reference, or the value it was given or converted to.
    template <class Given, class Arg>
    using held = std::conditional_t<borrowable<Given, Arg>, std::remove_cvref_t<Arg> const&, std::remove_cvref_t<Arg>>;

    struct base {
        virtual ~base() = default;
        virtual awaitable<outcome<R>, Executor> start(call& c, std::remove_reference_t<Args> const&... args) const = 0;
        virtual awaitable<outcome<R>, Executor> descend(call& c,
                                                        std::remove_reference_t<Args> const&... args) const = 0;
        virtual outcome<R> decode(answer const& a) const = 0;
        [[nodiscard]] virtual coffer::fingerprint fingerprint(std::remove_reference_t<Args> const&... args) const = 0;
        [[nodiscard]] virtual detail::fit fits(target const& from,
                                               std::remove_reference_t<Args> const&... args) const = 0;
        [[nodiscard]] virtual outcome<R> read(answer const& a, target const& from,
                                              std::remove_reference_t<Args> const&... args) const = 0;
        [[nodiscard]] virtual detail::contents contains() const noexcept = 0;
        virtual void describe(composition& to) const = 0;
    };
    template <class Wrapped>
    struct model final : base {
        explicit model(Wrapped w) : wrapped{std::move(w)} {}
        awaitable<outcome<R>, Executor> start(call& c, std::remove_reference_t<Args> const&... args) const override {
            return wrapped.try_call(c, args...);
        }
        awaitable<outcome<R>, Executor> descend(call& c, std::remove_reference_t<Args> const&... args) const override {
            return wrapped.descend(c, args...);
        }
        outcome<R> decode(answer const& a) const override {
            if constexpr (requires { wrapped.decode(a); }) return wrapped.decode(a);
            else if constexpr (encodable<R>) return codec<R>::decode(a.body);
            else return failed(fault_kind::defective_answer, "results of this type cannot be read back");
        }
        [[nodiscard]] coffer::fingerprint fingerprint(std::remove_reference_t<Args> const&... args) const override {
            if constexpr (requires { wrapped.fingerprint(args...); }) return wrapped.fingerprint(args...);
            else
                throw misuse{
                    "coffer::once: the operation behind `guarded` does not say what makes two requests the same: give "
                    "it a fingerprint (describe(fn).fingerprint(...)), or pass coffer::unfingerprinted"};
        }
        [[nodiscard]] detail::fit fits(target const& from,
                                       std::remove_reference_t<Args> const&... args) const override {
            return wrapped.fits(from, args...);
        }
        [[nodiscard]] outcome<R> read(answer const& a, target const& from,
                                      std::remove_reference_t<Args> const&... args) const override {
            return wrapped.read(a, from, args...);
        }
        [[nodiscard]] detail::contents contains() const noexcept override { return wrapped.contains(); }
        void describe(composition& to) const override { detail::describe_end(to, wrapped); }
        Wrapped wrapped;
    };

    template <class... Held>
    static awaitable<outcome<R>, Executor> hold(std::shared_ptr<base const> self, call& c, Held... args) {
        auto running = self->start(c, args...);
        co_return co_await std::move(running);
    }
    template <class... Held>
    static awaitable<outcome<R>, Executor> hold_to_descend(std::shared_ptr<base const> self, call& c, Held... args) {
        auto running = self->descend(c, args...);
        co_return co_await std::move(running);
    }

    std::shared_ptr<base const> self_;
};

}  // namespace coffer::inline COFFER_ABI

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
