// SPDX-License-Identifier: BSL-1.0
#pragma once
// A key and a prompt that must not be found again, and a provider that repeats both wherever it can.

#include "llm/support/chat.hpp"

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace canaries {

namespace http = coffer::http;
using namespace chat_support;

/// What is never to be seen again. Each key and each piece of a prompt holds one of the `marks`.
struct secrets {
    std::string key;
    std::string prompt;
};
inline constexpr std::string_view key_mark = "vTq";
inline constexpr std::string_view prompt_mark = "Jane";

/// One as people write prompts, with a key that nobody blots out by its looks; and one of words that could be codes.
inline std::vector<secrets> all() {
    return {{"canary-key-Zq8vTq-b", "canary prompt about the patient Jane Doe, born on the first of May"},
            {"canarykey_without_digits_ZqvTq", "canary_prompt_about_the_patient_Jane_Doe"}};
}
inline constexpr std::string_view system_prompt = "canary system prompt of ours";

inline llm::request question_about(secrets const& s) {
    return llm::request{"gpt-4o-mini"}.system(std::string{system_prompt}).user(s.prompt).max_output_tokens(5);
}

/// What a provider may say: the secrets in all kinds of sentences, without a quotation mark that JSON would escape.
inline std::vector<std::string> echoes(secrets const& s) {
    auto const& k = s.key;
    auto const& p = s.prompt;
    return {"Incorrect API key provided: " + k + ".",
            "Authorization was: Bearer " + k,
            k,
            "Your prompt '" + p + "' was flagged",
            "Your prompt was: " + p,
            p,
            std::string{system_prompt} + " is not allowed",
            "You said \\\"" + p.substr(3, 30) + "\\\" with " + k,
            "x" + p + "x" + k + "x"};
}

/// Refusals of every kind that hold the words: in messages, types, codes, headers, and in no JSON at all.
inline std::vector<http::response> failures(secrets const& s, std::string const& words) {
    std::vector<http::response> all;
    for (int const status : {400, 401, 403, 404, 409, 429, 500, 503}) {
        all.push_back(response(status, error("some_type", "some_code", words)));
        all.push_back(response(status, "<html>" + words + "</html>"));
    }
    all.push_back(response(400, error("some_type", words)));
    all.push_back(response(400, error(words, "")));
    all.push_back(response(400, error(words, words, words)));
    all.push_back(response(502, words));
    all.push_back(response(500, R"({"error":{"message":")" + words));
    all.push_back(response(400, error("", ""), {{"x-request-id", s.key}, {"x-generation-id", "g-" + s.key}}));
    all.push_back(response(429, error("", ""), {{"x-request-id", s.prompt}, {"retry-after", s.prompt}}));
    return all;
}

/// Answers that hold them and are not accepted.
inline std::vector<http::response> defects(secrets const&, std::string const& words) {
    auto const answer = [](std::string const& choice) { return response(200, R"({"choices":[{)" + choice + "}]}"); };
    return {response(200, error("some_type", "some_code", words)),
            response(200, error("some_type", words, words)),
            response(200, error(words, "")),
            response(200, R"({"error":")" + words + R"("})"),
            answer(R"("message":{"content":null,"refusal":")" + words + R"("},"finish_reason":"stop")"),
            answer(R"("message":{"content":")" + words + R"("},"finish_reason":"length")"),
            answer(R"("message":{"content":"x"},"finish_reason":")" + words + R"(")"),
            answer(R"("error":{"message":")" + words + R"(","code":")" + words + R"("})"),
            response(200, "<html>" + words + "</html>"),
            response(200, words)};
}

/// One that holds them and is accepted.
inline http::response accepted(secrets const& s, std::string const& words) {
    return response(200, completion(words), {{"x-request-id", s.key}, {"x-generation-id", s.prompt}});
}

/// Everything that could be written into a log about a fault.
inline void write(std::ostream& out, coffer::fault const& f) {
    out << f << ' ' << f.message() << ' ' << f.code() << ' ' << f.request_id() << '\n';
    for (auto const& field : f.fields()) out << field << '\n';
    out << coffer::failure{f}.what() << '\n';
}
/// The same about a call.
inline void write(std::ostream& out, coffer::call const& call) {
    out << call.log();
    for (auto const& a : call.log()) {
        out << a.request_id << ' ' << a.target.provider << ' ' << a.target.model << '\n';
        if (a.fault) write(out, *a.fault);
    }
}

}  // namespace canaries
