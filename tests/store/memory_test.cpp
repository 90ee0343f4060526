// SPDX-License-Identifier: BSL-1.0
#include "store/alarm_conformance.hpp"
#include "store/conformance.hpp"
#include "store/ledger_conformance.hpp"
#include "store/memory_world.hpp"

#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace store_test::memory_test {
namespace {

INSTANTIATE_TEST_SUITE_P(memory, conformance,
                         testing::Values([]() -> std::unique_ptr<world> { return std::make_unique<memory_world>(); }));
INSTANTIATE_TEST_SUITE_P(memory, ledger_conformance,
                         testing::Values([]() -> std::unique_ptr<world> { return std::make_unique<memory_world>(); }));
INSTANTIATE_TEST_SUITE_P(memory, alarm_conformance,
                         testing::Values([]() -> std::unique_ptr<world> { return std::make_unique<memory_world>(); }));

world::how key_named(std::string name) {
    world::how h;
    h.name = std::move(name);
    return h;
}

TEST(memory_store, answers_before_submit_returns) {
    memory_world w;
    coffer::claim_request q;
    q.id = claim_number(1);
    EXPECT_NE(w.backend().claim(w.id(), q).get(), nullptr);
}

TEST(memory_store, that_is_full_refuses_new_keys_before_it_drops_an_unacknowledged_answer) {
    coffer::memory_options o;
    o.max_records = 2;
    memory_world w{o};
    w.finish(1, "paid");
    (void)w.claim(2, 0, key_named("two"));
    auto const refused = w.claim(3, 0, key_named("three"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), fault_kind::store_unavailable);
    EXPECT_EQ(refused.error().code(), "store_full");
    EXPECT_TRUE(is<coffer::replayed>(w.claim(4))) << "known keys go on working";
    ASSERT_TRUE(w.acknowledge());
    EXPECT_TRUE(is<coffer::granted>(w.claim(3, 0, key_named("three")))) << "an acknowledged row makes room";
    EXPECT_EQ(w.list().size(), 2U);
}

TEST(memory_store, that_is_full_of_bytes_takes_a_paid_answer_all_the_same) {
    coffer::memory_options o;
    o.max_bytes = 10;
    memory_world w{o};
    (void)w.claim(2, 0, key_named("two"));
    w.finish(1, "more than ten bytes");
    EXPECT_EQ(refusal(w.claim(3, 0, key_named("three"))), "store_full");
    ASSERT_TRUE(w.permit(2, 0, 0, 2, "two"));
    ASSERT_TRUE(w.get(w.backend().submit_answer(w.ref(2, "two"), 1, answer_of("paid, so kept"))));
    ASSERT_TRUE(w.acknowledge());
    EXPECT_EQ(refusal(w.claim(3, 0, key_named("three"))), "store_full");
    ASSERT_TRUE(w.get(w.backend().submit_accept(w.ref(2, "two"), 1)));
    ASSERT_TRUE(w.get(w.backend().acknowledge(w.id("two"))));
    EXPECT_TRUE(is<coffer::granted>(w.claim(3, 0, key_named("three"))));
}

TEST(memory_store, drops_the_oldest_spare_row_first) {
    coffer::memory_options o;
    o.max_records = 3;
    memory_world w{o};
    for (auto const* const name : {"a", "b"}) {
        (void)w.claim(1, 0, key_named(name));
        (void)w.permit(1, 0, 0, 2, name);
        (void)w.get(w.backend().submit_unsend(w.ref(1, name), 1));
        (void)w.get(w.backend().submit_release(w.ref(1, name)));  // free, with a history
    }
    (void)w.claim(2, 0, key_named("c"));
    (void)w.claim(3, 0, key_named("d"));
    EXPECT_EQ(w.peek(0, "a"), nullptr);
    EXPECT_NE(w.peek(0, "b"), nullptr);
}

/// Claimed, sent, answered and accepted, under a name; kept for `kept`.
void finish_for(memory_world& w, std::string const& name, coffer::duration kept, bool cached,
                std::string const& body = "paid") {
    coffer::claim_request q;
    q.id = claim_number(1);
    q.print.with("model", "m").with("prompt", "secret prompt");  // as in `claim`
    q.cached = cached;
    q.unacknowledged_kept = kept;
    ASSERT_TRUE(is<coffer::granted>(w.get(w.backend().claim(w.id(name), q)))) << name;
    ASSERT_TRUE(w.permit(1, 0, 0, 2, name));
    ASSERT_TRUE(w.get(w.backend().submit_answer(w.ref(1, name), 1, answer_of(body))));
    ASSERT_TRUE(w.get(w.backend().submit_accept(w.ref(1, name), 1)));
}

TEST(memory_store, is_not_filled_by_answers_that_have_expired) {
    coffer::memory_options o;
    o.max_records = 20;
    o.max_bytes = 100;
    memory_world w{o};
    for (int i = 0; i < 10; ++i) finish_for(w, "old " + std::to_string(i), 1h, false, "ten bytes!");
    EXPECT_EQ(refusal(w.claim(3, 0, key_named("new"))), "store_full");
    w.pass(59min);
    EXPECT_EQ(refusal(w.claim(3, 0, key_named("new"))), "store_full") << "their time is not over";
    w.pass(1min);
    for (int i = 0; i < 10; ++i)
        EXPECT_TRUE(is<coffer::granted>(w.claim(3, 0, key_named("new " + std::to_string(i))))) << i;
    EXPECT_EQ(refusal(w.claim(3, 0, key_named("one more"))), "store_full");
    EXPECT_TRUE(is<coffer::expired>(w.claim(4, 0, key_named("old 0")))) << "their rows stay: they were paid for";
}

TEST(memory_store, says_that_a_result_has_expired) {
    memory_world w;
    finish_for(w, "old", 1h, false);
    w.pass(1h);
    for (int i = 0; i < 20; ++i) (void)w.claim(3, 0, key_named("new " + std::to_string(i)));
    EXPECT_TRUE(is<coffer::expired>(w.claim(4, 0, key_named("old"))));
}

TEST(memory_store, drops_a_cached_answer_before_an_acknowledged_row) {
    coffer::memory_options o;
    o.max_records = 3;
    memory_world w{o};
    w.finish(1, "paid");
    ASSERT_TRUE(w.acknowledge());
    finish_for(w, "cached", 24h, true);
    finish_for(w, "journaled", 24h, false);
    EXPECT_TRUE(is<coffer::granted>(w.claim(3, 0, key_named("new"))));
    EXPECT_EQ(w.peek(0, "cached"), nullptr);
    EXPECT_EQ(w.peek(0, "one")->state, coffer::record_state::acked);
    EXPECT_EQ(w.peek(0, "journaled")->state, coffer::record_state::done);
}

TEST(memory_store, drops_cached_answers_when_it_is_full_of_bytes) {
    coffer::memory_options o;
    o.max_bytes = 100;
    memory_world w{o};
    for (int i = 0; i < 9; ++i) finish_for(w, "cached " + std::to_string(i), 24h, true, "ten bytes!");
    finish_for(w, "journaled", 24h, false, "ten bytes!");
    EXPECT_TRUE(is<coffer::granted>(w.claim(3, 0, key_named("new"))));
    EXPECT_EQ(w.peek(0, "cached 0"), nullptr);
    EXPECT_NE(w.peek(0, "cached 1"), nullptr) << "no more than is needed";
    EXPECT_NE(w.peek(0, "journaled"), nullptr);
}

TEST(memory_store, leaves_a_cached_record_alone_that_is_being_worked_on) {
    memory_world w;
    coffer::claim_request q;
    q.id = claim_number(1);
    q.cached = true;
    q.unacknowledged_kept = 1s;
    q.lease = 10min;
    ASSERT_TRUE(is<coffer::granted>(w.get(w.backend().claim(w.id("cached"), q))));
    finish_for(w, "behind it", 2s, true);
    w.pass(1min);
    (void)w.claim(2, 0, key_named("new"));
    EXPECT_NE(w.peek(0, "cached"), nullptr);
    EXPECT_EQ(w.list().size(), 2U) << "and it does not stand in the way of the next";
    w.pass(10min);
    (void)w.claim(2, 0, key_named("another"));
    EXPECT_EQ(w.peek(0, "cached"), nullptr);
}

TEST(memory_store, announces_each_step_before_and_after) {
    std::string seen;
    coffer::store_probe const probe = [&](coffer::store_step s, coffer::edge e) {
        seen += std::string{to_string(s)} + (e == coffer::edge::before ? "<" : "> ");
    };
    coffer::memory_options o;
    o.probe = &probe;
    memory_world w{o};
    w.finish(1, "paid");
    (void)w.acknowledge();
    EXPECT_EQ(seen, "claim<claim> permit<permit> answer<answer> accept<accept> acknowledge<acknowledge> ");
}

TEST(memory_store, that_is_full_of_jobs_refuses_new_ones_until_old_ones_are_forgotten) {
    coffer::memory_options o;
    o.max_records = 2;
    memory_world w{o};
    runs_in runs{w};
    runs.failing_run(1, "x", "one");
    runs.failing_run(2, "x", "two");
    EXPECT_EQ(refusal(runs.begin(3, 0, "three")), "store_full");
    EXPECT_TRUE(is_run<coffer::run_begun>(runs.begin(4, 0, "two"))) << "known ones go on";
    w.pass(24h * 61);
    EXPECT_TRUE(is_run<coffer::run_begun>(runs.begin(5, 0, "three")));
    EXPECT_EQ(runs.list().size(), 1U) << "the run of \"two\" has begun no step for long";
}

}  // namespace
}  // namespace store_test::memory_test
