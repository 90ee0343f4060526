// SPDX-License-Identifier: BSL-1.0
#pragma once
// The field names of the public price list: which price of a card each one is.

#include <coffer/llm/price_card.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace coffer::inline COFFER_ABI::llm::detail {

/// The rates of a list's entry, as far as they stand there.
enum class listed_rate : std::uint8_t {
    input,
    output,
    cache_read,
    cache_write,
    cache_write_1h,
    audio_in,
    audio_out,
    image_in,
    image_out,
    reasoning,
};
inline constexpr std::size_t listed_rates = 10;

/// A token's rate: `input_cost_per_token_above_272k_tokens_priority`.
struct rate_field {
    listed_rate rate = listed_rate::input;
    std::int64_t above = -1;  ///< tokens of prompt; -1: for any
    service_tier tier = service_tier::standard;
    bool foreign_tier = false;  ///< of a tier that no request of ours asks for
};

/// Reads `_above_272k_tokens` off the front of what is left of a name.
[[nodiscard]] std::optional<std::int64_t> take_size(std::string_view& rest) noexcept;

/// The field as a rate of tokens, or nothing if it is none that is known.
[[nodiscard]] std::optional<rate_field> read_rate_field(std::string_view name) noexcept;

/// Prices of what a request cannot have unless its user bounds it himself, and what has no cost if it was used.
[[nodiscard]] bool is_price_of_absent_parts(std::string_view name) noexcept;

/// Does the name speak of money? Of what does, every field must be understood.
[[nodiscard]] bool speaks_of_money(std::string_view name) noexcept;

}  // namespace coffer::inline COFFER_ABI::llm::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/price_fields.ipp>
#endif
