// SPDX-License-Identifier: BSL-1.0
#include "faults/apply.hpp"

#include <algorithm>

namespace provider_sim {
namespace {

constexpr std::string_view no_http = "\x15\x03\x01\x02\x02\x16 this is no HTTP\r\n\x80\xff\r\n";
constexpr std::string_view no_json = "{\"id\":\"chatcmpl-broken\",\"choices\":[{\"message\":{\"content\":\"half a";

// A page of somebody in between, with nothing of the provider in it.
http_answer edge_page(unsigned status, http_answer const& replaced) {
    auto const line = std::to_string(status) + " " + std::string{reason_of(status)};
    http_answer page;
    page.headers = {{"Content-Type", "text/html"}, {"Server", "cloudflare"}};
    for (auto const& [name, value] : replaced.headers)
        if (name == "cf-ray") page.headers.emplace_back(name, value);
    page.body = "<html>\r\n<head><title>" + line + "</title></head>\r\n<body>\r\n<center><h1>" + line +
                "</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n";
    return page;
}

void replace_body(fault const& f, unsigned status, provider_shape const& provider, http_answer& answer) {
    switch (f.wrong) {
        case wrong_answer::garbage:
            answer.raw = true;
            answer.body = no_http;
            return;
        case wrong_answer::bad_json: answer.body = no_json; return;
        case wrong_answer::empty: answer.body.clear(); return;
        case wrong_answer::html: answer = edge_page(status, answer); return;
        case wrong_answer::no: break;
    }
    if (f.body) answer.body = *f.body;
    else if (f.error || (f.status && status >= 400))
        answer.body = provider.error_body(status, f.error.value_or(json::object()));
}

void pad(fault const& f, http_answer& answer) {
    constexpr std::size_t line = 1000;
    for (std::size_t left = f.pad_headers, i = 0; left > 0; ++i) {
        auto const size = std::min(left, line);
        answer.headers.emplace_back("x-pad-" + std::to_string(i), std::string(size, 'x'));
        left -= size;
    }
    answer.body.append(f.pad_body, ' ');  // blanks after a JSON text leave it valid
}

}  // namespace

http_answer apply_fault(fault const& f, http_answer answer, provider_shape const& provider, std::int64_t now_unix_us) {
    auto const status = f.own_status().value_or(answer.status);
    replace_body(f, status, provider, answer);
    answer.status = status;
    apply_headers(f.headers, now_unix_us, answer);
    pad(f, answer);
    return answer;
}

std::size_t delivered_bytes(fault const& f, std::size_t payload_bytes) {
    switch (f.deliver) {
        case deliver_extent::none:
        case deliver_extent::headers: return 0;
        case deliver_extent::half: return payload_bytes / 2;
        case deliver_extent::bytes: return std::min(f.deliver_bytes, payload_bytes);
        case deliver_extent::full: break;
    }
    return payload_bytes;
}

usage billed_usage(fault const& f, usage const& full, std::size_t payload_bytes) {
    auto billed = full;
    if (f.bill == bill_mode::none) return {};
    if (f.bill == bill_mode::full) return billed;
    billed.out_tok = 0;
    if (f.bill == bill_mode::generated_so_far) {
        auto const payload = static_cast<std::int64_t>(std::max<std::size_t>(payload_bytes, 1));
        auto const out = static_cast<std::int64_t>(delivered_bytes(f, payload_bytes));
        billed.out_tok = f.generated_tokens.value_or((full.out_tok * out + payload - 1) / payload);
        billed.out_tok = std::min(billed.out_tok, full.out_tok);
    }
    billed.reasoning = std::min(full.reasoning, billed.out_tok);
    return billed;
}

}  // namespace provider_sim
