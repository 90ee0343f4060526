// SPDX-License-Identifier: BSL-1.0
// One bill for a key: the job is run again and again, and pays once.

//! [program]
#include <coffer/call/blocking_client.hpp>
#include <coffer/coffer.hpp>
#include <coffer/http/curl_client.hpp>
#include <coffer/llm/openai.hpp>
#include <coffer/store/sqlite.hpp>

#include <cstdlib>
#include <fstream>
#include <iostream>

namespace llm = coffer::llm;
using namespace std::chrono_literals;

int main(int argc, char**) {
    coffer::blocking_client client;
    coffer::sqlite::store db{"coffer.db"};
    llm::openai openai{coffer::http::client{client.executor()}, llm::api_key_from_env(),
                       llm::openai_options::from_env()};

    auto const ask =
        coffer::pipeline{
            coffer::once{db, {.max_sends = 2}},  // at most two sends that may be billed for one key, ever
            coffer::retry{{.attempts = 4}},
        }
            .wrap(openai.chat);

    std::string const question = "Why is the sky blue?";
    auto const request = llm::request{"gpt-4o-mini"}.user(question).max_output_tokens(200);
    coffer::call call{coffer::key{"tutorial", question}, 2min};  // the key: the name of this piece of work
    coffer::outcome<llm::reply> const reply = client.try_run(ask, call, request);

    std::cout << call.log();
    if (!reply && reply.error().kind() == coffer::fault_kind::already_done) {
        std::cout << "a run before this one has saved the answer\n";
        return 0;
    }
    if (!reply) {
        std::cout << "no answer: " << reply.error() << '\n';
        return 1;
    }
    if (call.origin() == coffer::answer_origin::replayed) std::cout << "from coffer.db: nothing was sent\n";
    if (argc > 1) {
        std::cout << "the answer is here, and now the program crashes" << std::endl;
        std::_Exit(3);
    }
    std::ofstream{"answer.txt"} << reply->text << '\n';
    client.wait_for(db.acknowledge(call.key()));  // the answer is where it belongs
    std::cout << "saved in answer.txt\n";
}
//! [program]
