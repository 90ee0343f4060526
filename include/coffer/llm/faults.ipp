// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of faults.hpp.

#include <coffer/llm/faults.hpp>

#include <algorithm>
#include <utility>

namespace coffer::inline COFFER_ABI {

namespace llm::detail {

COFFER_INLINE void at_least_maybe(fault& f) noexcept {
    f.with_execution(std::max(f.execution(), knowledge::maybe)).with_billing(std::max(f.billing(), knowledge::maybe));
}

COFFER_INLINE fault fault_of_status(int status, bool own, fault_rules const& rules) {
    using enum fault_kind;
    auto const unsure = [](fault_kind kind) {
        fault f{kind};
        return at_least_maybe(f), f;
    };
    switch (status) {
        case 401:
        case 407: return fault{unauthorized};
        case 402: return fault{quota_exhausted};
        case 403:
        case 451: return fault{forbidden};
        case 404:
        case 405:
        case 410: return fault{not_found};
        case 408:  // from a gateway: the upstream took too long, and may still be at it
        case 424:
        case 499: return fault{ambiguous};
        case 409: return unsure(transient);  // SDKs: "lock timeout"
        case 413: return fault{too_large};
        case 421:  // RFC 9110 §15.5.20 and RFC 8470: not processed
        case 425: return fault{transient};
        case 422: return fault{rules.unprocessable_is_output ? ambiguous : invalid_request};
        case 429: return fault{throttled};
        case 498: return fault{overloaded};  // Groq's flex tier
        case 503:
        case 529: return fault{own ? overloaded : ambiguous};
        case 521:
        case 522:
        case 523:
        case 525:
        case 526: return fault{rules.edge_statuses_prove && !own ? transient : ambiguous};
        default: break;
    }
    if (status >= 400 && status < 500) return fault{invalid_request};
    if (status >= 300 && status < 400) return fault{not_found};  // redirects are not followed: the base URL is wrong
    return fault{ambiguous};
}

COFFER_INLINE std::optional<fault_kind> kind_of_words(int status, provider_error const& e, bool asks_to_wait) noexcept {
    using enum fault_kind;
    auto named = kind_of_code(e.code);
    if (!named) named = kind_of_code(e.type);

    // OpenAI: `rate_limit_exceeded` with this text never succeeds: the request is larger than the whole minute's limit
    // (aider#1880). Nothing but the text tells it apart.
    bool const rate = status == 429 && (!named || *named == throttled);
    if (rate && e.message.starts_with("Request too large for")) return never_fits;
    if (rate && e.message.find("experiencing high demand") != e.message.npos) return overloaded;  // Azure
    if (status == 413) return named == context_length ? named : too_large;  // Groq writes rate_limit_exceeded beside it
    if (status == 402) {  // OpenRouter: only the budget of what is in flight comes back by itself
        bool const in_flight = named == throttled || (!named && e.limit_source == "openrouter_in_flight_budget");
        return in_flight && asks_to_wait ? throttled : quota_exhausted;
    }
    if (status == 403 && !named) {  // OpenRouter's moderation, and its guardrails' budgets
        if (e.moderated) return content_policy;
        if (e.names_budget) return quota_exhausted;
    }
    return named;
}

COFFER_INLINE fault renamed(fault f, fault_kind kind) {
    if (f.kind() == kind) return f;
    bool const unproven = f.billing() != knowledge::no;
    f = fault{kind};
    if (unproven) at_least_maybe(f);
    return f;
}

COFFER_INLINE std::string request_id_of(http::header_list const& headers, provider_words const& words) {
    for (auto const* const name : {"x-request-id", "apim-request-id", "x-generation-id"})
        if (auto const id = headers.first(name))
            if (auto text = words.identifier(*id); !text.empty()) return text;
    return {};
}

COFFER_INLINE fault with_advice(fault f, bool again, bool named) {
    auto const become = [&](fault_kind kind) {
        auto const execution = f.execution();
        auto const billing = f.billing();
        f = fault{kind}.with_execution(execution).with_billing(billing);
    };
    using enum fault_kind;
    if (again && !named && (f.kind() == invalid_request || f.kind() == not_found || f.kind() == forbidden))
        become(transient);
    if (!again && row(f.kind()).retry_same) become(f.kind() == throttled ? quota_exhausted : defective_answer);
    return f;
}

COFFER_INLINE bool consumed(json const& body) noexcept {
    auto const used = usage_of(body);
    return used && std::ranges::any_of(usage_buckets, [&](std::int64_t usage::* b) { return (*used).*b > 0; });
}

}  // namespace llm::detail

namespace llm {

COFFER_INLINE fault fault_of_response(http::response const& r, fault_rules const& rules, provider_words const& words,
                                      wall_time_point now) {
    using enum fault_kind;
    auto const body = detail::parse_json(r.body);
    auto const found = body ? find_error(*body) : std::nullopt;
    auto const error = found.value_or(provider_error{});

    bool const asks_to_wait = retry_after_hint(r.headers, now).has_value();
    auto f = detail::fault_of_status(r.status, error.own, rules);
    auto const named = detail::kind_of_words(r.status, error, asks_to_wait);
    if (named) f = detail::renamed(std::move(f), *named);
    if (rules.bills_filtered_prompts && f.kind() == content_policy) f.with_billing(knowledge::yes);
    if (rules.insured && error.own) f.with_billing(knowledge::no);
    if (body && detail::consumed(*body)) f.with_execution(knowledge::yes).with_billing(knowledge::yes);
    if (auto const again = should_retry(r.headers)) f = detail::with_advice(std::move(f), *again, named.has_value());

    bool const limited = f.kind() == throttled || f.kind() == overloaded;
    auto hint = retry_hint(r.headers, limited, now);
    if (!hint) hint = retry_hint(error.headers, limited, now);
    if (hint) f.with_retry_after(*hint);

    auto text = words.shown(error.message);
    if (text.empty() && !error.own) text = "the response is not the provider's own: no JSON error in it";
    auto code = words.identifier(error.code);
    if (code.empty()) code = words.identifier(error.type);
    f.with_status(r.status).with_message(std::move(text)).with_code(std::move(code));
    return f.with_request_id(detail::request_id_of(r.headers, words)), f;
}

COFFER_INLINE fault refined(fault f, fault_rules const& rules) {
    using enum fault_kind;
    if (f.kind() == invalid_request && f.status() == 0)
        return fault{forbidden, std::string{f.message()} + "; check the base URL, the API key and the headers"};
    if (f.status() < 400 || f.status() >= 500 || (f.kind() != broken_stream && f.kind() != defective_answer)) return f;
    auto const said = detail::fault_of_status(f.status(), false, rules);
    if (said.billing() != knowledge::no) return f;
    return fault{said.kind(), std::string{f.message()}}.with_status(f.status());
}

COFFER_INLINE fault fault_in_answer(provider_error const& error, answer_progress progress, fault_rules const& rules) {
    auto const status = error.code_as_status;
    fault f{fault_kind::ambiguous};
    if (status != 0) f = detail::fault_of_status(status, true, rules);
    if (auto const named = detail::kind_of_words(status, error, true)) {
        // Without a status there is nothing that the word could contradict.
        f = status != 0 ? detail::renamed(std::move(f), *named) : fault{*named};
    }
    if (progress.began) detail::at_least_maybe(f);
    f.with_message(progress.began ? "the answer ends with an error" : "an error instead of an answer");
    if (rules.insured && progress.blank) f.with_billing(knowledge::no);
    if (progress.consumed) f.with_execution(knowledge::yes).with_billing(knowledge::yes);
    auto code = known_word(error.code);
    if (code.empty()) code = known_word(error.type);
    return f.with_code(std::move(code)), f;
}

}  // namespace llm

}  // namespace coffer::inline COFFER_ABI
