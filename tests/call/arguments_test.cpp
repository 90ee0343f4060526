// SPDX-License-Identifier: BSL-1.0
// How long arguments live. AddressSanitizer is the judge: every text is too long to live in its string.
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/retry.hpp>

#include "support/scripted_gate.hpp"
#include "support/simulation.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace arguments_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using support::simulation;

#define LONG_TEXT "a text that does not fit into the buffer of any small string there is"
std::string const long_text = LONG_TEXT;

/// An aggregate with a destructor: what GCC 12 destroys twice as a temporary of a co_await expression.
struct request {
    std::string prompt;
    std::string model;
    int size = 0;
};
request a_request() { return {long_text, "m", 3}; }

/// The same with a constructor.
struct safe_request {
    explicit safe_request(std::string p) : prompt{std::move(p)} {}
    std::string prompt;
};

// Each suspends before it looks at its argument.
awaitable<std::string> of_text(std::string const& s) {
    co_await sleep_for(1s);
    co_return s;
}
awaitable<std::string> of_view(std::string_view s) {
    co_await sleep_for(1s);
    co_return std::string{s};
}
awaitable<std::string> of_request(request const& r) {
    co_await sleep_for(1s);
    co_return r.prompt;
}
awaitable<std::string> of_request_by_value(request r) {
    co_await sleep_for(1s);
    co_return r.prompt;
}
awaitable<std::string> of_safe_request(attempt&, safe_request const& r) {
    co_await sleep_for(1s);
    co_return r.prompt;
}
awaitable<request> back(request const& r) {
    co_await sleep_for(1s);
    co_return r;
}
awaitable<std::string> of_two(std::string const& a, std::string const& b) {
    co_await sleep_for(1s);
    co_return a + b;
}

call a_call() { return call{key{"test", 1}, 1h}; }

/// A pipeline of every part that hands arguments on: gate, layer, nested pipeline.
template <class Op>
auto deep(Op const& op) {
    return pipeline{retry{}, support::scripted_layer{1}, retry{}}.wrap(pipeline{support::scripted_layer{1}}.wrap(op));
}

template <class Ask, class Body>
std::string in_coroutine(Ask const& ask, Body const& body) {
    simulation sim;
    return sim.run(body(ask));
}

// wrapped ------------------------------------------------------------------------------------------------------------------

TEST(arguments, lvalues_are_borrowed) {
    auto const op = [](request const& r) -> awaitable<request const*> { co_return &r; };
    simulation sim;
    auto const r = a_request();
    auto c = a_call();
    EXPECT_EQ(sim.run(pipeline{}.wrap(op)(c, r)), &r);
    EXPECT_EQ(sim.run(deep(op)(c, r)), &r);
    guarded<request const*(request const&)> const erased = deep(op);
    EXPECT_EQ(sim.run(erased(c, r)), &r);
    guarded<request const*(request)> const by_value = deep(op);
    EXPECT_EQ(sim.run(by_value(c, r)), &r) << "whatever the signature says";
}

TEST(arguments, aggregates_as_lvalues) {
    auto const body = [](auto ask) -> awaitable<std::string> {
        auto const r = a_request();
        auto c = a_call();
        co_return co_await ask(c, r);
    };
    EXPECT_EQ(in_coroutine(pipeline{}.wrap(of_request), body), long_text);
    EXPECT_EQ(in_coroutine(pipeline{}.wrap(of_request_by_value), body), long_text);
    EXPECT_EQ(in_coroutine(deep(of_request), body), long_text);
    EXPECT_EQ(in_coroutine(deep(of_request_by_value), body), long_text);
    EXPECT_EQ(in_coroutine(guarded<std::string(request const&)>{deep(of_request)}, body), long_text);
}

TEST(arguments, aggregates_as_results) {
    auto const body = [](auto ask) -> awaitable<std::string> {
        auto const r = a_request();
        auto c = a_call();
        auto const got = co_await ask(c, r);
        auto const maybe = co_await ask.try_call(c, r);
        co_return got.prompt == maybe->prompt ? got.prompt : "";
    };
    EXPECT_EQ(in_coroutine(deep(back), body), long_text);
    EXPECT_EQ(in_coroutine(guarded<request(request const&)>{deep(back)}, body), long_text);
}

TEST(arguments, temporaries_with_a_constructor) {
    auto const body = [](auto ask) -> awaitable<std::string> {
        auto c = a_call();
        co_return co_await ask(c, safe_request{long_text});
    };
    EXPECT_EQ(in_coroutine(deep(of_safe_request), body), long_text);
    EXPECT_EQ(in_coroutine(guarded<std::string(safe_request const&)>{deep(of_safe_request)}, body), long_text);
}

TEST(arguments, temporaries_that_are_moved_in_before_the_await) {
    auto const body = [](auto ask) -> awaitable<std::string> {
        auto c = a_call();
        auto later = ask(c, safe_request{long_text});  // the temporary is gone at the semicolon
        co_await sleep_for(1s);
        co_return co_await std::move(later);
    };
    EXPECT_EQ(in_coroutine(deep(of_safe_request), body), long_text);
    EXPECT_EQ(in_coroutine(guarded<std::string(safe_request const&)>{deep(of_safe_request)}, body), long_text);
}

#if !defined(__GNUC__) || defined(__clang__) || __GNUC__ >= 13
TEST(arguments, aggregates_as_temporaries_where_the_compiler_can) {
    auto const body = [](auto ask) -> awaitable<std::string> {
        auto c = a_call();
        auto later = ask(c, a_request());
        auto const first = co_await std::move(later);
        co_return first == co_await ask(c, a_request()) ? first : "";
    };
    EXPECT_EQ(in_coroutine(deep(of_request), body), long_text);
    EXPECT_EQ(in_coroutine(guarded<std::string(request const&)>{deep(of_request)}, body), long_text);
}
#endif

TEST(arguments, are_moved_not_copied) {
    auto const op = [](std::unique_ptr<std::string> const& p) -> awaitable<std::string> {
        co_await sleep_for(1s);
        co_return *p;
    };
    auto const body = [](auto ask) -> awaitable<std::string> {
        auto c = a_call();
        co_return co_await ask(c, std::make_unique<std::string>(long_text));
    };
    EXPECT_EQ(in_coroutine(deep(op), body), long_text);
    EXPECT_EQ(in_coroutine(guarded<std::string(std::unique_ptr<std::string> const&)>{deep(op)}, body), long_text);
}

// Conversions ----------------------------------------------------------------------------------------------------------------

TEST(arguments, what_an_argument_is_converted_to_lives_as_long_as_the_operation) {
    auto const literal = [](auto ask) -> awaitable<std::string> {
        auto c = a_call();
        co_return co_await ask(c, LONG_TEXT);
    };
    EXPECT_EQ(in_coroutine(pipeline{}.wrap(of_text), literal), long_text);
    EXPECT_EQ(in_coroutine(deep(of_text), literal), long_text);
    EXPECT_EQ(in_coroutine(guarded<std::string(std::string const&)>{deep(of_text)}, literal), long_text);
    EXPECT_EQ(in_coroutine(guarded<std::string(std::string)>{deep(of_text)}, literal), long_text);
    EXPECT_EQ(in_coroutine(guarded<std::string(std::string_view)>{deep(of_view)}, literal), long_text);
}

TEST(arguments, conversions_at_the_seam_between_pipelines) {
    auto const literal = [](auto ask) -> awaitable<std::string> {
        auto c = a_call();
        co_return co_await ask(c, LONG_TEXT);
    };
    guarded<std::string(std::string const&)> const inner = pipeline{}.wrap(of_text);
    EXPECT_EQ(in_coroutine(deep(inner), literal), long_text);
    guarded<std::string(char const*)> const outer = deep(inner);
    EXPECT_EQ(in_coroutine(outer, literal), long_text);
    guarded<std::string(char const*)> const another = deep(inner);  // a retry goes by one simulation's clock
    guarded<std::string(char const*)> const outermost = pipeline{}.wrap(another);
    EXPECT_EQ(in_coroutine(outermost, literal), long_text);
}

TEST(arguments, a_conversion_beside_an_lvalue_leaves_that_borrowed) {
    auto const op = [](request const& r, std::string const& s) -> awaitable<std::pair<request const*, std::string>> {
        co_await sleep_for(1s);
        co_return std::pair{&r, s};
    };
    guarded<std::pair<request const*, std::string>(request const&, std::string const&)> const ask = deep(op);
    simulation sim;
    auto const r = a_request();
    auto c = a_call();
    auto const got = sim.run(ask(c, r, LONG_TEXT));
    EXPECT_EQ(got.first, &r);
    EXPECT_EQ(got.second, long_text);
    guarded<std::string(std::string const&, std::string const&)> const two = pipeline{}.wrap(of_two);
    EXPECT_EQ(sim.run(two(c, LONG_TEXT, std::string{LONG_TEXT})), long_text + long_text);
}

TEST(arguments, a_derived_object_is_borrowed_whole) {
    struct base {
        virtual ~base() = default;
        [[nodiscard]] virtual std::string name() const { return "base"; }
    };
    struct derived final : base {
        [[nodiscard]] std::string name() const override { return "derived"; }
    };
    auto const op = [](base const& b) -> awaitable<std::string> { co_return b.name(); };
    simulation sim;
    derived const d;
    auto c = a_call();
    guarded<std::string(base const&)> const ask = pipeline{}.wrap(op);
    EXPECT_EQ(sim.run(ask(c, d)), "derived");
    EXPECT_EQ(sim.run(pipeline{}.wrap(ask)(c, d)), "derived");
}

// A call of its own ------------------------------------------------------------------------------------------------------------

TEST(arguments, a_temporary_call_lives_in_the_frame_with_what_was_moved) {
    auto const body = [](auto ask) -> awaitable<std::string> {
        auto const lvalue = safe_request{long_text};
        auto first = ask(call{key{"test", long_text}}, safe_request{long_text});
        auto second = ask.try_call(call{key{"test", long_text}}, lvalue);
        co_await sleep_for(1s);
        auto const a = co_await std::move(first);
        auto const b = co_await std::move(second);
        co_return a == *b ? a : "";
    };
    EXPECT_EQ(in_coroutine(deep(of_safe_request), body), long_text);
    EXPECT_EQ(in_coroutine(guarded<std::string(safe_request const&)>{deep(of_safe_request)}, body), long_text);
    auto const literal = [](auto ask) -> awaitable<std::string> {
        auto later = ask(call{key{"test", 1}}, LONG_TEXT);
        co_await sleep_for(1s);
        co_return co_await std::move(later);
    };
    EXPECT_EQ(in_coroutine(deep(of_text), literal), long_text);
    EXPECT_EQ(in_coroutine(guarded<std::string(std::string const&)>{deep(of_text)}, literal), long_text);
}

TEST(arguments, the_wrapped_operation_may_go_while_it_runs) {
    simulation sim;
    auto c = a_call();
    auto running = [&] {
        auto const ask = deep(of_text);
        return sim.start(ask.try_call(c, std::string{long_text}));
    }();
    sim.time.run();
    EXPECT_EQ(running.get(), long_text);
    auto erased = std::make_unique<guarded<std::string(std::string const&)>>(deep(of_text));
    auto const again = sim.start(erased->try_call(c, LONG_TEXT));
    erased.reset();
    sim.time.run();
    EXPECT_EQ(again.get(), long_text);
}

TEST(arguments, a_call_that_is_never_awaited_does_nothing) {
    auto c = a_call();
    {
        auto const never = deep(of_safe_request).try_call(c, safe_request{long_text});
        guarded<std::string(std::string const&)> const ask = deep(of_text);
        auto const neither = ask.try_call(c, LONG_TEXT);
    }
    simulation sim;
    EXPECT_EQ(sim.run(deep(of_text)(c, LONG_TEXT)), long_text) << "the call was never in use";
}

}  // namespace
}  // namespace arguments_test
