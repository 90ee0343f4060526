// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a provider answers in these tests, and one call of a wrapped operation in virtual time.

#include <coffer/call/attempt.hpp>
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/http/response.hpp>
#include <coffer/llm/openai.hpp>
#include <coffer/testing/scripted_transport.hpp>
#include <coffer/time/sleep.hpp>

#include "support/simulation.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chat_support {

namespace llm = coffer::llm;
namespace http = coffer::http;
using namespace std::chrono_literals;

using fields = std::vector<std::pair<std::string, std::string>>;

inline http::response response(int status, std::string body, fields const& headers = {}) {
    http::response r{status, std::move(body)};
    for (auto const& [name, value] : headers) r.headers.add(name, value);
    return r;
}

/// A whole answer of 10 tokens in and 20 out: $0.0000135 with gpt-4o-mini.
inline std::string completion(std::string_view text = "Hello", std::string_view finish = "stop") {
    return R"({"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,)"
           R"("message":{"role":"assistant","content":")" +
           std::string{text} + R"(","refusal":null},"logprobs":null,"finish_reason":")" + std::string{finish} +
           R"("}],"usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":30},"service_tier":"default"})";
}
inline http::response ok(std::string_view text = "Hello", std::string_view finish = "stop") {
    return response(200, completion(text, finish), {{"x-request-id", "req_ok"}, {"content-type", "application/json"}});
}
inline std::string error(std::string_view type, std::string_view code, std::string_view message = "Some words.") {
    return R"({"error":{"message":")" + std::string{message} + R"(","type":")" + std::string{type} +
           R"(","param":null,"code":")" + std::string{code} + R"("}})";
}

inline llm::request question() {
    return llm::request{"gpt-4o-mini"}.user("What is the answer?").max_output_tokens(400);
}

using ask_type = coffer::guarded<llm::reply(llm::request const&)>;

/// One call and everything that is left of it.
class conversation {
public:
    explicit conversation(coffer::duration deadline = 15min) : call{coffer::key{"test", 1}, deadline} {}

    coffer::call call;
    support::simulation sim;
    coffer::testing::scripted_transport provider;

    llm::openai client(llm::openai_options options = {}) {
        return llm::openai{provider, llm::api_key{"sk-test"}, std::move(options)};
    }

    coffer::outcome<llm::reply> ask(ask_type wrapped, llm::request const& r = question()) {
        return sim.run(start(std::move(wrapped), call, r));
    }

private:
    static coffer::awaitable<coffer::outcome<llm::reply>> start(ask_type wrapped, coffer::call& c,
                                                                llm::request const& r) {
        auto got = co_await wrapped.try_call(c, r);
        co_return got;
    }
};

}  // namespace chat_support
