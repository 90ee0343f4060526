// SPDX-License-Identifier: BSL-1.0
// The same as a program would have it: the usual policies, a durable store, a provider.
#include <coffer/coffer.hpp>
#include <coffer/http/curl_client.hpp>
#include <coffer/llm/openai.hpp>
#include <coffer/store/sqlite.hpp>

#include <asio/io_context.hpp>

namespace {

namespace llm = coffer::llm;

asio::awaitable<void> three_calls(asio::io_context& io) {
    coffer::sqlite::store db{"coffer.db"};
    llm::openai openai{coffer::http::client{io.get_executor()}, llm::api_key_from_env()};
    auto const ask =
        coffer::pipeline{
            coffer::once{db},
            coffer::retry{},
            coffer::circuit_breaker{},
            coffer::rate_limit{{.requests_per_minute = 500}},
            coffer::budget{db, {.scope = "team", .limit = coffer::money::from_nano(1'000'000'000)}},
        }
            .wrap(openai.chat);
    for (int i = 0; i < 3; ++i) {
        coffer::call call{coffer::key{"question", i}};
        auto const request = llm::request{"gpt-4o-mini"}.user("why?");
        auto const reply = co_await ask.try_call(call, request);
        if (!reply) co_return;
    }
}

}  // namespace

int main() {
    asio::io_context io;
    asio::co_spawn(io, three_calls(io), asio::detached);
    io.run();
}
