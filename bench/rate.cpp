// SPDX-License-Identifier: BSL-1.0
// What a limiter costs over the bare thing: one atomic GCRA and one reading of the clock.
//
//     bench_rate MODE N       runs MODE N times; prints allocations per attempt over the second half of the run
//     bench_rate compare      runs all modes in turn, many short rounds; prints the medians of CPU time, and their ratios
//     bench_rate              lists the modes
//
// Instructions are counted from outside, as for bench_walk (bench/count.py).

#include <coffer/call/pipeline.hpp>
#include <coffer/policy/rate_limit.hpp>

#include <asio/io_context.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string_view>
#include <thread>
#include <vector>

#include "support/allocations.hpp"

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

struct mode {
    std::string_view name;
    void (*run)(long);
    std::size_t compared_with;
};

constexpr std::array modes{
    mode{"clock",
         [](long n) {
             std::int64_t sum = 0;
             for (long i = 0; i < n; ++i) sum += clock_now();
             if (sum == 1) std::abort();
         },
         0},
    mode{"gcra_and_clock",
         [](long n) {
             static bare_gcra g;
             bare(g, n);
         },
         1},
    mode{"bucket_and_clock",
         [](long n) {
             static auto b = one_bucket();
             taken(b, n);
         },
         1},
    mode{"limit",
         [](long n) {
             static auto const limit = one_limit();
             attempts(limit, n);
         },
         1},
    mode{"three_limits",
         [](long n) {
             static auto const limit = three_limits();
             attempts(limit, n);
         },
         1},
    mode{"gcra_two_threads",
         [](long n) {
             static bare_gcra g;
             in_two_threads([n] { bare(g, n); });
         },
         5},
    mode{"bucket_two_threads",
         [](long n) {
             static auto b = one_bucket();
             in_two_threads([n] { taken(b, n); });
         },
         5},
    mode{"limit_two_threads",
         [](long n) {
             static auto const limit = one_limit();
             in_two_threads([n] { attempts(limit, n); });
         },
         5},
};

/// Of all threads, in ns.
double cpu_time() {
    timespec t{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

void compare() {
    constexpr long calls = 20'000;
    constexpr int rounds = 101;
    std::array<std::vector<double>, modes.size()> took;
    for (int round = 0; round < rounds; ++round) {
        for (std::size_t i = 0; i < modes.size(); ++i) {
            auto const start = cpu_time();
            modes[i].run(calls);
            took[i].push_back((cpu_time() - start) / calls);
        }
    }
    for (auto& all : took) std::ranges::sort(all);
    for (std::size_t i = 0; i < modes.size(); ++i) {
        auto const& with = modes[modes[i].compared_with];
        std::printf("%-18.*s %6.1f ns, %5.2f x %.*s\n", static_cast<int>(modes[i].name.size()), modes[i].name.data(),
                    took[i][rounds / 2], took[i][rounds / 2] / took[modes[i].compared_with][rounds / 2],
                    static_cast<int>(with.name.size()), with.name.data());
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 2 && std::string_view{argv[1]} == "compare") return compare(), 0;
    if (argc == 3) {
        for (auto const& m : modes) {
            if (m.name != argv[1]) continue;
            auto const n = std::atol(argv[2]);
            m.run(n);
            auto const before = allocations.load();
            m.run(n);
            std::printf("%.2f allocations per attempt\n",
                        static_cast<double>(allocations.load() - before) / static_cast<double>(n));
            return 0;
        }
    }
    for (auto const& m : modes) std::printf("%.*s\n", static_cast<int>(m.name.size()), m.name.data());
    return argc == 1 ? 0 : 2;
}
