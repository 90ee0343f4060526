// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of provider_error.hpp.

#include <coffer/llm/provider_error.hpp>

#include <charconv>
#include <system_error>

namespace coffer::inline COFFER_ABI {

namespace llm::detail {

COFFER_INLINE bool says_something(json const* error) noexcept {
    if (error == nullptr) return false;
    if (error->is_object() || error->is_array() || error->is_string())
        return !error->empty() && !(error->is_string() && text_of(error).empty());
    return error->is_boolean() && error->get<bool>();
}

COFFER_INLINE void read_code(provider_error& e, json const* code) {
    if (code == nullptr) return;
    if (code->is_number_integer()) e.code = std::to_string(code->get<std::int64_t>());
    else e.code = text_of(code);
    int status = 0;
    auto const* const end = e.code.data() + e.code.size();
    auto const [at, error] = std::from_chars(e.code.data(), end, status);
    if (error == std::errc{} && at == end && status >= 400 && status < 600) e.code_as_status = status;
}

COFFER_INLINE void read_metadata(provider_error& e, json const* metadata) {
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

}  // namespace llm::detail

namespace llm {

COFFER_INLINE provider_error read_error(json const& error) {
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

COFFER_INLINE std::optional<provider_error> find_error(json const& body) {
    auto const& document = body.is_array() && body.size() == 1 ? body.front() : body;
    if (auto const* const error = detail::member(&document, "error"); detail::says_something(error))
        return read_error(*error);
    if (detail::text_of(detail::member(&document, "object")) == "error") return read_error(document);
    return std::nullopt;
}

}  // namespace llm

}  // namespace coffer::inline COFFER_ABI
