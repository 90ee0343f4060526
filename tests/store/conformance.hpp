// SPDX-License-Identifier: BSL-1.0
#pragma once
// What every store has to do, run against each of them. A test file instantiates it with the worlds of its store.

#include "store/store_world.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace store_test {

using coffer::fault_kind;
using coffer::record_state;
using coffer::send_state;

class conformance : public testing::TestWithParam<world_maker> {
protected:
    std::unique_ptr<world> made = GetParam()();
    world& w = *made;
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(conformance);

TEST_P(conformance, the_whole_way_is_claim_permit_answer_accept_acknowledge) {
    auto const v = w.claim(1);
    ASSERT_TRUE(is<coffer::granted>(v));
    EXPECT_EQ(std::get<coffer::granted>(*v).sends_allowed, 2);
    ASSERT_EQ(w.permit(1, 0).value().send, 1);
    ASSERT_TRUE(w.answer(1, 1, "paid"));
    ASSERT_TRUE(w.accept(1, 1));
    auto const again = w.claim(2);
    ASSERT_TRUE(is<coffer::replayed>(again));
    EXPECT_EQ(std::get<coffer::replayed>(*again).accepted.what->body, "paid");
    ASSERT_TRUE(w.acknowledge());
    EXPECT_TRUE(is<coffer::acked>(w.claim(3)));
    EXPECT_EQ(w.peek()->sends[0].reply->body, "") << "the payload may go";
}

TEST_P(conformance, everything_known_of_a_send_is_kept) {
    w.send(1);
    auto const started = w.sim.time.clock()->wall_now();
    auto a = std::make_shared<coffer::answer>("body", 200);
    a->request_id = "req-7";
    a->usage = coffer::usage{1, 2, 3, 4, 5, 6, 7, 8};
    a->cost = coffer::money::from_nano(123'456'789);
    ASSERT_TRUE(w.get(w.backend().submit_answer(w.ref(1), 1, a)));
    auto const r = w.peek();
    ASSERT_EQ(r->sends.size(), 1U);
    auto const& s = r->sends[0];
    EXPECT_EQ(s.provider, "openai");
    EXPECT_EQ(s.model, "gpt-x");
    EXPECT_EQ(s.permitted_at, started);
    EXPECT_EQ(s.permitted_until, w.sim.time.now() + 5min);
    EXPECT_EQ(s.state, send_state::answered);
    ASSERT_TRUE(s.reply);
    EXPECT_EQ(s.reply->body, "body");
    EXPECT_EQ(s.reply->status, 200);
    EXPECT_EQ(s.reply->request_id, "req-7");
    EXPECT_EQ(s.reply->usage, a->usage);
    EXPECT_EQ(s.reply->cost, a->cost);
    EXPECT_EQ(r->known_cost(), a->cost);
}

TEST_P(conformance, what_is_not_known_stays_unknown) {
    w.send(1);
    (void)w.answer(1, 1, "");
    auto const r = w.peek();
    ASSERT_TRUE(r->sends[0].reply);
    EXPECT_FALSE(r->sends[0].reply->usage);
    EXPECT_FALSE(r->sends[0].reply->cost);
    EXPECT_FALSE(r->known_cost());
    (void)w.accept(1, 1);
    EXPECT_EQ(std::get<coffer::replayed>(*w.claim(2)).accepted.what->body, "");
}

TEST_P(conformance, an_answer_may_be_any_bytes_and_large) {
    std::string body(3'000'000, '\0');
    for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 31 + i / 251);
    w.finish(1, body);
    EXPECT_EQ(std::get<coffer::replayed>(*w.claim(2)).accepted.what->body, body);
}

TEST_P(conformance, a_job_run_21_times_pays_once) {
    w.finish(1, "paid");
    for (int run = 2; run <= 21; ++run) EXPECT_TRUE(is<coffer::replayed>(w.claim(run)));
    EXPECT_EQ(w.peek()->counted_sends(), 1);
}

TEST_P(conformance, a_second_process_is_told_how_long_the_first_may_take) {
    (void)w.claim(1, 0);
    w.pass(15s);
    auto const v = w.claim(2, 1);
    ASSERT_TRUE(is<coffer::in_progress>(v));
    EXPECT_EQ(std::get<coffer::in_progress>(*v).hint, 45s);
    w.pass(45s);
    EXPECT_TRUE(is<coffer::granted>(w.claim(2, 1)));
    EXPECT_EQ(refusal(w.permit(1, 0, 0)), "claim_lost");
}

TEST_P(conformance, another_request_under_a_key_is_named_field_by_field) {
    w.finish(1, "paid");
    world::how other;
    other.model = "other";
    auto const v = w.claim(2, 0, other);
    ASSERT_TRUE(is<coffer::mismatch>(v));
    EXPECT_EQ(std::get<coffer::mismatch>(*v).fields, std::vector<std::string>{"model"});
}

TEST_P(conformance, a_request_in_another_canonical_form_is_a_mismatch_of_the_version) {
    w.finish(1, "paid");
    coffer::claim_request q;
    q.id = claim_number(2);
    q.print = coffer::fingerprint{2};
    q.print.with("model", "m").with("prompt", "secret prompt");
    auto const v = w.get(w.backend().claim(w.id(), q));
    ASSERT_TRUE(is<coffer::mismatch>(v));
    EXPECT_EQ(std::get<coffer::mismatch>(*v).fields, std::vector<std::string>{"version"});
}

TEST_P(conformance, a_key_on_which_nothing_was_paid_takes_another_request) {
    w.send(1);
    (void)w.unsend(1, 1);
    (void)w.release(1);
    world::how other;
    other.model = "other";
    EXPECT_TRUE(is<coffer::granted>(w.claim(2, 0, other)));
    EXPECT_TRUE(is<coffer::mismatch>(w.claim(3)));
}

TEST_P(conformance, keys_that_differ_in_type_only_are_different_keys) {
    auto& b = w.backend();
    EXPECT_NE(b.id_of(coffer::key{"report", 1}), b.id_of(coffer::key{"report", "1"}));
    EXPECT_EQ(b.id_of(coffer::key{"report", 1}), b.id_of(coffer::key{"report", 1L}));
    EXPECT_EQ(b.id_of(coffer::key{"report", 1}).name_space, "report");
}

TEST_P(conformance, tokens_grow_over_all_keys_and_processes) {
    std::uint64_t last = 0;
    for (int i = 0; i < 6; ++i) {
        world::how h;
        h.name = "key " + std::to_string(i);
        auto const token = std::get<coffer::granted>(*w.claim(i + 1, i % 2, h)).token;
        EXPECT_GT(token, last);
        last = token;
    }
}

// Lost replies: everything may be submitted again ---------------------------------------------------------------------

TEST_P(conformance, every_operation_may_be_submitted_twice) {
    auto const first = std::get<coffer::granted>(*w.claim(1));
    auto const second = std::get<coffer::granted>(*w.claim(1));
    EXPECT_EQ(first.token, second.token);
    EXPECT_EQ(w.permit(1, 0).value().send, 1);
    EXPECT_EQ(w.permit(1, 0).value().send, 1);
    EXPECT_TRUE(w.unsend(1, 1));
    EXPECT_TRUE(w.unsend(1, 1));
    EXPECT_EQ(w.permit(1, 0).value().send, 2);
    EXPECT_TRUE(w.lost(1, 2));
    EXPECT_TRUE(w.lost(1, 2));
    EXPECT_TRUE(w.answer(1, 2, "late"));
    EXPECT_TRUE(w.answer(1, 2, "late"));
    EXPECT_TRUE(w.reject(1, 2));
    EXPECT_TRUE(w.reject(1, 2));
    EXPECT_EQ(w.permit(1, 1).value().send, 3);
    EXPECT_TRUE(w.answer(1, 3, "good"));
    EXPECT_TRUE(w.accept(1, 3));
    EXPECT_TRUE(w.accept(1, 3));
    EXPECT_TRUE(w.release(1)) << "its end has been reached: nothing to give up";
    EXPECT_TRUE(w.acknowledge());
    EXPECT_TRUE(w.acknowledge());
    EXPECT_EQ(w.peek()->counted_sends(), 2);
}

TEST_P(conformance, fail_and_release_may_be_submitted_twice) {
    (void)w.claim(1);
    EXPECT_TRUE(w.release(1));
    EXPECT_TRUE(w.release(1));
    EXPECT_EQ(w.peek(), nullptr) << "nothing happened under this key";
    w.send(2);
    EXPECT_TRUE(w.release(2));
    EXPECT_TRUE(w.release(2));
    EXPECT_EQ(w.peek()->state, record_state::unknown);
    (void)w.claim(3);
    auto const why = coffer::fault{fault_kind::content_policy, "refused"};
    EXPECT_TRUE(w.fail(3, why));
    EXPECT_TRUE(w.fail(3, why));
}

// Counting sends ------------------------------------------------------------------------------------------------------

TEST_P(conformance, sends_are_counted_and_bounded) {
    w.send(1);
    (void)w.lost(1, 1);
    EXPECT_EQ(w.permit(1, 1).value().send, 2);
    (void)w.lost(1, 2);
    auto const p = w.permit(1, 2);
    ASSERT_FALSE(p);
    EXPECT_EQ(p.error().kind(), fault_kind::unresolved);
    EXPECT_EQ(p.error().stop(), coffer::stop_reason::sends_spent);
    (void)w.release(1);
    EXPECT_TRUE(is<coffer::unresolved>(w.claim(2)));
}

TEST_P(conformance, a_permit_is_refused_after_the_lease_and_to_who_counts_wrong) {
    (void)w.claim(1);
    EXPECT_EQ(refusal(w.permit(1, 1)), "sends_moved");
    w.pass(60s);
    EXPECT_EQ(refusal(w.permit(1, 0)), "lease_over");
    EXPECT_TRUE(w.heartbeat(1));
    EXPECT_TRUE(w.permit(1, 0));
}

TEST_P(conformance, a_permit_for_money_that_is_not_held_is_refused_and_counts_no_send) {
    (void)w.claim(1);
    coffer::permit_request q;
    q.longest = 1min;
    std::vector<coffer::ledger_op> const money{{coffer::reservation_id{1}}};
    EXPECT_EQ(refusal(w.get(w.backend().permit(w.ref(1), q, money))), "reservation_over");
    EXPECT_EQ(w.peek()->counted_sends(), 0);
}

// Taking over ---------------------------------------------------------------------------------------------------------

TEST_P(conformance, a_dead_process_is_seen_at_once) {
    (void)w.claim(1, 0);
    EXPECT_TRUE(is<coffer::in_progress>(w.claim(2, 1)));
    w.kill(0);
    auto const v = w.claim(2, 1);
    ASSERT_TRUE(is<coffer::granted>(v));
    EXPECT_EQ(std::get<coffer::granted>(*v).sends, 0);
}

TEST_P(conformance, a_dead_process_leaves_its_sends_counted) {
    w.send(1, 0);
    w.kill(0);
    auto const v = w.claim(2, 1);
    ASSERT_TRUE(is<coffer::granted>(v));
    EXPECT_EQ(std::get<coffer::granted>(*v).sends, 1);
    ASSERT_TRUE(w.permit(2, 1, 1));
    w.kill(1);
    EXPECT_TRUE(is<coffer::unresolved>(w.claim(3, 2)));
    EXPECT_TRUE(w.list(coffer::record_filter::unresolved(), 2).at(0).unresolved);
}

TEST_P(conformance, a_living_process_keeps_its_send_past_its_lease) {
    w.send(1, 0);
    w.pass(2min);
    auto const v = w.claim(2, 1);
    ASSERT_TRUE(is<coffer::in_progress>(v));
    EXPECT_EQ(std::get<coffer::in_progress>(*v).hint, 5min + 30s - 2min);
    w.pass(3min + 30s);
    EXPECT_TRUE(is<coffer::granted>(w.claim(2, 1)));
}

TEST_P(conformance, a_stalled_process_donates_its_answer) {
    w.send(1, 0);
    w.pass(6min);
    ASSERT_TRUE(is<coffer::granted>(w.claim(2, 1)));
    ASSERT_TRUE(w.answer(1, 1, "donated", 0));
    ASSERT_TRUE(w.accept(1, 1, 0));
    EXPECT_EQ(refusal(w.permit(2, 1, 1)), "claim_over");
    auto const v = w.claim(3, 1);
    ASSERT_TRUE(is<coffer::replayed>(v));
    EXPECT_EQ(std::get<coffer::replayed>(*v).accepted.what->body, "donated");
}

TEST_P(conformance, the_first_accepted_answer_stands) {
    w.send(1, 0);
    w.pass(6min);
    (void)w.claim(2, 1);
    ASSERT_TRUE(w.permit(2, 1, 1));
    ASSERT_TRUE(w.answer(2, 2, "first", 1));
    ASSERT_TRUE(w.accept(2, 2, 1));
    ASSERT_TRUE(w.answer(1, 1, "second", 0)) << "billed, so kept as history";
    auto const late = w.accept(1, 1, 0);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind(), fault_kind::already_done);
    EXPECT_EQ(std::get<coffer::replayed>(*w.claim(3)).accepted.what->body, "first");
    EXPECT_EQ(w.peek()->sends[0].reply->body, "second");
}

TEST_P(conformance, an_answer_that_nobody_lived_to_judge_is_handed_to_the_next_claim) {
    w.send(1, 0, 1);
    (void)w.answer(1, 1, "paid", 0);
    w.kill(0);
    world::how strict;
    strict.max_sends = 1;
    auto const v = w.claim(2, 1, strict);
    ASSERT_TRUE(is<coffer::granted>(v)) << "although no sends are left";
    auto const& undecoded = std::get<coffer::granted>(*v).undecoded;
    ASSERT_EQ(undecoded.size(), 1U);
    EXPECT_EQ(undecoded[0].what->body, "paid");
    ASSERT_TRUE(w.accept(2, undecoded[0].send, 1));
    EXPECT_TRUE(is<coffer::replayed>(w.claim(3, 1, strict)));
}

/// One send is allowed, and its answer could not be used. How later claims allow no more.
inline world::how spend_the_only_send(world& w, std::string const& answer) {
    world::how strict;
    strict.max_sends = 1;
    w.send(1, 0, 1);
    (void)w.answer(1, 1, answer);
    (void)w.reject(1, 1);
    (void)w.release(1);
    return strict;
}

TEST_P(conformance, a_defective_answer_without_sends_left_is_told_and_waits_for_an_operator) {
    auto const strict = spend_the_only_send(w, "cut o");
    auto const v = w.claim(2, 0, strict);
    ASSERT_TRUE(is<coffer::failed_before>(v));
    EXPECT_EQ(std::get<coffer::failed_before>(*v).why.kind(), fault_kind::defective_answer);
    EXPECT_EQ(std::get<coffer::failed_before>(*v).why.message(), "cut off");
    EXPECT_EQ(w.peek()->sends[0].reply->body, "cut o") << "kept for inspection";
    ASSERT_EQ(std::get<coffer::failed_before>(*v).defective.size(), 1U);
    EXPECT_EQ(std::get<coffer::failed_before>(*v).defective[0].what->body, "cut o");
    ASSERT_EQ(w.list(coffer::record_filter::unresolved()).size(), 1U);
    ASSERT_TRUE(w.resolve(coffer::grant_send{}));
    EXPECT_TRUE(is<coffer::granted>(w.claim(3, 0, strict)));
}

TEST_P(conformance, an_answer_found_defective_is_accepted_by_whoever_can_read_it) {
    auto const strict = spend_the_only_send(w, "odd");
    ASSERT_TRUE(is<coffer::failed_before>(w.claim(2, 1, strict)));
    ASSERT_TRUE(w.accept(2, 1, 1)) << "without a claim";
    auto const v = w.claim(3, 0, strict);
    ASSERT_TRUE(is<coffer::replayed>(v));
    EXPECT_EQ(std::get<coffer::replayed>(*v).accepted.what->body, "odd");
    EXPECT_TRUE(w.list(coffer::record_filter::unresolved()).empty());
}

TEST_P(conformance, a_repaired_requests_answer_is_kept_under_the_key_of_the_first_one) {
    w.send(1);
    (void)w.answer(1, 1, "cut o");
    (void)w.reject(1, 1);
    ASSERT_TRUE(w.permit(1, 1));
    auto repaired = w.ref(1);
    repaired.print = std::make_shared<coffer::fingerprint const>(
        coffer::fingerprint{}.with("model", "m").with("prompt", "secret prompt, and be brief"));
    ASSERT_TRUE(w.get(w.backend().submit_answer(repaired, 2, answer_of("whole"))));
    ASSERT_TRUE(w.accept(1, 2));
    auto const v = w.claim(2);
    ASSERT_TRUE(is<coffer::replayed>(v)) << "the key stands for the first request";
    EXPECT_EQ(std::get<coffer::replayed>(*v).accepted.what->body, "whole");
    EXPECT_EQ(w.peek()->sends[0].reply->body, "cut o") << "and both were paid";
}

TEST_P(conformance, fields_that_do_not_count_may_differ_and_are_named) {
    w.finish(1, "paid");
    coffer::claim_request q;
    q.id = claim_number(2);
    q.print.with("model", "m").with("prompt", "another prompt");
    EXPECT_TRUE(is<coffer::mismatch>(w.get(w.backend().claim(w.id(), q))));
    q.counting = coffer::fingerprint_fields::only("model");
    auto const v = w.get(w.backend().claim(w.id(), q));
    ASSERT_TRUE(is<coffer::replayed>(v));
    EXPECT_EQ(std::get<coffer::replayed>(*v).differing, std::vector<std::string>{"prompt"});
}

TEST_P(conformance, a_cached_key_goes_when_its_time_is_over) {
    coffer::claim_request q;
    q.id = claim_number(1);
    q.cached = true;
    q.unacknowledged_kept = 10min;
    ASSERT_TRUE(is<coffer::granted>(w.get(w.backend().claim(w.id(), q))));
    w.pass(9min);
    (void)w.permit(1, 0);  // refused: its lease is over
    q.id = claim_number(2);
    ASSERT_TRUE(is<coffer::granted>(w.get(w.backend().claim(w.id(), q))));
    ASSERT_TRUE(w.permit(2, 0));
    ASSERT_TRUE(w.answer(2, 1, "paid"));
    ASSERT_TRUE(w.accept(2, 1));
    EXPECT_TRUE(w.peek()->cached);
    w.pass(9min);
    q.id = claim_number(3);
    EXPECT_TRUE(is<coffer::replayed>(w.get(w.backend().claim(w.id(), q))));
    w.pass(2min);
    EXPECT_EQ(w.peek(), nullptr);
    EXPECT_TRUE(is<coffer::granted>(w.get(w.backend().claim(w.id(), q))));
}

TEST_P(conformance, the_history_of_a_key_on_which_nothing_is_owed_goes_too) {
    w.send(1);
    (void)w.unsend(1, 1);
    (void)w.release(1);
    ASSERT_NE(w.peek(), nullptr);
    w.pass(29 * 24h);
    EXPECT_NE(w.peek(), nullptr);
    w.pass(2 * 24h);
    EXPECT_EQ(w.peek(), nullptr);
}

TEST_P(conformance, when_a_send_ended_is_kept) {
    w.send(1);
    w.pass(7s);
    (void)w.answer(1, 1, "paid");
    w.pass(7s);
    (void)w.accept(1, 1);
    auto const r = w.peek();
    EXPECT_EQ(r->sends[0].ended_at - r->sends[0].permitted_at, 7s);
}

// Ends ----------------------------------------------------------------------------------------------------------------

TEST_P(conformance, a_fault_of_the_request_itself_is_replayed_with_all_its_words) {
    w.send(1);
    (void)w.unsend(1, 1);
    auto const why = coffer::fault{fault_kind::invalid_request, "no such parameter"}
                         .with_status(400)
                         .with_code("bad_parameter")
                         .with_request_id("req-1")
                         .with_billing(coffer::knowledge::yes)
                         .with_retry_after(3s)
                         .with_fields({"a", "b"});
    ASSERT_TRUE(w.fail(1, why));
    auto const v = w.claim(2);
    ASSERT_TRUE(is<coffer::failed_before>(v));
    auto const& told = std::get<coffer::failed_before>(*v).why;
    EXPECT_EQ(told.kind(), why.kind());
    EXPECT_EQ(told.message(), why.message());
    EXPECT_EQ(told.status(), 400);
    EXPECT_EQ(told.code(), why.code());
    EXPECT_EQ(told.request_id(), why.request_id());
    EXPECT_EQ(told.execution(), why.execution());
    EXPECT_EQ(told.billing(), why.billing());
    EXPECT_EQ(told.retry_after(), why.retry_after());
    EXPECT_EQ(told.fields(), why.fields());
    w.pass(10min);
    EXPECT_TRUE(is<coffer::granted>(w.claim(2)));
}

TEST_P(conformance, only_faults_of_the_request_itself_are_stored) {
    (void)w.claim(1);
    EXPECT_EQ(refusal(w.fail(1, coffer::fault{fault_kind::throttled})), "permanent");
    EXPECT_EQ(w.peek()->state, record_state::claimed);
}

TEST_P(conformance, what_a_release_leaves_follows_from_the_sends) {
    w.send(1);
    ASSERT_TRUE(w.release(1));
    EXPECT_EQ(w.peek()->state, record_state::unknown);
    ASSERT_TRUE(w.unsend(1, 1)) << "proof may come later";
    EXPECT_EQ(w.peek()->state, record_state::free);
    w.send(2);
    (void)w.answer(2, 2, "paid");
    ASSERT_TRUE(w.release(2));
    EXPECT_EQ(w.peek()->state, record_state::answered);
    EXPECT_TRUE(is<coffer::granted>(w.claim(3)));
}

TEST_P(conformance, unacknowledged_answers_expire_into_a_tombstone_and_never_into_a_new_bill) {
    w.finish(1, "paid");
    w.pass(30 * 24h - 1s);
    EXPECT_TRUE(is<coffer::replayed>(w.claim(2)));
    w.pass(1s);
    EXPECT_EQ(w.peek()->state, record_state::expired);
    EXPECT_TRUE(is<coffer::expired>(w.claim(2)));
    EXPECT_EQ(w.peek()->sends[0].reply->body, "");
    EXPECT_EQ(refusal(w.acknowledge()), "result_expired");
    w.pass(1000 * 24h);
    EXPECT_TRUE(is<coffer::expired>(w.claim(3)));
}

TEST_P(conformance, acknowledged_rows_go_after_30_days) {
    w.finish(1, "paid");
    (void)w.acknowledge();
    w.pass(30 * 24h);
    EXPECT_EQ(w.peek(), nullptr);
    EXPECT_TRUE(w.list().empty());
    auto const v = w.claim(2);
    ASSERT_TRUE(is<coffer::granted>(v));
    EXPECT_EQ(std::get<coffer::granted>(*v).sends, 0);
    EXPECT_TRUE(w.peek()->sends.empty());
}

TEST_P(conformance, what_is_unresolved_never_expires) {
    w.send(1, 0, 1);
    (void)w.release(1);
    w.pass(10000 * 24h);
    world::how strict;
    strict.max_sends = 1;
    EXPECT_TRUE(is<coffer::unresolved>(w.claim(2, 0, strict)));
}

TEST_P(conformance, acknowledging_says_what_stands_in_its_way) {
    EXPECT_EQ(refusal(w.acknowledge()), "permanent");
    w.send(1, 0, 1);
    auto const busy = w.acknowledge();
    EXPECT_EQ(refusal(busy), "in_progress");
    EXPECT_EQ(busy.error().retry_after(), 5min + 30s);
    (void)w.release(1);
    EXPECT_EQ(refusal(w.acknowledge()), "unresolved");
}

// Looking, and deciding -----------------------------------------------------------------------------------------------

TEST_P(conformance, looking_changes_nothing) {
    EXPECT_EQ(w.peek(), nullptr);
    w.finish(1, "paid");
    auto const r = w.peek();
    EXPECT_EQ(r->state, record_state::done);
    EXPECT_EQ(r->accepted()->reply->body, "paid");
    w.pass(31 * 24h);
    EXPECT_EQ(w.peek()->state, record_state::expired) << "as it stands now";
    EXPECT_EQ(r->state, record_state::done) << "as it stood then";
}

TEST_P(conformance, records_are_listed_oldest_first_by_namespace_and_need) {
    auto& b = w.backend();
    int n = 0;
    for (auto const& [ns, part] : {std::pair{"a", 1}, {"b", 2}, {"a", 3}}) {
        coffer::claim_request q;
        q.id = claim_number(++n);
        q.max_sends = 1;
        auto const id = b.id_of(coffer::key{ns, part});
        (void)w.get(b.claim(id, q));
        coffer::permit_request p;
        p.max_sends = 1;
        (void)w.get(b.permit({id, q.id}, p, {}));
        if (part != 3) (void)w.get(b.submit_release({id, q.id}));
        w.pass(1s);
    }
    auto const all = w.list();
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].id, b.id_of(coffer::key{"a", 1}));
    EXPECT_EQ(all[2].id, b.id_of(coffer::key{"a", 3}));
    EXPECT_LT(all[0].created, all[1].created);
    EXPECT_EQ(all[0].sends, 1);
    EXPECT_EQ(w.list(coffer::record_filter{"a"}).size(), 2U);
    EXPECT_EQ(w.list(coffer::record_filter::unresolved()).size(), 2U) << "the third one's owner is at work";
    EXPECT_EQ(w.list(coffer::record_filter{"a", true}).size(), 1U);
    coffer::record_filter one;
    one.limit = 1;
    EXPECT_EQ(w.list(one).size(), 1U);
}

TEST_P(conformance, an_operator_may_abandon_a_key) {
    w.send(1, 0, 1);
    EXPECT_EQ(refusal(w.resolve(coffer::abandon{})), "permanent") << "its owner is at work";
    (void)w.release(1);
    ASSERT_TRUE(w.resolve(coffer::abandon{}));
    EXPECT_TRUE(is<coffer::acked>(w.claim(2)));
    ASSERT_TRUE(w.answer(1, 1, "late")) << "kept as history";
    EXPECT_EQ(w.peek()->state, record_state::acked);
    EXPECT_EQ(w.peek()->sends[0].reply->body, "late");
}

TEST_P(conformance, an_operator_may_supply_the_answer) {
    w.send(1, 0, 1);
    (void)w.release(1);
    ASSERT_TRUE(w.resolve(coffer::supply_answer{coffer::answer{"found in the console", 200}}));
    auto const v = w.claim(2);
    ASSERT_TRUE(is<coffer::granted>(v));
    auto const& undecoded = std::get<coffer::granted>(*v).undecoded;
    ASSERT_EQ(undecoded.size(), 1U);
    EXPECT_EQ(undecoded[0].what->body, "found in the console");
    EXPECT_FALSE(undecoded[0].counts);
    ASSERT_TRUE(w.accept(2, undecoded[0].send));
    auto const again = w.claim(3);
    ASSERT_TRUE(is<coffer::replayed>(again));
    EXPECT_EQ(std::get<coffer::replayed>(*again).accepted.what->body, "found in the console");
    EXPECT_EQ(w.peek()->counted_sends(), 1);
    EXPECT_TRUE(w.acknowledge());
}

TEST_P(conformance, a_row_that_is_gone_is_made_anew_for_a_late_answer) {
    auto ref = w.ref(1);
    auto print = std::make_shared<coffer::fingerprint>();
    print->with("model", "m").with("prompt", "secret prompt");
    ref.print = print;
    ASSERT_TRUE(w.get(w.backend().submit_answer(ref, 2, answer_of("paid"))));
    world::how other;
    other.model = "other";
    EXPECT_TRUE(is<coffer::mismatch>(w.claim(2, 0, other)));
    auto const v = w.claim(3);
    ASSERT_TRUE(is<coffer::granted>(v));
    ASSERT_EQ(std::get<coffer::granted>(*v).undecoded.size(), 1U);
    EXPECT_EQ(std::get<coffer::granted>(*v).undecoded[0].send, 2);
    EXPECT_EQ(std::get<coffer::granted>(*v).sends, 1);
}

// Handles and clocks --------------------------------------------------------------------------------------------------

TEST_P(conformance, two_handles_in_a_process_are_one_store) {
    auto second = w.second_handle();
    EXPECT_EQ(&second.backend()->flights(), &w.backend().flights());
    w.finish(1, "paid");
    auto const r = w.sim.run(second.peek(coffer::key{"report", "one"}));
    ASSERT_TRUE(r);
    EXPECT_EQ(r->state, record_state::done);
    EXPECT_NE(&w.backend(1).flights(), &w.backend(0).flights()) << "another process has flights of its own";
}

TEST_P(conformance, the_first_clock_stands) {
    auto& b = w.backend();
    EXPECT_NO_THROW(b.bind(w.sim.time.clock()));
    EXPECT_THROW(b.bind(std::make_shared<coffer::testing::virtual_clock>()), std::logic_error);
}

TEST_P(conformance, the_users_handle_throws_what_the_backend_says) {
    auto& db = w.process(0);
    coffer::key const k{"report", "one"};
    auto const kind_of = [&](auto&& work) {
        try {
            w.sim.run(work());
        } catch (coffer::failure const& f) {
            return std::string{to_string(f.fault().kind())};
        }
        return std::string{"nothing"};
    };
    EXPECT_EQ(kind_of([&] { return db.acknowledge(k); }), "permanent");
    EXPECT_EQ(kind_of([&] { return db.resolve(k, coffer::grant_send{}); }), "permanent");
    w.send(1, 0, 1);
    EXPECT_EQ(kind_of([&] { return db.acknowledge(k); }), "in_progress");
    (void)w.release(1);
    EXPECT_EQ(kind_of([&] { return db.acknowledge(k); }), "unresolved");
    EXPECT_EQ(kind_of([&] { return db.resolve(k, coffer::supply_answer{coffer::answer{"x"}}); }), "nothing");
    (void)w.claim(2);
    ASSERT_TRUE(w.accept(2, 2));
    EXPECT_EQ(kind_of([&] { return db.acknowledge(k); }), "nothing");
    EXPECT_EQ(w.sim.run(db.list(coffer::record_filter{"report"})).size(), 1U);
}

TEST_P(conformance, what_was_submitted_is_carried_out_in_order_whether_or_not_anybody_waits) {
    auto& b = w.backend();
    coffer::claim_request q;
    q.id = claim_number(1);
    q.print.with("model", "m").with("prompt", "secret prompt");
    b.claim(w.id(), q);
    coffer::permit_request p;
    p.longest = 1min;
    b.permit(w.ref(1), p, {});
    b.submit_answer(w.ref(1), 1, answer_of("paid"));
    b.submit_accept(w.ref(1), 1);
    EXPECT_TRUE(is<coffer::replayed>(w.claim(2)));
}

TEST_P(conformance, many_threads_may_use_one_store) {
    auto& b = w.backend();
    constexpr int threads = 4;
    constexpr int rounds = 40;
    std::vector<std::jthread> crowd;
    for (int t = 0; t < threads; ++t)
        crowd.emplace_back([&, t] {
            for (int i = 0; i < rounds; ++i) {
                auto const id = b.id_of(coffer::key{"report", i % 7});  // much contended
                coffer::claim_request q;
                q.id = claim_number(1 + t * rounds + i);
                b.claim(id, q);
                coffer::claim_ref const ref{id, q.id};
                coffer::permit_request p;
                p.longest = 1min;
                b.permit(ref, p, {});
                b.submit_answer(ref, 1, answer_of("paid"));
                b.submit_accept(ref, 1);
            }
        });
    crowd.clear();
    auto const all = w.list();
    ASSERT_EQ(all.size(), 7U);
    for (auto const& r : all) {
        EXPECT_EQ(r.state, record_state::done);
        EXPECT_EQ(r.sends, 1);
    }
}

}  // namespace store_test

#include "store/run_conformance.hpp"  // more of it
