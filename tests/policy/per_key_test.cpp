// SPDX-License-Identifier: BSL-1.0
// One gate for each name: who goes through which, what is kept and what is forgotten, and what operators can do.
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/per_key.hpp>
#include <coffer/policy/rate_limit.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/testing/scripted_operation.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/scripted_gate.hpp"
#include "support/simulation.hpp"

namespace per_key_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using coffer::testing::scripted_operation;
using support::simulation;
using provider = scripted_operation<int>;

call of(std::string tenant, duration deadline = 1h) { return call::unkeyed(deadline).tag("tenant", std::move(tenant)); }

/// Asks once for a tenant, to the end.
template <class Ask>
outcome<int> ask_for(simulation& sim, Ask const& ask, std::string tenant, duration deadline = 1h) {
    auto c = of(std::move(tenant), deadline);
    return sim.run(ask.try_call(c));
}
template <class T>
fault_kind kind(outcome<T> const& o) {
    return o ? fault_kind::permanent : o.error().kind();
}

rate_limit a_minute(std::int64_t requests) { return rate_limit{{.requests_per_minute = requests}}; }

/// A gate without a state that tells nothing of itself; counts those in the world.
class counting_gate {
public:
    explicit counting_gate(std::shared_ptr<int> alive)
        : token_{std::shared_ptr<void>{nullptr, [alive](void*) { --*alive; }}} {
        ++*alive;
    }
    struct ticket {
        verdict settle(attempt_end const&, attempt&) noexcept { return verdict::done(); }
    };
    admission try_enter(attempt&, slot<ticket>& s) const {
        s.emplace();
        return admission::in();
    }

private:
    std::shared_ptr<void> token_;
};

// Who goes where --------------------------------------------------------------------------------------------------------

TEST(per_key, each_name_has_a_gate_of_its_own) {
    simulation sim;
    provider p;
    p.fails(fault_kind::overloaded).times(3).gives(1).times(0);
    per_key const health{by_tag{"tenant"}, [] { return circuit_breaker{{.in_a_row = 3}}; }};
    auto const ask = pipeline{health}.wrap(p);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(kind(ask_for(sim, ask, "a")), fault_kind::overloaded);
    EXPECT_EQ(kind(ask_for(sim, ask, "a")), fault_kind::circuit_open);
    EXPECT_TRUE(ask_for(sim, ask, "b"));
    EXPECT_EQ(health.size(), 2U);
    EXPECT_EQ(health.find("a")->status().state, circuit_state::open);
    EXPECT_EQ(health.find("b")->status().state, circuit_state::closed);
}

TEST(per_key, whoever_waits_waits_in_the_line_of_his_name) {
    simulation sim;
    provider p;
    p.gives(1).times(0);
    per_key const pace{by_tag{"tenant"}, [] { return rate_limit{{.requests_per_minute = 60, .burst = 1s}}; }};
    auto const ask = pipeline{pace}.wrap(p);
    std::vector<call> calls;
    for (auto const* const who : {"a", "a", "a", "b"}) calls.push_back(of(who));
    std::vector<support::running<outcome<int>>> all;
    auto const start = sim.time.now();
    for (auto& c : calls) all.push_back(sim.start(ask.try_call(c)));
    sim.time.run_for(0s);
    EXPECT_EQ(p.sends(), 2) << "one of each";
    EXPECT_EQ(pace.find("a")->waiting(), 2U);
    EXPECT_EQ(pace.find("b")->waiting(), 0U);
    sim.time.run();
    EXPECT_EQ(sim.time.now() - start, 2s);
    for (auto const& one : all) EXPECT_TRUE(one.get());
    EXPECT_EQ(calls[2].log()[0].why_waited, wait_reason::admission);
}

TEST(per_key, a_retrys_quota_is_that_of_its_name) {
    simulation sim;
    provider p;
    p.fails(fault_kind::overloaded).times(0);
    per_key const tries{by_tag{"tenant"},
                        [] { return retry{{.attempts = 3}, retry_quota{{.capacity = 2, .per_second = 0.001}}}; }};
    auto const ask = pipeline{tries}.wrap(p);
    EXPECT_EQ(ask_for(sim, ask, "a").error().stop(), stop_reason::attempts_spent);
    EXPECT_EQ(p.sends(), 3);
    EXPECT_EQ(ask_for(sim, ask, "a").error().stop(), stop_reason::quota_spent);
    EXPECT_EQ(p.sends(), 4) << "it is empty";
    EXPECT_EQ(ask_for(sim, ask, "b").error().stop(), stop_reason::attempts_spent);
    EXPECT_EQ(p.sends(), 7) << "and another name's is not";
}

TEST(per_key, names_come_from_tags_targets_or_any_function) {
    simulation sim;
    auto const op = describe([](int) -> awaitable<outcome<int>> { co_return 1; }).target([](int) {
        return target{"openai", "gpt"};
    });
    auto const make = [] { return a_minute(10); };
    per_key const provider_of{by_provider{}, make}, model{by_model{}, make}, both{by_target{}, make},
        number{[](attempt const& a) { return std::to_string(a.of().tags().size()); }, make},
        literal{[](attempt const&) { return "all"; }, make},
        first{[](attempt const& a) -> std::string const& { return a.of().tags()[0].second; }, make};
    auto const ask = pipeline{provider_of, model, both, number, literal, first}.wrap(op);
    auto c = of("acme");
    EXPECT_EQ(sim.run(ask(c, 1)), 1);
    EXPECT_TRUE(provider_of.find("openai"));
    EXPECT_TRUE(model.find("gpt"));
    EXPECT_TRUE(both.find("openai/gpt"));
    EXPECT_TRUE(number.find("1"));
    EXPECT_TRUE(literal.find("all"));
    EXPECT_TRUE(first.find("acme"));
    EXPECT_FALSE(first.find("acm"));
}

TEST(per_key, who_has_no_name_shares_the_partition_without_one) {
    simulation sim;
    provider p;
    p.gives(1).times(0);
    per_key const pace{by_tag{"tenant"}, [] { return a_minute(1); }};
    per_key const by_target_of_nobody{by_target{}, [] { return a_minute(100); }};
    auto const ask = pipeline{pace, by_target_of_nobody}.wrap(p);
    auto untagged = call::unkeyed(1s);
    EXPECT_TRUE(sim.run(ask.try_call(untagged)));
    EXPECT_EQ(kind(ask_for(sim, ask, "", 1s)), fault_kind::queue_full) << "one line for both";
    EXPECT_TRUE(ask_for(sim, ask, "a", 1s));
    EXPECT_TRUE(pace.find(""));
    EXPECT_TRUE(by_target_of_nobody.find(""));
}

TEST(per_key, of_several_tags_of_one_name_the_first_counts) {
    simulation sim;
    provider p;
    p.gives(1).times(0);
    per_key const pace{by_tag{"tenant"}, [] { return a_minute(100); }};
    auto c = of("a").tag("tenant", "b");
    EXPECT_TRUE(sim.run(pipeline{pace}.wrap(p).try_call(c)));
    EXPECT_TRUE(pace.find("a"));
    EXPECT_FALSE(pace.find("b"));
}

TEST(per_key, the_factory_may_go_by_the_name) {
    simulation sim;
    provider p;
    p.gives(1).times(0);
    per_key const pace{by_tag{"tenant"}, [](std::string_view who) { return a_minute(who == "gold" ? 100 : 1); }};
    auto const ask = pipeline{pace}.wrap(p);
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(ask_for(sim, ask, "gold", 1s));
    EXPECT_TRUE(ask_for(sim, ask, "tin", 1s));
    EXPECT_EQ(kind(ask_for(sim, ask, "tin", 1s)), fault_kind::queue_full);
}

TEST(per_key, gates_may_be_made_of_gates_of_gates) {
    simulation sim;
    provider p;
    p.gives(1).times(0);
    per_key const pace{by_tag{"tenant"}, [] { return per_key{by_tag{"user"}, [] { return a_minute(1); }}; }};
    auto const ask = pipeline{pace}.wrap(p);
    for (auto const* const user : {"u", "v"}) {
        auto c = of("a", 1s).tag("user", user);
        EXPECT_TRUE(sim.run(ask.try_call(c)));
    }
    auto again = of("a", 1s).tag("user", "v");
    EXPECT_EQ(kind(sim.run(ask.try_call(again))), fault_kind::queue_full);
    EXPECT_EQ((*pace.find("a")).size(), 2U);
}

// What is kept ------------------------------------------------------------------------------------------------------------

TEST(per_key, when_all_are_fresh_a_new_name_is_refused_and_told_when_to_come_back) {
    simulation sim;
    provider p;
    p.gives(1).times(0);
    per_key const pace{by_tag{"tenant"}, [] { return a_minute(60); }, {.max_keys = 2, .forget_after = 5min}};
    auto const ask = pipeline{pace}.wrap(p);
    EXPECT_TRUE(ask_for(sim, ask, "a"));
    sim.time.run_for(1min);
    EXPECT_TRUE(ask_for(sim, ask, "b"));
    auto const no = ask_for(sim, ask, "c");
    EXPECT_EQ(kind(no), fault_kind::queue_full);
    EXPECT_EQ(no.error().code(), "max_keys");
    EXPECT_EQ(no.error().billing(), knowledge::no);
    EXPECT_EQ(no.error().retry_after(), 4min);
    EXPECT_EQ(p.sends(), 2);
    EXPECT_TRUE(ask_for(sim, ask, "a")) << "those that are known are not concerned";

    sim.time.run_for(5min - 1ns);
    EXPECT_EQ(kind(ask_for(sim, ask, "c")), fault_kind::queue_full);
    sim.time.run_for(1ns);
    EXPECT_TRUE(ask_for(sim, ask, "a"));
    EXPECT_TRUE(ask_for(sim, ask, "c")) << "b has been unused for 5 min, a has not";
    EXPECT_TRUE(pace.find("a"));
    EXPECT_FALSE(pace.find("b"));
    EXPECT_EQ(pace.size(), 2U);
}

TEST(per_key, what_is_in_use_is_not_forgotten_and_what_waits_neither) {
    simulation sim;
    provider p;
    p.gives(1).after(1h).times(1).gives(1).times(0);
    per_key const pace{
        by_tag{"tenant"}, [] { return rate_limit{{.requests_per_day = 1}}; }, {.max_keys = 1, .forget_after = 0s}};
    auto const ask = pipeline{pace}.wrap(p);
    auto first = of("a", 100h), second = of("a", 100h);
    auto const sends = sim.start(ask.try_call(first));
    auto const waits = sim.start(ask.try_call(second));
    sim.time.run_for(30min);
    auto other = of("b");
    auto const refused = sim.start(ask.try_call(other));
    sim.time.run_for(0s);
    EXPECT_EQ(refused.get().error().code(), "max_keys") << "one is sent";
    EXPECT_FALSE(refused.get().error().retry_after()) << "and nobody knows for how long";
    sim.time.run_for(2h);
    EXPECT_TRUE(sends.over());
    auto another = of("b");
    auto const again = sim.start(ask.try_call(another));
    sim.time.run_for(0s);
    EXPECT_EQ(again.get().error().code(), "max_keys") << "one waits";
    waits.cancel();
    sim.time.run();
    EXPECT_EQ(kind(waits.get()), fault_kind::cancelled);
    EXPECT_EQ(pace.find("a")->waiting(), 0U);
}

TEST(per_key, a_days_limit_is_not_forgotten_before_it_is_refilled) {
    simulation sim;
    provider p;
    p.gives(1).times(0);
    per_key const pace{
        by_tag{"tenant"}, [] { return rate_limit{{.requests_per_day = 24}}; }, {.max_keys = 1, .forget_after = 1min}};
    auto const ask = pipeline{pace}.wrap(p);
    for (int i = 0; i < 24; ++i) EXPECT_TRUE(ask_for(sim, ask, "a", 1s));
    sim.time.run_for(23h);
    EXPECT_EQ(ask_for(sim, ask, "b", 1s).error().code(), "max_keys") << "a could begin a new day";
    sim.time.run_for(1h);
    EXPECT_TRUE(ask_for(sim, ask, "b", 1s)) << "now it would be the same";
}

TEST(per_key, a_limit_that_the_provider_has_stopped_is_not_forgotten) {
    simulation sim;
    provider p;
    p.fails(fault{fault_kind::throttled}.with_retry_after(8min)).gives(1).times(0);
    per_key const pace{by_tag{"tenant"}, [] { return a_minute(60); }, {.max_keys = 1, .forget_after = 1s}};
    auto const ask = pipeline{pace}.wrap(p);
    EXPECT_EQ(kind(ask_for(sim, ask, "a")), fault_kind::throttled);
    sim.time.run_for(7min);
    auto const refused = ask_for(sim, ask, "b", 1s);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), "max_keys");
    sim.time.run_for(4min);  // a hint is spread upwards
    EXPECT_TRUE(ask_for(sim, ask, "b", 1s));
}

TEST(per_key, an_open_breaker_is_not_forgotten_and_an_isolated_one_never) {
    simulation sim;
    provider p;
    p.fails(fault{fault_kind::overloaded}.with_retry_after(5min)).times(1).gives(1).times(0);
    per_key const health{
        by_tag{"tenant"}, [] { return circuit_breaker{{.in_a_row = 1}}; }, {.max_keys = 2, .forget_after = 1s}};
    auto const ask = pipeline{health}.wrap(p);
    EXPECT_EQ(kind(ask_for(sim, ask, "a")), fault_kind::overloaded);
    health.at("b")->isolate("by hand");
    sim.time.run_for(5min - 1s);
    EXPECT_EQ(ask_for(sim, ask, "c").error().code(), "max_keys") << "a is open, b isolated";
    sim.time.run_for(10min);  // the break, spread upwards, and as long again, in which it would count on
    EXPECT_TRUE(ask_for(sim, ask, "c")) << "a would let a probe in by now";
    EXPECT_FALSE(health.find("a"));
    sim.time.run_for(10000h);
    EXPECT_TRUE(ask_for(sim, ask, "d"));
    EXPECT_TRUE(health.find("b"));
    EXPECT_EQ(kind(ask_for(sim, ask, "b")), fault_kind::circuit_open);
    health.find("b")->close();
    sim.time.run_for(1min);
    EXPECT_TRUE(ask_for(sim, ask, "e"));
    EXPECT_TRUE(ask_for(sim, ask, "b"));
}

TEST(per_key, many_that_remember_do_not_hide_one_that_does_not) {
    simulation sim;
    provider p;
    p.gives(1).times(0);
    constexpr int many = 100;
    per_key const health{
        by_tag{"tenant"}, [] { return circuit_breaker{}; }, {.max_keys = many + 1, .forget_after = 1s}};
    auto const ask = pipeline{health}.wrap(p);
    for (int i = 0; i < many; ++i) health.at(std::to_string(i))->isolate();
    EXPECT_TRUE(ask_for(sim, ask, "idle"));
    sim.time.run_for(1min);
    int tries = 0;
    while (!ask_for(sim, ask, "new") && tries < 20) ++tries;
    EXPECT_GT(tries, 0) << "no more than some are asked at once";
    EXPECT_LE(tries, many / 16 + 1);
    EXPECT_FALSE(health.find("idle"));
    EXPECT_EQ(health.size(), many + 1U);
}

TEST(per_key, a_gate_that_says_nothing_of_itself_is_forgotten_by_time_alone) {
    simulation sim;
    provider p;
    p.gives(1).times(0);
    auto const alive = std::make_shared<int>(0);
    {
        per_key const gates{by_tag{"tenant"}, [alive] { return counting_gate{alive}; }, {.max_keys = 3}};
        auto const ask = pipeline{gates}.wrap(p);
        for (auto const* const who : {"a", "b", "c"}) EXPECT_TRUE(ask_for(sim, ask, who));
        EXPECT_EQ(*alive, 3);
        sim.time.run_for(10min - 1ns);
        EXPECT_EQ(ask_for(sim, ask, "d").error().code(), "max_keys") << "10 min is the default";
        EXPECT_EQ(*alive, 3) << "no gate is made for nobody";
        sim.time.run_for(1ns);
        for (int i = 0; i < 3; ++i) EXPECT_TRUE(ask_for(sim, ask, std::to_string(i)));
        EXPECT_EQ(*alive, 3);
    }
    EXPECT_EQ(*alive, 0);
}

TEST(per_key, the_default_bound_is_ten_thousand) {
    simulation sim;
    auto const alive = std::make_shared<int>(0);
    per_key const gates{by_tag{"tenant"}, [alive] { return counting_gate{alive}; }};
    for (int i = 0; i < 10'000; ++i) (void)gates.at(std::to_string(i));
    EXPECT_THROW((void)gates.at("more"), failure);
    EXPECT_EQ(gates.size(), 10'000U);
    EXPECT_EQ(*alive, 10'000);
}

TEST(per_key, those_without_room_may_share_one_partition) {
    simulation sim;
    provider p;
    p.gives(1).times(0);
    per_key const pace{by_tag{"tenant"},
                       [](std::string_view who) { return a_minute(who.empty() ? 2 : 1); },
                       {.max_keys = 1, .forget_after = 10min, .when_full = when_full::share}};
    auto const ask = pipeline{pace}.wrap(p);
    EXPECT_TRUE(ask_for(sim, ask, "a", 1s));
    EXPECT_TRUE(ask_for(sim, ask, "b", 1s));
    EXPECT_TRUE(ask_for(sim, ask, "c", 1s));
    EXPECT_EQ(ask_for(sim, ask, "d", 1s).error().code(), "wait_too_long") << "two are what they have together";
    EXPECT_EQ(ask_for(sim, ask, "", 1s).error().code(), "wait_too_long") << "with those who have no name";
    EXPECT_EQ(pace.size(), 2U);
    EXPECT_TRUE(pace.find(""));
    EXPECT_FALSE(pace.find("b"));
    EXPECT_THROW((void)pace.at("b"), failure) << "an operator is not given another name's";

    sim.time.run_for(10min);
    EXPECT_TRUE(ask_for(sim, ask, "b", 1s)) << "there is room";
    EXPECT_TRUE(pace.find("b"));
    EXPECT_FALSE(pace.find("a"));
}

TEST(per_key, a_partition_is_held_while_its_retry_sleeps_and_while_a_caller_leaves) {
    simulation sim;
    provider p;
    p.fails(fault{fault_kind::overloaded}.with_retry_after(5min)).times(2).gives(1).times(0);
    per_key const tries{by_tag{"tenant"}, [] { return retry{{.attempts = 2}}; }, {.max_keys = 1, .forget_after = 0s}};
    auto const ask = pipeline{tries}.wrap(p);
    auto a = of("a"), b = of("b");
    auto const sleeps = sim.start(ask.try_call(a));
    sim.time.run_for(1min);
    EXPECT_EQ(p.sends(), 1);
    auto const refused = sim.start(ask.try_call(b));
    sim.time.run_for(0s);
    EXPECT_EQ(refused.get().error().code(), "max_keys");
    sleeps.cancel();
    sim.time.run_for(0s);
    EXPECT_EQ(kind(sleeps.get()), fault_kind::cancelled);
    auto const in = sim.start(ask.try_call(b));
    sim.time.run();
    EXPECT_TRUE(in.get());
}

// It is abandoned, and nobody tells it when: what counts is when it was let go of, not when it began.
TEST(per_key, what_a_dying_context_held_is_fresh_when_it_is_let_go_of) {
    auto const clock = std::make_shared<coffer::testing::virtual_clock>();
    asio::io_context living;
    clock_service::of(living.get_executor()).install(clock);
    provider p;
    p.never().times(0);
    auto const alive = std::make_shared<int>(0);
    per_key const gates{
        by_tag{"tenant"}, [alive] { return counting_gate{alive}; }, {.max_keys = 1, .forget_after = 10min}};
    auto const ask = pipeline{gates}.wrap(p);
    {
        auto a = of("a", 100h);
        asio::io_context dying;
        clock_service::of(dying.get_executor()).install(clock);
        auto const r = support::start<outcome<int>, asio::any_io_executor>(dying.get_executor(), ask.try_call(a));
        dying.poll();
        EXPECT_EQ(p.in_flight(), 1);
        clock->set(clock->now() + 1h);
    }
    EXPECT_EQ(p.in_flight(), 0);
    auto b = of("b", 100h);
    auto const refused = support::start<outcome<int>, asio::any_io_executor>(living.get_executor(), ask.try_call(b));
    living.poll();
    ASSERT_TRUE(refused.over());
    EXPECT_EQ(refused.get().error().retry_after(), 10min);
}

// What goes wrong ------------------------------------------------------------------------------------------------------------

TEST(per_key, what_the_functions_throw_is_a_fault_and_nothing_is_sent) {
    simulation sim;
    provider p;
    p.gives(1).times(0);
    auto const make = [] { return a_minute(10); };
    auto const run = [&](auto const& gate) { return ask_for(sim, pipeline{retry{}, gate}.wrap(p), "secret-tenant"); };
    per_key const nameless{[](attempt const&) -> std::string { throw std::runtime_error{"no region"}; }, make};
    auto const a = run(nameless);
    EXPECT_EQ(kind(a), fault_kind::permanent);
    EXPECT_EQ(a.error().message(), "per_key: the function that names the partition threw: no region");
    EXPECT_EQ(a.error().billing(), knowledge::no);
    EXPECT_EQ(a.error().execution(), knowledge::no);
    EXPECT_TRUE(a.error().cause());

    per_key const gateless{by_tag{"tenant"},
                           [](std::string_view) -> rate_limit { return rate_limit{{.requests_per_day = -1}}; }};
    auto const b = run(gateless);
    EXPECT_NE(b.error().message().find("per_key: the factory threw: coffer::rate_limit: requests_per_day is negative"),
              std::string_view::npos)
        << b.error().message();
    EXPECT_EQ(gateless.size(), 0U) << "the next one tries again";

    per_key const turned_away{by_tag{"tenant"}, [](std::string_view) -> rate_limit {
                                  throw failure{fault{fault_kind::forbidden, "not a customer"}};
                              }};
    EXPECT_EQ(kind(run(turned_away)), fault_kind::forbidden);
    EXPECT_EQ(p.sends(), 0);

    per_key const wrong{by_tag{"tenant"}, [](std::string_view) -> rate_limit { throw misuse{"a defect"}; }};
    EXPECT_THROW(run(wrong), misuse);
    per_key const poor{[](attempt const&) -> std::string { throw std::bad_alloc{}; }, make};
    EXPECT_THROW(run(poor), std::bad_alloc);
    EXPECT_EQ(p.sends(), 0);
}

TEST(per_key, no_name_is_ever_said) {
    simulation sim;
    provider p;
    p.fails(fault_kind::overloaded).times(0);
    std::ostringstream said;
    auto const note = [&](fault const& f) { said << f << '\n'; };
    auto const watch = [&](event const& e) {
        said << to_string(e.kind) << e.reason << e.name_space;
        if (e.why != nullptr) note(*e.why);
    };
    per_key const health{by_tag{"tenant"}, [] { return circuit_breaker{{.in_a_row = 2}}; }, {.max_keys = 1}};
    auto const ask = pipeline{health}.observe(watch).wrap(p);
    for (int i = 0; i < 4; ++i) note(ask_for(sim, ask, "secret-tenant").error());
    note(ask_for(sim, ask, "secret-other").error());
    EXPECT_NE(said.str().find("max_keys"), std::string::npos);
    EXPECT_NE(said.str().find("circuit_opened"), std::string::npos);
    EXPECT_EQ(said.str().find("secret"), std::string::npos) << said.str();
}

TEST(per_key, the_factory_may_look_at_the_partitions) {
    simulation sim;
    provider p;
    p.gives(1).times(0);
    std::shared_ptr<per_key<rate_limit>> self;
    std::vector<std::size_t> sizes;
    self = std::make_shared<per_key<rate_limit>>(by_tag{"tenant"}, [&](std::string_view who) {
        sizes.push_back(self->size());
        if (who == "child") (void)self->at("parent");  // its limits go by the parent's
        return a_minute(10);
    });
    EXPECT_TRUE(ask_for(sim, pipeline{*self}.wrap(p), "child"));
    EXPECT_EQ(sizes, (std::vector<std::size_t>{0, 0}));
    EXPECT_EQ(self->size(), 2U);
}

TEST(per_key, copies_of_one_policy_are_no_partitions) {
    simulation sim;
    provider p;
    p.gives(1).times(0);
    per_key const pace{by_tag{"tenant"}, [one = a_minute(10)] { return one; }};
    auto const ask = pipeline{pace}.wrap(p);
    EXPECT_TRUE(ask_for(sim, ask, "a"));
    EXPECT_THROW(ask_for(sim, ask, "b"), misuse);
}

TEST(per_key, the_same_one_twice_in_a_pipeline_is_misuse) {
    provider const p;
    per_key const pace{by_tag{"tenant"}, [] { return a_minute(10); }};
    auto const copy = pace;
    EXPECT_EQ(copy.state(), pace.state());
    EXPECT_THROW((void)(pipeline{pace, copy}.wrap(p)), misuse);
    per_key const other{by_tag{"tenant"}, [] { return a_minute(10); }};
    EXPECT_NO_THROW((void)(pipeline{pace, other}.wrap(p)));
}

TEST(per_key, another_clock_is_misuse) {
    simulation one, two;
    provider p;
    p.gives(1).times(0);
    per_key const pace{by_tag{"tenant"}, [] { return a_minute(10); }};
    auto const ask = pipeline{pace}.wrap(p);
    EXPECT_TRUE(ask_for(one, ask, "a"));
    EXPECT_THROW(ask_for(two, ask, "b"), misuse);
}

TEST(per_key, options_that_cannot_be_meant_are_refused) {
    auto const make = [](per_key_options o) { (void)per_key{by_model{}, [] { return circuit_breaker{}; }, o}; };
    EXPECT_THROW(make({.max_keys = 0}), std::invalid_argument);
    EXPECT_THROW(make({.max_keys = 10'000'001}), std::invalid_argument);
    EXPECT_THROW(make({.forget_after = -1ns}), std::invalid_argument);
    EXPECT_NO_THROW(make({.max_keys = 1, .forget_after = 0s}));
}

// The gates' own nature --------------------------------------------------------------------------------------------------------

TEST(per_key, traits_and_waiting_are_those_of_the_gate) {
    static_assert(per_key<rate_limit>::traits.per_send && per_key<rate_limit>::traits.estimates);
    static_assert(per_key<retry>::traits.multiplies_sends && !per_key<retry>::traits.per_send);
    static_assert(gate<per_key<circuit_breaker>> && !waiting_gate<per_key<circuit_breaker>>);
    static_assert(waiting_gate<per_key<rate_limit>> && waiting_gate<per_key<per_key<rate_limit>>>);
    SUCCEED();
}

// Whatever a gate does, it is told the same through a partition as without.
TEST(per_key, tickets_hear_what_the_walk_says) {
    using kind_of = support::entry::kind;
    auto const script = [](std::vector<support::entry> entries, std::vector<duration> again) {
        support::gate_script s;
        s.entries = std::move(entries), s.again = std::move(again);
        return s;
    };
    std::vector<support::gate_script> const scripts{
        script({}, {}),
        script({}, {1s, 2s}),
        script({{kind_of::refuse}}, {}),
        script({{kind_of::fall_over}}, {}),
        script({{kind_of::wait, 1s}}, {1s}),
        script({{kind_of::wait_refuse, 1s}}, {}),
        script({{kind_of::wait_grant, 3s}}, {1s}),
    };
    for (bool const cancelled : {false, true}) {
        for (auto const& s : scripts) {
            auto const played = [&](auto const& wrap) {
                simulation sim;
                provider p;
                p.fails(fault_kind::overloaded).after(1s).times(2).gives(1).times(0);
                support::tape tape;
                auto const ask = pipeline{wrap(support::waiting_gate{tape, "g", s})}.wrap(p);
                auto c = of("a");
                auto const r = sim.start(ask.try_call(c));
                if (cancelled) sim.cancel_after(1500ms, r);
                sim.time.run();
                tape.line(r.get() ? "ok" : std::string{to_string(r.get().error().kind())});
                EXPECT_EQ(tape.tickets_out(), 0);
                EXPECT_EQ(tape.defects(), 0);
                return tape.lines();
            };
            auto const bare = played([](auto g) { return g; });
            auto const parted = played([](auto g) { return per_key{by_tag{"tenant"}, [g] { return g; }}; });
            EXPECT_EQ(parted, bare);
        }
    }
}

// Operators ------------------------------------------------------------------------------------------------------------------

TEST(per_key, an_operator_may_come_before_the_first_call) {
    simulation sim;
    provider p;
    p.gives(1).times(0);
    per_key const health{by_tag{"tenant"}, [] { return circuit_breaker{}; }, {.max_keys = 1, .forget_after = 1min}};
    auto const ask = pipeline{health}.wrap(p);
    EXPECT_FALSE(health.find("a"));
    health.at("a")->isolate("does not pay");
    EXPECT_EQ(kind(ask_for(sim, ask, "a")), fault_kind::circuit_open);
    health.find("a")->close();
    EXPECT_TRUE(ask_for(sim, ask, "a"));
    EXPECT_EQ(ask_for(sim, ask, "b").error().retry_after(), 1min);
}

TEST(per_key, what_an_operator_made_before_time_began_is_not_old) {
    simulation sim;
    provider p;
    p.gives(1).times(0);
    auto const alive = std::make_shared<int>(0);
    per_key const gates{
        by_tag{"tenant"}, [alive] { return counting_gate{alive}; }, {.max_keys = 1, .forget_after = 1min}};
    (void)gates.at("a");
    EXPECT_EQ(ask_for(sim, pipeline{gates}.wrap(p), "b").error().retry_after(), 1min);
}

TEST(per_key, what_an_operator_holds_is_not_forgotten) {
    simulation sim;
    provider p;
    p.gives(1).times(0);
    auto const alive = std::make_shared<int>(0);
    per_key const gates{
        by_tag{"tenant"}, [alive] { return counting_gate{alive}; }, {.max_keys = 1, .forget_after = 0s}};
    auto const ask = pipeline{gates}.wrap(p);
    {
        auto held = gates.at("a");
        auto const moved = std::move(held);
        EXPECT_TRUE(moved);
        EXPECT_EQ(moved.name(), "a");
        EXPECT_EQ(ask_for(sim, ask, "b").error().code(), "max_keys");
    }
    EXPECT_TRUE(ask_for(sim, ask, "b"));
    EXPECT_EQ(*alive, 1);
}

// Or whoever shows them on a screen would keep all of them for ever.
TEST(per_key, what_is_looked_at_is_not_used) {
    simulation sim;
    provider p;
    p.gives(1).times(0);
    per_key const pace{by_tag{"tenant"}, [] { return a_minute(10); }, {.max_keys = 1, .forget_after = 10min}};
    auto const ask = pipeline{pace}.wrap(p);
    EXPECT_TRUE(ask_for(sim, ask, "a"));
    for (int i = 0; i < 9; ++i) {
        sim.time.run_for(1min);
        pace.for_each([](std::string_view, rate_limit const&) {});
        EXPECT_TRUE(pace.find("a"));
    }
    EXPECT_EQ(ask_for(sim, ask, "b").error().retry_after(), 1min);
    sim.time.run_for(1min);
    {
        auto const looks = pace.find("a");
        EXPECT_EQ(ask_for(sim, ask, "b").error().code(), "max_keys") << "but it does not go under one's eyes";
    }
    EXPECT_TRUE(ask_for(sim, ask, "b"));
    EXPECT_FALSE(pace.find("a"));
    EXPECT_TRUE(pace.at("b"));
    sim.time.run_for(10min - 1ns);
    (void)pace.at("b");
    sim.time.run_for(10min - 1ns);
    EXPECT_EQ(ask_for(sim, ask, "c").error().code(), "max_keys") << "`at` is a use";
}

TEST(per_key, all_can_be_looked_at_while_they_are_used) {
    simulation sim;
    provider p;
    p.gives(1).times(0);
    per_key const pace{by_tag{"tenant"}, [] { return a_minute(10); }};
    auto const ask = pipeline{pace}.wrap(p);
    for (auto const* const who : {"a", "b", "c"}) EXPECT_TRUE(ask_for(sim, ask, who));
    std::string names;
    pace.for_each([&](std::string_view name, rate_limit const& l) {
        names += name;
        EXPECT_EQ(l.waiting(), 0U);
        EXPECT_TRUE(pace.find(name)) << "nothing is locked";
        (void)pace.at("d");
    });
    std::sort(names.begin(), names.end());
    EXPECT_EQ(names, "abc");
    EXPECT_EQ(pace.size(), 4U);
}

TEST(per_key, whoever_throws_while_he_looks_at_all_holds_none_of_them) {
    simulation sim;
    provider p;
    p.gives(1).times(0);
    per_key const pace{by_tag{"tenant"}, [] { return a_minute(10); }, {.max_keys = 2, .forget_after = 0s}};
    auto const ask = pipeline{pace}.wrap(p);
    for (auto const* const who : {"a", "b"}) EXPECT_TRUE(ask_for(sim, ask, who));
    EXPECT_THROW(pace.for_each([](std::string_view, rate_limit const&) { throw std::runtime_error{"enough"}; }),
                 std::runtime_error);
    sim.time.run_for(1h);
    for (auto const* const who : {"c", "d"}) EXPECT_TRUE(ask_for(sim, ask, who));
}

}  // namespace
}  // namespace per_key_test
