// SPDX-License-Identifier: BSL-1.0
#pragma once
// The simulator as a whole: listens, and runs until it is stopped. A test may also run one in a thread of its own:
//
//     provider_sim::options options;
//     options.ledger = "ledger.jsonl";
//     provider_sim::server server{options};       // listens from here on
//     std::thread thread{[&] { server.run(); }};
//     ... server.url() ...
//     server.stop(); thread.join();

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/signal_set.hpp>
#include <cstdint>
#include <exception>
#include <string>

#include "options.hpp"
#include "world.hpp"

namespace provider_sim {

class server {
public:
    /// Throws bad_input for a host that is not loopback or a script with a mistake, std::runtime_error for a ledger
    /// or a port that cannot be had.
    explicit server(options const& given);

    /// Until stop() or a signal; throws what made it impossible to go on, such as a full disk under the ledger.
    void run();

    /// From any thread.
    void stop() { context_.stop(); }
    void stop_on_signals();

    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    [[nodiscard]] std::string url() const;

private:
    asio::awaitable<void> accept();
    void fail(std::exception_ptr error);

    world world_;  // outlives the connections, which live in the context
    asio::io_context context_{1};
    asio::ip::tcp::acceptor acceptor_{context_};
    asio::signal_set signals_{context_};
    std::exception_ptr failure_;
};

}  // namespace provider_sim
