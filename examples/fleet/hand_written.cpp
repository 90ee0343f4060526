// SPDX-License-Identifier: BSL-1.0
#include "hand_written.hpp"

#include <coffer/time/clock_service.hpp>
#include <coffer/time/sleep.hpp>

#include <algorithm>
#include <cmath>

namespace fleet {

coffer::awaitable<std::optional<std::size_t>> loop_client::ask(request r, coffer::time_point deadline) {
    auto const executor = co_await coffer::asio::this_coro::executor;
    auto& service = coffer::clock_service::of(executor);
    auto& clock = service.borrowed_clock();
    for (int retry = 1;; ++retry) {
        auto const hangs_up = std::min(deadline, clock.now() + timeout_);
        auto const got = co_await provider_.ask(r, hangs_up);
        if (got.what == status::ok) co_return got.entry;
        if (retry > options_.retries) co_return std::nullopt;
        auto const again = clock.now() + delay(retry, got);
        if (again >= deadline) co_return std::nullopt;
        co_await coffer::wait_until(service, again);
    }
}

duration loop_client::delay(int retry, reply const& last) {
    if (options_.obeys_hints && last.retry_after && *last.retry_after <= 60s) return *last.retry_after;
    auto const grown = draws::scaled(options_.first, std::pow(options_.factor, retry - 1));
    return draws::scaled(std::min(grown, options_.cap), 1 - options_.jitter * draws_.unit());
}

}  // namespace fleet
