// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a model answered, and what it cost.

#include <coffer/base/money.hpp>
#include <coffer/base/usage.hpp>

#include <optional>
#include <string>
#include <utility>

namespace coffer::inline COFFER_ABI::llm {

/// An accepted answer. A regular value type.
class reply {
public:
    reply() = default;
    /// With a text, as tests make it.
    explicit reply(std::string content) : text{std::move(content)} {}

    std::string text;                     ///< of the first choice; empty if the model called tools instead
    std::string
        finish_reason;  ///< the provider's word: `stop`, `tool_calls`; `length` only where truncation is accepted
    std::string model;  ///< as the provider names it, which may be more exact than the request
    std::string refusal;  ///< the model's words of refusal; only where refusals are accepted
    std::string tool_calls;  ///< a JSON array, or empty
    std::string id;  ///< the provider's id of the answer
    std::string choices;  ///< all choices as they came: a JSON array
    std::optional<coffer::usage> usage{};  ///< unknown is not zero
    std::optional<money> cost{};  ///< unknown is not zero

    friend bool operator==(reply const&, reply const&) = default;
};

}  // namespace coffer::inline COFFER_ABI::llm
