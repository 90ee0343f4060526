// SPDX-License-Identifier: BSL-1.0
#pragma once
// The error that an OpenAI-shaped body describes, field by field, in whatever dialect it is written.

#include <coffer/http/headers.hpp>
#include <coffer/llm/json.hpp>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace coffer::inline COFFER_ABI::llm {

/// What a body says went wrong. Nothing in it is redacted yet.
class provider_error {
public:
    provider_error() = default;

    /// It is the provider's own: a JSON object that describes an error, which an edge's page is not.
    bool own = false;
    std::string code;     ///< as text, a number too
    std::string type;  ///< `insufficient_quota`, `rate_limit_error` and the like
    std::string message;  ///< the provider's words
    int code_as_status = 0;  ///< the code, if it is an HTTP status: OpenRouter writes 402 where others write a word

    // OpenRouter's `metadata` (openrouter.ai/docs/api/reference/errors-and-debugging).
    std::string limit_source;  ///< who has limited it: OpenRouter, or the upstream
    bool moderated = false;      ///< it names reasons for which the input was flagged
    bool names_budget = false;   ///< it names a limit in dollars, or when one is reset
    http::header_list headers;   ///< of the upstream, where they are handed on
};

namespace detail {

[[nodiscard]] inline bool says_something(json const* error) noexcept {
    if (error == nullptr) return false;
    if (error->is_object() || error->is_array() || error->is_string())
        return !error->empty() && !(error->is_string() && text_of(error).empty());
    return error->is_boolean() && error->get<bool>();
}

inline void read_code(provider_error& e, json const* code) {
    if (code == nullptr) return;
    if (code->is_number_integer()) e.code = std::to_string(code->get<std::int64_t>());
    else e.code = text_of(code);
    int status = 0;
    auto const* const end = e.code.data() + e.code.size();
    auto const [at, error] = std::from_chars(e.code.data(), end, status);
    if (error == std::errc{} && at == end && status >= 400 && status < 600) e.code_as_status = status;
}

inline void read_metadata(provider_error& e, json const* metadata) {
    e.limit_source = text_of(member(metadata, "limit_source"));
    e.moderated = member(metadata, "reasons") != nullptr || member(metadata, "flagged_input") != nullptr;
    e.names_budget = member(metadata, "limit_usd") != nullptr || member(metadata, "spend_usd") != nullptr ||
                     member(metadata, "resets_at") != nullptr;
    auto const* const headers = member(metadata, "headers");
    if (headers == nullptr || !headers->is_object()) return;
    for (auto const& [name, value] : headers->items()) {
        if (value.is_string()) e.headers.add(name, value.get<std::string>());
        else if (value.is_number_integer()) e.headers.add(name, std::to_string(value.get<std::int64_t>()));
    }
}

}  // namespace detail

/// Reads an error object: `{"message","type","param","code"}`, `{"code":402,"message","metadata"}`, or a mere string.
[[nodiscard]] inline provider_error read_error(json const& error) {
    provider_error e;
    if (!error.is_object()) {  // gateways write mere strings too, so it proves nothing
        e.message = detail::text_of(&error);
        return e;
    }
    e.own = true;
    detail::read_code(e, detail::member(&error, "code"));
    e.type = detail::text_of(detail::member(&error, "type"));
    e.message = detail::text_of(detail::member(&error, "message"));
    detail::read_metadata(e, detail::member(&error, "metadata"));
    return e;
}

/// The error of a body, or nothing: `{"error": …}`, the same inside an array of one (Gemini's compatible endpoint), or
/// flat with `"object":"error"` (vLLM).
[[nodiscard]] inline std::optional<provider_error> find_error(json const& body) {
    auto const& document = body.is_array() && body.size() == 1 ? body.front() : body;
    if (auto const* const error = detail::member(&document, "error"); detail::says_something(error))
        return read_error(*error);
    if (detail::text_of(detail::member(&document, "object")) == "error") return read_error(document);
    return std::nullopt;
}

}  // namespace coffer::inline COFFER_ABI::llm
