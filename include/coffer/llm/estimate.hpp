// SPDX-License-Identifier: BSL-1.0
#pragma once
// How much a request can cost at the most, known before it is sent.

#include <coffer/base/money.hpp>
#include <coffer/call/describe.hpp>
#include <coffer/llm/chat_body.hpp>
#include <coffer/llm/json.hpp>
#include <coffer/llm/openai_options.hpp>
#include <coffer/llm/request.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace coffer::inline v0::llm {

namespace detail {

/// Fields of `extra` that change neither how much may be read nor how much may be written, nor its price.
[[nodiscard]] inline bool is_harmless_extra(std::string_view name, json const& value) noexcept {
    constexpr std::array<std::string_view, 21> harmless{"metadata",
                                                        "store",
                                                        "parallel_tool_calls",
                                                        "tool_choice",
                                                        "frequency_penalty",
                                                        "presence_penalty",
                                                        "logprobs",
                                                        "top_logprobs",
                                                        "logit_bias",
                                                        "reasoning_effort",
                                                        "verbosity",
                                                        "seed",
                                                        "prompt_cache_key",
                                                        "safety_identifier",
                                                        "stream",
                                                        "user",
                                                        "temperature",
                                                        "top_p",
                                                        "stop",
                                                        "prompt_cache_retention",
                                                        "usage"};
    if (name == "service_tier") {
        auto const tier = text_of(&value);
        return tier == "default" || tier == "auto" || tier == "flex" || tier == "standard";
    }
    return std::ranges::find(harmless, name) != harmless.end();
}

[[nodiscard]] constexpr std::int64_t times(std::int64_t a, std::int64_t b) noexcept {
    return coffer::detail::saturate(coffer::detail::wide_int{a} * b);
}

}  // namespace detail

/// The most that a request can consume.
///
/// Input: a token is at least a byte, so the bytes of all text bound it, with an allowance for each message and twice
/// the bytes of tools and schema, which the provider rewrites into text of its own. Output: the enforced maximum times
/// the number of choices. Cost: all of it at the dearest applicable rate.
///
/// No cost if there is no bound or no price: no output maximum, an unknown model, a field in `extra` that might make it
/// larger or dearer (`messages`, `modalities`, `prediction`, `web_search_options`, `"service_tier":"priority"`,
/// whatever is not known to be harmless), a tool that is more than a function, text that is not there to be counted.
[[nodiscard]] inline estimate estimate_of(request const& r, openai_options const& o) {
    constexpr std::int64_t per_request = 64;
    constexpr std::int64_t per_message = 16;
    bool bounded = true;

    coffer::estimate e;
    e.input_tokens = per_request;
    auto const bytes = [](std::string const& s) { return static_cast<std::int64_t>(s.size()); };
    for (auto const& m : r.messages())
        e.input_tokens += per_message + bytes(m.text()) + bytes(m.tool_call_id()) + 2 * bytes(m.tool_calls());
    e.input_tokens += 2 * (bytes(r.tools()) + bytes(r.response_format()));

    auto most = r.max_output_tokens();
    std::int64_t choices = r.n().value_or(1);
    if (!r.tools().empty()) {
        auto const tools = detail::parse_json(r.tools());
        bounded = tools && tools->is_array() && std::ranges::all_of(*tools, [](json const& tool) {
                      return detail::text_of(detail::member(&tool, "type")) == "function";
                  });
    }
    if (!r.extra().empty()) {
        auto const extra = detail::parse_json(r.extra());
        bounded = bounded && extra && extra->is_object();
        if (extra && extra->is_object()) {
            e.input_tokens += 2 * bytes(r.extra());
            for (auto const& [name, value] : extra->items()) {
                auto const count = value.is_number_integer() ? detail::count_of(&value) : std::nullopt;
                if (name == o.output_limit_field || name == "max_tokens" || name == "max_completion_tokens") {
                    // Two of them at once: nobody knows which one a server enforces.
                    most = most && count && name != o.output_limit_field ? std::max(*most, *count) : count;
                } else if (name == "n") {
                    choices = count.value_or(-1);
                } else if (name != "model") {
                    bounded = bounded && detail::is_harmless_extra(name, value);
                }
            }
        }
    }
    if (choices < 1 || (most && *most < 0)) bounded = false;
    if (most && choices > 0) e.output_tokens = detail::times(std::max<std::int64_t>(*most, 0), choices);

    auto const* const card = o.prices.find(model_of(r));
    if (bounded && most && card != nullptr) e.cost = card->bound(e.input_tokens, e.output_tokens);
    return e;
}

}  // namespace coffer::inline v0::llm
