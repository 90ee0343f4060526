// SPDX-License-Identifier: BSL-1.0
// The README's first program: asks a question once, however often it is run.
//
//     OPENAI_API_KEY=sk-... ./quickstart "Why is the sky blue?"
//     OPENAI_BASE_URL=http://127.0.0.1:8080/v1 ./quickstart "..."      # any compatible server

//! [program]
#include <coffer/coffer.hpp>
#include <coffer/http/curl_client.hpp>
#include <coffer/llm/openai.hpp>
#include <coffer/store/sqlite.hpp>

#include <asio/io_context.hpp>

#include <iostream>

namespace llm = coffer::llm;
using namespace std::chrono_literals;

coffer::awaitable<void> answer_once(asio::io_context& io, std::string question) {
    //! [call]
    coffer::sqlite::store db{"coffer.db"};
    llm::openai openai{coffer::http::client{io.get_executor()}, llm::api_key_from_env(),
                       llm::openai_options::from_env()};

    coffer::guarded<llm::reply(llm::request const&)> ask =
        coffer::pipeline{
            coffer::once{db, {.max_sends = 2}},  // at most two sends that may be billed for one key, ever
            coffer::retry{{.attempts = 4}},      // attempts proven unbilled cost no send
        }
            .wrap(openai.chat);

    coffer::call call{coffer::key{"quickstart", question}, 2min};
    auto request = llm::request{"gpt-4o-mini"}.user(question).max_output_tokens(200);
    llm::reply reply = co_await ask(call, request);  // throws coffer::failure

    std::cout << reply.text << "\n\n" << call.log();
    if (call.origin() == coffer::answer_origin::replayed) std::cout << "from coffer.db: nothing was sent\n";
    // Save the result where it belongs, then: co_await db.acknowledge(call.key());
    //! [call]
}

int main(int argc, char** argv) {
    asio::io_context io;
    std::exception_ptr error;
    asio::co_spawn(io, answer_once(io, argc > 1 ? argv[1] : "Why is the sky blue?"),
                   [&error](std::exception_ptr e) { error = e; });
    io.run();
    try {
        if (error) std::rethrow_exception(error);
    } catch (std::exception const& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}
//! [program]
