// SPDX-License-Identifier: BSL-1.0
#pragma once
// Puts an answer on the wire, as much of it and in such a way as a fault says, and notes in the ledger's entry what
// left. How the connection ends is done apart, when the entry has been written: see end_connection.

#include <asio/awaitable.hpp>

#include "faults/fault.hpp"
#include "http/framing.hpp"
#include "ledger/entry.hpp"
#include "net/socket.hpp"
#include "process/executioner.hpp"

namespace provider_sim {

asio::awaitable<void> deliver(tcp_socket& socket, wire_answer const& wire, fault const& f, executioner& killer,
                              entry& noted);

/// FIN, RST, or waiting for the peer to leave; then the socket is closed.
asio::awaitable<void> end_connection(tcp_socket& socket, ending how, entry& noted);

/// Waits; nothing for zero.
asio::awaitable<void> pause(milliseconds duration);

}  // namespace provider_sim
