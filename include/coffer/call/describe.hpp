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

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace coffer::inline v0 {

/// An upper bound of what a request may consume, known before it is sent.
struct estimate {
    std::int64_t input_tokens = 0;
    std::int64_t output_tokens = 0;  ///< in all: the enforced maximum times the number of choices
    std::optional<money> cost{};     ///< unknown is not zero
    // For whoever may lower the output maximum of a request that does not fit (attempt::limit_output).
    std::optional<std::int64_t> output_limit{};///< the enforced maximum of one choice; none: there is none
    token_price per_output{};                  ///< what one token more of that limit costs at the most, all choices
    std::string unbounded{};                   ///< why there is no cost; empty if there is one
};

namespace detail {

struct absent {};

template <class Hook>
inline constexpr bool present = !std::same_as<Hook, absent>;

/// The hooks of a described operation, by name.
template <class Target = absent, class Fingerprint = absent, class Estimate = absent, class Decode = absent,
          class Bill = absent, class Classify = absent>
struct hooks {
    [[no_unique_address]] Target target;
    [[no_unique_address]] Fingerprint fingerprint;
    [[no_unique_address]] Estimate estimate;
    [[no_unique_address]] Decode decode;
    [[no_unique_address]] Bill bill;
    [[no_unique_address]] Classify classify;
};

}  // namespace detail

/// An operation with hooks. Made by `describe`; each setter gives a new description.
template <class Fn, class Hooks>
class described {
public:
    described(Fn fn, Hooks h) : fn_{std::move(fn)}, hooks_{std::move(h)} {}

    /// `(args...) -> coffer::target`: provider and model.
    template <class F>
    [[nodiscard]] auto target(F f) && {
        auto& h = hooks_;
        return with(detail::hooks<F, decltype(h.fingerprint), decltype(h.estimate), decltype(h.decode),
                                  decltype(h.bill), decltype(h.classify)>{std::move(f), std::move(h.fingerprint),
                                                                          std::move(h.estimate), std::move(h.decode),
                                                                          std::move(h.bill), std::move(h.classify)});
    }
    /// `(args...) -> coffer::fingerprint`: what makes two requests the same.
    template <class F>
    [[nodiscard]] auto fingerprint(F f) && {
        auto& h = hooks_;
        return with(detail::hooks<decltype(h.target), F, decltype(h.estimate), decltype(h.decode), decltype(h.bill),
                                  decltype(h.classify)>{std::move(h.target), std::move(f), std::move(h.estimate),
                                                        std::move(h.decode), std::move(h.bill), std::move(h.classify)});
    }
    /// `(args...) -> coffer::estimate`: tokens, and an upper bound of the cost.
    template <class F>
    [[nodiscard]] auto estimate(F f) && {
        auto& h = hooks_;
        return with(detail::hooks<decltype(h.target), decltype(h.fingerprint), F, decltype(h.decode), decltype(h.bill),
                                  decltype(h.classify)>{std::move(h.target), std::move(h.fingerprint), std::move(f),
                                                        std::move(h.decode), std::move(h.bill), std::move(h.classify)});
    }
    /// `(answer const&) -> outcome<R>`: what the user sees; an error says that the answer is not accepted. The operation
    /// then returns `outcome<answer>`.
    template <class F>
    [[nodiscard]] auto decode(F f) && {
        auto& h = hooks_;
        return with(detail::hooks<decltype(h.target), decltype(h.fingerprint), decltype(h.estimate), F,
                                  decltype(h.bill), decltype(h.classify)>{std::move(h.target), std::move(h.fingerprint),
                                                                          std::move(h.estimate), std::move(f),
                                                                          std::move(h.bill), std::move(h.classify)});
    }
    /// `(answer const&) -> coffer::billed`: usage and cost, of defective answers too.
    template <class F>
    [[nodiscard]] auto bill(F f) && {
        auto& h = hooks_;
        return with(detail::hooks<decltype(h.target), decltype(h.fingerprint), decltype(h.estimate), decltype(h.decode),
                                  F, decltype(h.classify)>{std::move(h.target), std::move(h.fingerprint),
                                                           std::move(h.estimate), std::move(h.decode), std::move(f),
                                                           std::move(h.classify)});
    }
    /// The user's rules. Called with whatever it accepts of `std::exception_ptr`, the operation's own error type, and
    /// `fault` (after the built-in rules); gives a `fault`. If it throws, the fault is permanent.
    template <class F>
    [[nodiscard]] auto classify(F f) && {
        auto& h = hooks_;
        return with(detail::hooks<decltype(h.target), decltype(h.fingerprint), decltype(h.estimate), decltype(h.decode),
                                  decltype(h.bill), F>{std::move(h.target), std::move(h.fingerprint),
                                                       std::move(h.estimate), std::move(h.decode), std::move(h.bill),
                                                       std::move(f)});
    }

    /// What it is called where a pipeline is printed: a closure has no name of its own.
    [[nodiscard]] described name(std::string what) && {
        name_ = std::move(what);
        return std::move(*this);
    }
    [[nodiscard]] std::string const& name() const noexcept { return name_; }

    [[nodiscard]] Fn const& function() const noexcept { return fn_; }
    [[nodiscard]] Hooks const& description() const noexcept { return hooks_; }

private:
    template <class NewHooks>
    auto with(NewHooks h) {
        return described<Fn, NewHooks>{std::move(fn_), std::move(h)}.name(std::move(name_));
    }
    Fn fn_;
    Hooks hooks_;
    std::string name_;
};

/// Starts a description of `fn`, which is copied.
template <class Fn>
[[nodiscard]] auto describe(Fn&& fn) {
    return described<std::decay_t<Fn>, detail::hooks<>>{std::forward<Fn>(fn), detail::hooks<>{}};
}

}  // namespace coffer::inline v0
