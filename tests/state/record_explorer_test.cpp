// SPDX-License-Identifier: BSL-1.0
// The rules of a record in every state that they can lead to, and the same with one rule broken at a time: what the
// explorer does not notice, it does not check.

#include "state/record_explorer.hpp"
#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <iostream>
#include <ostream>
#include <string>

namespace record_explorer_test {
namespace {

using coffer_test::flaw;
using coffer_test::record_explorer;
namespace invariant = coffer_test::invariant;

void explore(int max_sends, int most_steps = 1000) {
    record_explorer const all{max_sends, flaw::none, most_steps};
    testing::Test::RecordProperty("states", static_cast<int>(all.states()));
    testing::Test::RecordProperty("depth", all.depth());
    std::cout << all.states() << " states, the farthest " << all.depth() << " steps away\n";
    if (all.broken()) FAIL() << all.broken()->rule << ", violated by\n" << all.broken()->path;
    EXPECT_GT(all.states(), 500U);
}

TEST(record_explorer, one_send_in_every_state) { explore(1); }
TEST(record_explorer, two_sends_in_every_state) { explore(2); }
// Half a million states, 28 steps deep, take two minutes: all of them are for a night.
TEST(record_explorer, three_sends) { explore(3, support::seeds() >= 100'000 ? 1000 : 12); }

struct mutant {
    char const* name;
    flaw broken;
    char const* noticed;
    int max_sends = 2;
};
void PrintTo(mutant const& m, std::ostream* out) { *out << m.name; }

class record_mutant : public testing::TestWithParam<mutant> {};

TEST_P(record_mutant, is_noticed) {
    auto const m = GetParam();
    record_explorer const all{m.max_sends, m.broken};
    ASSERT_TRUE(all.broken()) << "survives in all of " << all.states() << " states";
    std::cout << all.broken()->rule << ", violated by\n" << all.broken()->path;
    EXPECT_EQ(all.broken()->rule, m.noticed);
}

INSTANTIATE_TEST_SUITE_P(
    of, record_mutant,
    testing::Values(mutant{"permit_ignores_claim_id", flaw::permit_ignores_claim_id, invariant::own_claim},
                    mutant{"release_ignores_claim_id", flaw::release_ignores_claim_id, invariant::at_work},
                    mutant{"permit_ignores_max_sends", flaw::permit_ignores_max_sends, invariant::bills},
                    mutant{"permit_ignores_max_sends_of_one", flaw::permit_ignores_max_sends, invariant::bills, 1},
                    mutant{"permit_ignores_lease", flaw::permit_ignores_lease, invariant::own_claim},
                    mutant{"permit_ignores_stored_answer", flaw::permit_ignores_stored_answer, invariant::look_first},
                    mutant{"answer_is_fenced", flaw::answer_is_fenced, invariant::taken},
                    mutant{"counted_after_the_send", flaw::counted_after_the_send, invariant::bills},
                    mutant{"lost_send_does_not_count", flaw::lost_send_does_not_count, invariant::bills},
                    mutant{"release_frees_a_sent_record", flaw::release_frees_a_sent_record, invariant::bills},
                    mutant{"later_answer_replaces", flaw::later_answer_replaces, invariant::same_result},
                    mutant{"lease_alone_guards_a_send", flaw::lease_alone_guards_a_send, invariant::in_flight},
                    mutant{"late_answer_hides_a_send", flaw::late_answer_hides_a_send, invariant::in_flight, 3},
                    mutant{"requests_not_compared", flaw::requests_not_compared, invariant::same_request},
                    mutant{"death_not_seen", flaw::death_not_seen, invariant::alive}),
    [](auto const& tested) { return std::string{tested.param.name}; });

}  // namespace
}  // namespace record_explorer_test
