// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/window.hpp>
#include <coffer/time/zones.hpp>

#include <chrono>

int main() {
    auto const day = coffer::daily.in(coffer::zone_named("Europe/Berlin"));
    auto const first = day.span_at(std::chrono::system_clock::time_point{});  // 1970-01-01 00:00 UTC is 01:00 there
    return first.start.time_since_epoch() == std::chrono::hours{-1} ? 0 : 1;
}
