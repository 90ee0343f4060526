// SPDX-License-Identifier: BSL-1.0
// Everything is explained: the text of a call's log, to the letter.
#include <coffer/call/attempt_log.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/testing/scripted_operation.hpp>

#include "support/scripted_gate.hpp"
#include "support/simulation.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

namespace attempt_log_test {
namespace {

using namespace coffer;
using namespace coffer::literals;
using namespace std::chrono_literals;

std::string text(attempt_log const& log) {
    std::ostringstream out;
    out << log;
    return out.str();
}

TEST(attempt_log, prints_a_table) {
    attempt_log log;
    auto const add = [&](int number, auto fill) {
        attempt_record r;
        r.number = number;
        r.target = target{"openai", "gpt-4o-mini"};
        fill(r);
        log.add(r);
    };
    add(1, [](attempt_record& r) {
        r.duration = 1234567890ns;
        r.fault = fault{fault_kind::throttled}.with_status(429);
        r.execution = r.billing = knowledge::no;
    });
    add(2, [](attempt_record& r) {
        r.start = 21s, r.waited = 20s, r.why_waited = wait_reason::provider_hint, r.duration = 300s;
        r.fault = fault{fault_kind::ambiguous};
        r.execution = r.billing = knowledge::maybe;
    });
    add(10, [](attempt_record& r) {
        r.start = 400s, r.waited = 5s, r.why_waited = wait_reason::ambiguous_floor, r.duration = 12ms;
        r.target = target{"", "local"};
        r.cost = 0.0123_usd;
    });
    EXPECT_EQ(
        text(log),
        "#   target              start     waited   why        took      end            executed  billed  cost\n"
        "1   openai/gpt-4o-mini  0.000s    0.000s              1.235s    throttled 429  no        no      none\n"
        "2   openai/gpt-4o-mini  21.000s   20.000s  hint       300.000s  ambiguous      maybe     maybe   unknown\n"
        "10  local               400.000s  5.000s   ambiguous  0.012s    succeeded      yes       yes     "
        "$0.012300000\n");
}

TEST(attempt_log, without_attempts_says_so) { EXPECT_EQ(text({}), "no attempts\n"); }

TEST(attempt_log, tells_a_whole_call) {
    support::simulation sim;
    coffer::testing::scripted_operation<int> provider;
    provider.fails(fault{fault_kind::throttled}.with_status(429).with_retry_after(20s)).after(1s);
    provider.fails(fault{fault_kind::ambiguous}.with_status(500)).after(2s);
    provider.gives(7).after(3s).costing(0.5_usd);
    support::tape t;
    support::gate_script waits;
    waits.entries.push_back({support::entry::kind::wait, 4s, {}});
    auto const aimed = describe(provider).target([] { return target{"p", "m"}; });
    auto const ask = pipeline{retry{{.max_sends = 3,
                                     .schedule = coffer::backoff{growth::constant, jitter::none, 1s, 1s},
                                     .ambiguous_spread = 0,
                                     .hint_spread = 0}},
                              support::waiting_gate{t, "w", waits}}
                         .wrap(aimed);
    call c{key{"test", 1}, 1h};
    EXPECT_EQ(sim.run(ask(c)), 7);
    EXPECT_EQ(text(c.log()),
              "#  target  start    waited   why        took    end            executed  billed  cost\n"
              "1  p/m     4.000s   4.000s   admission  1.000s  throttled 429  no        no      $0.000000000\n"
              "2  p/m     25.000s  20.000s  hint       2.000s  ambiguous 500  maybe     maybe   unknown\n"
              "3  p/m     32.000s  5.000s   ambiguous  3.000s  succeeded      yes       yes     $0.500000000\n");
}

}  // namespace
}  // namespace attempt_log_test
