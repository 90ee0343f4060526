// SPDX-License-Identifier: BSL-1.0
// How long to wait: for each attempt, and for all of them. And what a fault says when it was not long enough.

//! [program]
#include <coffer/call/blocking_client.hpp>
#include <coffer/coffer.hpp>
#include <coffer/http/curl_client.hpp>
#include <coffer/llm/openai.hpp>

#include <cstdlib>
#include <iostream>

namespace llm = coffer::llm;
using namespace std::chrono_literals;

int main(int argc, char** argv) {
    std::chrono::seconds const patience{argc > 1 ? std::atoi(argv[1]) : 120};
    coffer::blocking_client client;
    llm::openai openai{coffer::http::client{client.executor()}, llm::api_key_from_env(),
                       llm::openai_options::from_env()};

    auto const ask =
        coffer::pipeline{
            coffer::retry{{
                .attempts = 4,
                .ambiguous_delay = 2s,  // 5 s if not given: before sending again what may have been billed
                .attempt_timeout = 1s,  // 5 min if not given: that an answer comes so soon is rare
            }},
        }
            .wrap(openai.chat);

    auto const request = llm::request{"gpt-4o-mini"}.user("Why is the sky blue?").max_output_tokens(200);
    coffer::call call = coffer::call::unkeyed(patience);  // the deadline: all attempts and waits together
    coffer::outcome<llm::reply> const reply = client.try_run(ask, call, request);

    std::cout << call.log();
    if (!reply) {
        coffer::fault const& why = reply.error();
        std::cout << "no answer: " << why.kind() << ", " << why.message() << '\n'
                  << "executed: " << why.execution() << ", billed: " << why.billing() << '\n'
                  << "not tried again: " << to_string(why.stop()) << '\n';
        return 1;
    }
    std::cout << reply->text << '\n';
}
//! [program]
