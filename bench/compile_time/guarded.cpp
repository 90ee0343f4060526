// SPDX-License-Identifier: BSL-1.0
// The same in a pipeline.
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/retry.hpp>

#include <asio/io_context.hpp>

namespace {

asio::awaitable<int> operation(int x) { co_return x + 1; }

asio::awaitable<void> three_calls() {
    auto const ask = coffer::pipeline{coffer::retry{}}.wrap(&operation);
    auto call = coffer::call::unkeyed();
    int n = co_await ask(call, 1);
    n += co_await ask(call, n);
    n += co_await ask(call, n);
}

}  // namespace

int main() {
    asio::io_context io;
    asio::co_spawn(io, three_calls(), asio::detached);
    io.run();
}
