// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of openai.hpp.

#include <coffer/llm/openai.hpp>

#include <algorithm>
#include <string_view>
#include <vector>

namespace coffer::inline COFFER_ABI::llm {

COFFER_INLINE chat_operation::chat_operation(any_transport transport, api_key key, openai_options options)
    : settings_{std::make_shared<settings const>(std::move(transport), std::move(key), std::move(options))} {}

COFFER_INLINE chat_operation::settings::settings(any_transport t, api_key k, openai_options o)
    : transport{std::move(t)}, keys{std::move(k)}, options{std::move(o)}, url{options.base_url} {
    while (url.ends_with('/')) url.pop_back();
    url += "/chat/completions";
    if (!options.query.empty()) url += "?" + options.query;
}

COFFER_INLINE outcome<http::request> chat_operation::http_request(settings const& s, attempt const& a, request const& r,
                                                                  std::string const& key) {
    auto const& o = s.options;
    auto body = chat_body(r, o.output_limit_field, a.output_limit());
    if (!body) return failed(std::move(body).error());
    http::request sent{"POST", s.url, *std::move(body)};
    sent.headers = o.headers;
    sent.headers.set("Content-Type", "application/json").set("Accept", "application/json");
    if (!key.empty()) sent.headers.set(o.key_header, o.key_prefix + key);
    if (!o.organization.empty()) sent.headers.set("OpenAI-Organization", o.organization);
    if (!o.project.empty()) sent.headers.set("OpenAI-Project", o.project);
    if (!o.idempotency_header.empty()) sent.headers.set(o.idempotency_header, a.provider_key());
    sent.sensitive_headers.push_back(o.key_header);
    sent.connect_timeout = o.connect_timeout;
    sent.max_header_bytes = o.max_header_bytes;
    sent.max_body_bytes = o.max_body_bytes;
    return sent;
}

COFFER_INLINE outcome<answer> chat_operation::taken(http::response got, settings const& s, request const& r,
                                                    std::string const& key, attempt& a) {
    std::vector<std::string_view> echoes;
    for (auto const& m : r.messages()) {
        echoes.emplace_back(m.text());
        for (auto const& image : m.images()) echoes.emplace_back(image.url());
    }
    for (auto const* const raw : {&r.tools(), &r.response_format(), &r.extra()}) echoes.emplace_back(*raw);
    provider_words const words{{key}, std::move(echoes)};
    if (auto const said = rate_facts_of(got.headers, a.clock().wall_now()); said.any()) a.report_rate(said);
    if (got.status >= 200 && got.status < 300) {
        answer whole{without_key(std::move(got.body), key), got.status};
        whole.request_id = detail::request_id_of(got.headers, words);
        return whole;
    }
        // A failure that says what it consumed is billed, and its cost is known.
    if (auto const body = detail::parse_json(got.body)) {
        auto const bill = detail::bill_of(*body, s.options);
        if (bill.usage) a.report(*bill.usage);
        if (bill.cost) a.report_cost(*bill.cost);
    }
    return failed(fault_of_response(got, s.options.rules, words, a.clock().wall_now()));
}

COFFER_INLINE bool chat_operation::may_be_stale(fault const& why, settings const& s, attempt const& a) {
    if (why.kind() != fault_kind::unauthorized || why.status() == 407) return false;
    if (why.execution() != knowledge::no || why.billing() != knowledge::no) return false;
    return std::ranges::none_of(a.of().log(), [&](attempt_record const& before) {
        return before.fault && before.fault->kind() == fault_kind::stale_credentials &&
               before.target.provider == s.options.provider;
    });
}

COFFER_INLINE fault chat_operation::stale(fault const& refused) {
    fault f{fault_kind::stale_credentials, "the API key was refused; its source gives another one now"};
    f.with_status(refused.status()).with_code(std::string{refused.code()});
    return f.with_request_id(std::string{refused.request_id()}), f;
}

COFFER_INLINE openai::openai(any_transport transport, api_key key, openai_options options)
    : chat{std::move(transport), std::move(key), std::move(options)} {}

}  // namespace coffer::inline COFFER_ABI::llm
