// SPDX-License-Identifier: BSL-1.0
// What finding an attempt's partition costs over the gate alone.
//
//     bench_per_key MODE N       runs MODE N times; prints allocations per attempt over the second half of the run
//     bench_per_key compare      runs all modes in turn, many short rounds; prints the medians of CPU time, and their ratios
//     bench_per_key              lists the modes

#include <coffer/call/pipeline.hpp>
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/per_key.hpp>

#include <asio/io_context.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/allocations.hpp"

namespace {

using namespace coffer;

/// One attempt through the gate, as the walk takes it, for a tenant whose name fits into no short string.
template <class Gate>
void attempts(Gate const& g, long count, int tenant = 0) {
    asio::io_context io{1};
    auto c = call::unkeyed().tag("tenant", "a tenant with a long name " + std::to_string(tenant));
    call_access::scope const scope{c, io.get_executor(), false};
    attempt a{c};
    for (long i = 0; i < count; ++i) {
        attempt_access::begin(a, c.clock().now());
        slot<typename Gate::ticket> s;
        if (!g.try_enter(a, s).is_in()) std::abort();
        attempt_end end{};
        end.at = a.now();
        (void)s->settle(end, a);
    }
}

per_key<circuit_breaker> of(int tenants) {
    per_key const health{by_tag{"tenant"}, [] { return circuit_breaker{}; }};
    for (int i = 0; i < tenants; ++i) (void)health.at("a tenant with a long name " + std::to_string(i));
    return health;
}

template <class Run>
void in_two_threads(Run const& run) {
    std::thread other{[&] { run(1); }};
    run(0);
    other.join();
}

struct mode {
    std::string_view name;
    void (*run)(long);
    std::size_t compared_with;
};

constexpr std::array modes{
    mode{"breaker",
         [](long n) {
             static circuit_breaker const one;
             attempts(one, n);
         },
         0},
    mode{"one_of_one",
         [](long n) {
             static auto const health = of(1);
             attempts(health, n);
         },
         0},
    mode{"one_of_10000",
         [](long n) {
             static auto const health = of(10'000);
             attempts(health, n);
         },
         0},
    mode{"breaker_two_threads",
         [](long n) {
             static circuit_breaker const one;
             in_two_threads([n](int) { attempts(one, n); });
         },
         3},
    mode{"per_key_two_threads",
         [](long n) {
             static auto const health = of(2);
             in_two_threads([n](int which) { attempts(health, n, which); });
         },
         3},
};

/// Of all threads, in ns.
double cpu_time() {
    timespec t{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

void compare() {
    constexpr long calls = 20'000;
    constexpr int rounds = 51;
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
        std::printf("%-20.*s %6.1f ns, %5.2f x %.*s\n", static_cast<int>(modes[i].name.size()), modes[i].name.data(),
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
