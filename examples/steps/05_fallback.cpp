// SPDX-License-Identifier: BSL-1.0
// Two providers with limits of their own: where the first one cannot, the second one answers.

//! [program]
#include <coffer/call/blocking_client.hpp>
#include <coffer/coffer.hpp>
#include <coffer/http/curl_client.hpp>
#include <coffer/llm/openai.hpp>
#include <coffer/store/sqlite.hpp>

#include <iostream>

namespace llm = coffer::llm;
using namespace std::chrono_literals;
using namespace coffer::literals;

int main() {
    coffer::blocking_client client;
    coffer::sqlite::store db{"coffer.db"};
    coffer::http::client http{client.executor()};
    llm::openai openai{http, llm::api_key_from_env(), llm::openai_options::from_env()};
    auto at_spare = llm::openai_options::compatible("spare", llm::from_environment("SPARE_BASE_URL", ""));
    at_spare.prices = llm::openai_prices();  // the same models at the same prices
    llm::openai spare{http, llm::api_key_from_env("SPARE_API_KEY"), at_spare};

    // What has a state is made once, one for each provider. The budget is one for both.
    coffer::circuit_breaker const openai_health{{.in_a_row = 2, .breaks = {.first = 30s}}}, spare_health;
    coffer::rate_limit const openai_pace{{.requests_per_minute = 500}}, spare_pace{{.requests_per_second = 1}};
    coffer::budget const money{db, {.scope = "tutorial", .limit = 1_usd, .window = coffer::rolling(24h)}};
    coffer::retry const briefly{{.attempts = 2, .hint_ceiling = 5s}};

    auto const ask = coffer::pipeline{coffer::once{db, {.max_sends = 2}}}.wrap(coffer::fallback{
        coffer::pipeline{briefly, openai_health, openai_pace, money}.wrap(openai.chat),
        coffer::pipeline{briefly, spare_health, spare_pace, money}.wrap(spare.chat),
    });

    for (std::string const question : {"Why is the sky blue?", "Why is the sea salty?", "Why is snow white?"}) {
        auto const request = llm::request{"gpt-4o-mini"}.user(question).max_output_tokens(200);
        coffer::call call{coffer::key{"tutorial", question}, 2min};
        coffer::outcome<llm::reply> const reply = client.try_run(ask, call, request);
        if (reply) std::cout << question << ' ' << reply->text << '\n';
        else std::cout << question << " No answer: " << reply.error() << '\n';
        std::cout << call.log() << '\n';
    }
    std::cout << ask << '\n';  // what stands where, and how it is
}
//! [program]
