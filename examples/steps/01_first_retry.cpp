// SPDX-License-Identifier: BSL-1.0
// Asks a question; where trying again can help, it tries again.

//! [program]
#include <coffer/call/blocking_client.hpp>
#include <coffer/coffer.hpp>
#include <coffer/http/curl_client.hpp>
#include <coffer/llm/openai.hpp>

#include <iostream>

namespace llm = coffer::llm;
using namespace std::chrono_literals;

int main() {
    coffer::blocking_client client;  // a thread that makes the calls; one for the program
    llm::openai openai{coffer::http::client{client.executor()}, llm::api_key_from_env(),
                       llm::openai_options::from_env()};

    auto const ask = coffer::pipeline{coffer::retry{{.attempts = 4}}}.wrap(openai.chat);

    auto const request = llm::request{"gpt-4o-mini"}.user("Why is the sky blue?").max_output_tokens(200);
    coffer::call call = coffer::call::unkeyed(2min);  // all attempts and waits together
    coffer::outcome<llm::reply> const reply = client.try_run(ask, call, request);

    std::cout << call.log();
    if (!reply) {
        std::cout << "no answer: " << reply.error() << '\n';
        return 1;
    }
    std::cout << reply->text << '\n';
}
//! [program]
