// SPDX-License-Identifier: BSL-1.0
#pragma once
// What of a request nobody can count before it is sent.

#include <coffer/llm/json.hpp>
#include <coffer/llm/openai_options.hpp>
#include <coffer/llm/price_card.hpp>
#include <coffer/llm/request.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI::llm::detail {

/// Fields of `extra` that change neither how much may be read nor how much may be written, nor its price.
[[nodiscard]] bool is_harmless_extra(std::string_view name) noexcept;

/// What an estimate has to know of a request's raw JSON.
struct raw_parts {
    std::optional<std::int64_t> output_limit;
    std::optional<std::int64_t> choices;  ///< nothing: they make no sense
    std::string tier;                     ///< as it stands there; empty: none
    bool tier_readable = true;
    std::int64_t images = 0;
    bool searches = false;
    bool uses_tools = false;  ///< others that run at the provider
    bool may_speak = false;   ///< there is a field that may ask for audio
    std::optional<search_context> searched;
    std::string uncountable;  ///< one of the parts that nobody can count, in words; empty: there is none
    std::int64_t bytes = 0;   ///< of `extra`
};

[[nodiscard]] std::optional<search_context> search_context_of(json const* options) noexcept;

/// The name of a field as it may be shown: users misplace things.
[[nodiscard]] std::string shown_field(std::string_view name);

void read_tools(raw_parts& p, std::string const& raw);

void read_extra(raw_parts& p, std::string const& raw, std::string const& output_limit_field);

[[nodiscard]] raw_parts read_parts(request const& r, openai_options const& o);

}  // namespace coffer::inline COFFER_ABI::llm::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/uncountable.ipp>
#endif
