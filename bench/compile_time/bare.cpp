// SPDX-License-Identifier: BSL-1.0
// Three calls of an operation, without coffer.
#include <coffer/asio.hpp>

#include <asio/io_context.hpp>

namespace {

asio::awaitable<int> operation(int x) { co_return x + 1; }

asio::awaitable<void> three_calls() {
    int n = co_await operation(1);
    n += co_await operation(n);
    n += co_await operation(n);
}

}  // namespace

int main() {
    asio::io_context io;
    asio::co_spawn(io, three_calls(), asio::detached);
    io.run();
}
