// SPDX-License-Identifier: BSL-1.0
// What the path of a call costs over the bare awaited call, in instructions and allocations.
//
//     bench_walk MODE N     runs MODE N times; prints allocations per call over the second half of the run
//     bench_walk            lists the modes
//
// Instructions are counted from outside: valgrind --tool=callgrind for N and for 2N, the difference divided by N
// (bench/count.py does). The `call` is reused, as a worker's loop would, so that its log keeps its memory.

#include <coffer/coffer.hpp>

#include <asio/io_context.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>

#include "support/allocations.hpp"

namespace {

/// A gate that does nothing: what is measured is the walk.
struct no_op {
    struct ticket {
        coffer::verdict settle(coffer::attempt_end const&, coffer::attempt&) noexcept {
            return coffer::verdict::done();
        }
    };
    coffer::admission try_enter(coffer::attempt&, coffer::slot<ticket>& s) const {
        s.emplace();
        return coffer::admission::in();
    }
};

/// A gate that always refuses.
struct closed {
    using ticket = no_op::ticket;
    coffer::admission try_enter(coffer::attempt&, coffer::slot<ticket>&) const {
        return coffer::admission::refused(coffer::fault{coffer::fault_kind::circuit_open});
    }
};

/// A layer that does nothing: the price of a frame of one's own.
struct thin {
    template <class Next>
    coffer::awaitable<coffer::outcome<typename Next::value_type>> operator()(coffer::call& c, Next next) const {
        co_return co_await next(c);
    }
};

/// A breaker that refuses everything.
coffer::circuit_breaker isolated() {
    coffer::circuit_breaker b;
    b.isolate("to be measured");
    return b;
}

using result = coffer::outcome<int>;

coffer::awaitable<result> leaf(int const& x) { co_return x + 1; }
coffer::awaitable<result> failing(int const&) { co_return coffer::failed(coffer::fault_kind::permanent); }

/// `count` repetitions of `once`; allocations are counted over the second half.
template <class Once>
coffer::awaitable<void> repeat(long count, Once once) {
    long sum = 0;
    long before = 0;
    for (long i = 0; i < count; ++i) {
        if (i == count / 2) before = allocations.load();
        result const got = co_await once();
        sum += got ? *got : 1;
    }
    std::printf("%.2f allocations per call (%ld)\n",
                static_cast<double>(allocations.load() - before) / static_cast<double>(count - count / 2), sum);
}

template <class Op>
coffer::awaitable<void> bare(long count, Op op) {
    int const x = 3;
    auto const once = [&] { return op(x); };
    co_await repeat(count, once);
}

template <class Wrapped>
coffer::awaitable<void> through(long count, Wrapped ask) {
    int const x = 3;
    auto call = coffer::call::unkeyed();
    auto const once = [&] { return ask.try_call(call, x); };
    co_await repeat(count, once);
}

/// While somebody holds the only place of a bulkhead before which nobody may wait.
coffer::awaitable<void> turned_away(long count) {
    coffer::bulkhead const gate{{.limit = 1, .max_waiting = 0}};
    auto const refused = coffer::pipeline{gate}.wrap(&leaf);
    auto const hold = [count, refused](int const& x) -> coffer::awaitable<result> {
        co_await through(count, refused);
        co_return x;
    };
    auto const holds = coffer::pipeline{gate}.wrap(hold);
    auto call = coffer::call::unkeyed();
    int const x = 3;
    (void)co_await holds.try_call(call, x);
}

/// The outcome edge against the throwing one.
template <class Wrapped>
coffer::awaitable<void> throwing(long count, Wrapped ask) {
    int const x = 3;
    auto call = coffer::call::unkeyed();
    for (long i = 0; i < count; ++i) (void)co_await ask(call, x);
}

struct mode {
    std::string_view name;
    coffer::awaitable<void> (*run)(long);
};

constexpr std::array modes{
    mode{"bare", [](long n) { return bare(n, &leaf); }},
    mode{"bare_failure", [](long n) { return bare(n, &failing); }},
    mode{"empty_pipeline", [](long n) { return through(n, coffer::pipeline{}.wrap(&leaf)); }},
    mode{"eight_gates",
         [](long n) {
             return through(
                 n,
                 coffer::pipeline{coffer::retry{}, no_op{}, no_op{}, no_op{}, no_op{}, no_op{}, no_op{}, no_op{}}.wrap(
                     &leaf));
         }},
    mode{"eight_gates_failure",
         [](long n) {
             return through(
                 n,
                 coffer::pipeline{coffer::retry{}, no_op{}, no_op{}, no_op{}, no_op{}, no_op{}, no_op{}, no_op{}}.wrap(
                     &failing));
         }},
    mode{"refused",
         [](long n) { return through(n, coffer::pipeline{coffer::retry{}, no_op{}, no_op{}, closed{}}.wrap(&leaf)); }},
    mode{"one_gate", [](long n) { return through(n, coffer::pipeline{no_op{}}.wrap(&leaf)); }},
    mode{"circuit_breaker", [](long n) { return through(n, coffer::pipeline{coffer::circuit_breaker{}}.wrap(&leaf)); }},
    mode{"circuit_open", [](long n) { return through(n, coffer::pipeline{isolated()}.wrap(&leaf)); }},
    mode{"bulkhead", [](long n) { return through(n, coffer::pipeline{coffer::bulkhead{{.limit = 4}}}.wrap(&leaf)); }},
    mode{"bulkhead_adaptive",
         [](long n) {
             return through(
                 n, coffer::pipeline{coffer::bulkhead{{.limit = 4, .rule = coffer::limit_rule::gradient}}}.wrap(&leaf));
         }},
    mode{"bulkhead_full", [](long n) { return turned_away(n); }},
    mode{"one_layer",
         [](long n) { return through(n, coffer::pipeline{coffer::retry{}, thin{}, no_op{}}.wrap(&leaf)); }},
    mode{"erased",
         [](long n) {
             return through(n, coffer::guarded<int(int const&)>{coffer::pipeline{
                                   coffer::retry{}, no_op{}, no_op{}, no_op{}, no_op{}, no_op{}, no_op{},
                                   no_op{}}.wrap(&leaf)});
         }},
    mode{"throwing_edge",
         [](long n) { return throwing(n, coffer::pipeline{coffer::retry{}, no_op{}, no_op{}}.wrap(&leaf)); }},
};

}  // namespace

int main(int argc, char** argv) {
    if (argc == 3) {
        for (auto const& m : modes) {
            if (m.name != argv[1]) continue;
            asio::io_context io{1};
            asio::co_spawn(io, m.run(std::atol(argv[2])), asio::detached);
            io.run();
            return 0;
        }
    }
    for (auto const& m : modes) std::printf("%.*s\n", static_cast<int>(m.name.size()), m.name.data());
    return argc == 1 ? 0 : 2;
}
