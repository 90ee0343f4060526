// SPDX-License-Identifier: BSL-1.0
// What finding an attempt's partition costs over the gate alone.
// See support/modes.hpp for how it is run.

#include <coffer/call/call_access.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/per_key.hpp>

#include <asio/io_context.hpp>

#include <cstdlib>
#include <string>
#include <thread>

#include "support/modes.hpp"

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

constexpr bench::mode modes[]{
    {"breaker",
     [](long n) {
         static circuit_breaker const one;
         attempts(one, n);
     }},
    {"one_of_one",
     [](long n) {
         static auto const health = of(1);
         attempts(health, n);
     }},
    {"one_of_10000",
     [](long n) {
         static auto const health = of(10'000);
         attempts(health, n);
     }},
    {"breaker_two_threads",
     [](long n) {
         static circuit_breaker const one;
         in_two_threads([n](int) { attempts(one, n); });
     }},
    {"per_key_two_threads",
     [](long n) {
         static auto const health = of(2);
         in_two_threads([n](int which) { attempts(health, n, which); });
     }},
};

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, modes); }
