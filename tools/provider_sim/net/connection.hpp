// SPDX-License-Identifier: BSL-1.0
#pragma once
// One connection: requests one after another, to the provider or to /control/.

#include <asio/awaitable.hpp>

#include "net/socket.hpp"
#include "world.hpp"

namespace provider_sim {

asio::awaitable<void> run_connection(world& shared, tcp_socket socket);

}  // namespace provider_sim
