// SPDX-License-Identifier: BSL-1.0
#include "openai/chat.hpp"

#include <algorithm>

#include "api/answer_text.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "billing/tokens.hpp"
#include "openai/chat_request.hpp"

namespace provider_sim::openai {
namespace {

struct choice {
    std::string text;
    std::int64_t tokens = 0;     // the reasoning among them
    std::int64_t reasoning = 0;
    bool cut = false;
};

choice make_choice(api_call const& call, chat_request const& request, std::uint64_t index) {
    auto const& wishes = *call.wishes;
    auto const& settings = *call.settings;
    choice made;
    if (wishes.refusal || wishes.content) {
        made.text = wishes.refusal ? *wishes.refusal : *wishes.content;
    } else {
        auto natural =
            natural_tokens(call.key, request.model, index, settings.min_output_tokens, settings.max_output_tokens);
        natural = request.natural_tokens.value_or(natural);
        made.text = answer_text(call.key, request.model, index, wishes.output_tokens.value_or(natural));
    }
    // Reasoning is output, and comes first: what the limit leaves is for the text.
    auto const limit = request.max_tokens.value_or(INT64_MAX);
    made.reasoning = std::min(wishes.reasoning_tokens, limit);
    made.tokens = tokens_of_bytes(made.text.size()) + made.reasoning;
    if (made.tokens > limit) {
        made.cut = true;
        made.tokens = limit;
        made.text = first_tokens(std::move(made.text), limit - made.reasoning);
    }
    return made;
}

record choice_json(choice const& made, answer_wishes const& wishes, std::int64_t index) {
    record message{{"role", "assistant"},
                   {"content", wishes.refusal ? record(nullptr) : record(made.text)},
                   {"refusal", wishes.refusal ? record(made.text) : record(nullptr)}};
    record one{{"index", index}, {"message", std::move(message)}, {"logprobs", nullptr}};
    one["finish_reason"] = wishes.finish_reason.value_or(made.cut ? "length" : "stop");
    if (wishes.choice_error && index == 0) {
        one["finish_reason"] = "error";
        one["error"] = *wishes.choice_error;
    }
    return one;
}

record usage_json(usage const& used) {
    return {{"prompt_tokens", used.in_tok},
            {"completion_tokens", used.out_tok},
            {"total_tokens", used.in_tok + used.out_tok},
            {"prompt_tokens_details", {{"cached_tokens", used.cached}, {"audio_tokens", 0}, {"cache_write_tokens", 0}}},
            {"completion_tokens_details",
             {{"reasoning_tokens", used.reasoning},
              {"audio_tokens", 0},
              {"accepted_prediction_tokens", 0},
              {"rejected_prediction_tokens", 0}}}};
}

void add_usage(record& body, usage const& used, usage_shape shape) {
    switch (shape) {
        case usage_shape::right:
            body["usage"] = usage_json(used);
            // OpenAI does not say how often it searched; this is OpenRouter's way.
            if (used.searches != 0) body["usage"]["server_tool_use"] = {{"web_search_requests", used.searches}};
            break;
        case usage_shape::null: body["usage"] = nullptr; break;
        case usage_shape::zero: body["usage"] = usage_json(usage{}); break;
        case usage_shape::missing: break;
    }
}

}  // namespace

served serve_chat(api_call const& call) {
    auto const request = parse_chat_request(*call.body, *call.settings);
    auto const& wishes = *call.wishes;

    served result;
    result.valid = true;
    result.used.in_tok = request.prompt_tokens;
    result.used.cached = std::min(wishes.cached_tokens, request.prompt_tokens);

    if (request.may_search) {
        auto const natural =
            1 + static_cast<std::int64_t>(hash_of(call.key) % static_cast<std::uint64_t>(call.settings->most_searches));
        result.used.searches = request.searches.value_or(natural);
    }

    auto choices = record::array();
    for (std::int64_t i = 0; i < request.choices; ++i) {
        auto const made = make_choice(call, request, static_cast<std::uint64_t>(i));
        result.used.out_tok += made.tokens;
        result.used.reasoning += made.reasoning;
        choices.push_back(choice_json(made, wishes, i));
    }

    record body{{"id", make_id("chatcmpl-", hash_of(call.key, call.nth), 24)},  // another one every time it is sent
                {"object", "chat.completion"},
                {"created", now_us() / 1'000'000},
                {"model", wishes.model.value_or(request.model)},
                {"choices", std::move(choices)}};
    add_usage(body, result.used, wishes.usage);
    body["service_tier"] = "default";
    body["system_fingerprint"] = make_id("fp_", hash_of(request.model), 10);
    result.answer = json_answer(200, to_line(body));
    return result;
}

}  // namespace provider_sim::openai
