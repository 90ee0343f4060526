// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a raw socket can do that a framework would not.

#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>
#include <string>
#include <string_view>
#include <system_error>

namespace provider_sim {

using tcp_socket = asio::ip::tcp::socket;

/// RST: what the peer has not received yet is lost.
void reset(tcp_socket& socket);

/// FIN, and then everything the peer still sends is read and dropped until it closes too (2 s at most): closing with
/// unread bytes would turn the FIN into an RST.
asio::awaitable<void> finish(tcp_socket& socket);

/// Nothing more is sent, and the connection stays, until the peer leaves.
asio::awaitable<void> hang(tcp_socket& socket);

/// Has the peer closed its side, or the whole connection? A peer that closed is taken to be gone, as nginx does.
bool peer_gone(tcp_socket& socket);

/// Waits until the peer's TCP has everything that was written (SIOCOUTQ is 0); false if it has not after 5 s.
asio::awaitable<bool> wait_acknowledged(tcp_socket& socket);

/// False if the peer is gone; `sent` grows by what the kernel took.
asio::awaitable<bool> send(tcp_socket& socket, std::string_view bytes, std::size_t& sent);

/// Appends at least one byte to `buffer`; false at the end of the stream or on an error.
asio::awaitable<bool> receive(tcp_socket& socket, std::string& buffer);

}  // namespace provider_sim
