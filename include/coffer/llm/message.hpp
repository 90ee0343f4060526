// SPDX-License-Identifier: BSL-1.0
#pragma once
// One message of a conversation.
//
//     llm::message::system("You are terse."), llm::message::user(question)

#include <coffer/config.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace coffer::inline COFFER_ABI::llm {

/// Who speaks.
enum class role : std::uint8_t { system, developer, user, assistant, tool };

/// As the protocol writes it.
[[nodiscard]] constexpr std::string_view to_string(role r) noexcept {
    switch (r) {
        case role::system: return "system";
        case role::developer: return "developer";
        case role::user: return "user";
        case role::assistant: return "assistant";
        case role::tool: return "tool";
    }
    return "user";
}

/// How closely a model looks at an image, which decides how many tokens it is. `automatic`: the provider chooses.
enum class image_detail : std::uint8_t { automatic, low, high };

/// As the protocol writes it.
[[nodiscard]] constexpr std::string_view to_string(image_detail d) noexcept {
    switch (d) {
        case image_detail::automatic: return "auto";
        case image_detail::low: return "low";
        case image_detail::high: return "high";
    }
    return "auto";
}

/// An image beside a message's text.
class image_part {
public:
    /// An image by its URL, which may be a `data:` one.
    image_part(std::string url, image_detail d);
    /// As it is sent.
    [[nodiscard]] std::string const& url() const noexcept { return url_; }
    /// What was asked for.
    [[nodiscard]] image_detail detail() const noexcept { return detail_; }
    friend bool operator==(image_part const&, image_part const&) = default;

private:
    std::string url_;
    image_detail detail_;
};

/// A message: a role and UTF-8 text, and for conversations with tools what belongs to them. A regular value type.
///
/// (Its constructor is user-declared because GCC 12 destroys temporaries of aggregates twice when they stand in a
/// co_await expression.)
class message {
public:
    /// A message of anybody.
    message(llm::role who, std::string text);

    /// What the model is told to be.
    [[nodiscard]] static message system(std::string text);
    /// The same, for models that call it so.
    [[nodiscard]] static message developer(std::string text);
    /// What the user says.
    [[nodiscard]] static message user(std::string text);
    /// What the model said before, as the conversation goes on.
    [[nodiscard]] static message assistant(std::string text);
    /// What the assistant said together with the tools it called: `calls` is `reply::tool_calls` as it came.
    [[nodiscard]] static message assistant(std::string text, std::string calls);
    /// What the tool call of that id gave.
    [[nodiscard]] static message tool(std::string call_id, std::string text);

    /// Adds an image: an address that the provider can reach, or `data:image/png;base64,...`.
    message& image(std::string url, image_detail d = image_detail::automatic) &;
    /// The same of a temporary.
    message&& image(std::string url, image_detail d = image_detail::automatic) &&;

    /// Its role.
    [[nodiscard]] llm::role who() const noexcept { return who_; }
    /// UTF-8; may be empty beside images or tool calls.
    [[nodiscard]] std::string const& text() const noexcept { return text_; }
    /// A JSON array, or empty.
    [[nodiscard]] std::string const& tool_calls() const noexcept { return tool_calls_; }
    /// Empty but for a tool's message.
    [[nodiscard]] std::string const& tool_call_id() const noexcept { return tool_call_id_; }
    /// In the order in which they were added.
    [[nodiscard]] std::vector<image_part> const& images() const noexcept { return images_; }

    friend bool operator==(message const&, message const&) = default;

private:
    llm::role who_;
    std::string text_;
    std::string tool_calls_;
    std::string tool_call_id_;
    std::vector<image_part> images_;
};

}  // namespace coffer::inline COFFER_ABI::llm

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/message.ipp>
#endif
