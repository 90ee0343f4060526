// SPDX-License-Identifier: BSL-1.0
#pragma once
// What was consumed, and what may be consumed at the most, in money. Integers throughout.

#include <coffer/base/money.hpp>
#include <coffer/base/usage.hpp>
#include <coffer/llm/price_card.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace coffer::inline COFFER_ABI::llm {

/// What a cost depends on besides the usage.
struct cost_terms {
    service_tier tier = service_tier::standard;  ///< which prices hold
    std::optional<search_context> searched{};  ///< not known: the dearest
    std::optional<std::int64_t> images{};      ///< in the prompt; not known: no cost where each has a fee
};

/// The most that a request can consume, as far as it has a price.
struct quantities {
    std::int64_t text_tokens = 0;    ///< of the prompt
    std::int64_t part_tokens = 0;    ///< of the prompt's images, audio, files, whatever they are
    std::int64_t output_tokens = 0;  ///< of one choice
    std::int64_t choices = 1;  ///< so many answers are asked for
    bool may_speak = false;  ///< may the output be audio?
    std::int64_t web_searches = 0;  ///< at the most
    std::int64_t tool_calls = 0;  ///< of other tools at the provider
    std::int64_t images = 0;  ///< of the prompt
};

/// At the most so much. It is a straight line: with an output maximum of one token less it is `per_output` less.
struct upper_bound {
    money cost{};  ///< dollars, rounded up
    token_price per_output{};  ///< for one token of each choice
};

namespace detail {

/// The fee of a web search; nothing if the card has none.
[[nodiscard]] std::optional<money> search_fee(unit_fees const& fees, std::optional<search_context> size) noexcept;

[[nodiscard]] constexpr std::int64_t times(std::int64_t a, std::int64_t b) noexcept {
    return coffer::detail::saturate(coffer::detail::wide_int{a} * b);
}
[[nodiscard]] constexpr std::int64_t plus(std::int64_t a, std::int64_t b) noexcept {
    return coffer::detail::saturate(coffer::detail::wide_int{a} + b);
}

}  // namespace detail

/// Units times prices, rounded up once. Nothing if something was used that the card has no price for, the card was
/// refused, or the usage makes no sense (a negative number, more reasoning than output).
[[nodiscard]] std::optional<money> cost_of(usage const& u, price_card const& card,
                                           cost_terms const& terms = {}) noexcept;

/// All of it at the dearest of the rates that were collected. Nothing if there are web searches or calls of other tools and no
/// fee for them.
///
/// Input and output are taken at their own dearest rate each, even if no tier or size has both: that keeps it a straight
/// line, on which an output maximum may be lowered.
[[nodiscard]] std::optional<upper_bound> bound_of(quantities const& q, dearest_rates const& rates,
                                                  unit_fees const& fees,
                                                  std::optional<search_context> searched = {}) noexcept;

}  // namespace coffer::inline COFFER_ABI::llm

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/cost.ipp>
#endif
