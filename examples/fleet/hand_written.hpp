// SPDX-License-Identifier: BSL-1.0
#pragma once
// Clients without coffer: a loop around the request, as it is written by hand or stands in an SDK.

#include "client.hpp"

#include <cstdint>

namespace fleet {

struct loop_options {
    int retries = 5;
    duration first = 1s;
    double factor = 1;
    duration cap = 1s;
    double jitter = 0;  ///< up to this part of a delay is taken off at random
    bool obeys_hints = false;  ///< Retry-After, up to a minute
};

/// Five more tries, a second apart, whatever went wrong.
inline constexpr loop_options naive_loop{};
/// As the SDKs of OpenAI and Anthropic do by default: two retries, from 0.5 s doubling to 8 s less up to a quarter.
inline constexpr loop_options backoff_loop{2, 500ms, 2, 8s, 0.25, true};

/// It knows one thing, the call: nothing is shared between the calls of a process.
class loop_client final : public client {
public:
    loop_client(provider& p, duration timeout, loop_options const& o, std::uint64_t seed, std::uint64_t number)
        : provider_{p}, timeout_{timeout}, options_{o}, draws_{seed, number} {}

    coffer::awaitable<std::optional<std::size_t>> ask(request r, coffer::time_point deadline) override;

private:
    [[nodiscard]] duration delay(int retry, reply const& last);

    provider& provider_;
    duration timeout_;
    loop_options options_;
    draws draws_;
};

}  // namespace fleet
