// SPDX-License-Identifier: BSL-1.0
// The snippet of docs/http.md, sent to a port where nobody listens.

#include <coffer/http/curl_client.hpp>

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include <iostream>
#include <optional>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace http_page {
namespace {

std::string key() { return "sk-canary"; }

//! [send]
namespace http = coffer::http;

coffer::awaitable<coffer::outcome<int>> ask(http::client client, std::string url) {
    http::request r{"POST", url, R"({"model":"m"})"};
    r.headers.set("Content-Type", "application/json");
    r.headers.set("Authorization", "Bearer " + key());
    auto const deadline = std::chrono::steady_clock::now() + 5min;
    auto const answer = co_await client.send(std::move(r), deadline);  // outcome<http::response>
    if (!answer) {
        std::cerr << answer.error() << '\n';  // kind: what (executed no, billed no)
        co_return coffer::failed(answer.error());
    }
    co_return answer->status;
}
//! [send]

TEST(readme, http_says_what_a_failure_proves) {
    asio::io_context io;
    asio::ip::tcp::acceptor closed{io, {asio::ip::address_v4::loopback(), 0}};
    auto const url = "http://127.0.0.1:" + std::to_string(closed.local_endpoint().port()) + "/v1/chat";
    closed.close();
    std::optional<coffer::outcome<int>> got;
    auto const ended = [&](std::exception_ptr, coffer::outcome<int> r) { got.emplace(std::move(r)); };
    asio::co_spawn(io, ask(http::client{io.get_executor()}, url), ended);
    io.run();
    ASSERT_TRUE(got && !*got);
    EXPECT_EQ(got->error().kind(), coffer::fault_kind::not_sent);
    EXPECT_EQ(got->error().billing(), coffer::knowledge::no);
}

}  // namespace
}  // namespace http_page
