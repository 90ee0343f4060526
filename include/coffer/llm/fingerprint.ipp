// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of fingerprint.hpp.

#include <coffer/llm/fingerprint.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace coffer::inline COFFER_ABI::llm {

COFFER_INLINE fingerprint fingerprint_of(request const& r) {
    fingerprint print{canonical_version};
    auto const add = [&](char const* name, std::string_view bytes) {
        auto const digest = crypto::sha256_of(bytes);
        print.with(name, std::string{digest.begin(), digest.end()});
    };
    std::string text;
    detail::write_canonical(text, std::string_view{r.model()});
    add("model", text);

    // Written out and not built as a document first: this runs for every call under a journal, and prompts are long.
    text = "[";
    for (auto const& m : r.messages()) {
        text += text.size() == 1 ? R"({"content":)" : R"(,{"content":)";
        detail::write_canonical(text, std::string_view{m.text()});
        char before = '[';
        for (auto const& image : m.images()) {
            if (before == '[') text += R"(,"images":)";
            (text += std::exchange(before, ',')) += R"({"detail":)";
            detail::write_canonical(text, to_string(image.detail()));
            text += R"(,"url":)";
            detail::write_canonical(text, std::string_view{image.url()});
            text += '}';
        }
        if (before == ',') text += ']';
        text += R"(,"role":)";
        detail::write_canonical(text, to_string(m.who()));
        if (!m.tool_call_id().empty())
            detail::write_canonical(text += R"(,"tool_call_id":)", std::string_view{m.tool_call_id()});
        if (!m.tool_calls().empty()) (text += R"(,"tool_calls":)") += canonical_text(m.tool_calls());
        text += '}';
    }
    add("messages", text += ']');

    if (r.max_output_tokens()) add("output_limit", std::to_string(*r.max_output_tokens()));
    json sampling = json::object();
    if (r.temperature()) sampling["temperature"] = *r.temperature();
    if (r.top_p()) sampling["top_p"] = *r.top_p();
    if (r.n()) sampling["n"] = *r.n();
    if (r.seed()) sampling["seed"] = *r.seed();
    if (!r.stop().empty()) sampling["stop"] = r.stop();
    if (!sampling.empty()) add("sampling", canonical(sampling));
    if (!r.response_format().empty()) add("response_format", canonical_text(r.response_format()));
    if (!r.tools().empty()) add("tools", canonical_text(r.tools()));
    if (!r.extra().empty()) add("extra", canonical_text(r.extra()));
    return print;
}

}  // namespace coffer::inline COFFER_ABI::llm
