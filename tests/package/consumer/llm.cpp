// SPDX-License-Identifier: BSL-1.0
#include <coffer/coffer.hpp>
#include <coffer/http/curl_client.hpp>
#include <coffer/llm/openai.hpp>

#if defined(COFFER_USE_BOOST_ASIO)
#include <boost/asio/io_context.hpp>
namespace asio = boost::asio;
#else
#include <asio/io_context.hpp>
#endif

namespace llm = coffer::llm;

// Nobody listens on port 1 of this machine: nothing is sent, and coffer can prove it.
asio::awaitable<void> run(coffer::fault_kind& kind) {
    llm::openai_options options;
    options.base_url = "http://127.0.0.1:1/v1";
    coffer::http::client client{co_await asio::this_coro::executor};
    llm::openai openai{client, llm::api_key{"none"}, options};
    auto ask = coffer::pipeline{coffer::retry{{.attempts = 1}}}.wrap(openai.chat);

    auto request = llm::request{"gpt-4o-mini"}.user("hello").max_output_tokens(5);
    coffer::call call{coffer::key{"greeting"}};
    auto const reply = co_await ask.try_call(call, request);
    if (!reply) kind = reply.error().kind();
}

int main() {
    asio::io_context io;
    auto kind = coffer::fault_kind::permanent;
    asio::co_spawn(io, run(kind), asio::detached);
    io.run();
    return kind == coffer::fault_kind::not_sent ? 0 : 1;
}
