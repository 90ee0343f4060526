// SPDX-License-Identifier: BSL-1.0
#include "openai/chat_request.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "billing/tokens.hpp"

namespace provider_sim::openai {
namespace {

constexpr std::int64_t most_tokens = 10'000'000;

[[noreturn]] void refuse(std::string message, char const* param, char const* code, unsigned status = 400) {
    json error{
        {"message", std::move(message)}, {"type", "invalid_request_error"}, {"param", nullptr}, {"code", nullptr}};
    if (param != nullptr) error["param"] = param;
    if (code != nullptr) error["code"] = code;
    throw api_error{status, std::move(error)};
}

[[noreturn]] void refuse_type(char const* name, std::string const& expected, json const& got) {
    refuse("Invalid type for '" + std::string{name} + "': expected " + expected + ", but got a " + got.type_name() +
               " instead.",
           name, "invalid_type");
}

std::optional<std::int64_t> integer(json const& body, char const* name, std::int64_t high) {
    auto const it = body.find(name);
    if (it == body.end() || it->is_null()) return std::nullopt;
    if (!it->is_number_integer()) refuse_type(name, "an integer", *it);
    if (*it < 1)
        refuse(std::string{"Invalid '"} + name + "': integer below minimum value.", name, "integer_below_min_value");
    if (*it > high)
        refuse(std::string{"Invalid '"} + name + "': integer above maximum value.", name, "integer_above_max_value");
    return it->get<std::int64_t>();
}

std::size_t content_bytes(json const& message) {
    auto const content = message.find("content");
    if (content == message.end() || content->is_null()) return 0;
    if (content->is_string()) return content->get_ref<std::string const&>().size();
    if (!content->is_array()) refuse_type("messages", "message content of string or array", *content);
    std::size_t bytes = 0;
    for (auto const& part : *content)
        if (part.is_object() && part.contains("text") && part["text"].is_string())
            bytes += part["text"].get_ref<std::string const&>().size();
    return bytes;
}

// Each image is a flat number of tokens; what it shows does not matter.
std::int64_t image_tokens(json const& message, config const& settings) {
    auto const content = message.find("content");
    if (content == message.end() || !content->is_array()) return 0;
    std::int64_t tokens = 0;
    for (auto const& part : *content) {
        if (!part.is_object() || part.value("type", json{}) != "image_url") continue;
        auto const image = part.find("image_url");
        if (image == part.end() || !image->is_object() || !image->contains("url") || !(*image)["url"].is_string())
            refuse("Missing required parameter: 'messages[].content[].image_url.url'.", "messages",
                   "missing_required_parameter");
        tokens += image->value("detail", json{}) == "low" ? settings.low_image_tokens : settings.high_image_tokens;
    }
    return tokens;
}

std::int64_t prompt_tokens(json const& body, config const& settings) {
    auto const messages = body.find("messages");
    if (messages == body.end())
        refuse("Missing required parameter: 'messages'.", "messages", "missing_required_parameter");
    if (!messages->is_array()) refuse_type("messages", "an array of objects", *messages);
    if (messages->empty())
        refuse(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            "messages", "empty_array");
    std::size_t bytes = 0;
    std::int64_t images = 0;
    for (auto const& message : *messages) {
        if (!message.is_object()) refuse_type("messages", "an array of objects", message);
        if (!message.contains("role") || !message["role"].is_string())
            refuse("Missing required parameter: 'messages[].role'.", "messages", "missing_required_parameter");
        bytes += content_bytes(message);
        images += image_tokens(message, settings);
    }
    return tokens_of_bytes(bytes) + images;
}

bool may_search(json const& body) {
    if (body.contains("web_search_options")) {
        if (!body["web_search_options"].is_object())
            refuse_type("web_search_options", "an object", body["web_search_options"]);
        return true;
    }
    auto const tools = body.find("tools");
    if (tools == body.end() || !tools->is_array()) return false;
    return std::ranges::any_of(*tools, [](json const& tool) {
        auto const type = tool.is_object() ? tool.value("type", json{}) : json{};
        return type.is_string() && type.get_ref<std::string const&>().starts_with("web_search");
    });
}

// A number that the request itself wishes for, in its metadata.
std::optional<std::int64_t> wish(json const& body, std::string const& name, std::int64_t low, std::int64_t high) {
    auto const metadata = body.find("metadata");
    if (metadata == body.end() || !metadata->is_object() || !metadata->contains(name)) return std::nullopt;
    auto const& wished = (*metadata)[name];
    std::int64_t number = 0;
    auto const text = wished.is_string() ? wished.get<std::string>() : wished.dump();
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < low || number > high)
        refuse("metadata." + name + " must be an integer from " + std::to_string(low) + " to " + std::to_string(high) +
                   ".",
               "metadata", "invalid_value");
    return number;
}

}  // namespace

chat_request parse_chat_request(json const& body, config const& settings) {
    if (body.is_discarded() || !body.is_object())
        refuse("We could not parse the JSON body of your request. The OpenAI API expects a JSON payload.", nullptr,
               nullptr);
    auto const model = body.find("model");
    if (model == body.end()) refuse("you must provide a model parameter", nullptr, nullptr);
    if (!model->is_string()) refuse_type("model", "a string", *model);

    chat_request request;
    request.model = model->get<std::string>();
    request.prompt_tokens = prompt_tokens(body, settings);
    request.choices = integer(body, "n", 128).value_or(1);
    request.max_tokens = integer(body, "max_completion_tokens", most_tokens);
    if (!request.max_tokens) request.max_tokens = integer(body, "max_tokens", most_tokens);
    request.natural_tokens = wish(body, "sim_output_tokens", 1, most_tokens);
    request.may_search = may_search(body);
    request.searches = wish(body, "sim_searches", 0, 1'000);
    if (body.contains("stream") && body["stream"] == true)
        refuse("provider_sim answers this endpoint without streaming only; send \"stream\": false.", "stream",
               "unsupported_value");
    if (request.model.starts_with("no-such"))
        refuse("The model `" + request.model + "` does not exist or you do not have access to it.", nullptr,
               "model_not_found", 404);
    if (request.prompt_tokens > settings.context_tokens)
        refuse("This model's maximum context length is " + std::to_string(settings.context_tokens) +
                   " tokens. However, your messages resulted in " + std::to_string(request.prompt_tokens) +
                   " tokens. Please reduce the length of the messages.",
               "messages", "context_length_exceeded");
    return request;
}

}  // namespace provider_sim::openai
