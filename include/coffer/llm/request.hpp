// SPDX-License-Identifier: BSL-1.0
#pragma once
// What is asked of a model, as a value that knows no provider.
//
//     auto request = llm::request{"gpt-4o-mini"}.system("You are terse.").user(question).max_output_tokens(400);

#include <coffer/base/money.hpp>
#include <coffer/llm/message.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::llm {

/// The most that those parts of a request consume that nobody can count before it is sent: images, files, audio, tools
/// that run at the provider, fields of `extra` that coffer does not know. All of them together.
struct uncounted {
    std::int64_t input_tokens = 0;  ///< what they add to the prompt, with what a search brings back
    std::int64_t web_searches = 0;  ///< each is paid at the price list's fee
    std::int64_t tool_calls = 0;    ///< of other tools at the provider, each paid at the price list's fee
    money cost{};                   ///< whatever else they cost
    friend bool operator==(uncounted const&, uncounted const&) = default;
};

/// A request. Setters replace; `add` with its shorthands, and `stop`, append. Text is UTF-8; raw JSON is checked when
/// the request is sent (`invalid_request`, nothing leaves), not here.
///
/// A regular value type; safe to share const across threads.
class request {
public:
    /// For that model, by the provider's name for it. Empty: `extra` or `with_model` has to name one.
    explicit request(std::string model = {}) : model_{std::move(model)} {}

    // The conversation
    // ---------------------------------------------------------------------------------------------------

    /// One more message, at the end of the conversation.
    request& add(message m) &;
    /// The same of a temporary.
    request&& add(message m) &&;
    /// What the model is told to be: a message of its own each time.
    request& system(std::string text) &;
    /// The same of a temporary.
    request&& system(std::string text) &&;
    /// What the user says.
    request& user(std::string text) &;
    /// The same of a temporary.
    request&& user(std::string text) &&;
    /// What the model said before.
    request& assistant(std::string text) &;
    /// The same of a temporary.
    request&& assistant(std::string text) &&;
    /// Adds an image to the last message, or if that is not the user's, to a new one of the user. `url` is an address that
    /// the provider can reach, or `data:image/png;base64,...`. How many tokens it is, only the provider knows: see
    /// `at_most`.
    request& image(std::string url, image_detail d = image_detail::automatic) &;
    /// The same of a temporary.
    request&& image(std::string url, image_detail d = image_detail::automatic) &&;

    // Limits and sampling
    // ------------------------------------------------------------------------------------------------

    /// Another model.
    request& model(std::string name) & { return model_ = std::move(name), *this; }
    /// The same of a temporary.
    request&& model(std::string name) &&;
    /// Of each choice, reasoning included. Without it no upper bound of the cost exists, and a hard budget refuses.
    request& max_output_tokens(std::int64_t tokens) & { return max_output_tokens_ = tokens, *this; }
    /// The same of a temporary.
    request&& max_output_tokens(std::int64_t tokens) && { return std::move(max_output_tokens(tokens)); }
    /// A promise by whoever knows the provider: the parts that cannot be counted consume no more than that. The bound of
    /// the cost is formed with it; without it a request with such parts has none, and a hard budget refuses. Nothing is
    /// enforced: a provider that consumes more exceeds the bound. Not a part of what makes two requests the same.
    request& at_most(uncounted parts) & { return at_most_ = parts, *this; }
    /// The same of a temporary.
    request&& at_most(uncounted parts) && { return std::move(at_most(parts)); }
    /// How much chance there is in the answer; the provider says in which range. Must be finite.
    request& temperature(double t) & { return temperature_ = t, *this; }
    /// The same of a temporary.
    request&& temperature(double t) && { return std::move(temperature(t)); }
    /// Only the most probable tokens, as many as make up this share of all. Must be finite.
    request& top_p(double p) & { return top_p_ = p, *this; }
    /// The same of a temporary.
    request&& top_p(double p) && { return std::move(top_p(p)); }
    /// How many choices; each is paid for. `reply::text` is the first one, `reply::choices` holds all.
    request& n(std::int64_t choices) & { return n_ = choices, *this; }
    /// The same of a temporary.
    request&& n(std::int64_t choices) && { return std::move(n(choices)); }
    /// Adds a sequence at which the answer ends.
    request& stop(std::string sequence) &;
    /// The same of a temporary.
    request&& stop(std::string sequence) &&;
    /// For answers that repeat, as far as the provider can do that.
    request& seed(std::int64_t s) & { return seed_ = s, *this; }
    /// The same of a temporary.
    request&& seed(std::int64_t s) && { return std::move(seed(s)); }

    // Raw JSON
    // -----------------------------------------------------------------------------------------------------------

    /// The provider's `response_format`, e.g. `{"type":"json_object"}`.
    request& response_format(std::string raw) & { return response_format_ = std::move(raw), *this; }
    /// The same of a temporary.
    request&& response_format(std::string raw) &&;
    /// Asks for JSON that fits `schema`, strictly. `name` is of letters, digits, `_` and `-`, else
    /// `std::invalid_argument`.
    request& json_schema(std::string_view name, std::string_view schema) &;
    /// The same of a temporary.
    request&& json_schema(std::string_view name, std::string_view schema) && {
        return std::move(json_schema(name, schema));
    }
    /// A JSON array of tools.
    request& tools(std::string raw) & { return tools_ = std::move(raw), *this; }
    /// The same of a temporary.
    request&& tools(std::string raw) &&;
    /// A JSON object whose fields are put into the request last: they win over everything said above.
    request& extra(std::string raw) & { return extra_ = std::move(raw), *this; }
    /// The same of a temporary.
    request&& extra(std::string raw) &&;

    /// The provider's tag for the person on whose behalf it is asked. Not a part of what makes two requests the same.
    request& end_user(std::string tag) & { return end_user_ = std::move(tag), *this; }
    /// The same of a temporary.
    request&& end_user(std::string tag) &&;

    /// As the provider calls it.
    [[nodiscard]] std::string const& model() const noexcept { return model_; }
    /// In the order of the conversation.
    [[nodiscard]] std::vector<message> const& messages() const noexcept { return messages_; }
    /// None: the provider's own maximum, and no upper bound of the cost.
    [[nodiscard]] std::optional<std::int64_t> max_output_tokens() const noexcept { return max_output_tokens_; }
    /// None: nobody has promised anything.
    [[nodiscard]] std::optional<uncounted> const& at_most() const noexcept { return at_most_; }
    /// None: the provider's default.
    [[nodiscard]] std::optional<double> temperature() const noexcept { return temperature_; }
    /// None: the provider's default.
    [[nodiscard]] std::optional<double> top_p() const noexcept { return top_p_; }
    /// None: one choice.
    [[nodiscard]] std::optional<std::int64_t> n() const noexcept { return n_; }
    /// In the order in which they were added.
    [[nodiscard]] std::vector<std::string> const& stop() const noexcept { return stop_; }
    /// None: the provider's choice.
    [[nodiscard]] std::optional<std::int64_t> seed() const noexcept { return seed_; }
    /// Raw JSON; empty: not set.
    [[nodiscard]] std::string const& response_format() const noexcept { return response_format_; }
    /// Raw JSON; empty: not set.
    [[nodiscard]] std::string const& tools() const noexcept { return tools_; }
    /// Raw JSON; empty: not set.
    [[nodiscard]] std::string const& extra() const noexcept { return extra_; }
    /// Empty: not set.
    [[nodiscard]] std::string const& end_user() const noexcept { return end_user_; }

    friend bool operator==(request const&, request const&) = default;

private:
    std::string model_;
    std::vector<message> messages_;
    std::optional<std::int64_t> max_output_tokens_;
    std::optional<uncounted> at_most_;
    std::optional<double> temperature_;
    std::optional<double> top_p_;
    std::optional<std::int64_t> n_;
    std::vector<std::string> stop_;
    std::optional<std::int64_t> seed_;
    std::string response_format_;
    std::string tools_;
    std::string extra_;
    std::string end_user_;
};

}  // namespace coffer::inline COFFER_ABI::llm

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/request.ipp>
#endif
