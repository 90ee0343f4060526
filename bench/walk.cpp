// SPDX-License-Identifier: BSL-1.0
// What the path of a call costs over the bare awaited call, in instructions and allocations.
// See support/modes.hpp for how it is run. The `call` is reused, as a worker's loop would, so that its log keeps its memory.

#include <coffer/coffer.hpp>
#include <coffer/store/ledger_memory.hpp>

#include <asio/io_context.hpp>

#include <cstdlib>
#include <utility>

#include "support/modes.hpp"

namespace {

using namespace coffer::literals;

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
coffer::bulkhead const roomy{{.limit = 4}};
coffer::bulkhead const adaptive{{.limit = 4, .rule = coffer::limit_rule::gradient}};

/// Bare calls through a bulkhead whose only place somebody holds, and before which nobody may wait.
coffer::awaitable<void> turned_away(long count) {
    coffer::bulkhead const gate{{.limit = 1, .max_waiting = 0}};
    auto const refused = coffer::pipeline{gate}.wrap(&leaf);
    auto const hold = [count, refused](int const& x) -> coffer::awaitable<result> {
        co_await repeat_through(count, refused);
        co_return x;
    };
    auto const holds = coffer::pipeline{gate}.wrap(hold);
    auto call = coffer::call::unkeyed();
    int const x = 3;
    (void)co_await holds.try_call(call, x);
}

/// What stands around a provider as a rule, and an operation that says what it may cost.
void usual_gates(long n) {
    static coffer::in_memory_ledger const ledger;
    static coffer::rate_limit const pace{{.requests_per_minute = coffer::gcra::most}};
    static coffer::budget const money{ledger, {.scope = "bench", .limit = 1'000'000'000_usd}};
    auto const sized = coffer::describe(&leaf).estimate([](int const&) {
        coffer::estimate e;
        e.cost = 0.000001_usd;
        return e;
    });
    static coffer::retry const again;
    in_a_context(repeat_through(n, coffer::pipeline{again, healthy, roomy, pace, money}.wrap(sized)));
}

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
    {"bulkhead", [](long n) { through(n, roomy); }},
    {"bulkhead_adaptive", [](long n) { through(n, adaptive); }},
    {"bulkhead_full", [](long n) { in_a_context(turned_away(n)); }},
    {"usual_gates", usual_gates},
    {"one_layer", [](long n) { through(n, coffer::retry{}, thin{}, no_op{}); }},
    {"throwing_edge", [](long n) { in_a_context(repeat_throwing(n, eight.wrap(&leaf))); }},
};

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, modes); }
