// SPDX-License-Identifier: BSL-1.0
// Every row of the table of a record's transitions (DESIGN §3, §6; STORES §1a).

#include "state/record_desk.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace record_machine_test {
namespace {

using namespace coffer_test;
using coffer::acked;
using coffer::expired;
using coffer::failed_before;
using coffer::fault_kind;
using coffer::granted;
using coffer::in_progress;
using coffer::mismatch;
using coffer::record_state;
using coffer::replayed;
using coffer::send_state;
using coffer::unresolved;

coffer::claim_request cached_for(std::chrono::nanoseconds ttl) {
    coffer::claim_request q;
    q.id = claim_number(1);
    q.print = print_of("m");
    q.cached = true;
    q.unacknowledged_kept = ttl;
    return q;
}

// Claims -------------------------------------------------------------------------------------------------------------

TEST(record_claim, a_key_without_a_row_is_granted) {
    desk d;
    auto const v = d.claim(1);
    ASSERT_TRUE(is<granted>(v));
    EXPECT_EQ(std::get<granted>(v).token, 1U);
    EXPECT_EQ(std::get<granted>(v).sends, 0);
    EXPECT_EQ(std::get<granted>(v).sends_allowed, 2);
    EXPECT_EQ(d.row.state, record_state::claimed);
    EXPECT_EQ(d.row.created, d.wall);
    EXPECT_EQ(d.row.claims, 1);
}

TEST(record_claim, tokens_grow_with_every_claim) {
    desk d;
    (void)d.claim(1);
    (void)d.release(1);
    EXPECT_EQ(std::get<granted>(d.claim(2)).token, 2U);
}

TEST(record_claim, a_live_claim_stands_in_the_way_for_its_lease) {
    desk d;
    (void)d.claim(1);
    d.pass(20s);
    auto const v = d.claim(2, "b");
    ASSERT_TRUE(is<in_progress>(v));
    EXPECT_EQ(std::get<in_progress>(v).hint, 40s);
    EXPECT_FALSE(d.changes.any());
    d.pass(40s);
    EXPECT_TRUE(is<granted>(d.claim(2, "b")));
}

TEST(record_claim, a_dead_owner_stands_in_nobodys_way) {
    desk d;
    (void)d.claim(1);
    d.dead = {"a"};
    EXPECT_TRUE(is<granted>(d.claim(2, "b")));
}

TEST(record_claim, the_same_claim_again_is_granted_with_the_same_facts) {
    desk d;
    auto const first = std::get<granted>(d.claim(1));
    auto const again = std::get<granted>(d.claim(1));
    EXPECT_EQ(first.token, again.token);
    EXPECT_EQ(first.sends, again.sends);
    EXPECT_EQ(d.row.claims, 1);
    (void)d.permit(1, 0);
    EXPECT_EQ(std::get<granted>(d.claim(1)).sends, 1);
    EXPECT_EQ(d.row.state, record_state::sent);
}

TEST(record_claim, the_same_claim_again_after_its_lease_is_a_new_grant) {
    desk d;
    (void)d.claim(1);
    d.pass(61s);
    EXPECT_EQ(std::get<granted>(d.claim(1)).token, 2U);
    EXPECT_EQ(refusal(d.permit(1, 0)), "");
}

TEST(record_claim, another_request_under_the_key_is_named_field_by_field) {
    desk d;
    d.finish();
    auto const v = d.claim(2, "b", 2, "other");
    ASSERT_TRUE(is<mismatch>(v));
    EXPECT_EQ(std::get<mismatch>(v).fields, std::vector<std::string>{"model"});
    EXPECT_FALSE(d.changes.any());
}

TEST(record_claim, another_request_is_a_mismatch_in_every_state_in_which_something_was_paid) {
    for (int how = 0; how < 6; ++how) {
        desk d;
        d.send();
        if (how == 1) (void)d.release(1);
        if (how == 2) (void)d.answer(1, 1);
        if (how == 3) (void)d.answer(1, 1), (void)d.reject(1, 1), (void)d.release(1);
        if (how == 4) (void)d.fail(1);
        if (how == 5) (void)d.answer(1, 1), (void)d.accept(1), (void)d.acknowledge();
        d.dead = {"a"};
        EXPECT_TRUE(is<mismatch>(d.claim(2, "b", 2, "other"))) << to_string(d.row.state);
    }
}

TEST(record_claim, a_free_record_takes_another_request_because_nothing_was_paid) {
    desk d;
    d.send();
    (void)d.unsend(1, 1);
    (void)d.release(1);
    EXPECT_EQ(d.row.state, record_state::free);
    EXPECT_TRUE(is<granted>(d.claim(2, "b", 2, "other")));
    EXPECT_EQ(d.row.print, print_of("other"));
}

TEST(record_claim, a_claim_that_died_before_any_send_does_not_bind_the_key_to_its_request) {
    desk d;
    (void)d.claim(1);
    EXPECT_TRUE(is<mismatch>(d.claim(2, "b", 2, "other")));
    d.dead = {"a"};
    EXPECT_TRUE(is<granted>(d.claim(2, "b", 2, "other")));
    EXPECT_EQ(d.row.print, print_of("other"));
}

TEST(record_claim, a_send_is_guarded_by_its_own_longest_time_and_not_by_the_lease) {
    desk d;
    d.send();
    d.pass(70s);
    auto const v = d.claim(2, "b");
    ASSERT_TRUE(is<in_progress>(v));
    EXPECT_EQ(std::get<in_progress>(v).hint, 5min + 30s - 70s);
    d.pass(5min + 30s - 70s);
    EXPECT_TRUE(is<granted>(d.claim(2, "b")));
}

TEST(record_claim, a_heartbeat_does_not_prolong_a_send) {
    desk d;
    d.send();
    d.pass(5min + 25s);
    (void)d.heartbeat(1);
    d.pass(10s);
    EXPECT_TRUE(is<granted>(d.claim(2, "b")));
}

TEST(record_claim, a_send_of_a_dead_owner_may_be_taken_over_at_once_while_sends_are_left) {
    desk d;
    d.send();
    d.dead = {"a"};
    auto const v = d.claim(2, "b");
    ASSERT_TRUE(is<granted>(v));
    EXPECT_EQ(std::get<granted>(v).sends, 1);
    EXPECT_EQ(d.row.state, record_state::claimed);
}

TEST(record_claim, a_send_of_a_dead_owner_is_unresolved_once_no_sends_are_left) {
    desk d;
    d.send(1, "a", 1);
    EXPECT_FALSE(d.is_unresolved());
    d.dead = {"a"};
    EXPECT_TRUE(is<unresolved>(d.claim(2, "b", 1)));
    EXPECT_TRUE(d.is_unresolved());
    EXPECT_FALSE(d.changes.any());
}

TEST(record_claim, a_stalled_send_is_unresolved_after_its_time_and_grace) {
    desk d;
    d.send(1, "a", 1);
    d.pass(5min + 30s);
    EXPECT_TRUE(is<unresolved>(d.claim(2, "b", 1)));
}

TEST(record_claim, after_a_lost_send_its_claim_is_guarded_by_the_lease_again) {
    desk d;
    d.send();
    (void)d.lost(1, 1);
    EXPECT_EQ(d.row.state, record_state::sent);
    auto const v = d.claim(2, "b");
    ASSERT_TRUE(is<in_progress>(v));
    EXPECT_EQ(std::get<in_progress>(v).hint, 60s);
    d.pass(60s);
    EXPECT_TRUE(is<granted>(d.claim(2, "b")));
}

TEST(record_claim, the_claim_whose_send_was_lost_goes_on) {
    desk d;
    d.send();
    (void)d.lost(1, 1);
    auto const p = d.permit(1, 1);
    ASSERT_TRUE(p);
    EXPECT_EQ(p->send, 2);
}

TEST(record_claim, given_up_with_a_send_unaccounted_for_it_is_claimable_while_sends_are_left) {
    desk d;
    d.send();
    (void)d.release(1);
    EXPECT_EQ(d.row.state, record_state::unknown);
    auto const v = d.claim(2, "b");
    ASSERT_TRUE(is<granted>(v));
    EXPECT_EQ(std::get<granted>(v).sends, 1);
}

TEST(record_claim, given_up_with_every_send_spent_it_is_unresolved) {
    desk d;
    d.send(1, "a", 1);
    (void)d.release(1);
    EXPECT_TRUE(is<unresolved>(d.claim(2, "b", 1)));
    EXPECT_TRUE(d.is_unresolved());
}

TEST(record_claim, who_allows_more_sends_gets_what_another_calls_unresolved) {
    desk d;
    d.send(1, "a", 1);
    (void)d.release(1);
    EXPECT_TRUE(is<granted>(d.claim(2, "b", 2)));
}

TEST(record_claim, what_is_listed_as_unresolved_follows_the_last_who_asked) {
    desk d;
    d.send(1, "a", 2);
    (void)d.release(1);
    EXPECT_FALSE(d.is_unresolved());
    EXPECT_TRUE(is<unresolved>(d.claim(2, "b", 1)));
    EXPECT_TRUE(d.changes.row);
    EXPECT_TRUE(d.is_unresolved());
}

TEST(record_claim, an_answered_record_is_granted_with_its_undecoded_answers_even_without_sends_left) {
    desk d;
    d.send(1, "a", 1);
    (void)d.answer(1, 1, "paid");
    EXPECT_TRUE(is<in_progress>(d.claim(2, "b", 1)));
    d.dead = {"a"};
    auto const v = d.claim(2, "b", 1);
    ASSERT_TRUE(is<granted>(v));
    ASSERT_EQ(std::get<granted>(v).undecoded.size(), 1U);
    EXPECT_EQ(std::get<granted>(v).undecoded[0].send, 1);
    EXPECT_EQ(std::get<granted>(v).undecoded[0].what->body, "paid");
    EXPECT_EQ(d.row.state, record_state::answered);
}

TEST(record_claim, a_defective_answer_leaves_the_key_claimable_while_sends_are_left) {
    desk d;
    d.send();
    (void)d.answer(1, 1);
    (void)d.reject(1, 1);
    (void)d.release(1);
    auto const v = d.claim(2, "b");
    ASSERT_TRUE(is<granted>(v));
    EXPECT_TRUE(std::get<granted>(v).undecoded.empty());
    EXPECT_EQ(std::get<granted>(v).sends, 1);
}

TEST(record_claim, only_defective_answers_and_no_sends_left_replay_the_defect) {
    desk d;
    d.send(1, "a", 1);
    (void)d.answer(1, 1);
    (void)d.reject(1, 1);
    (void)d.release(1);
    auto const v = d.claim(2, "b", 1);
    ASSERT_TRUE(is<failed_before>(v));
    EXPECT_EQ(std::get<failed_before>(v).why.kind(), fault_kind::defective_answer);
    EXPECT_EQ(std::get<failed_before>(v).why.message(), "cut off");
    EXPECT_TRUE(d.is_unresolved());
    ASSERT_TRUE(d.resolve(coffer::grant_send{}));
    EXPECT_TRUE(is<granted>(d.claim(3, "b", 1)));
}

TEST(record_claim, done_is_replayed) {
    desk d;
    d.finish();
    auto const v = d.claim(2, "b");
    ASSERT_TRUE(is<replayed>(v));
    EXPECT_EQ(std::get<replayed>(v).accepted.what->body, "answer");
    EXPECT_EQ(std::get<replayed>(v).accepted.send, 1);
}

TEST(record_claim, done_is_replayed_21_times_and_counts_one_send) {
    desk d;
    d.finish();
    for (int run = 2; run < 23; ++run) EXPECT_TRUE(is<replayed>(d.claim(run, "b")));
    EXPECT_EQ(d.row.counted_sends(), 1);
}

TEST(record_claim, acked_and_expired_are_told) {
    desk d;
    d.finish();
    desk e = d;
    ASSERT_TRUE(d.acknowledge());
    EXPECT_TRUE(is<acked>(d.claim(2)));
    e.pass(30 * 24h);
    EXPECT_TRUE(is<expired>(e.claim(2)));
}

// Permits ------------------------------------------------------------------------------------------------------------

TEST(record_permit, counts_the_send_before_it_is_made) {
    desk d;
    (void)d.claim(1);
    auto const p = d.permit(1, 0);
    ASSERT_TRUE(p);
    EXPECT_EQ(p->send, 1);
    EXPECT_EQ(d.row.counted_sends(), 1);
    EXPECT_EQ(d.row.state, record_state::sent);
    EXPECT_EQ(d.row.sends[0].permitted_until, d.now + 5min);
    EXPECT_EQ(d.row.sends[0].owner, "a");
    EXPECT_EQ(d.row.sends[0].provider, "provider");
}

TEST(record_permit, the_same_again_is_the_same_permit) {
    desk d;
    (void)d.claim(1);
    (void)d.permit(1, 0);
    d.pass(10s);
    auto const again = d.permit(1, 0);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->send, 1);
    EXPECT_EQ(d.row.counted_sends(), 1);
    EXPECT_EQ(d.row.sends[0].permitted_until, d.now + 5min) << "the send begins only now";
}

TEST(record_permit, does_not_prolong_the_lease) {
    desk d;
    (void)d.claim(1);
    auto const lease = d.row.lease_until;
    (void)d.permit(1, 0);
    EXPECT_EQ(d.row.lease_until, lease);
}

TEST(record_permit, is_refused_to_a_claim_that_was_taken_over) {
    desk d;
    (void)d.claim(1);
    d.pass(60s);
    (void)d.claim(2, "b");
    auto const p = d.permit(1, 0);
    EXPECT_EQ(refusal(p), "claim_lost");
    EXPECT_EQ(p.error().kind(), fault_kind::store_unavailable);
    EXPECT_EQ(d.row.counted_sends(), 0);
}

TEST(record_permit, is_refused_while_an_earlier_owners_answer_has_not_been_looked_at) {
    desk d;
    d.send(1);
    d.dead = {"a"};
    (void)d.claim(2, "b");
    ASSERT_TRUE(d.answer(1, 1));
    EXPECT_EQ(refusal(d.permit(2, 1)), "answer_stored") << "it is paid, and a second bill may be needless";
    auto const again = d.claim(2, "b");
    ASSERT_TRUE(std::holds_alternative<coffer::granted>(again));
    EXPECT_EQ(std::get<coffer::granted>(again).undecoded.size(), 1U);
    ASSERT_TRUE(d.reject(2, 1));
    EXPECT_EQ(refusal(d.permit(2, 1)), "") << "it is no use: another send may be made";
}

TEST(record_permit, is_refused_after_the_lease) {
    desk d;
    (void)d.claim(1);
    d.pass(60s);
    EXPECT_EQ(refusal(d.permit(1, 0)), "lease_over");
    ASSERT_TRUE(d.heartbeat(1)) << "nobody has taken it over";
    EXPECT_EQ(refusal(d.permit(1, 0)), "");
}

TEST(record_permit, is_refused_once_the_sends_are_spent) {
    desk d;
    d.send();
    (void)d.lost(1, 1);
    (void)d.permit(1, 1);
    (void)d.lost(1, 2);
    auto const p = d.permit(1, 2);
    ASSERT_FALSE(p);
    EXPECT_EQ(p.error().kind(), fault_kind::unresolved);
    EXPECT_EQ(p.error().stop(), coffer::stop_reason::sends_spent);
    EXPECT_EQ(d.row.counted_sends(), 2);
}

TEST(record_permit, is_refused_when_the_sends_are_not_those_expected) {
    desk d;
    d.send();
    (void)d.lost(1, 1);
    EXPECT_EQ(refusal(d.permit(1, 0)), "sends_moved") << "its last send is over: this is no lost reply";
}

TEST(record_permit, is_refused_once_the_record_is_done) {
    desk d;
    d.send(1);
    d.dead = {"a"};
    (void)d.claim(2, "b");
    (void)d.answer(1, 1);
    (void)d.accept(1);
    EXPECT_EQ(refusal(d.permit(2, 1)), "claim_over");
}

TEST(record_permit, is_refused_after_a_release) {
    desk d;
    d.send();
    (void)d.lost(1, 1);
    (void)d.release(1);
    EXPECT_EQ(refusal(d.permit(1, 1)), "claim_over");
    EXPECT_EQ(refusal(d.heartbeat(1)), "claim_over");
}

TEST(record_permit, an_unbilled_send_gives_its_place_back_and_keeps_its_number) {
    desk d;
    d.send(1, "a", 1);
    ASSERT_TRUE(d.unsend(1, 1));
    EXPECT_EQ(d.row.state, record_state::claimed);
    EXPECT_EQ(d.row.counted_sends(), 0);
    auto const p = d.permit(1, 0, 1);
    ASSERT_TRUE(p);
    EXPECT_EQ(p->send, 2);
}

// Answers ------------------------------------------------------------------------------------------------------------

TEST(record_answer, is_kept_and_then_judged) {
    desk d;
    d.send();
    ASSERT_TRUE(d.answer(1, 1, "paid"));
    EXPECT_EQ(d.row.state, record_state::answered);
    ASSERT_TRUE(d.accept(1));
    EXPECT_EQ(d.row.state, record_state::done);
    EXPECT_EQ(d.row.accepted()->reply->body, "paid");
}

TEST(record_answer, of_a_stalled_owner_is_a_donation) {
    desk d;
    d.send(1, "a");
    d.pass(6min);
    (void)d.claim(2, "b");
    ASSERT_TRUE(d.answer(1, 1, "donated"));
    EXPECT_EQ(d.row.state, record_state::answered);
    ASSERT_TRUE(d.accept(1));
    EXPECT_EQ(std::get<replayed>(d.claim(3, "c")).accepted.what->body, "donated");
}

TEST(record_answer, reaches_a_record_that_was_given_up) {
    desk d;
    d.send();
    (void)d.lost(1, 1);
    (void)d.release(1);
    ASSERT_TRUE(d.answer(1, 1, "late"));
    auto const v = d.claim(2, "b");
    ASSERT_EQ(std::get<granted>(v).undecoded.size(), 1U);
    ASSERT_TRUE(d.accept(1)) << "by the claim that decoded it";
    EXPECT_EQ(d.row.state, record_state::done);
}

TEST(record_answer, beats_a_fault_stored_meanwhile) {
    desk d;
    d.send();
    (void)d.fail(1);
    ASSERT_TRUE(d.answer(1, 1, "late"));
    EXPECT_EQ(d.row.state, record_state::answered);
    EXPECT_FALSE(d.row.stored_fault);
}

TEST(record_answer, is_never_replaced) {
    desk d;
    d.send();
    (void)d.answer(1, 1, "first");
    ASSERT_TRUE(d.answer(1, 1, "second"));
    EXPECT_EQ(d.row.sends[0].reply->body, "first");
}

TEST(record_answer, the_first_accepted_one_stands_and_later_ones_are_history) {
    desk d;
    d.send(1, "a");
    d.pass(6min);
    (void)d.claim(2, "b");
    (void)d.permit(2, 1);
    (void)d.answer(2, 2, "winner");
    ASSERT_TRUE(d.accept(2));
    ASSERT_TRUE(d.answer(1, 1, "late"));
    EXPECT_EQ(refusal(d.accept(1)), "accepted_other");
    EXPECT_EQ(d.row.state, record_state::done);
    EXPECT_EQ(std::get<replayed>(d.claim(3)).accepted.what->body, "winner");
    EXPECT_EQ(d.row.sends[0].reply->body, "late");
    EXPECT_EQ(d.row.counted_sends(), 2);
    ASSERT_TRUE(d.accept(2)) << "again: its reply was lost";
}

TEST(record_answer, after_the_acknowledgement_is_history) {
    desk d;
    d.send(1, "a");
    d.pass(6min);
    (void)d.claim(2, "b");
    (void)d.permit(2, 1);
    (void)d.answer(2, 2);
    (void)d.accept(2);
    (void)d.acknowledge();
    ASSERT_TRUE(d.answer(1, 1, "late"));
    EXPECT_EQ(d.row.state, record_state::acked);
    EXPECT_EQ(d.row.sends[0].reply->body, "late");
}

TEST(record_answer, makes_the_row_anew_if_it_is_gone) {
    desk d;
    auto const print = print_of("m");
    auto const stored = d.apply([&](auto& m) { return m.answer(claim_number(1), 3, answer_of("paid"), &print); });
    ASSERT_TRUE(stored);
    EXPECT_TRUE(is<mismatch>(d.claim(2, "b", 1, "other")));
    auto const v = d.claim(2, "b", 1);
    ASSERT_EQ(std::get<granted>(v).undecoded.size(), 1U);
    EXPECT_EQ(std::get<granted>(v).undecoded[0].send, 3);
    EXPECT_EQ(std::get<granted>(v).sends, 1);
}

TEST(record_answer, in_a_row_made_anew_never_shares_a_number) {
    desk d;
    auto const print = print_of("m");
    for (int const send : {3, 2})
        ASSERT_TRUE(d.apply([&](auto& m) { return m.answer(claim_number(1), send, answer_of("paid"), &print); }));
    (void)d.claim(2);
    ASSERT_TRUE(d.reject(2, 3));
    ASSERT_TRUE(d.reject(2, 2));
    EXPECT_EQ(d.permit(2, 2, 3).value().send, 4);
}

TEST(record_answer, in_a_row_made_anew_for_an_unknown_request_answers_nobody) {
    desk d;
    ASSERT_TRUE(d.answer(1, 1, "paid"));
    EXPECT_TRUE(is<mismatch>(d.claim(2)));
}

TEST(record_answer, to_a_send_that_never_was_is_misuse) {
    desk d;
    (void)d.claim(1);
    EXPECT_EQ(refusal(d.answer(1, 1)), "permanent");
    (void)d.permit(1, 0);
    EXPECT_EQ(refusal(d.answer(1, 2)), "permanent");
    EXPECT_EQ(refusal(d.answer(7, 1)), "permanent") << "a claim that made no send";
    EXPECT_EQ(refusal(d.accept(1)), "permanent") << "nothing to accept yet";
    EXPECT_EQ(refusal(d.reject(1, 1)), "permanent");
}

TEST(record_answer, that_was_judged_stays_judged) {
    desk d;
    d.send();
    (void)d.answer(1, 1);
    (void)d.reject(1, 1);
    EXPECT_TRUE(d.reject(1, 1)) << "again: its reply was lost";
    d.pass(0s);
    (void)d.permit(1, 1);
    (void)d.answer(1, 2);
    (void)d.accept(2);
    EXPECT_EQ(refusal(d.reject(1, 2)), "permanent");
    EXPECT_EQ(refusal(d.accept(1)), "accepted_other");
    EXPECT_EQ(d.row.state, record_state::done);
}

TEST(record_answer, found_defective_is_accepted_by_a_program_that_can_read_it) {
    for (int const max_sends : {1, 2}) {
        desk d;
        d.send(1, "a", max_sends);
        (void)d.answer(1, 1, "odd");
        (void)d.reject(1, 1);
        (void)d.release(1);
        auto v = d.claim(2, "b", max_sends);
        EXPECT_EQ(is<granted>(v), max_sends == 2);
        auto const* const found = coffer::detail::defective_answers(v);
        ASSERT_TRUE(found != nullptr && found->size() == 1);
        EXPECT_EQ(found->front().send, 1);
        EXPECT_EQ(found->front().what->body, "odd");
        ASSERT_TRUE(d.accept(1));
        EXPECT_EQ(d.row.state, record_state::done);
        EXPECT_FALSE(d.row.sends[0].why);
        auto const next = d.claim(3, "c", max_sends);
        ASSERT_TRUE(is<replayed>(next));
        EXPECT_EQ(std::get<replayed>(next).accepted.what->body, "odd");
    }
}

TEST(record_answer, of_another_claim_is_accepted_by_the_records_claim_alone) {
    desk d;
    d.send();
    (void)d.answer(1, 1);
    EXPECT_EQ(refusal(d.accept_by(2, 1)), "permanent") << "it was another send's number when that claim saw it";
    EXPECT_TRUE(d.accept_by(1, 1));
}

TEST(record_answer, found_defective_comes_along_where_another_send_was_lost) {
    desk d;
    d.send();
    (void)d.answer(1, 1, "odd");
    (void)d.reject(1, 1);
    (void)d.permit(1, 1);
    (void)d.lost(1, 2);
    (void)d.release(1);
    auto v = d.claim(2, "b");
    ASSERT_TRUE(is<unresolved>(v));
    ASSERT_EQ(std::get<unresolved>(v).defective.size(), 1U);
    ASSERT_TRUE(d.accept(1));
    EXPECT_TRUE(is<replayed>(d.claim(3, "b")));
}

TEST(record_answer, proves_wrong_who_said_it_was_not_sent) {
    desk d;
    d.send();
    (void)d.unsend(1, 1);
    ASSERT_TRUE(d.answer(1, 1));
    EXPECT_EQ(d.row.counted_sends(), 1);
    EXPECT_EQ(refusal(d.unsend(1, 1)), "permanent");
}

// Fences -------------------------------------------------------------------------------------------------------------

TEST(record_fence, everything_but_a_paid_answer_is_refused_to_a_claim_that_was_taken_over) {
    desk d;
    d.send(1, "a");
    d.pass(6min);
    (void)d.claim(2, "b");
    EXPECT_EQ(refusal(d.lost(1, 1)), "claim_lost");
    EXPECT_EQ(refusal(d.unsend(1, 1)), "claim_lost");
    EXPECT_EQ(refusal(d.fail(1)), "claim_lost");
    EXPECT_EQ(refusal(d.release(1)), "claim_lost");
    EXPECT_EQ(refusal(d.heartbeat(1)), "claim_lost");
    EXPECT_EQ(refusal(d.permit(1, 1)), "claim_lost");
    ASSERT_TRUE(d.answer(1, 1));
    EXPECT_EQ(refusal(d.reject(1, 1)), "claim_lost") << "the one that holds the record judges";
    EXPECT_TRUE(d.accept(1));
}

TEST(record_unsend, again_changes_nothing) {
    desk d;
    d.send();
    (void)d.unsend(1, 1);
    EXPECT_TRUE(d.unsend(1, 1));
    EXPECT_FALSE(d.changes.any());
}

TEST(record_unsend, leaves_a_record_sent_while_another_send_is_out) {
    desk d;
    d.send();
    (void)d.permit(1, 1);
    ASSERT_TRUE(d.unsend(1, 1));
    EXPECT_EQ(d.row.state, record_state::sent);
    ASSERT_TRUE(d.unsend(1, 2));
    EXPECT_EQ(d.row.state, record_state::claimed);
}

TEST(record_unsend, after_the_release_frees_the_key) {
    desk d;
    d.send(1, "a", 1);
    (void)d.release(1);
    ASSERT_TRUE(d.unsend(1, 1));
    EXPECT_EQ(d.row.state, record_state::free);
    EXPECT_TRUE(is<granted>(d.claim(2, "b", 1)));
}

TEST(record_lost, after_the_answer_changes_nothing) {
    desk d;
    d.send();
    (void)d.answer(1, 1);
    EXPECT_TRUE(d.lost(1, 1));
    EXPECT_EQ(d.row.sends[0].state, send_state::answered);
}

// Ends ---------------------------------------------------------------------------------------------------------------

TEST(record_release, without_any_send_leaves_no_row) {
    desk d;
    (void)d.claim(1);
    ASSERT_TRUE(d.release(1));
    EXPECT_TRUE(d.changes.gone);
    EXPECT_TRUE(d.release(1)) << "again: its reply was lost";
}

TEST(record_release, with_unbilled_sends_frees_the_key_and_keeps_the_history) {
    desk d;
    d.send();
    (void)d.unsend(1, 1);
    ASSERT_TRUE(d.release(1));
    EXPECT_EQ(d.row.state, record_state::free);
    EXPECT_EQ(d.row.sends.size(), 1U);
}

TEST(record_release, never_forgets_a_send) {
    desk d;
    d.send();
    ASSERT_TRUE(d.release(1));
    EXPECT_EQ(d.row.state, record_state::unknown);
    EXPECT_EQ(d.row.counted_sends(), 1);
    EXPECT_TRUE(d.release(1));
    d.pass(365 * 24h);
    EXPECT_EQ(std::get<granted>(d.claim(2)).sends, 1) << "unresolved never expires into a new bill";
}

TEST(record_release, with_an_undecoded_answer_is_claimable_at_once) {
    desk d;
    d.send(1, "a", 1);
    (void)d.answer(1, 1);
    ASSERT_TRUE(d.release(1));
    EXPECT_EQ(d.row.state, record_state::answered);
    EXPECT_EQ(std::get<granted>(d.claim(2, "b", 1)).undecoded.size(), 1U);
}

TEST(record_release, with_an_undecoded_answer_is_answered_whatever_else_is_out) {
    desk d;
    d.send();
    (void)d.permit(1, 1);
    (void)d.answer(1, 1);
    ASSERT_TRUE(d.release(1));
    EXPECT_EQ(d.row.state, record_state::answered);
}

TEST(record_fail, replays_the_fault_until_it_expires) {
    desk d;
    d.send();
    (void)d.unsend(1, 1);
    ASSERT_TRUE(d.fail(1));
    EXPECT_TRUE(d.fail(1)) << "again: its reply was lost";
    auto const v = d.claim(2, "b");
    ASSERT_TRUE(is<failed_before>(v));
    EXPECT_EQ(std::get<failed_before>(v).why.kind(), fault_kind::invalid_request);
    EXPECT_EQ(std::get<failed_before>(v).why.message(), "no such parameter");
    d.pass(10min);
    EXPECT_TRUE(is<granted>(d.claim(2, "b", 2, "other"))) << "nothing was paid: free";
}

TEST(record_fail, that_was_billed_expires_to_unknown) {
    desk d;
    d.send(1, "a", 1);
    (void)d.fail(1, fault_kind::content_policy);
    d.pass(10min);
    EXPECT_TRUE(is<mismatch>(d.claim(2, "b", 1, "other")));
    EXPECT_TRUE(is<unresolved>(d.claim(2, "b", 1)));
    EXPECT_EQ(d.row.state, record_state::unknown);
}

TEST(record_fail, takes_only_faults_of_the_request_itself) {
    for (auto const& r : coffer::fault_table) {
        desk d;
        (void)d.claim(1);
        EXPECT_EQ(d.fail(1, r.kind).has_value(), r.stored) << r.name;
    }
}

TEST(record_acknowledge, drops_the_payload_and_keeps_the_bill) {
    desk d;
    d.send();
    auto const paid = std::make_shared<coffer::answer>("answer", 200);
    paid->request_id = "req-1";
    paid->cost = coffer::money::from_nano(12);
    (void)d.apply([&](auto& m) { return m.answer(claim_number(1), 1, paid); });
    (void)d.accept(1);
    ASSERT_TRUE(d.acknowledge());
    EXPECT_TRUE(d.changes.payloads);
    EXPECT_EQ(d.row.state, record_state::acked);
    EXPECT_EQ(d.row.sends[0].reply->body, "");
    EXPECT_EQ(d.row.sends[0].reply->request_id, "req-1");
    EXPECT_EQ(d.row.known_cost(), coffer::money::from_nano(12));
    EXPECT_EQ(paid->body, "answer") << "who holds the answer keeps it";
    EXPECT_TRUE(d.acknowledge());
}

TEST(record_acknowledge, says_what_stands_in_its_way) {
    desk d;
    EXPECT_EQ(refusal(d.acknowledge()), "permanent");
    (void)d.claim(1, "a", 1);
    auto const busy = d.acknowledge();
    EXPECT_EQ(refusal(busy), "in_progress");
    EXPECT_EQ(busy.error().retry_after(), 60s);
    (void)d.permit(1, 0, 1);
    d.dead = {"a"};
    EXPECT_EQ(refusal(d.acknowledge()), "unresolved");
    desk e;
    e.finish();
    e.pass(31 * 24h);
    EXPECT_EQ(refusal(e.acknowledge()), "result_expired");
}

TEST(record_expiry, unacknowledged_answers_live_30_days_and_then_never_turn_into_a_new_bill) {
    desk d;
    d.finish();
    d.pass(30 * 24h - 1s);
    EXPECT_TRUE(is<replayed>(d.claim(2)));
    d.pass(1s);
    EXPECT_TRUE(is<expired>(d.claim(2)));
    EXPECT_TRUE(d.changes.payloads);
    EXPECT_EQ(d.row.sends[0].reply->body, "");
    d.pass(1000 * 24h);
    EXPECT_TRUE(is<expired>(d.claim(2)));
}

TEST(record_expiry, acknowledged_rows_go_after_30_days) {
    desk d;
    d.finish();
    (void)d.acknowledge();
    d.pass(30 * 24h - 1s);
    EXPECT_TRUE(is<acked>(d.claim(2)));
    d.pass(1s);
    EXPECT_TRUE(is<granted>(d.claim(2, "a", 2, "other")));
    EXPECT_TRUE(d.changes.gone);
    EXPECT_TRUE(d.row.sends.empty());
}

TEST(record_expiry, what_is_kept_for_how_long_is_the_claims_wish) {
    desk d;
    coffer::claim_request q;
    q.id = claim_number(1);
    q.print = print_of("m");
    q.unacknowledged_kept = 1h;
    q.acknowledged_kept = 2h;
    (void)d.apply([&](auto& m) { return m.claim(q, "a", 1); });
    (void)d.permit(1, 0);
    (void)d.answer(1, 1);
    (void)d.accept(1);
    desk e = d;
    e.pass(1h);
    EXPECT_TRUE(is<expired>(e.claim(2)));
    (void)d.acknowledge();
    d.pass(2h);
    EXPECT_TRUE(is<granted>(d.claim(2)));
}

// An operator --------------------------------------------------------------------------------------------------------

TEST(record_resolve, grants_one_more_send) {
    desk d;
    d.send(1, "a", 1);
    (void)d.release(1);
    ASSERT_TRUE(d.resolve(coffer::grant_send{}));
    EXPECT_FALSE(d.is_unresolved());
    EXPECT_EQ(refusal(d.resolve(coffer::grant_send{})), "permanent") << "it is not unresolved any more";
    EXPECT_EQ(std::get<granted>(d.claim(2, "b", 1)).sends_allowed, 2);
    ASSERT_TRUE(d.permit(2, 1, 1));
    (void)d.lost(2, 2);
    auto const spent = d.permit(2, 2, 1);
    ASSERT_FALSE(spent);
    EXPECT_EQ(spent.error().stop(), coffer::stop_reason::sends_spent);
}

TEST(record_resolve, grants_a_send_that_helps_although_more_were_made_than_are_allowed_now) {
    desk d;
    d.send(1, "a", 2);
    (void)d.lost(1, 1);
    (void)d.permit(1, 1, 2);
    (void)d.release(1);
    EXPECT_TRUE(is<unresolved>(d.claim(2, "b", 1)));
    ASSERT_TRUE(d.resolve(coffer::grant_send{}));
    EXPECT_TRUE(is<granted>(d.claim(3, "b", 1)));
}

TEST(record_resolve, abandons) {
    desk d;
    d.send(1, "a", 1);
    (void)d.release(1);
    ASSERT_TRUE(d.resolve(coffer::abandon{}));
    EXPECT_TRUE(is<acked>(d.claim(2, "b", 1)));
    ASSERT_TRUE(d.answer(1, 1, "late"));
    EXPECT_EQ(d.row.state, record_state::acked);
    EXPECT_EQ(d.row.sends[0].reply->body, "late");
}

TEST(record_resolve, takes_an_answer_found_elsewhere) {
    desk d;
    d.send(1, "a", 1);
    (void)d.release(1);
    ASSERT_TRUE(d.resolve(coffer::supply_answer{coffer::answer{"found", 200}}));
    auto const v = d.claim(2, "b", 1);
    ASSERT_TRUE(is<coffer::granted>(v));
    auto const& undecoded = std::get<coffer::granted>(v).undecoded;
    ASSERT_EQ(undecoded.size(), 1U);
    EXPECT_EQ(undecoded[0].what->body, "found");
    EXPECT_FALSE(undecoded[0].counts);
    EXPECT_EQ(refusal(d.permit(2, 1, 9)), "answer_stored") << "it has to be looked at first";
    ASSERT_TRUE(d.accept(undecoded[0].send));
    ASSERT_TRUE(d.accept(undecoded[0].send)) << "again";
    EXPECT_EQ(d.row.counted_sends(), 1) << "no send was made for it";
    ASSERT_TRUE(d.answer(1, 1, "late"));
    EXPECT_EQ(std::get<replayed>(d.claim(3, "b", 1)).accepted.what->body, "found");
}

TEST(record_resolve, an_answer_found_elsewhere_stays_with_its_request_and_counts_for_nothing) {
    desk d;
    d.send(1, "a", 1);
    (void)d.release(1);
    ASSERT_TRUE(d.resolve(coffer::supply_answer{coffer::answer{"the wrong file", 200}}));
    EXPECT_EQ(refusal(d.resolve(coffer::supply_answer{coffer::answer{"another", 200}})), "permanent")
        << "it waits to be judged";
    ASSERT_TRUE(d.unsend(1, 1)) << "its owner was slow";
    EXPECT_TRUE(is<coffer::mismatch>(d.claim(9, "b", 1, "another request"))) << "the answer is this request's";
    (void)d.claim(2, "b", 1);
    ASSERT_TRUE(d.reject(2, 2));
    ASSERT_TRUE(d.release(2));
    EXPECT_TRUE(is<coffer::granted>(d.claim(3, "b", 1))) << "nothing was paid, as it turned out";
    EXPECT_EQ(d.row.counted_sends(), 0);
}

TEST(record_resolve, an_operator_may_have_second_thoughts_about_an_answer) {
    desk d;
    d.send(1, "a", 1);
    (void)d.release(1);
    ASSERT_TRUE(d.resolve(coffer::supply_answer{coffer::answer{"the wrong file", 200}}));
    ASSERT_TRUE(d.resolve(coffer::abandon{}));
    EXPECT_TRUE(is<coffer::acked>(d.claim(2, "b", 1)));
}

TEST(record_resolve, a_late_answer_and_one_found_elsewhere_the_accepted_one_stands) {
    desk d;
    d.send(1, "a", 1);
    (void)d.release(1);
    ASSERT_TRUE(d.resolve(coffer::supply_answer{coffer::answer{"found", 200}}));
    ASSERT_TRUE(d.answer(1, 1, "late"));
    ASSERT_TRUE(d.accept(1));
    EXPECT_EQ(std::get<replayed>(d.claim(2, "b", 1)).accepted.what->body, "late");
    EXPECT_FALSE(d.accept(2)) << "another one was accepted first";
}

// Cached -------------------------------------------------------------------------------------------------------------

TEST(record_cached, an_answer_that_came_after_its_time_can_still_be_accepted) {
    desk d;
    auto q = cached_for(30s);
    (void)d.apply([&](auto& m) { return m.claim(q, "a", 1); });
    (void)d.permit(1, 0);
    d.pass(75s);  // the lease is over too: the store was locked, and no heartbeat came through
    ASSERT_TRUE(d.answer(1, 1, "paid"));
    ASSERT_TRUE(d.accept(1));
    d.pass(29s);
    q.id = claim_number(2);
    EXPECT_TRUE(is<replayed>(d.apply([&](auto& m) { return m.claim(q, "a", 2); }))) << "30 s from when it came";
    d.pass(2s);
    EXPECT_TRUE(is<granted>(d.apply([&](auto& m) { return m.claim(q, "a", 2); })));
}

TEST(record_cached, a_row_that_is_made_anew_for_a_late_answer_is_cached_too) {
    desk d;
    auto const q = cached_for(30s);
    (void)d.apply([&](auto& m) { return m.answer(q.id, 1, answer_of("late"), &q.print, 30s); });
    ASSERT_TRUE(d.accept(1));
    EXPECT_TRUE(d.row.cached);
    EXPECT_EQ(d.row.expires, d.wall + 30s);
}

// ------------------------------------------------------------------------------------------------------------------

TEST(record_resolve, what_is_granted_is_one_send_whoever_asks_next) {
    desk d;
    d.send(1, "a", 2);
    ASSERT_TRUE(d.lost(1, 1));
    (void)d.permit(1, 1, 2);
    (void)d.release(1);
    EXPECT_TRUE(is<unresolved>(d.claim(2, "b", 1))) << "a program that allows itself less";
    ASSERT_TRUE(d.resolve(coffer::grant_send{}));
    auto const v = d.claim(3, "a", 2);
    ASSERT_TRUE(is<granted>(v));
    EXPECT_EQ(std::get<granted>(v).sends, 2);
    EXPECT_EQ(std::get<granted>(v).sends_allowed, 3);
    ASSERT_TRUE(d.permit(3, 2, 2));
    ASSERT_TRUE(d.lost(3, 3));
    EXPECT_FALSE(d.permit(3, 3, 2));
    (void)d.release(3);
    EXPECT_TRUE(is<unresolved>(d.claim(4, "b", 1)));
    EXPECT_TRUE(is<unresolved>(d.claim(4, "a", 2)));
}

TEST(record_resolve, is_refused_while_nothing_is_unresolved) {
    desk d;
    for (auto const& how : {coffer::resolution{coffer::grant_send{}}, coffer::resolution{coffer::abandon{}},
                            coffer::resolution{coffer::supply_answer{coffer::answer{"x"}}}})
        EXPECT_EQ(refusal(d.resolve(how)), "permanent");
    d.send(1, "a", 1);
    EXPECT_EQ(refusal(d.resolve(coffer::abandon{})), "permanent") << "its owner is at work";
    d.dead = {"a"};
    EXPECT_TRUE(d.resolve(coffer::abandon{}));
}

}  // namespace
}  // namespace record_machine_test
