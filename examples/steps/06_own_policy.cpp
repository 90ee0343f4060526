// SPDX-License-Identifier: BSL-1.0
// A policy of one's own: turns long prompts away, and writes down how every attempt ended.

//! [program]
#include <coffer/call/blocking_client.hpp>
#include <coffer/coffer.hpp>
#include <coffer/http/curl_client.hpp>
#include <coffer/llm/openai.hpp>

#include <cstdint>
#include <iostream>
#include <string>

namespace llm = coffer::llm;
using namespace std::chrono_literals;

/// A gate: asked before each attempt, told after it. Inside `retry`, or it would meet only the first attempt.
class doorkeeper {
public:
    static constexpr coffer::policy_traits traits{.per_send = true, .estimates = true};
    explicit doorkeeper(std::int64_t most_bytes) : most_{most_bytes} {}

    struct ticket {
        coffer::verdict settle(coffer::attempt_end const& end, coffer::attempt& a) noexcept {
            std::cout << "attempt " << a.number() << " at " << a.target().model << ": ";
            if (end.why != nullptr) std::cout << *end.why << '\n';
            else std::cout << "succeeded, cost $" << (end.cost ? end.cost->to_string() : "unknown") << '\n';
            return coffer::verdict::done();  // or again{delay}: then it is a policy that retries
        }
    };
    coffer::admission try_enter(coffer::attempt& a, coffer::slot<ticket>& slot) const {
        if (a.estimate().input_tokens > most_)  // an upper bound: a byte for a token
            return coffer::admission::refused({coffer::fault_kind::never_fits, "the prompt is too long"});
        slot.emplace();
        return coffer::admission::in();
    }

private:
    std::int64_t most_;
};

int main() {
    coffer::blocking_client client;
    llm::openai openai{coffer::http::client{client.executor()}, llm::api_key_from_env(),
                       llm::openai_options::from_env()};
    auto const ask = coffer::pipeline{coffer::retry{}, doorkeeper{100}}.wrap(openai.chat);

    for (std::string const& prompt : {std::string{"Why is the sky blue?"}, std::string(1000, '?')}) {
        auto const request = llm::request{"gpt-4o-mini"}.user(prompt).max_output_tokens(200);
        auto const reply = client.try_run(ask, coffer::call::unkeyed(2min), request);
        std::cout << (reply ? "answer: " + reply->text : "no answer: " + std::string{reply.error().message()}) << '\n';
    }
}
//! [program]
