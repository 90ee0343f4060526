// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of chat_reply.hpp.

#include <coffer/llm/chat_reply.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace coffer::inline COFFER_ABI {

namespace llm::detail {

COFFER_INLINE fault defective(std::string why) { return fault{fault_kind::defective_answer, std::move(why)}; }

COFFER_INLINE fault unreadable(std::string_view body) {
    auto const first = body.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
    if (first != body.npos && (body[first] == '{' || body[first] == '[')) return defective("the answer is broken JSON");
    fault f{fault_kind::defective_answer, first == body.npos ? "the answer is empty" : "the answer is not JSON"};
    return f.with_execution(knowledge::maybe).with_billing(knowledge::maybe), f;
}

COFFER_INLINE bool is_truncation(std::string_view finish) noexcept {
    constexpr std::array<std::string_view, 5> words{"length", "max_tokens", "MAX_TOKENS", "model_length",
                                                    "model_context_window_exceeded"};
    return std::ranges::find(words, finish) != words.end();
}

COFFER_INLINE std::string content_of(json const* content) {
    if (content == nullptr || !content->is_array()) return std::string{text_of(content)};
    std::string text;
    for (auto const& part : *content) text += text_of(member(&part, "text"));
    return text;
}

COFFER_INLINE bool has_output(json const* message) noexcept {
    auto const* const content = member(message, "content");
    auto const* const calls = member(message, "tool_calls");
    return (content != nullptr && (content->is_string() || (content->is_array() && !content->empty()))) ||
           (calls != nullptr && calls->is_array() && !calls->empty()) || member(message, "function_call") != nullptr ||
           member(message, "audio") != nullptr;
}

COFFER_INLINE bool is_blank(json const* message) {
    auto const* const calls = member(message, "tool_calls");
    return content_of(member(message, "content")).empty() && (calls == nullptr || calls->empty());
}

COFFER_INLINE std::optional<fault> judge_choice(json const& choice, bool consumed, openai_options const& o) {
    auto const* const message = member(&choice, "message");
    auto const finish = text_of(member(&choice, "finish_reason"));
    auto const* const error = member(&choice, "error");
    if (says_something(error) || finish == "error")
        return fault_in_answer(says_something(error) ? read_error(*error) : provider_error{},
                               {.began = true, .blank = is_blank(message), .consumed = consumed}, o.rules);
    if (message == nullptr || !message->is_object()) return defective("a choice holds no message");
    if (!text_of(member(message, "refusal")).empty() && !o.accept_refusals)
        return fault{fault_kind::content_policy, "the model refused"}
            .with_execution(knowledge::yes)
            .with_billing(knowledge::yes);
    if (finish == "content_filter")
        return fault{fault_kind::content_policy, "the answer was cut by a content filter"}
            .with_execution(knowledge::yes)
            .with_billing(knowledge::yes)
            .with_code("content_filter");
    if (is_truncation(finish)) {
        if (!o.accept_truncated)
            return defective("the answer was cut at its output limit").with_code(std::string{finish});
    } else if (finish.empty()) {
        return defective("the answer has no finish reason, so nobody knows whether it is whole");
    } else if (std::ranges::find(o.finish_reasons, finish) == o.finish_reasons.end()) {
        return defective("the answer ended for a reason that is not among the accepted ones")
            .with_code(known_word(finish));
    }
    bool const refused = !text_of(member(message, "refusal")).empty();
    if (!has_output(message) && !refused) return defective("the answer holds neither text nor tool calls");
    return std::nullopt;
}

COFFER_INLINE std::optional<service_tier> tier_of(std::string_view said) noexcept {
    if (said.empty() || said == "default" || said == "auto" || said == "standard") return service_tier::standard;
    if (said == "flex") return service_tier::flex;
    if (said == "priority") return service_tier::priority;
    if (said == "batch") return service_tier::batch;
    return std::nullopt;
}

COFFER_INLINE bool quotes_a_search(json const& body) noexcept {
    auto const* const choices = member(&body, "choices");
    return choices != nullptr && choices->is_array() && std::ranges::any_of(*choices, [](json const& choice) {
               auto const* const notes = member(&choice, "message", "annotations");
               return notes != nullptr && notes->is_array() && !notes->empty();
           });
}

COFFER_INLINE std::optional<money> priced_cost(json const& body, usage const& used, openai_options const& o) {
    auto const tier = tier_of(text_of(member(&body, "service_tier")));
    if (!tier || (used.web_searches == 0 && quotes_a_search(body))) return std::nullopt;
    auto const card = o.card_of(text_of(member(&body, "model")));
    return card ? cost_of(used, *card, {.tier = *tier}) : std::nullopt;
}

COFFER_INLINE billed bill_of(json const& body, openai_options const& o) {
    billed b;
    b.usage = usage_of(body);
    b.cost = reported_cost(body);
    if (!b.cost && b.usage) b.cost = priced_cost(body, *b.usage, o);
    return b;
}

}  // namespace llm::detail

namespace llm {

COFFER_INLINE billed bill_chat(answer const& a, openai_options const& o) {
    auto const body = detail::parse_json(a.body);
    auto b = body ? detail::bill_of(*body, o) : billed{};
    if (!b.usage) b.usage = a.usage;
    if (!b.cost) b.cost = a.cost;
    return b;
}

COFFER_INLINE outcome<reply> read_chat(answer const& a, openai_options const& o) {
    using detail::member;
    using detail::text_of;
    auto const document = detail::parse_json(a.body);
    auto const refused = [&](fault f) {
        if (f.status() == 0) f.with_status(a.status);
        return failed(std::move(f).with_request_id(a.request_id));
    };
    if (!document) return refused(detail::unreadable(a.body));
    auto const& body = *document;
    bool const consumed = detail::consumed(body);
    auto const* const choices = member(&body, "choices");
    bool const any = choices != nullptr && choices->is_array() && !choices->empty();
    if (auto const error = find_error(body)) {
        bool const blank = !any || std::ranges::all_of(
                                       *choices, [](json const& c) { return detail::is_blank(member(&c, "message")); });
        return refused(fault_in_answer(*error, {.began = any, .blank = blank, .consumed = consumed}, o.rules));
    }
    if (!any) return refused(detail::defective("the answer holds no choices"));
    for (auto const& choice : *choices)
        if (auto why = detail::judge_choice(choice, consumed, o)) return refused(*std::move(why));

    auto const& first = choices->front();
    auto const* const message = member(&first, "message");
    auto const bill = detail::bill_of(body, o);
    reply r{detail::content_of(member(message, "content"))};
    r.finish_reason = text_of(member(&first, "finish_reason"));
    r.model = text_of(member(&body, "model"));
    r.refusal = text_of(member(message, "refusal"));
    if (auto const* const calls = member(message, "tool_calls");
        calls != nullptr && calls->is_array() && !calls->empty())
        r.tool_calls = calls->dump();
    r.id = text_of(member(&body, "id"));
    r.choices = choices->dump();
    r.usage = bill.usage ? bill.usage : a.usage;
    r.cost = a.cost ? a.cost : bill.cost;  // what was recorded when it was paid
    return r;
}

}  // namespace llm

}  // namespace coffer::inline COFFER_ABI
