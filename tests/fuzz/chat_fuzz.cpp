// SPDX-License-Identifier: BSL-1.0
// A chat completion's body, as an answer and as an error. Input: a line with the dialect (a digit) and the status; then
// the body, in which a credential may stand.
#include <coffer/llm/chat_reply.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/fuzz.hpp"

namespace llm = coffer::llm;
using coffer::knowledge;
using fuzz::require;

namespace {

constexpr std::string_view canary = "canary-key-Zq8vT2";

void require_harmless(coffer::fault const& f) {
    std::ostringstream out;
    out << f << f.request_id();
    require(out.str().find(canary) == std::string::npos, "no fault holds the credential");
    require(f.message().size() <= llm::provider_words::longest, "a message is short");
    require(f.retry_after().value_or(coffer::duration::zero()) >= coffer::duration::zero(), "a wait is not negative");
}

void require_sane(coffer::billed const& bill) {
    if (bill.cost) require(*bill.cost >= coffer::money{}, "nothing costs less than nothing");
    if (!bill.usage) return;
    auto const& u = *bill.usage;
    for (auto const bucket : coffer::usage_buckets) require(u.*bucket >= 0, "no count is negative");
}

void as_answer(std::string const& body, llm::openai_options const& o) {
    coffer::answer const a{body, 200};
    auto const bill = llm::bill_chat(a, o);
    require_sane(bill);
    auto const read = llm::read_chat(a, o);
    if (!read) {
        require_harmless(read.error());
        if (bill.usage && bill.usage->input() + bill.usage->output > 0)
            require(read.error().billing() == knowledge::yes, "what was consumed is billed");
        return;
    }
    auto const document = llm::detail::parse_json(body);
    require(document.has_value(), "an accepted answer is JSON");
    require(!llm::find_error(*document), "and no error");
    auto const& choices = (*document)["choices"];
    require(choices.is_array() && !choices.empty(), "and has choices");
    for (auto const& choice : choices)
        require(std::ranges::find(o.finish_reasons, llm::detail::text_of(llm::detail::member(
                                                        &choice, "finish_reason"))) != o.finish_reasons.end(),
                "each of which is whole");
    require(read->usage == bill.usage && read->cost == bill.cost, "its bill is the answer's");
}

void as_error(std::string const& body, int status, llm::openai_options const& o) {
    coffer::http::response r{status, body};
    r.headers.add("x-request-id", "req-1").add("retry-after", "2");
    llm::provider_words const words{{canary}, {}};
    coffer::wall_time_point const now{std::chrono::seconds{1'800'000'000}};
    auto const f = llm::fault_of_response(r, o.rules, words, now);
    require_harmless(f);
    require(f.status() == status, "a fault has its status");
    require(f.retry_after() == std::chrono::seconds{2}, "a header's hint goes before the body's");
    if (status >= 500 && status < 520 && status != 503 && !o.rules.insured)
        require(f.billing() != knowledge::no, "no body proves that a server's failure is free");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    static std::array<llm::openai_options, 4> const dialects{
        llm::openai_options{}, llm::openai_options::openrouter(), llm::openai_options::groq(),
        llm::openai_options::compatible("other", "http://127.0.0.1:1/v1")};
    auto text = fuzz::text_of(data, size);
    auto const line = fuzz::take_line(text);
    if (line.empty()) return 0;
    auto const& o = dialects[static_cast<unsigned char>(line.front()) % dialects.size()];
    int status = 0;
    if (line.size() > 2) std::from_chars(line.data() + 2, line.data() + line.size(), status);
    std::string const body{text};
    if (status >= 300 && status < 600) as_error(body, status, o);
    else as_answer(body, o);
    return 0;
}
