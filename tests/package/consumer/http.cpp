// SPDX-License-Identifier: BSL-1.0
#include <coffer/http/curl_client.hpp>

#if defined(COFFER_USE_BOOST_ASIO)
#include <boost/asio/io_context.hpp>
namespace asio = boost::asio;
#else
#include <asio/io_context.hpp>
#endif

// Refused before anything is done, because it is not encrypted: no network is needed to see that libcurl is linked.
asio::awaitable<void> run(coffer::fault_kind& kind) {
    coffer::http::client client{co_await asio::this_coro::executor};
    coffer::http::request request{"GET", "http://example.com/", ""};
    auto const answer = co_await client.send(request, coffer::time_point::max());
    if (!answer) kind = answer.error().kind();
}

int main() {
    asio::io_context io;
    auto kind = coffer::fault_kind::permanent;
    asio::co_spawn(io, run(kind), asio::detached);
    io.run();
    return kind == coffer::fault_kind::invalid_request ? 0 : 1;
}
