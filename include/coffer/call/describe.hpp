// SPDX-License-Identifier: BSL-1.0
#pragma once
// Tells coffer more about an operation than its signature does, without touching the operation.
//
//     auto chat = coffer::describe(my_chat)
//                     .target([](request const& r) { return coffer::target{"openai", r.model}; })
//                     .fingerprint([](request const& r) { return coffer::fingerprint{}.with("prompt", r.prompt); });
//
// An operation of class type may offer the same as member functions of the same names instead.

#include <coffer/base/money.hpp>
#include <coffer/call/attempt_log.hpp>
#include <coffer/call/error_rule.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace coffer::inline COFFER_ABI {

/// An upper bound of what a request may consume, known before it is sent.
struct estimate {
    std::int64_t input_tokens = 0;  ///< an upper bound of the prompt, and of whatever goes with it
    std::int64_t output_tokens = 0;  ///< in all: the enforced maximum times the number of choices
    std::optional<money> cost{};     ///< unknown is not zero
    // For whoever may lower the output maximum of a request that does not fit (attempt::limit_output).
    std::optional<std::int64_t> output_limit{};///< the enforced maximum of one choice; none: there is none
    token_price per_output{};                  ///< what one token more of that limit costs at the most, all choices
    std::string unbounded{};                   ///< why there is no cost; empty if there is one
};

namespace detail {

struct absent {};

// The hooks of a described operation: each adds one to those before it, and hides an earlier one of its name.
struct no_hooks {};
template <class Others, class F>
struct target_hook : Others {
    [[no_unique_address]] F target;
};
template <class Others, class F>
struct fingerprint_hook : Others {
    [[no_unique_address]] F fingerprint;
};
template <class Others, class F>
struct estimate_hook : Others {
    [[no_unique_address]] F estimate;
};
template <class Others, class F>
struct decode_hook : Others {
    [[no_unique_address]] F decode;
};
template <class Others, class F>
struct bill_hook : Others {
    [[no_unique_address]] F bill;
};
template <class Others, class F>
struct classify_hook : Others {
    [[no_unique_address]] F classify;
};
template <class Others, class F>
struct repair_hook : Others {
    [[no_unique_address]] F repair;
};

}  // namespace detail

/// An operation with hooks. Made by `describe`; each setter gives a new description.
template <class Fn, class Hooks>
class described {
public:
    /// What is described so far. Use `describe`.
    described(Fn fn, Hooks h) : fn_{std::move(fn)}, hooks_{std::move(h)} {}

    /// `(args...) -> coffer::target`: provider and model.
    template <class F>
    [[nodiscard]] auto target(F f) && {
        return with<detail::target_hook>(std::move(f));
    }
    /// The same for all requests.
    [[nodiscard]] auto target(coffer::target always) && {
        return std::move(*this).target([always = std::move(always)](auto const&...) { return always; });
    }
    /// `(args...) -> coffer::fingerprint`: what makes two requests the same.
    template <class F>
    [[nodiscard]] auto fingerprint(F f) && {
        return with<detail::fingerprint_hook>(std::move(f));
    }
    /// `(args...) -> coffer::estimate`: tokens, and an upper bound of the cost.
    template <class F>
    [[nodiscard]] auto estimate(F f) && {
        return with<detail::estimate_hook>(std::move(f));
    }
    /// `(answer const&) -> outcome<R>`: what the user sees; an error says that the answer is not accepted. The operation
    /// then returns `outcome<answer>`.
    template <class F>
    [[nodiscard]] auto decode(F f) && {
        return with<detail::decode_hook>(std::move(f));
    }
    /// `(answer const&) -> coffer::billed`: usage and cost, of defective answers too. Of an operation without decode
    /// `(R const&)`, of what it returned.
    template <class F>
    [[nodiscard]] auto bill(F f) && {
        return with<detail::bill_hook>(std::move(f));
    }
    /// The user's rule for errors: what one means for retries, breakers and bills.
    ///
    ///     .classify([](http_error const& e) { return coffer::fault{coffer::fault_kind::overloaded}.with_status(e.status); })
    ///
    /// It takes a type of error, thrown or returned; or `std::exception_ptr`; or `fault`, and is then asked after the built-in
    /// rules. It gives a `fault`, or a `std::optional<fault>`: for none the built-in rules hold, as for an exception of another
    /// type, or one that it throws on. If it throws anything else, the fault is permanent.
    template <class F>
    [[nodiscard]] auto classify(F f) && {
        constexpr bool is_second = requires(Hooks const& h) { h.classify; };
        static_assert(
            !is_second,
            "coffer: describe(fn).classify(...) was called before, and one rule would replace the other: make "
            "one rule of them, which takes a common base class, or std::exception_ptr");
        return with<detail::classify_hook>(detail::as_error_rule(std::move(f)));
    }
    /// `(defect const&, args&...) -> bool`: what to ask instead, after a defective answer. See repair.hpp.
    template <class F>
    [[nodiscard]] auto repair(F f) && {
        return with<detail::repair_hook>(std::move(f));
    }

    /// What it is called where a pipeline is printed: a closure has no name of its own.
    [[nodiscard]] described name(std::string what) && {
        name_ = std::move(what);
        return std::move(*this);
    }
    /// Empty: its type's name is printed.
    [[nodiscard]] std::string const& name() const noexcept { return name_; }

    /// The operation itself.
    [[nodiscard]] Fn const& function() const noexcept { return fn_; }
    /// The hooks, for `operation_traits`.
    [[nodiscard]] Hooks const& description() const noexcept { return hooks_; }

private:
    template <template <class, class> class Hook, class F>
    auto with(F f) {
        return described<Fn, Hook<Hooks, F>>{std::move(fn_), {std::move(hooks_), std::move(f)}}.name(std::move(name_));
    }
    Fn fn_;
    Hooks hooks_;
    std::string name_;
};

/// Starts a description of `fn`, which is copied; or goes on with one that was begun.
template <class Fn>
[[nodiscard]] auto describe(Fn&& fn) {
    using function = std::decay_t<Fn>;
    if constexpr (requires(function const& f) { f.description(); }) return function{std::forward<Fn>(fn)};
    else return described<function, detail::no_hooks>{std::forward<Fn>(fn), {}};
}

}  // namespace coffer::inline COFFER_ABI
