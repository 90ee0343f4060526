// SPDX-License-Identifier: BSL-1.0
// A client that throws exceptions of its own: what they mean for retries and bills is said in one function.

//! [program]
#include <coffer/call/blocking_client.hpp>
#include <coffer/coffer.hpp>
#include <coffer/testing/scripted_operation.hpp>

#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>

using namespace std::chrono_literals;

/// What the client throws, and always has thrown.
struct http_error : std::runtime_error {
    http_error(int s, std::string c) : std::runtime_error{"HTTP " + std::to_string(s)}, status{s}, code{std::move(c)} {}
    int status;
    std::string code;  // the provider's own, from the body; empty if there is none
};

coffer::fault meaning(http_error const& e) {
    using coffer::fault;
    using enum coffer::fault_kind;
    switch (e.status) {
        case 429:
            if (e.code == "insufficient_quota") return fault{quota_exhausted}.with_status(429);
            return fault{throttled}.with_status(429).with_retry_after(100ms);  // its Retry-After
        case 503:
            return fault{e.code.empty() ? ambiguous : overloaded}.with_status(503);  // an edge's page proves nothing
        case 401: return fault{unauthorized}.with_status(401);
        case 403: return fault{forbidden}.with_status(403);
        case 404: return fault{not_found}.with_status(404);
        case 413: return fault{too_large}.with_status(413);
        case 400: return fault{invalid_request}.with_status(400);  // under `once` kept under the key for ten minutes
        default: return fault{ambiguous}.with_status(e.status);  // 408, other 5xx, a 2xx that is not 200: may be billed
    }
}

int main() {
    coffer::testing::scripted_operation<std::string>
        somebody;  // stands for awaitable<std::string> chat(std::string const&)
    somebody.throws(http_error{429, "rate_limit_exceeded"}).throws(http_error{503, "server_is_overloaded"}).gives("42");
    somebody.throws(http_error{429, "insufficient_quota"});
    somebody.throws(std::runtime_error{"unexpected end of JSON"});

    coffer::blocking_client client;
    auto const ask = coffer::pipeline{coffer::retry{}}.wrap(coffer::describe(somebody).classify(&meaning));
    for (std::string const question : {"6 x 7", "7 x 6", "6 + 7"}) {
        coffer::call call = coffer::call::unkeyed(2min);
        auto const answer = client.try_run(ask, call, question);
        std::cout << question << ": " << answer.value_or("no answer") << '\n';
        for (auto const& attempt : call.log())
            if (attempt.fault) std::cout << "    attempt " << attempt.number << ": " << *attempt.fault << '\n';
    }
}
//! [program]
