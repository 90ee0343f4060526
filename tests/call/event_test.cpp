// SPDX-License-Identifier: BSL-1.0
// What observers are told, in which order, and that they cannot break anything.
#include <coffer/call/event.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/testing/scripted_operation.hpp>

#include "support/scripted_gate.hpp"
#include "support/simulation.hpp"

#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace event_test {
namespace {

using namespace coffer;
using namespace coffer::literals;
using namespace std::chrono_literals;
using coffer::testing::scripted_operation;
using support::simulation;
using lines = std::vector<std::string>;

retry patient(int attempts = 4) {
    return retry{{.attempts = attempts, .schedule = coffer::backoff{growth::constant, jitter::none, 2s, 2s}}};
}

/// Writes down every event.
struct notes {
    simulation& sim;
    time_point begin = sim.time.now();
    lines list{};

    [[nodiscard]] observer watch(std::string who = "") {
        return [this, who](event const& e) {
            std::ostringstream out;
            auto const seconds = [](duration d) { return std::chrono::duration_cast<std::chrono::seconds>(d).count(); };
            out << who << (who.empty() ? "" : ": ") << seconds(e.at - begin) << "s " << to_string(e.kind) << " "
                << e.attempt;
            if (e.why != nullptr) out << " " << e.why->kind();
            if (e.delay > 0s) out << " in " << seconds(e.delay) << "s";
            if (e.cost) out << " " << *e.cost;
            if (e.name_space != "test") out << " [" << e.name_space << "]";
            list.push_back(out.str());
        };
    }
};

TEST(event, every_kind_has_a_name) {
    std::set<std::string_view> names;
    for (int i = 0; i <= static_cast<int>(event_kind::not_hedged); ++i) {
        auto const name = to_string(static_cast<event_kind>(i));
        EXPECT_NE(name, "unknown");
        EXPECT_TRUE(names.insert(name).second) << name;
    }
}

TEST(event, attempts_are_told_in_order) {
    simulation sim;
    notes n{sim};
    scripted_operation<int> provider;
    provider.fails(fault_kind::throttled).after(1s).gives(7).after(3s).costing(0.5_usd);
    call c{key{"test", 1}};
    (void)sim.run(pipeline{patient()}.observe(n.watch()).wrap(provider)(c));
    EXPECT_EQ(n.list, (lines{"0s attempt_started 1", "1s attempt_ended 1 throttled $0.000000000",
                             "1s retry_scheduled 1 throttled in 2s", "3s attempt_started 2",
                             "6s attempt_ended 2 $0.500000000"}));
}

TEST(event, refusals_are_told_wherever_they_happen) {
    support::gate_script refusing;
    refusing.entries.push_back({support::entry::kind::refuse, 0s, fault_kind::circuit_open});
    support::tape t;
    auto const told = [&](auto make) {
        simulation sim;
        notes n{sim};
        scripted_operation<int> provider;
        provider.gives(1);
        call c{key{"test", 1}};
        (void)sim.run(make(n, support::plain_gate{t, "g", refusing}, provider).try_call(c));
        return n.list;
    };
    lines const expected{"0s attempt_refused 1 circuit_open"};
    EXPECT_EQ(told([](notes& n, auto gate, auto op) { return pipeline{gate}.observe(n.watch()).wrap(op); }), expected);
    EXPECT_EQ(told([](notes& n, auto gate, auto op) {
                  return pipeline{gate, support::scripted_layer{1}}.observe(n.watch()).wrap(op);
              }),
              expected);
    EXPECT_EQ(
        told([](notes& n, auto gate, auto op) { return pipeline{gate}.observe(n.watch()).wrap(pipeline{}.wrap(op)); }),
        expected);
}

TEST(event, a_refusal_of_a_later_attempt_has_its_number) {
    simulation sim;
    notes n{sim};
    support::tape t;
    support::gate_script second_time;
    second_time.entries = {{}, {support::entry::kind::refuse, 0s, fault_kind::circuit_open}};
    scripted_operation<int> provider;
    provider.fails(fault_kind::throttled);
    call c{key{"test", 1}};
    (void)sim.run(
        pipeline{patient(), support::plain_gate{t, "g", second_time}}.observe(n.watch()).wrap(provider).try_call(c));
    EXPECT_EQ(n.list.back(), "2s attempt_refused 2 circuit_open");
}

TEST(event, each_pipeline_tells_its_own_observers) {
    simulation sim;
    notes n{sim};
    scripted_operation<int> provider;
    provider.fails(fault_kind::throttled).gives(7);
    call c{key{"test", 1}};
    auto const inner = pipeline{}.observe(n.watch("inner")).wrap(provider);
    (void)sim.run(pipeline{patient()}.observe(n.watch("outer")).wrap(inner)(c));
    EXPECT_EQ(n.list, (lines{"inner: 0s attempt_started 1", "inner: 0s attempt_ended 1 throttled $0.000000000",
                             "outer: 0s retry_scheduled 1 throttled in 2s", "inner: 2s attempt_started 2",
                             "inner: 2s attempt_ended 2"}));
}

TEST(event, a_call_without_a_key_has_no_name) {
    simulation sim;
    notes n{sim};
    (void)sim.run(pipeline{}.observe(n.watch()).wrap(scripted_operation<int>{}.gives(1))(call::unkeyed()));
    EXPECT_EQ(n.list.front(), "0s attempt_started 1 []");
}

TEST(event, observers_that_throw_break_nothing_and_hide_nothing) {
    simulation sim;
    notes n{sim};
    scripted_operation<int> provider;
    provider.fails(fault_kind::throttled).gives(7);
    call c{key{"test", 1}};
    auto const broken = [](event const&) { throw std::runtime_error{"the observer fell over"}; };
    auto const ask = pipeline{patient()}.observe(broken).observe(n.watch()).observe(broken).wrap(provider);
    EXPECT_EQ(sim.run(ask(c)), 7);
    EXPECT_EQ(n.list.size(), 5U);
}

TEST(event, an_observer_may_use_the_library_itself) {
    // Nothing is locked while observers are told: one may start another call through the same pipeline.
    simulation sim;
    scripted_operation<int> provider;
    provider.fails(fault_kind::throttled).gives(1).gives(2);
    std::vector<int> nested;
    std::function<void()> start_another;
    bool started = false;
    auto const ask = pipeline{patient()}
                         .observe([&](event const& e) {
                             if (e.kind == event_kind::attempt_ended && !std::exchange(started, true)) start_another();
                         })
                         .wrap(provider);
    auto const run_other = [](auto const& wrapped, std::vector<int>& out) -> awaitable<void> {
        out.push_back(co_await wrapped(call{key{"test", 2}}));
    };
    start_another = [&] { sim.start(run_other(ask, nested)); };
    call c{key{"test", 1}};
    EXPECT_EQ(sim.run(ask(c)), 2);
    EXPECT_EQ(nested, std::vector{1});
}

}  // namespace
}  // namespace event_test
