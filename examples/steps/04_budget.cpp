// SPDX-License-Identifier: BSL-1.0
// A budget: what could cost more than is left is not sent.

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
    llm::openai openai{coffer::http::client{client.executor()}, llm::api_key_from_env(),
                       llm::openai_options::from_env()};

    coffer::money const limit = 0.00025_usd;
    auto const ask =
        coffer::pipeline{
            coffer::once{db, {.max_sends = 2}},
            coffer::retry{{.attempts = 4}},
            coffer::budget{db, {.scope = "tutorial", .limit = limit, .window = coffer::rolling(24h)}},
        }
            .wrap(openai.chat);

    for (std::string const question : {"Why is the sky blue?", "Why is the sea salty?", "Why is snow white?"}) {
        auto const request = llm::request{"gpt-4o-mini"}.user(question).max_output_tokens(200);
        coffer::call call{coffer::key{"tutorial", question}, 2min};
        coffer::outcome<llm::reply> const reply = client.try_run(ask, call, request);

        std::cout << question << ' ';
        if (reply) {
            std::cout << reply->text << '\n';
            if (auto const cost = call.cost()) std::cout << "    cost: " << *cost << '\n';
        } else if (auto const denied = reply.error().denial()) {
            std::cout << "Not sent: " << denied->needed << " may be needed, " << denied->free << " is left.\n";
        } else {
            std::cout << "No answer: " << reply.error() << '\n';
        }
    }
    for (auto const& account : client.wait_for(db.ledger().accounts("tutorial")))
        std::cout << "spent: " << account.money_in.spent() << ", left: " << limit - account.money_in.committed()
                  << '\n';
}
//! [program]
