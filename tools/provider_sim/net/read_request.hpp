// SPDX-License-Identifier: BSL-1.0
#pragma once
// Reading a request in its two steps.

#include <asio/awaitable.hpp>
#include <cstddef>
#include <string>

#include "http/request_parser.hpp"
#include "net/socket.hpp"

namespace provider_sim {

/// False if the peer left, or sent no HTTP (the parser is `broken` then).
asio::awaitable<bool> read_head(tcp_socket& socket, request_parser& parser, std::string& buffer);

/// Reads until the request is complete or `enough` bytes of its body are there; says 100 Continue if the client waits
/// for it. False as above.
asio::awaitable<bool> read_body(tcp_socket& socket, request_parser& parser, std::string& buffer, std::size_t enough);

}  // namespace provider_sim
