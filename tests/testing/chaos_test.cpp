// SPDX-License-Identifier: BSL-1.0
// Each thing that chaos does, around an operation and in a pipeline, and what whoever is concerned gets to know of it.
#include <coffer/testing/chaos.hpp>

#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/rate_limit.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/memory.hpp>
#include <coffer/testing/scripted_operation.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "support/simulation.hpp"

namespace chaos_test {
namespace {

using namespace coffer;
using namespace coffer::literals;
using namespace coffer::testing;
using namespace std::chrono_literals;
using support::simulation;
using provider = scripted_operation<std::string>;

call a_call(duration deadline = 1h) { return call{key{"test", 1}, deadline}; }
chaos first(injection i) { return chaos{chaos_plan{}.then(std::move(i))}; }

/// A provider with raw answers: "3 hello" costs three cents.
class chat {
public:
    awaitable<outcome<answer>> operator()(attempt&, std::string const& prompt) const {
        ++*sends_;
        co_return answer{"3 " + prompt, 200};
    }
    [[nodiscard]] outcome<std::string> decode(answer const& a) const {
        if (!a.body.starts_with("3 ") || a.body.size() < 4) return failed(fault_kind::defective_answer, "cut off");
        return a.body.substr(2);
    }
    [[nodiscard]] billed bill(answer const& a) const {
        return {std::nullopt, a.body.starts_with("3 ") ? std::optional{0.03_usd} : std::nullopt};
    }
    [[nodiscard]] coffer::fingerprint fingerprint(std::string const& p) const {
        return coffer::fingerprint{}.with("prompt", p);
    }
    [[nodiscard]] coffer::target target(std::string const&) const { return {"test", "model"}; }
    [[nodiscard]] coffer::estimate estimate(std::string const& p) const {
        coffer::estimate e;
        e.input_tokens = static_cast<std::int64_t>(p.size());
        return e;
    }
    [[nodiscard]] fault classify(fault const& f) const {
        return f.kind() == fault_kind::forbidden ? fault{fault_kind::transient} : f;
    }
    [[nodiscard]] int sends() const { return *sends_; }

private:
    std::shared_ptr<int> sends_ = std::make_shared<int>(0);
};

// Around an operation ------------------------------------------------------------------------------------------------------

TEST(chaos, a_fault_comes_instead_of_the_send) {
    simulation sim;
    provider p;
    p.gives("hello");
    auto const weather = first(injection::fails(fault{fault_kind::throttled}.with_retry_after(7s)));
    auto const ask = pipeline{retry{}}.wrap(weather.wrap(p));
    auto c = a_call();
    auto const start = sim.time.now();
    EXPECT_EQ(sim.run(ask(c)), "hello");
    EXPECT_GE(sim.time.now() - start, 7s) << "its hint is a floor";
    ASSERT_EQ(c.log().size(), 2U);
    EXPECT_EQ(c.log()[0].fault->code(), "chaos");
    EXPECT_EQ(c.log()[0].billing, knowledge::no);
    EXPECT_EQ(p.sends(), 1) << "the provider has not seen the first one";
    EXPECT_EQ(weather.injected(chaos_effect::fault), 1);
    EXPECT_EQ(weather.injected(), 1);
}

TEST(chaos, of_a_lost_reply_nothing_is_known_but_the_provider_has_it) {
    simulation sim;
    provider p;
    p.gives("hello").after(3s).costing(0.02_usd);
    auto const weather = first(injection::loses_reply());
    auto c = a_call();
    auto const result = sim.run(pipeline{}.wrap(weather.wrap(p)).try_call(c));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind(), fault_kind::ambiguous);
    EXPECT_EQ(result.error().code(), "chaos");
    EXPECT_EQ(result.error().billing(), knowledge::maybe);
    EXPECT_EQ(p.bills(), 1);
    EXPECT_EQ(c.log()[0].duration, 3s);
    EXPECT_EQ(c.log()[0].cost, std::nullopt) << "what was reported is lost with it";
    EXPECT_EQ(c.cost(), std::nullopt);
}

TEST(chaos, the_reply_of_a_failure_is_lost_too) {
    simulation sim;
    provider p;
    p.fails(fault_kind::overloaded).throws(std::runtime_error{"broken"});
    auto const weather = chaos{
        chaos_plan{}.then(injection::loses_reply(fault{fault_kind::broken_stream}.with_billing(knowledge::yes)), 2)};
    auto const ask = pipeline{}.wrap(weather.wrap(p));
    for (int i = 0; i < 2; ++i) {
        auto c = a_call();
        auto const result = sim.run(ask.try_call(c));
        EXPECT_EQ(result.error().kind(), fault_kind::broken_stream);
        EXPECT_EQ(result.error().billing(), knowledge::yes);
    }
    EXPECT_EQ(p.sends(), 2);
}

TEST(chaos, whoever_is_cancelled_has_not_lost_a_reply) {
    simulation sim;
    provider p;
    p.never();
    auto const weather = first(injection::loses_reply());
    auto c = a_call();
    auto const r = sim.start(pipeline{}.wrap(weather.wrap(p)).try_call(c));
    sim.cancel_after(1s, r);
    sim.time.run();
    EXPECT_EQ(r.get().error().kind(), fault_kind::cancelled);
    EXPECT_EQ(r.get().error().code(), "");
    EXPECT_TRUE(p.seen()[0].cancelled);
}

TEST(chaos, a_spoiled_answer_is_billed_and_good_for_nothing) {
    simulation sim;
    chat const p;
    auto const weather = first(injection::spoils_answer());
    auto c = a_call();
    std::string const prompt = "hello";
    auto const result = sim.run(pipeline{}.wrap(weather.wrap(p)).try_call(c, prompt));
    EXPECT_EQ(result.error().kind(), fault_kind::defective_answer);
    EXPECT_EQ(result.error().code(), "chaos");
    EXPECT_EQ(result.error().billing(), knowledge::yes);
    EXPECT_EQ(p.sends(), 1);
    EXPECT_EQ(c.cost(), 0.03_usd) << "of the answer as it came";

    provider plain;
    plain.gives("hello").costing(0.02_usd);
    auto const other = first(injection::spoils_answer());
    auto d = a_call();
    auto const spoiled = sim.run(pipeline{}.wrap(other.wrap(plain)).try_call(d));
    EXPECT_EQ(spoiled.error().kind(), fault_kind::defective_answer);
    EXPECT_EQ(spoiled.error().code(), "chaos");
    EXPECT_EQ(d.cost(), 0.02_usd) << "an operation without decode";
}

TEST(chaos, an_answer_may_be_spoiled_in_a_way_of_ones_own) {
    simulation sim;
    chat const p;
    auto const weather = chaos{chaos_plan{}
                                   .then(injection::spoils_answer([](answer& a) { a.body.resize(3); }))
                                   .then(injection::spoils_answer([](answer& a) { a.body += ", world"; }))};
    auto const ask = pipeline{}.wrap(weather.wrap(p));
    std::string const prompt = "hello";
    auto c = a_call();
    EXPECT_EQ(sim.run(ask.try_call(c, prompt)).error().message(), "cut off");
    EXPECT_EQ(sim.run(ask(c, prompt)), "hello, world") << "what decode lets through is through";
}

TEST(chaos, a_failure_has_no_answer_to_be_spoiled) {
    simulation sim;
    provider p;
    p.fails(fault_kind::overloaded);
    auto const weather = first(injection::spoils_answer());
    auto c = a_call();
    EXPECT_EQ(sim.run(pipeline{}.wrap(weather.wrap(p)).try_call(c)).error().kind(), fault_kind::overloaded);
}

TEST(chaos, it_hangs_until_the_attempts_deadline) {
    simulation sim;
    provider p;
    p.gives("hello");
    auto const weather = first(injection::hangs());
    auto const ask = pipeline{retry{{.attempt_timeout = 30s}}}.wrap(weather.wrap(p));
    auto c = a_call();
    EXPECT_EQ(sim.run(ask(c)), "hello");
    EXPECT_EQ(c.log()[0].fault->kind(), fault_kind::timed_out);
    EXPECT_EQ(c.log()[0].fault->code(), "chaos");
    EXPECT_EQ(c.log()[0].duration, 30s);
    EXPECT_EQ(p.sends(), 1);
}

TEST(chaos, what_hangs_can_be_cancelled_and_what_hangs_for_ever_must_be) {
    for (bool const for_ever : {false, true}) {
        simulation sim;
        provider const p;
        auto const weather = first(for_ever ? injection::hangs_for_ever() : injection::hangs());
        auto c = a_call(1min);
        auto const r = sim.start(pipeline{retry{}}.wrap(weather.wrap(p)).try_call(c));
        sim.time.run_for(2min);
        EXPECT_EQ(r.over(), !for_ever);
        if (!r.over()) r.cancel();
        sim.time.run();
        ASSERT_TRUE(r.over());
        EXPECT_EQ(r.get().error().kind(), for_ever ? fault_kind::cancelled : fault_kind::timed_out);
    }
    simulation sim;
    provider const p;
    auto const weather = first(injection::hangs());
    auto c = a_call();
    auto const r = sim.start(pipeline{retry{}}.wrap(weather.wrap(p)).try_call(c));
    sim.cancel_after(10s, r);
    auto const start = sim.time.now();
    sim.time.run();
    EXPECT_EQ(r.get().error().kind(), fault_kind::cancelled);
    EXPECT_EQ(sim.time.now() - start, 10s);
    EXPECT_EQ(p.sends(), 0);
}

TEST(chaos, it_throws_what_it_is_told_to) {
    simulation sim;
    provider p;
    p.gives("hello");
    auto const weather =
        chaos{chaos_plan{}
                  .then(injection::throws())
                  .then(injection::throws(std::system_error{std::make_error_code(std::errc::connection_refused)}))};
    auto c = a_call();
    auto const ask = pipeline{retry{}}.wrap(weather.wrap(p));
    auto const unknown = sim.run(ask.try_call(c));
    EXPECT_EQ(unknown.error().kind(), fault_kind::permanent) << "no rule knows it";
    EXPECT_EQ(unknown.error().message(), "chaos: thrown by a test");
    EXPECT_EQ(sim.run(ask(c)), "hello");
    EXPECT_EQ(c.log()[0].fault->kind(), fault_kind::not_sent);
    EXPECT_EQ(p.sends(), 1);
}

TEST(chaos, a_send_may_begin_later) {
    simulation sim;
    provider p;
    p.gives("hello").after(1s).times(0);
    auto const weather = chaos{chaos_plan{}
                                   .then(injection::none().after(4s))
                                   .then(injection::fails(fault_kind::permanent).after(2s))
                                   .then(injection::none())
                                   .slows(1, 500ms, 500ms)};
    auto const ask = pipeline{}.wrap(weather.wrap(p));
    std::vector<duration> took;
    for (int i = 0; i < 3; ++i) {
        auto c = a_call();
        (void)sim.run(ask.try_call(c));
        took.push_back(c.log()[0].duration);
    }
    EXPECT_EQ(took, (std::vector<duration>{5500ms, 2500ms, 1500ms}));
    EXPECT_EQ(p.seen()[0].at - time_point{1000h}, 4500ms);
    EXPECT_EQ(weather.injected(chaos_effect::latency), 3);
}

TEST(chaos, a_latency_beyond_the_deadline_is_a_timeout) {
    simulation sim;
    provider const p;
    auto const weather = chaos{chaos_plan{}.slows(1, 2min, 2min)};
    auto c = a_call(1min);
    auto const start = sim.time.now();
    auto const result = sim.run(pipeline{}.wrap(weather.wrap(p)).try_call(c));
    EXPECT_EQ(result.error().kind(), fault_kind::timed_out);
    EXPECT_EQ(result.error().code(), "chaos");
    EXPECT_EQ(sim.time.now() - start, 1min);
    EXPECT_EQ(p.sends(), 0);
}

// What is kept ----------------------------------------------------------------------------------------------------------------

TEST(chaos, the_operation_offers_what_it_offered) {
    simulation sim;
    chat const p;
    chaos const calm;
    auto const op = calm.wrap(p);
    std::string const prompt = "hello";
    EXPECT_EQ(op.target(prompt).model, "model");
    EXPECT_EQ(op.fingerprint(prompt), p.fingerprint(prompt));
    EXPECT_EQ(op.estimate(prompt).input_tokens, 5);
    EXPECT_EQ(*op.decode(answer{"3 x!"}), "x!");
    EXPECT_EQ(op.bill(answer{"3 x!"}).cost, 0.03_usd);
    EXPECT_EQ(op.classify(fault{fault_kind::forbidden}).kind(), fault_kind::transient);

    using plain = operation_traits<decltype(calm.wrap([](int) -> awaitable<int> { co_return 1; })), int>;
    static_assert(!plain::has_target && !plain::has_estimate && !plain::has_fingerprint && !plain::has_decode &&
                  !plain::has_bill);
    using raw = operation_traits<decltype(calm.wrap(chat{})), std::string const>;
    static_assert(raw::has_target && raw::has_estimate && raw::has_fingerprint && raw::has_decode && raw::has_bill);

    rate_limit const tokens{{.input_tokens_per_minute = 100}};
    auto c = a_call();
    EXPECT_EQ(sim.run(pipeline{retry{}, tokens}.wrap(op)(c, prompt)), "hello");
    EXPECT_EQ(c.log()[0].target.provider, "test");
}

TEST(chaos, a_description_holds_inside_and_outside) {
    simulation sim;
    auto const fn = [](int const& x) -> awaitable<int> { co_return x + 1; };
    auto const at = [](int) { return target{"described", "model"}; };
    chaos const weather;
    auto const rule = [](fault const& f) {
        return f.kind() == fault_kind::forbidden ? fault{fault_kind::transient} : f;
    };
    auto const inside = weather.wrap(describe(fn).target(at).classify(rule));
    auto const outside = describe(weather.wrap(fn)).target(at).classify(rule);
    int const x = 1;
    auto const ask = [&](auto const& op) {
        weather.play(chaos_plan{}.then(injection::fails(fault_kind::forbidden)));
        auto c = a_call();
        EXPECT_EQ(sim.run(pipeline{retry{}}.wrap(op)(c, x)), 2);
        EXPECT_EQ(c.log().size(), 2U) << "the user's rule has judged what was injected";
        EXPECT_EQ(c.log()[0].target.provider, "described");
    };
    ask(inside);
    ask(outside);
}

TEST(chaos, a_repair_is_asked_about_a_spoiled_answer) {
    simulation sim;
    chat const p;
    chaos const weather;
    auto const politely = [](defect const& d, std::string& prompt) {
        prompt += ", please";
        return d.repairs == 0;
    };
    std::string const prompt = "hello";
    auto const ask = [&](auto const& op) {
        weather.play(chaos_plan{}.then(injection::spoils_answer()));
        auto c = a_call();
        EXPECT_EQ(sim.run(pipeline{retry{}}.wrap(op)(c, prompt)), "hello, please");
        EXPECT_EQ(c.log().size(), 2U);
    };
    ask(weather.wrap(describe(p).repair(politely)));
    ask(describe(weather.wrap(p)).repair(politely));
    using plain = operation_traits<decltype(weather.wrap(p)), std::string const>;
    static_assert(!plain::has_repair);
}

struct my_error {
    int code = 0;
};
fault to_fault(my_error const& e) { return fault{fault_kind::overloaded}.with_status(e.code); }

TEST(chaos, operations_of_every_kind_can_be_wrapped) {
    simulation sim;
    auto const own = [](attempt&) -> awaitable<tl::expected<int, my_error>> { co_return 1; };
    auto const nothing = []() -> awaitable<void> { co_return; };
    auto const maybe_nothing = [](attempt&) -> awaitable<outcome<void>> { co_return outcome<void>{}; };
    auto const each = [&](auto const& op) {
        auto const weather = chaos{chaos_plan{}
                                       .then(injection::fails(fault_kind::invalid_request))
                                       .then(injection::loses_reply())
                                       .then(injection::spoils_answer())
                                       .then(injection::throws())
                                       .then(injection::hangs())};
        auto const ask = pipeline{}.wrap(weather.wrap(op));
        std::vector<fault_kind> kinds;
        for (int i = 0; i < 5; ++i) {
            auto c = a_call();
            kinds.push_back(sim.run(ask.try_call(c)).error().kind());
        }
        EXPECT_EQ(kinds, (std::vector{fault_kind::invalid_request, fault_kind::ambiguous, fault_kind::defective_answer,
                                      fault_kind::permanent, fault_kind::timed_out}));
        auto c = a_call();
        EXPECT_TRUE(sim.run(ask.try_call(c)));
    };
    each(own);
    each(nothing);
    each(maybe_nothing);
    each([](attempt&) -> awaitable<int> { co_return 1; });
}

TEST(chaos, an_operation_on_an_executor_of_its_own_keeps_it) {
    using executor = asio::io_context::executor_type;
    asio::io_context io;
    virtual_time time{io};
    auto const weather = chaos{chaos_plan{}.then(injection::fails(fault_kind::overloaded).after(1s))};
    auto const op = [](attempt&) -> asio::awaitable<int, executor> { co_return 1; };
    auto const ask = pipeline{retry{}}.wrap(weather.wrap(op));
    auto c = a_call();
    auto const r = support::start<outcome<int>, executor>(io.get_executor(), ask.try_call(c));
    time.run();
    EXPECT_EQ(r.get(), 1);
    EXPECT_EQ(c.log().size(), 2U);
}

// As a layer ------------------------------------------------------------------------------------------------------------------

TEST(chaos, in_a_pipeline_it_does_so_to_what_is_inside) {
    simulation sim;
    provider p;
    p.gives("hello").times(0);
    auto const weather = chaos{chaos_plan{}
                                   .then(injection::fails(fault_kind::overloaded))
                                   .then(injection::loses_reply())
                                   .then(injection::spoils_answer())
                                   .then(injection::throws())
                                   .then(injection::none().after(2s))};
    auto const ask = pipeline{weather, retry{}}.wrap(p);
    std::vector<std::pair<fault_kind, int>> seen;
    for (int i = 0; i < 4; ++i) {
        auto c = a_call();
        auto const result = sim.run(ask.try_call(c));
        seen.emplace_back(result.error().kind(), p.sends());
        if (i < 3) {
            EXPECT_EQ(result.error().code(), "chaos");
        }
    }
    EXPECT_EQ(seen, (std::vector<std::pair<fault_kind, int>>{{fault_kind::overloaded, 0},
                                                             {fault_kind::ambiguous, 1},
                                                             {fault_kind::defective_answer, 2},
                                                             {fault_kind::permanent, 2}}));
    auto c = a_call();
    auto const start = sim.time.now();
    EXPECT_EQ(sim.run(ask(c)), "hello");
    EXPECT_EQ(sim.time.now() - start, 2s);
}

TEST(chaos, in_a_pipeline_it_hangs_until_the_calls_deadline_or_until_it_is_cancelled) {
    simulation sim;
    provider const p;
    auto const ask = pipeline{chaos{chaos_plan{}.sometimes(1, injection::hangs())}, retry{}}.wrap(p);
    auto c = a_call(1min);
    auto const start = sim.time.now();
    EXPECT_EQ(sim.run(ask.try_call(c)).error().kind(), fault_kind::timed_out);
    EXPECT_EQ(sim.time.now() - start, 1min);
    auto d = a_call(1min);
    auto const r = sim.start(ask.try_call(d));
    sim.cancel_after(1s, r);
    sim.time.run();
    EXPECT_EQ(r.get().error().kind(), fault_kind::cancelled);
    EXPECT_EQ(sim.time.now() - start, 1min + 1s);
}

TEST(chaos, what_is_lost_between_the_journal_and_its_caller_is_paid_once) {
    simulation sim;
    chat const p;
    memory_store db;
    auto const weather = first(injection::loses_reply());
    auto const ask = pipeline{weather, once{db}, retry{}}.wrap(p);
    std::string const prompt = "hello";
    auto c = a_call();
    EXPECT_EQ(sim.run(ask.try_call(c, prompt)).error().kind(), fault_kind::ambiguous);
    EXPECT_EQ(sim.run(ask(c, prompt)), "hello");
    EXPECT_EQ(c.origin(), answer_origin::replayed);
    EXPECT_EQ(p.sends(), 1);
}

// How it is handled -------------------------------------------------------------------------------------------------------------

TEST(chaos, it_is_switched_off_and_on_and_given_another_plan_while_calls_run) {
    simulation sim;
    provider p;
    p.gives("hello").times(0);
    auto const weather = chaos{chaos_plan{}.then(injection::fails(fault_kind::permanent), 2)};
    auto const ask = pipeline{}.wrap(weather.wrap(p));
    auto const ends = [&] {
        auto c = a_call();
        auto const result = sim.run(ask.try_call(c));
        return result ? std::string{"ok"} : std::string{to_string(result.error().kind())};
    };
    EXPECT_EQ(ends(), "permanent");
    weather.off();
    EXPECT_EQ(ends(), "ok");
    weather.on();
    EXPECT_EQ(ends(), "permanent") << "it goes on where it stood";
    EXPECT_EQ(ends(), "ok");
    auto const copy = weather;
    copy.play(chaos_plan{}.sometimes(1, injection::fails(fault_kind::overloaded)));
    EXPECT_EQ(ends(), "overloaded");
    EXPECT_EQ(weather.injected(chaos_effect::fault), 3);

    weather.play(chaos_plan{}.sometimes(1, injection::hangs()));
    auto c = a_call(1min);
    auto const hangs = sim.start(ask.try_call(c));
    sim.time.run_for(1s);
    weather.play({});
    EXPECT_EQ(ends(), "ok");
    EXPECT_EQ(hangs.get().error().kind(), fault_kind::timed_out) << "as it began";
}

TEST(chaos, observers_are_told_of_everything_it_does) {
    simulation sim;
    provider p;
    p.gives("hello").times(0);
    std::ostringstream told;
    auto const watch = [&](event const& e) {
        if (e.kind != event_kind::injected) return;
        told << e.name_space << ' ' << e.attempt << ' ' << e.reason << ' ' << e.delay / 1s << 's';
        if (e.why != nullptr) told << ' ' << e.why->kind();
        told << '\n';
    };
    auto const weather = chaos{chaos_plan{}
                                   .then(injection::fails(fault_kind::overloaded).after(2s))
                                   .then(injection::throws(std::system_error{make_error_code(asio::error::eof)}))
                                   .then(injection::loses_reply())};
    auto const around = chaos{chaos_plan{}.then(injection::none().after(1s))};
    auto const ask = pipeline{around, retry{{.max_sends = 3}}}.observe(watch).wrap(weather.wrap(p));
    auto c = a_call();
    EXPECT_EQ(sim.run(ask(c)), "hello");
    EXPECT_EQ(told.str(),
              "test 0 latency 1s\n"
              "test 1 latency 2s\n"
              "test 1 fault 0s overloaded\n"
              "test 2 exception 0s\n"
              "test 3 lost_reply 0s ambiguous\n");
    EXPECT_EQ(weather.injected(), 4);
    EXPECT_EQ(around.injected(), 1);
}

TEST(chaos, where_time_is_real_it_wants_to_be_meant) {
    provider p;
    p.gives("hello").times(0);
    auto const run = [&](auto const& ask) {
        asio::io_context io;
        auto c = a_call();
        auto const r = support::start<outcome<std::string>, asio::any_io_executor>(io.get_executor(), ask.try_call(c));
        io.run();
        return r.get();
    };
    auto const refuses = [&](auto const& ask) {
        auto const r = run(ask);
        return !r && r.error().kind() == fault_kind::permanent && r.error().code() == "chaos:real_time" &&
               r.error().execution() == knowledge::no && r.error().billing() == knowledge::no;
    };
    chaos const unmeant{chaos_plan{}};
    EXPECT_TRUE(refuses(pipeline{}.wrap(unmeant.wrap(p))));
    EXPECT_TRUE(refuses(pipeline{unmeant, retry{}}.wrap(p)));
    EXPECT_EQ(p.sends(), 0);
    unmeant.off();
    EXPECT_TRUE(refuses(pipeline{}.wrap(unmeant.wrap(p)))) << "else it would be seen when it is switched on";
    chaos const meant{chaos_plan{}.then(injection::fails(fault_kind::overloaded).after(1ms)), in_real_time};
    EXPECT_EQ(run(pipeline{}.wrap(meant.wrap(p))).error().kind(), fault_kind::overloaded);
    EXPECT_EQ(run(pipeline{}.wrap(meant.wrap(p))), "hello");
}

// A journal has permitted the send when chaos notices where it is: nothing was sent, and that is known.
TEST(chaos, where_it_is_not_meant_no_keys_send_is_spent) {
    provider p;
    p.gives("hello").times(0);
    memory_store const db;
    once_options const one_send{.max_sends = 1};
    auto const run = [&](auto const& ask) {
        asio::io_context io;
        auto c = a_call();
        auto const r = support::start<outcome<std::string>, asio::any_io_executor>(io.get_executor(), ask.try_call(c));
        io.run();
        return r.get();
    };
    auto const op = describe(p).fingerprint([] { return fingerprint{}; });
    chaos const unmeant;
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(run(pipeline{once{db, one_send}}.wrap(unmeant.wrap(op))).error().code(), "chaos:real_time");
        EXPECT_EQ(run(pipeline{once{db, one_send}, unmeant}.wrap(op)).error().code(), "chaos:real_time");
    }
    EXPECT_EQ(p.sends(), 0);
    EXPECT_EQ(run(pipeline{once{db, one_send}}.wrap(op)), "hello");
}

TEST(chaos, for_ever_is_a_time) {
    simulation sim;
    provider p;
    p.gives("hello").times(0);
    chaos const weather{chaos_plan{}.slows(1, 1s, 1s).then(injection::none().after(duration::max()))};
    auto c = a_call();
    EXPECT_EQ(sim.run(pipeline{}.wrap(weather.wrap(p)).try_call(c)).error().kind(), fault_kind::timed_out);
    EXPECT_EQ(p.sends(), 0);
}

TEST(chaos, it_may_be_changed_by_one_thread_while_others_send) {
    chaos const weather{chaos_plan{}, in_real_time};
    auto const op = [](attempt&) -> awaitable<int> { co_return 1; };
    guarded<int()> const ask = pipeline{}.wrap(weather.wrap(op));
    std::atomic<int> ok{0}, failed{0};
    auto const work = [&]() -> awaitable<void> {
        for (int i = 0; i < 500; ++i) {
            auto c = call::unkeyed();
            auto const result = co_await ask.try_call(c);
            ++(result ? ok : failed);
        }
    };
    std::atomic<bool> over{false};
    std::thread changing{[&] {
        for (int i = 0; !over; ++i) {
            if (i % 2 == 0)
                weather.play(chaos_plan{}.sometimes(0.5, injection::fails(fault_kind::overloaded)).seeded(1));
            else weather.play(chaos_plan{}.then(injection::loses_reply(), 3));
            if (i % 3 == 0) weather.off();
            else weather.on();
        }
    }};
    {
        asio::io_context io;
        for (int i = 0; i < 4; ++i) asio::co_spawn(io, work, asio::detached);
        std::thread other{[&] { io.run(); }};
        io.run();
        other.join();
    }
    over = true;
    changing.join();
    EXPECT_EQ(ok + failed, 2000);
    EXPECT_EQ(weather.injected(), failed);
}

}  // namespace
}  // namespace chaos_test
