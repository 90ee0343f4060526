// SPDX-License-Identifier: BSL-1.0
// What a limiter costs over the bare thing: one atomic GCRA and one reading of the clock.
// See support/modes.hpp for how it is run.

#include <coffer/call/call_access.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/rate_limit.hpp>

#include <asio/io_context.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <thread>

#include "support/modes.hpp"

namespace {

using namespace coffer;

/// What anybody would write first: a nanosecond for each, so that it is never empty.
class bare_gcra {
public:
    bool take(std::int64_t now) noexcept {
        auto full_at = full_at_.load(std::memory_order_relaxed);
        for (;;) {
            auto const next = std::max(full_at, now) + cost;
            if (next - now > burst) return false;
            if (full_at_.compare_exchange_weak(full_at, next, std::memory_order_acq_rel)) return true;
        }
    }

private:
    static constexpr std::int64_t cost = 1;
    static constexpr std::int64_t burst = 60'000'000'000;
    std::atomic<std::int64_t> full_at_{0};
};

std::int64_t clock_now() noexcept { return std::chrono::steady_clock::now().time_since_epoch().count(); }

rate_limit one_limit() { return rate_limit{{.requests_per_minute = gcra::most}}; }
rate_limit three_limits() {
    return rate_limit{{.requests_per_minute = gcra::most,
                       .requests_per_day = gcra::most,
                       .tokens_per_minute = gcra::most,
                       .unestimated_tokens = 100}};
}

/// One attempt through the gate, as the walk takes it: the clock is read once.
void attempts(rate_limit const& limit, long count) {
    asio::io_context io{1};
    auto c = call::unkeyed();
    call_access::scope const scope{c, io.get_executor(), false};
    attempt a{c};
    for (long i = 0; i < count; ++i) {
        attempt_access::begin(a, c.clock().now());
        slot<rate_limit::ticket> s;
        if (!limit.try_enter(a, s).is_in()) std::abort();
        attempt_end end{};
        end.at = a.now();
        (void)s->settle(end, a);
    }
}
void bare(bare_gcra& g, long count) {
    for (long i = 0; i < count; ++i)
        if (!g.take(clock_now())) std::abort();
}

/// The bucket alone.
rate_bucket one_bucket() {
    return rate_bucket{{{rate_measure::requests, gcra::most, std::chrono::minutes{1}, std::chrono::minutes{1}}}};
}
void taken(rate_bucket& b, long count) {
    rate_weight const w{1, 0, 0};
    rate_bucket::marks marks;
    for (long i = 0; i < count; ++i)
        if (b.try_take(w, std::chrono::steady_clock::now(), marks) != rate_bucket::took::all) std::abort();
}

template <class Run>
void in_two_threads(Run const& run) {
    std::thread other{run};
    run();
    other.join();
}

constexpr bench::mode modes[]{
    {"clock",
     [](long n) {
         std::int64_t sum = 0;
         for (long i = 0; i < n; ++i) sum += clock_now();
         if (sum == 1) std::abort();
     }},
    {"gcra_and_clock",
     [](long n) {
         static bare_gcra g;
         bare(g, n);
     }},
    {"bucket_and_clock",
     [](long n) {
         static auto b = one_bucket();
         taken(b, n);
     }},
    {"limit",
     [](long n) {
         static auto const limit = one_limit();
         attempts(limit, n);
     }},
    {"three_limits",
     [](long n) {
         static auto const limit = three_limits();
         attempts(limit, n);
     }},
    {"gcra_two_threads",
     [](long n) {
         static bare_gcra g;
         in_two_threads([n] { bare(g, n); });
     }},
    {"bucket_two_threads",
     [](long n) {
         static auto b = one_bucket();
         in_two_threads([n] { taken(b, n); });
     }},
    {"limit_two_threads",
     [](long n) {
         static auto const limit = one_limit();
         in_two_threads([n] { attempts(limit, n); });
     }},
};

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, modes); }
