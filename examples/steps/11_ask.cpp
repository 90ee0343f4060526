// SPDX-License-Identifier: BSL-1.0
// ask: a question to any server that speaks OpenAI's protocol. Asked the same again, it answers from its store.
//! [program]
#include <coffer/call/blocking_client.hpp>
#include <coffer/coffer.hpp>
#include <coffer/http/curl_client.hpp>
#include <coffer/llm/openai.hpp>
#include <coffer/store/sqlite.hpp>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>

using namespace coffer::llm;

int main(int argc, char** argv) try {
    std::string prompt, key, model = "gpt-4o-mini", system = "Answer in plain text.", file = "ask.db", dollars;
    std::int64_t tokens = 4096, seconds = 300;
    CLI::App app{"Asks OPENAI_BASE_URL (.../v1) with OPENAI_API_KEY. The same asked again is answered from a store."};
    app.add_option("prompt", prompt, "the question; without it, standard input is read");
    app.add_option("--key", key, "the answer's name in the store; without it, equal questions share one for 30 days");
    app.add_option("--model", model)->envname("OPENAI_MODEL")->capture_default_str();
    app.add_option("--system", system, "instructions that come before the question")->capture_default_str();
    app.add_option("--max-tokens", tokens, "of the answer")->check(CLI::Range(1, 1000000))->capture_default_str();
    auto const amount = [](std::string const& s) { return coffer::money::parse(s) ? "" : s + " is no amount"; };
    app.add_option("--budget", dollars, "US dollars a day, of all who use the store")->check(amount);
    app.add_option("--timeout", seconds, "in seconds")->check(CLI::Range(1, 86400))->capture_default_str();
    app.add_option("--store", file)->envname("ASK_STORE")->capture_default_str();
    app.add_flag("--explain")->description("tell on standard error what was tried, and what it cost");
    CLI11_PARSE(app, argc, argv);
    auto const* const url = std::getenv("OPENAI_BASE_URL");
    if (url != nullptr && *url == 0) return std::cerr << "ask: OPENAI_BASE_URL is empty: unset it\n", 77;
    if (prompt.empty()) prompt.assign(std::istreambuf_iterator<char>{std::cin}, {});
    while (prompt.ends_with('\n')) prompt.pop_back();
    if (prompt.empty()) return app.exit(CLI::RequiredError{"A question"});

    coffer::sqlite::store const db{file};
    coffer::blocking_client client;
    openai const server{coffer::http::client{client.executor()}, api_key_from_env(), openai_options::from_env()};
    auto const daily = coffer::money::parse(dollars);
    auto const kind = daily ? coffer::limit_kind::hard : coffer::limit_kind::soft;
    auto const limit = daily.value_or(coffer::money::max());
    coffer::budget const budget{db, {.scope = "ask", .limit = limit, .window = coffer::daily, .kind = kind}};
    coffer::once const once{db, {.in_other_process = coffer::elsewhere::wait}};
    auto const ask = coffer::pipeline{once, coffer::retry{}, budget}.wrap(server.chat);
    auto const equal = coffer::key::of_request(coffer::key{"ask"}, std::chrono::hours{720});
    coffer::call call{key.empty() ? equal : coffer::key{"ask", key}, std::chrono::seconds{seconds}};
    auto const reply = client.try_run(ask, call, request{model}.system(system).user(prompt).max_output_tokens(tokens));
    if (app.count("--explain") > 0) std::cerr << call.log();
    if (call.origin() == coffer::answer_origin::replayed) std::cerr << "ask: from " << file << ", nothing was sent\n";
    if (reply) return std::cout << reply->text << '\n', 0;
    std::cerr << "ask: " << reply.error() << '\n';
    auto const advice = coffer::disposition(reply.error()).action;
    return advice == coffer::queue_action::retry_after ? 75 : advice == coffer::queue_action::ask_operator ? 77 : 65;
} catch (std::exception const& e) {
    return std::cerr << "ask: " << e.what() << '\n', 77;  // the store cannot be opened
}
//! [program]
