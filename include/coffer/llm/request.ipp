// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of request.hpp.

#include <coffer/llm/request.hpp>

#include <stdexcept>

namespace coffer::inline COFFER_ABI::llm {

COFFER_INLINE request& request::add(message m) & { return messages_.push_back(std::move(m)), *this; }

COFFER_INLINE request&& request::add(message m) && { return std::move(add(std::move(m))); }

COFFER_INLINE request& request::system(std::string text) & { return add(message::system(std::move(text))); }

COFFER_INLINE request&& request::system(std::string text) && { return std::move(system(std::move(text))); }

COFFER_INLINE request& request::user(std::string text) & { return add(message::user(std::move(text))); }

COFFER_INLINE request&& request::user(std::string text) && { return std::move(user(std::move(text))); }

COFFER_INLINE request& request::assistant(std::string text) & { return add(message::assistant(std::move(text))); }

COFFER_INLINE request&& request::assistant(std::string text) && { return std::move(assistant(std::move(text))); }

COFFER_INLINE request& request::image(std::string url, image_detail d) & {
    if (messages_.empty() || messages_.back().who() != role::user) user({});
    return messages_.back().image(std::move(url), d), *this;
}

COFFER_INLINE request&& request::image(std::string url, image_detail d) && {
    return std::move(image(std::move(url), d));
}

COFFER_INLINE request&& request::model(std::string name) && { return std::move(model(std::move(name))); }

COFFER_INLINE request& request::stop(std::string sequence) & { return stop_.push_back(std::move(sequence)), *this; }

COFFER_INLINE request&& request::stop(std::string sequence) && { return std::move(stop(std::move(sequence))); }

COFFER_INLINE request&& request::response_format(std::string raw) && {
    return std::move(response_format(std::move(raw)));
}

COFFER_INLINE request& request::json_schema(std::string_view name, std::string_view schema) & {
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    if (name.empty() || name.size() > 64 || name.find_first_not_of(allowed) != name.npos)
        throw std::invalid_argument{
            "coffer::llm::request::json_schema: a name is 1 to 64 of letters, digits, _ and -, e.g. \"invoice\""};
    std::string raw{R"({"type":"json_schema","json_schema":{"name":")"};
    ((raw += name) += R"(","strict":true,"schema":)") += schema;
    return response_format(raw += "}}");
}

COFFER_INLINE request&& request::tools(std::string raw) && { return std::move(tools(std::move(raw))); }

COFFER_INLINE request&& request::extra(std::string raw) && { return std::move(extra(std::move(raw))); }

COFFER_INLINE request&& request::end_user(std::string tag) && { return std::move(end_user(std::move(tag))); }

}  // namespace coffer::inline COFFER_ABI::llm
