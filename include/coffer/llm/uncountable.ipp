// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of uncountable.hpp.

#include <coffer/llm/uncountable.hpp>

#include <algorithm>
#include <array>

namespace coffer::inline COFFER_ABI::llm::detail {

COFFER_INLINE bool is_harmless_extra(std::string_view name) noexcept {
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
    return std::ranges::find(harmless, name) != harmless.end();
}

COFFER_INLINE std::optional<search_context> search_context_of(json const* options) noexcept {
    auto const size = text_of(member(options, "search_context_size"));
    if (size == "low") return search_context::low;
    if (size == "medium") return search_context::medium;
    if (size == "high") return search_context::high;
    return std::nullopt;
}

COFFER_INLINE std::string shown_field(std::string_view name) {
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    bool const short_word = !name.empty() && name.size() <= 40 && name.find_first_not_of(allowed) == name.npos;
    return short_word ? "the field " + std::string{name} + " of extra" : "a field of extra";
}

COFFER_INLINE void read_tools(raw_parts& p, std::string const& raw) {
    auto const tools = parse_json(raw);
    if (!tools || !tools->is_array()) {
        p.uncountable = "what stands in tools and is no JSON array";
        return;
    }
    for (auto const& tool : *tools) {
        auto const type = text_of(member(&tool, "type"));
        if (type == "function") continue;
        p.uncountable = "a tool that runs at the provider";
        if (type.starts_with("web_search")) {
            p.searches = true;
            p.searched = search_context_of(&tool);
        } else {
            p.uses_tools = true;
        }
    }
}

COFFER_INLINE void read_extra(raw_parts& p, std::string const& raw, std::string const& output_limit_field) {
    auto const extra = parse_json(raw);
    if (!extra || !extra->is_object()) {
        p.uncountable = "what stands in extra and is no JSON object";
        return;
    }
    p.bytes = static_cast<std::int64_t>(raw.size());
    // The request's own limit is replaced by one of the same name. Two of different names: nobody knows which one a server
    // enforces.
    bool limits_known = true;
    auto const own = extra->find(output_limit_field);
    if (own != extra->end()) p.output_limit.reset();
    for (auto const& [name, value] : extra->items()) {
        auto const count = value.is_number_integer() ? count_of(&value) : std::nullopt;
        if (name == output_limit_field || name == "max_tokens" || name == "max_completion_tokens") {
            limits_known = limits_known && count;
            p.output_limit = std::max(p.output_limit, count);  // none is less than any
        } else if (name == "n") {
            p.choices = count;
        } else if (name == "service_tier") {
            p.tier = text_of(&value);
            p.tier_readable = value.is_string();
        } else if (name == "web_search_options") {
            p.uncountable = "a web search";
            p.searches = true;
            p.searched = search_context_of(&value);
        } else if (name != "model" && !is_harmless_extra(name)) {
            p.uncountable = shown_field(name);
            p.may_speak = true;
        }
    }
    if (!limits_known) p.output_limit.reset();
}

COFFER_INLINE raw_parts read_parts(request const& r, openai_options const& o) {
    raw_parts p;
    p.output_limit = r.max_output_tokens();
    p.choices = r.n().value_or(1);
    for (auto const& m : r.messages()) p.images += static_cast<std::int64_t>(m.images().size());
    if (!r.tools().empty()) read_tools(p, r.tools());
    if (!r.extra().empty()) read_extra(p, r.extra(), o.output_limit_field);
    if (p.output_limit && *p.output_limit < 0) p.output_limit.reset();
    if (p.choices && *p.choices < 1) p.choices.reset();
    if (p.images != 0 && p.uncountable.empty()) p.uncountable = "an image";
    return p;
}

}  // namespace coffer::inline COFFER_ABI::llm::detail
