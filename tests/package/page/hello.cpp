// SPDX-License-Identifier: BSL-1.0
//! [program]
#include <coffer/coffer.hpp>

#include <asio/io_context.hpp>

#include <iostream>
#include <string>

coffer::awaitable<std::string> greet(std::string const& name) { co_return "hello, " + name; }

coffer::awaitable<void> run() {
    auto ask = coffer::pipeline{coffer::retry{{.attempts = 4}}}.wrap(&greet);
    auto call = coffer::call::unkeyed(std::chrono::minutes{1});
    std::string const name = "coffer";
    std::cout << co_await ask(call, name) << '\n';
}

int main() {
    asio::io_context io;
    asio::co_spawn(io, run(), [](std::exception_ptr error) {
        if (error) std::rethrow_exception(error);
    });
    io.run();
}
//! [program]
