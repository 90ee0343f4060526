// SPDX-License-Identifier: BSL-1.0
// A client that throws exceptions of its own: what they mean for retries and bills is said in one function.

//! [program]
#include <coffer/call/blocking_client.hpp>
#include <coffer/coffer.hpp>
#include <coffer/testing/scripted_operation.hpp>

#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

using namespace std::chrono_literals;

/// What the client throws, and always has thrown.
struct http_error : std::runtime_error {
    http_error(int s, std::string b) : std::runtime_error{"HTTP " + std::to_string(s)}, status{s}, body{std::move(b)} {}
    int status;
    std::string body;
};

std::optional<coffer::fault> meaning(http_error const& e) {
    using enum coffer::fault_kind;
    if (e.body.find("insufficient_quota") != e.body.npos) return coffer::fault{quota_exhausted}.with_status(e.status);
    if (e.status == 429) return coffer::fault{throttled}.with_status(429).with_retry_after(100ms);  // its Retry-After
    if (e.status == 503) return coffer::fault{overloaded}.with_status(503);  // turned down, and not billed
    if (e.status >= 500) return coffer::fault{ambiguous}.with_status(e.status);  // may be billed: see docs/retry.md
    return std::nullopt;  // of the rest the built-in rules decide, and they retry nothing that they do not know
}

int main() {
    coffer::testing::scripted_operation<std::string>
        somebody;  // stands for awaitable<std::string> chat(std::string const&)
    somebody.throws(http_error{429, "slow down"}).throws(http_error{503, "overloaded"}).gives("42");
    somebody.throws(http_error{429, "insufficient_quota: check your plan and billing details"});
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
