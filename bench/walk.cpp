// SPDX-License-Identifier: BSL-1.0
// What the path of a call costs over the bare awaited call, in instructions and allocations.
// See support/modes.hpp for how it is run. The `call` is reused, as a worker's loop would, so that its log keeps its memory.

#include <coffer/coffer.hpp>

#include <asio/io_context.hpp>

#include <cstdlib>
#include <utility>

#include "support/modes.hpp"

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

/// `count` repetitions of `once`.
template <class Once>
coffer::awaitable<void> repeat(long count, Once once) {
    long sum = 0;
    for (long i = 0; i < count; ++i) {
        result const got = co_await once();
        sum += got ? *got : 1;
    }
    if (sum == 0) std::abort();
}

template <class Op>
coffer::awaitable<void> repeat_bare(long count, Op op) {
    int const x = 3;
    auto const once = [&] { return op(x); };
    co_await repeat(count, once);
}

template <class Wrapped>
coffer::awaitable<void> repeat_through(long count, Wrapped ask) {
    int const x = 3;
    auto call = coffer::call::unkeyed();
    auto const once = [&] { return ask.try_call(call, x); };
    co_await repeat(count, once);
}

/// The throwing edge, where `repeat_through` has the outcome.
template <class Wrapped>
coffer::awaitable<void> repeat_throwing(long count, Wrapped ask) {
    int const x = 3;
    auto call = coffer::call::unkeyed();
    for (long i = 0; i < count; ++i) (void)co_await ask(call, x);
}

void in_a_context(coffer::awaitable<void> work) {
    asio::io_context io{1};
    asio::co_spawn(io, std::move(work), asio::detached);
    io.run();
}
template <class Op>
void bare(long n, Op op) {
    in_a_context(repeat_bare(n, op));
}
template <class... Policies>
void through(long n, Policies... policies) {
    in_a_context(repeat_through(n, coffer::pipeline{policies...}.wrap(&leaf)));
}

/// `retry` and seven gates that do nothing.
coffer::pipeline const eight{coffer::retry{}, no_op{}, no_op{}, no_op{}, no_op{}, no_op{}, no_op{}, no_op{}};
coffer::circuit_breaker const healthy;
coffer::circuit_breaker const broken = isolated();

constexpr bench::mode modes[]{
    {"bare", [](long n) { bare(n, &leaf); }},
    {"bare_failure", [](long n) { bare(n, &failing); }},
    {"empty_pipeline", [](long n) { through(n); }},
    {"one_gate", [](long n) { through(n, no_op{}); }},
    {"eight_gates", [](long n) { in_a_context(repeat_through(n, eight.wrap(&leaf))); }},
    {"eight_gates_failure", [](long n) { in_a_context(repeat_through(n, eight.wrap(&failing))); }},
    {"erased", [](long n) { in_a_context(repeat_through(n, coffer::guarded<int(int const&)>{eight.wrap(&leaf)})); }},
    {"refused", [](long n) { through(n, coffer::retry{}, no_op{}, no_op{}, closed{}); }},
    {"circuit_breaker", [](long n) { through(n, healthy); }},
    {"circuit_open", [](long n) { through(n, broken); }},
    {"one_layer", [](long n) { through(n, coffer::retry{}, thin{}, no_op{}); }},
    {"throwing_edge", [](long n) { in_a_context(repeat_throwing(n, eight.wrap(&leaf))); }},
};

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, modes); }
