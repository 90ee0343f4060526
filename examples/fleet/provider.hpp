// SPDX-License-Identifier: BSL-1.0
#pragma once
// A model of a provider: a limit of requests a minute, so many answers at a time, a line before them, and a bill.

#include "draws.hpp"
#include "ledger.hpp"
#include "world.hpp"

#include <coffer/asio.hpp>

#include <cstddef>
#include <deque>
#include <optional>
#include <queue>
#include <vector>

namespace fleet {

/// What a call asks for: the same in each of its attempts.
struct request {
    std::size_t call = 0;
    duration work{};  ///< how long an answer takes while the provider is well
    coffer::money price{};
};

/// What an attempt comes to, as the client sees it.
enum class status { ok, too_many, unavailable, server_error, reset, timed_out };

struct reply {
    status what = status::unavailable;
    std::size_t entry = 0;  ///< in the ledger
    std::optional<duration> retry_after{};
};

/// Lives in one context, in one thread. The limit counts by the minute, as fixed windows do, and Retry-After names the next
/// one: the same moment for everybody. Whose client hangs up is executed and billed all the same.
class provider {
public:
    provider(world const& w, coffer::time_point start, std::vector<entry>& ledger)
        : world_{w}, start_{start}, ledger_{ledger}, draws_{w.seed, 0} {}
    provider(provider const&) = delete;
    provider& operator=(provider const&) = delete;

    /// Ends at `hangs_up` at the latest.
    [[nodiscard]] coffer::awaitable<reply> ask(request r, coffer::time_point hangs_up);

private:
    /// What will come of a request is known when it has arrived: nothing that comes later changes it.
    struct plan {
        fate what = fate::refused;
        reply told;
        std::optional<duration> at{};  ///< when the client is told; never: it hears nothing
    };
    [[nodiscard]] plan decide(request const& r, duration now);
    [[nodiscard]] plan execute(request const& r, duration now, condition const& is);
    [[nodiscard]] std::optional<duration> over_limit(duration now, condition const& is);
    [[nodiscard]] duration network() { return draws_.between(20ms, 120ms); }

    world const& world_;
    coffer::time_point start_;
    std::vector<entry>& ledger_;
    draws draws_;
    std::priority_queue<duration, std::vector<duration>, std::greater<>> free_at_;  // of each place that is taken
    std::deque<duration> begin_at_;  // of those who wait for a place
    duration::rep minute_ = -1;
    int this_minute_ = 0;
};

}  // namespace fleet
