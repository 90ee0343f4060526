// SPDX-License-Identifier: BSL-1.0
#include "net/server.hpp"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/ip/address.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <csignal>
#include <stdexcept>

#include "base/bad_input.hpp"
#include "net/connection.hpp"
#include "net/delivery.hpp"
#include "script.hpp"

namespace provider_sim {
namespace {

asio::ip::address loopback(std::string const& host) {
    std::error_code error;
    auto const address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, error);
    if (error || !address.is_loopback())
        throw bad_input{"--host " + host +
                        " is no loopback address: the simulator asks for no password and kills processes on request, "
                        "so it listens on 127.0.0.1 or ::1 only"};
    return address;
}

}  // namespace

server::server(options const& given) : world_{given} {
    if (!given.script.empty()) load_script(world_, given);
    asio::ip::tcp::endpoint const at{loopback(given.host), given.port};
    std::error_code error;
    acceptor_.open(at.protocol());
    acceptor_.set_option(asio::socket_base::reuse_address{true});
    acceptor_.bind(at, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error)
        throw std::runtime_error{"cannot listen on " + given.host + " port " + std::to_string(given.port) + ": " +
                                 error.message() + "; --port 0 takes a free one"};
    auto const on_end = [this](std::exception_ptr failure) { fail(failure); };
    asio::co_spawn(context_, accept(), on_end);
}

void server::run() {
    context_.run();
    if (failure_) std::rethrow_exception(failure_);
}

void server::stop_on_signals() {
    signals_.add(SIGINT);
    signals_.add(SIGTERM);
    auto const end = [this](std::error_code error, int) {
        if (!error) stop();
    };
    signals_.async_wait(end);
}

std::string server::url() const {
    auto const at = acceptor_.local_endpoint();
    auto const host = at.address().to_string();
    return "http://" + (at.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(at.port());
}

asio::awaitable<void> server::accept() {
    auto const on_end = [this](std::exception_ptr failure) { fail(failure); };
    while (true) {
        std::error_code error;
        tcp_socket socket{context_};
        co_await acceptor_.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
        if (error) {  // out of descriptors, most likely: the ones in use will come back
            co_await pause(milliseconds{10});
            continue;
        }
        socket.set_option(asio::ip::tcp::no_delay{true}, error);
        asio::co_spawn(context_, run_connection(world_, std::move(socket)), on_end);
    }
}

// A connection's errors are its own; what comes here is the ledger that cannot be written, or a bug: either way the
// simulator must not go on answering.
void server::fail(std::exception_ptr error) {
    if (!error || failure_) return;
    failure_ = error;
    stop();
}

}  // namespace provider_sim
