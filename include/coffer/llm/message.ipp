// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of message.hpp.

#include <coffer/llm/message.hpp>

#include <utility>

namespace coffer::inline COFFER_ABI::llm {

COFFER_INLINE image_part::image_part(std::string url, image_detail d) : url_{std::move(url)}, detail_{d} {}

COFFER_INLINE message::message(llm::role who, std::string text) : who_{who}, text_{std::move(text)} {}

COFFER_INLINE message message::system(std::string text) { return {llm::role::system, std::move(text)}; }

COFFER_INLINE message message::developer(std::string text) { return {llm::role::developer, std::move(text)}; }

COFFER_INLINE message message::user(std::string text) { return {llm::role::user, std::move(text)}; }

COFFER_INLINE message message::assistant(std::string text) { return {llm::role::assistant, std::move(text)}; }

COFFER_INLINE message message::assistant(std::string text, std::string calls) {
    message m{llm::role::assistant, std::move(text)};
    m.tool_calls_ = std::move(calls);
    return m;
}

COFFER_INLINE message message::tool(std::string call_id, std::string text) {
    message m{llm::role::tool, std::move(text)};
    m.tool_call_id_ = std::move(call_id);
    return m;
}

COFFER_INLINE message& message::image(std::string url, image_detail d) & {
    images_.emplace_back(std::move(url), d);
    return *this;
}

COFFER_INLINE message&& message::image(std::string url, image_detail d) && {
    return std::move(image(std::move(url), d));
}

}  // namespace coffer::inline COFFER_ABI::llm
