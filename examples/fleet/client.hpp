// SPDX-License-Identifier: BSL-1.0
#pragma once
// One process of the fleet: all that it knows of the provider is what its own calls have told it.

#include "provider.hpp"

#include <cstddef>
#include <optional>

namespace fleet {

class client {
public:
    client() = default;
    client(client const&) = delete;
    client& operator=(client const&) = delete;
    virtual ~client() = default;

    /// The ledger's entry that brought the answer; nothing if the call failed.
    [[nodiscard]] virtual coffer::awaitable<std::optional<std::size_t>> ask(request r, coffer::time_point deadline) = 0;
};

}  // namespace fleet
