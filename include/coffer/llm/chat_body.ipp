// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of chat_body.hpp.

#include <coffer/llm/chat_body.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace coffer::inline COFFER_ABI {

namespace llm::detail {

COFFER_INLINE outcome<json> raw_json(std::string const& text, char const* what, json::value_t expected) {
    auto document = parse_json(text);
    if (!document || document->type() != expected)
        return failed(fault_kind::invalid_request,
                      std::string{what} + " is not a JSON " + (expected == json::value_t::array ? "array" : "object"));
    return *std::move(document);
}

COFFER_INLINE outcome<json> message_json(message const& m) {
    json j{{"role", to_string(m.who())}, {"content", m.text()}};
    if (!m.tool_call_id().empty()) j["tool_call_id"] = m.tool_call_id();
    if (!m.tool_calls().empty()) {
        auto calls = raw_json(m.tool_calls(), "a message's tool_calls", json::value_t::array);
        if (!calls) return calls;
        j["tool_calls"] = *std::move(calls);
        if (m.text().empty()) j["content"] = nullptr;
    }
    if (!m.images().empty()) {
        auto& parts = j["content"] = json::array();
        if (!m.text().empty()) parts.push_back({{"type", "text"}, {"text", m.text()}});
        for (auto const& image : m.images()) {
            json shown{{"url", image.url()}};
            if (image.detail() != image_detail::automatic) shown["detail"] = to_string(image.detail());
            parts.push_back({{"type", "image_url"}, {"image_url", std::move(shown)}});
        }
    }
    return j;
}

COFFER_INLINE void lower_output_limit(json& body, std::string const& field, std::int64_t most) {
    auto const tokens = std::max<std::int64_t>(most, 0);
    bool said = false;
    for (auto const& name : {field, std::string{"max_tokens"}, std::string{"max_completion_tokens"}}) {
        auto const at = body.find(name);
        if (at == body.end()) continue;
        bool const smaller = at->is_number_unsigned() ? at->get<std::uint64_t>() <= static_cast<std::uint64_t>(tokens)
                                                      : at->is_number_integer() && at->get<std::int64_t>() >= 0 &&
                                                            at->get<std::int64_t>() <= tokens;
        if (!smaller) *at = tokens;
        said = true;
    }
    if (!said) body[field] = tokens;
}

}  // namespace llm::detail

namespace llm {

COFFER_INLINE outcome<json> chat_json(request const& r, std::string const& output_limit,
                                      std::optional<std::int64_t> most_output) {
    using detail::raw_json;
    auto const wrong = [](char const* why) { return failed(fault_kind::invalid_request, why); };
    json body{{"model", r.model()}};
    auto& messages = body["messages"] = json::array();
    for (auto const& m : r.messages()) {
        auto one = detail::message_json(m);
        if (!one) return one;
        messages.push_back(*std::move(one));
    }
    for (auto const& [name, value] : {std::pair{"temperature", r.temperature()}, std::pair{"top_p", r.top_p()}}) {
        if (!value) continue;
        if (!std::isfinite(*value)) return wrong("temperature and top_p must be finite numbers");
        body[name] = *value;
    }
    if (r.max_output_tokens()) body[output_limit] = *r.max_output_tokens();
    if (r.n()) body["n"] = *r.n();
    if (!r.stop().empty()) body["stop"] = r.stop();
    if (r.seed()) body["seed"] = *r.seed();
    if (!r.end_user().empty()) body["user"] = r.end_user();
    if (!r.response_format().empty()) {
        auto format = raw_json(r.response_format(), "response_format", json::value_t::object);
        if (!format) return format;
        body["response_format"] = *std::move(format);
    }
    if (!r.tools().empty()) {
        auto tools = raw_json(r.tools(), "tools", json::value_t::array);
        if (!tools) return tools;
        body["tools"] = *std::move(tools);
    }
    if (!r.extra().empty()) {
        auto extra = raw_json(r.extra(), "extra", json::value_t::object);
        if (!extra) return extra;
        body.update(*extra);
    }
    if (most_output) detail::lower_output_limit(body, output_limit, *most_output);
    if (auto const* const stream = detail::member(&body, "stream"); stream != nullptr && *stream != json(false))
        return wrong("this operation does not stream: take stream out of extra");
    return body;
}

COFFER_INLINE std::string model_of(request const& r) {
    if (r.extra().find("model") != std::string::npos) {
        auto const extra = detail::parse_json(r.extra());
        if (auto const* const other = extra ? detail::member(&*extra, "model") : nullptr)
            return std::string{detail::text_of(other)};
    }
    return r.model();
}

COFFER_INLINE outcome<std::string> chat_body(request const& r, std::string const& output_limit,
                                             std::optional<std::int64_t> most_output) {
    auto body = chat_json(r, output_limit, most_output);
    if (!body) return failed(std::move(body).error());
    try {
        return body->dump();
    } catch (json::type_error const&) {
        return failed(fault_kind::invalid_request, "a text of the request is not UTF-8");
    }
}

}  // namespace llm

}  // namespace coffer::inline COFFER_ABI
