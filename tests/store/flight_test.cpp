// SPDX-License-Identifier: BSL-1.0
// Flights without a pipeline: who is aboard, how long a send may last, how they land, how they are found, and how permits
// are taken under a live claim.

#include <coffer/call/attempt.hpp>
#include <coffer/call/call_access.hpp>
#include <coffer/store/flight.hpp>
#include <coffer/store/flight_table.hpp>
#include <coffer/store/live_claim.hpp>
#include <coffer/store/memory.hpp>

#include <asio/strand.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/simulation.hpp"

namespace flight_test {
namespace {

using namespace coffer::literals;
using namespace std::chrono_literals;
using coffer::fault;
using coffer::fault_kind;
using coffer::flight;
using coffer::knowledge;
using coffer::time_point;

constexpr auto never = time_point::max();

struct flight_test : testing::Test {
    support::simulation sim;
    coffer::call const user{coffer::key{"test", "k"}};
    time_point const start = sim.time.now();

    std::shared_ptr<flight> open(std::shared_ptr<flight> before = nullptr) {
        return std::make_shared<flight>(asio::make_strand(sim.executor()), coffer::fingerprint{},
                                        coffer::call_access::fork(user), std::move(before));
    }
    static coffer::attempt_record ended(knowledge billing, std::optional<coffer::money> cost) {
        coffer::attempt_record r;
        r.billing = billing;
        r.cost = cost;
        return r;
    }
};

TEST_F(flight_test, takes_the_latest_deadline_of_those_who_boarded) {
    auto const f = open();
    ASSERT_TRUE(f->board(start, start + 10s));
    EXPECT_EQ(f->own_call().deadline(), start + 10s);
    ASSERT_TRUE(f->board(start, start + 30s));
    ASSERT_TRUE(f->board(start, start + 20s));
    EXPECT_EQ(f->own_call().deadline(), start + 30s);
}

TEST_F(flight_test, the_last_to_leave_before_a_send_gives_it_up) {
    auto const f = open();
    (void)f->board(start, never);
    (void)f->board(start, never);
    f->leave(start);
    EXPECT_FALSE(f->given_up());
    f->leave(start);
    EXPECT_TRUE(f->given_up());
    EXPECT_FALSE(f->board(start, never));
    EXPECT_FALSE(f->begin_send(1, start, 30s, 1min));
}

coffer::awaitable<void> wait_in(coffer::wake& woke) {
    auto const said = co_await coffer::sleep_for(1h);
    woke = said;
}

TEST_F(flight_test, giving_up_cancels_the_work) {
    auto const f = open();
    (void)f->board(start, never);
    auto woke = coffer::wake::elapsed;
    asio::co_spawn(f->executor(), wait_in(woke), asio::bind_cancellation_slot(f->cancellation(), asio::detached));
    f->launched();
    sim.time.run_for(1s);
    f->leave(sim.time.now());
    sim.time.run_for(1s);
    EXPECT_EQ(woke, coffer::wake::cancelled);
}

TEST_F(flight_test, giving_up_before_the_work_listens_cancels_it_as_soon_as_it_does) {
    auto const f = open();
    (void)f->board(start, never);
    f->drain();  // perhaps in another thread, in which the signal must not be touched yet
    auto woke = coffer::wake::elapsed;
    asio::co_spawn(f->executor(), wait_in(woke), asio::bind_cancellation_slot(f->cancellation(), asio::detached));
    sim.time.run_for(1s);
    EXPECT_EQ(woke, coffer::wake::elapsed);
    f->launched();
    sim.time.run_for(1s);
    EXPECT_EQ(woke, coffer::wake::cancelled);
}

TEST_F(flight_test, a_send_is_cut_off_once_and_the_next_one_starts_afresh) {
    auto const f = open();
    (void)f->board(start, never);
    auto woke = coffer::wake::elapsed;
    asio::co_spawn(f->executor(), wait_in(woke), asio::bind_cancellation_slot(f->cancellation(), asio::detached));
    f->launched();
    sim.time.run_for(1s);
    f->cut(start + 1h);
    EXPECT_FALSE(f->was_cut(1)) << "there is nothing to cut";
    ASSERT_TRUE(f->begin_send(1, start, 30s, 1min));
    f->cut(start + 29s);
    EXPECT_FALSE(f->was_cut(1)) << "it is not time yet";
    f->cut(start + 30s);
    EXPECT_TRUE(f->was_cut(1));
    EXPECT_EQ(f->send_limit(), never) << "cut off once";
    sim.time.run_for(1s);
    EXPECT_EQ(woke, coffer::wake::cancelled);
    f->end_send(1);
    EXPECT_TRUE(f->take_cut(1));
    EXPECT_FALSE(f->take_cut(1));
    ASSERT_TRUE(f->begin_send(2, start + 1min, 30s, 1min));
    EXPECT_FALSE(f->was_cut(2));
    EXPECT_EQ(f->send_limit(), start + 90s);
}

TEST_F(flight_test, how_long_a_send_may_last) {
    auto const f = open();
    (void)f->board(start, never);
    EXPECT_EQ(f->send_limit(), never);
    ASSERT_TRUE(f->begin_send(1, start, 30s, 1min));
    EXPECT_EQ(f->send_limit(), start + 30s) << "while anybody waits";
    f->leave(start + 10s);
    EXPECT_EQ(f->send_limit(), start + 70s) << "from the last leaving on";
    (void)f->board(start + 20s, never);
    EXPECT_EQ(f->send_limit(), start + 30s) << "somebody came in time";
    f->leave(start + 25s);
    EXPECT_EQ(f->send_limit(), start + 85s);
    (void)f->board(start + 30s, never);
    EXPECT_EQ(f->send_limit(), start + 85s) << "too late to be what it is cut off for";
    (void)f->board(start + 31s, never);
    EXPECT_EQ(f->send_limit(), start + 85s);
    f->leave(start + 40s);
    f->leave(start + 50s);
    EXPECT_EQ(f->send_limit(), start + 90s) << "never longer than both";
    f->end_send(1);
    EXPECT_EQ(f->send_limit(), never);
    EXPECT_TRUE(f->given_up()) << "for whom another one?";
}

TEST_F(flight_test, limits_saturate) {
    auto const f = open();
    (void)f->board(start, never);
    ASSERT_TRUE(f->begin_send(1, start, coffer::duration::max(), coffer::duration::max()));
    EXPECT_EQ(f->send_limit(), never);
    f->leave(start);
    EXPECT_EQ(f->send_limit(), never);
}

TEST_F(flight_test, of_two_sends_at_once_leaving_cancels_neither) {
    auto const f = open();
    (void)f->board(start, never);
    ASSERT_TRUE(f->begin_send(1, start, 30s, 1min));
    ASSERT_TRUE(f->begin_send(2, start + 5s, 30s, 1min));
    f->leave(start + 6s);
    f->end_send(1);
    EXPECT_FALSE(f->given_up()) << "one is still paid for";
    EXPECT_TRUE(f->so_far().sending);
    f->end_send(2);
    EXPECT_TRUE(f->given_up());
}

TEST_F(flight_test, of_two_sends_at_once_each_has_its_own_limit) {
    auto const f = open();
    (void)f->board(start, never);
    ASSERT_TRUE(f->begin_send(1, start, 30s, 1min));
    ASSERT_TRUE(f->begin_send(2, start + 20s, 30s, 1min));
    EXPECT_EQ(f->send_limit(), start + 30s);
    f->cut(start + 30s);
    EXPECT_TRUE(f->was_cut(1));
    EXPECT_FALSE(f->was_cut(2));
    EXPECT_EQ(f->send_limit(), start + 50s);
    f->end_send(1);
    EXPECT_TRUE(f->was_cut(1)) << "until it is taken notice of";
    EXPECT_TRUE(f->take_cut(1));
    EXPECT_FALSE(f->was_cut(1));
    EXPECT_FALSE(f->take_cut(2));
    f->cut(start + 50s);
    EXPECT_TRUE(f->take_cut(2));
    f->end_send(2);
    EXPECT_FALSE(f->so_far().sending);
}

TEST_F(flight_test, nothing_is_sent_any_more_when_there_is_an_answer_and_what_is_under_way_has_no_known_cost) {
    auto const f = open();
    (void)f->board(start, never);
    ASSERT_TRUE(f->begin_send(1, start, 30s, 1min));
    ASSERT_TRUE(f->begin_send(2, start, 30s, 1min));
    f->accept(std::make_shared<coffer::answer const>(), {"acme", "m"}, false);
    f->recorded(ended(knowledge::yes, 0.01_usd));
    f->end_send(2);
    EXPECT_FALSE(f->begin_send(3, start, 30s, 1min));
    ASSERT_TRUE(f->accepted());
    EXPECT_EQ(f->accepted()->cost, std::nullopt);
    f->recorded(ended(knowledge::yes, 0.01_usd));
    f->end_send(1);
    EXPECT_EQ(f->accepted()->cost, 0.02_usd);
}

TEST_F(flight_test, what_changes_the_limit_wakes_who_watches_it) {
    auto const f = open();
    auto const woken = [&](auto change) {
        auto const nudge = f->next_nudge();
        bool notified = false;
        auto const watch = [](std::shared_ptr<coffer::wait_list> list, bool& told) -> coffer::awaitable<void> {
            auto const executor = co_await asio::this_coro::executor;
            auto const woke = co_await coffer::wait_until(coffer::clock_service::of(executor), never, list.get());
            told = woke == coffer::wake::notified;
        };
        auto const r = sim.start(watch(nudge, notified));
        sim.io.poll();
        change();
        sim.io.restart();
        sim.io.poll();
        return notified;
    };
    EXPECT_TRUE(woken([&] { (void)f->board(start, never); }));
    EXPECT_TRUE(woken([&] { (void)f->begin_send(1, start, 30s, 1min); }));
    EXPECT_TRUE(woken([&] { f->leave(start); }));
    EXPECT_TRUE(woken([&] { f->land({}); }));
}

TEST_F(flight_test, the_first_landing_counts) {
    auto const f = open();
    (void)f->board(start, never);
    f->recorded(ended(knowledge::yes, 0.01_usd));
    f->recorded(ended(knowledge::yes, 0.02_usd));
    EXPECT_FALSE(f->over());
    coffer::landing how;
    how.why.emplace(fault_kind::throttled);
    f->land(std::move(how));
    EXPECT_TRUE(f->over());
    f->land({});
    auto const* const landed = f->landed().get();
    ASSERT_NE(landed, nullptr);
    ASSERT_TRUE(landed->why);
    EXPECT_EQ(landed->why->kind(), fault_kind::throttled);
    EXPECT_EQ(landed->log.size(), 2U);
    EXPECT_EQ(landed->cost, 0.03_usd);
    f->leave(start);  // after the landing it does nothing
    EXPECT_FALSE(f->given_up());
}

TEST_F(flight_test, what_is_told_so_far) {
    auto const f = open();
    (void)f->board(start, never);
    EXPECT_FALSE(f->so_far().maybe_billed());
    EXPECT_EQ(f->so_far().cost, 0_usd);
    f->recorded(ended(knowledge::no, coffer::money{}));
    EXPECT_FALSE(f->so_far().maybe_billed());
    (void)f->begin_send(1, start, 30s, 1min);
    EXPECT_TRUE(f->so_far().maybe_billed());
    EXPECT_EQ(f->so_far().cost, std::nullopt);
    f->end_send(1);
    EXPECT_FALSE(f->so_far().maybe_billed());
    f->recorded(ended(knowledge::maybe, std::nullopt));
    EXPECT_TRUE(f->so_far().maybe_billed());
    EXPECT_EQ(f->so_far().cost, std::nullopt);
    EXPECT_EQ(f->so_far().log.size(), 2U);
}

TEST_F(flight_test, may_outlive_its_context) {
    std::shared_ptr<flight> f;
    {
        support::simulation gone;
        f = std::make_shared<flight>(asio::make_strand(gone.executor()), coffer::fingerprint{},
                                     coffer::call_access::fork(user), nullptr);
        (void)f->board(start, never);
        auto woke = coffer::wake::elapsed;
        asio::co_spawn(f->executor(), wait_in(woke), asio::bind_cancellation_slot(f->cancellation(), asio::detached));
        f->launched();
        gone.time.run_for(1s);
        f->land({});
    }
    f->leave(start);
}

// The table -------------------------------------------------------------------------------------------------------------

TEST_F(flight_test, a_table_finds_opens_replaces_and_forgets) {
    coffer::flight_table table;
    coffer::record_id const id{"test", "k"};
    auto const yes = [](flight&) { return true; };
    auto const no = [](flight&) { return false; };
    EXPECT_EQ(table.board(id, yes), nullptr);

    auto const first = table.board_or_open(id, yes, [&](std::shared_ptr<flight> before) {
        EXPECT_EQ(before, nullptr);
        return open(std::move(before));
    });
    EXPECT_EQ(table.board(id, yes), first);
    EXPECT_EQ(table.board(id, no), nullptr);
    EXPECT_EQ(table.board_or_open(id, yes, [&](auto before) { return open(std::move(before)); }), first);

    auto const second = table.board_or_open(id, no, [&](auto before) { return open(std::move(before)); });
    EXPECT_NE(second, first);
    EXPECT_EQ(second->take_predecessor(), first);
    table.remove(id, first);
    EXPECT_EQ(table.board(id, yes), second) << "the place is not the first one's any more";
    table.remove(id, second);
    EXPECT_EQ(table.board(id, yes), nullptr);
    EXPECT_EQ(table.board(coffer::record_id{"test", "other"}, yes), nullptr);
}

TEST_F(flight_test, a_table_knows_what_has_landed_with_a_send_under_way_until_that_is_home) {
    coffer::flight_table table;
    coffer::record_id const id{"test", "k"};
    auto const no = [](flight&) { return false; };
    auto const begin = [&] {
        return table.board_or_open(id, no, [&](auto before) { return open(std::move(before)); });
    };
    auto const quiet = begin();
    table.remove(id, quiet);
    EXPECT_TRUE(table.afterwards().empty());
    auto const lost = begin();
    (void)lost->board(start, never);
    ASSERT_TRUE(lost->begin_send(1, start, 30s, 1min));
    table.remove(id, lost);
    ASSERT_EQ(table.afterwards().size(), 1U);
    EXPECT_EQ(table.afterwards()[0].first, id);
    lost->come_home();
    EXPECT_TRUE(table.afterwards().empty());
    auto const gone = begin();
    (void)gone->board(start, never);
    ASSERT_TRUE(gone->begin_send(1, start, 30s, 1min));
    gone->come_home();
    table.remove(id, gone);
    EXPECT_TRUE(table.afterwards().empty()) << "nobody is left who could tell of its end";
}

TEST_F(flight_test, a_table_is_as_before_if_opening_throws) {
    coffer::flight_table table;
    coffer::record_id const id{"test", "k"};
    auto const yes = [](flight&) { return true; };
    auto const no = [](flight&) { return false; };
    auto const fails = [](std::shared_ptr<flight>) -> std::shared_ptr<flight> {
        throw std::runtime_error{"on purpose"};
    };
    EXPECT_THROW((void)table.board_or_open(id, no, fails), std::runtime_error);
    EXPECT_EQ(table.board(id, yes), nullptr);
    auto const first = table.board_or_open(id, no, [&](auto before) { return open(std::move(before)); });
    EXPECT_THROW((void)table.board_or_open(id, no, fails), std::runtime_error);
    EXPECT_EQ(table.board(id, yes), first);
}

// The live claim --------------------------------------------------------------------------------------------------------

TEST(reply_may_be_lost, tells_failures_from_refusals) {
    EXPECT_TRUE(coffer::reply_may_be_lost(fault{fault_kind::store_unavailable}));
    EXPECT_TRUE(coffer::reply_may_be_lost(fault{fault_kind::store_unavailable}.with_code("disk_full")));
    for (auto const* const code : {"claim_lost", "claim_over", "lease_over", "sends_moved"})
        EXPECT_FALSE(coffer::reply_may_be_lost(fault{fault_kind::store_unavailable}.with_code(code))) << code;
    EXPECT_FALSE(coffer::reply_may_be_lost(fault{fault_kind::unresolved}));
}

struct live_claim_test : flight_test {
    coffer::memory_store db;
    std::shared_ptr<flight> f = open();
    coffer::claim_ref const ref{db.backend()->id_of(coffer::key{"test", "k"}), coffer::claim_id{1}};
    std::optional<coffer::live_claim> claim;

    void claims(int max_sends = 2) {
        db.backend()->bind(sim.time.clock());
        coffer::claim_request q;
        q.id = ref.id;
        q.max_sends = max_sends;
        auto const verdict = *db.backend()->claim(ref.record, q).get();
        ASSERT_TRUE(verdict && std::holds_alternative<coffer::granted>(*verdict));
        claim.emplace(f, db.backend(), ref, coffer::live_claim::terms{.max_sends = max_sends},
                      std::get<coffer::granted>(*verdict), coffer::live_claim::mode::journaled);
        (void)f->board(start, never);
    }
    std::shared_ptr<coffer::record const> record() { return **db.backend()->peek(ref.record).get(); }

    /// What the walk does around a permit: the flight's own call has begun there.
    coffer::awaitable<coffer::outcome<int>> permit() {
        auto const executor = co_await asio::this_coro::executor;
        coffer::call_access::scope const scope{f->own_call(), executor, true};
        coffer::attempt a{f->own_call()};
        auto permitted = co_await claim->permit(a);
        co_return permitted;
    }
    std::optional<coffer::outcome<int>> permitted() {
        std::optional<coffer::outcome<int>> result;
        auto const job = [](live_claim_test& self,
                            std::optional<coffer::outcome<int>>& got) -> coffer::awaitable<void> {
            auto one = co_await self.permit();
            got.emplace(std::move(one));
        };
        sim.run(job(*this, result));
        return result;
    }
};

TEST_F(live_claim_test, permits_are_numbered_and_bounded) {
    claims();
    EXPECT_EQ(claim->sends_left(), 2);
    EXPECT_EQ(permitted(), 1);
    EXPECT_EQ(claim->sends_left(), 1);
    claim->lost(1, fault{fault_kind::ambiguous});
    EXPECT_EQ(permitted(), 2);
    claim->lost(2, fault{fault_kind::ambiguous});
    EXPECT_EQ(claim->sends_left(), 0);
    auto const third = permitted();
    ASSERT_TRUE(third && !*third);
    EXPECT_EQ(third->error().kind(), fault_kind::unresolved);
    EXPECT_EQ(third->error().stop(), coffer::stop_reason::sends_spent);
    EXPECT_EQ(record()->counted_sends(), 2);
}

TEST_F(live_claim_test, two_permits_asked_for_at_once_are_journaled_one_after_another) {
    claims();
    std::vector<int> numbers;
    auto const job = [](live_claim_test& self, std::vector<int>& got) -> coffer::awaitable<void> {
        auto const one = co_await self.permit();
        if (one) got.push_back(*one);
    };
    sim.start(job(*this, numbers));
    sim.start(job(*this, numbers));
    sim.time.run();
    EXPECT_EQ(numbers, (std::vector{1, 2}));
    EXPECT_EQ(record()->counted_sends(), 2);
}

TEST_F(live_claim_test, an_unsent_one_is_given_back) {
    claims(1);
    EXPECT_EQ(permitted(), 1);
    claim->unsent(1);
    EXPECT_EQ(claim->sends_left(), 1);
    EXPECT_EQ(permitted(), 2);
    EXPECT_EQ(record()->counted_sends(), 1);
}

TEST_F(live_claim_test, so_is_an_unbilled_error_that_came_as_an_answer) {
    claims(1);
    EXPECT_EQ(permitted(), 1);
    claim->answered(1, std::make_shared<coffer::answer const>(coffer::answer{"busy"}));
    claim->unsent(1);
    EXPECT_EQ(permitted(), 2);
    EXPECT_EQ(record()->counted_sends(), 1);
    EXPECT_EQ(record()->sends[0].state, coffer::send_state::unsent);
}

TEST_F(live_claim_test, the_first_accepted_answer_is_the_claims) {
    claims();
    EXPECT_EQ(permitted(), 1);
    EXPECT_EQ(permitted(), 2);
    for (int send : {2, 1}) {
        claim->answered(send, std::make_shared<coffer::answer const>(coffer::answer{"answer " + std::to_string(send)}));
        claim->accepted(send);
    }
    ASSERT_TRUE(claim->accepted_answer());
    EXPECT_EQ(claim->accepted_answer()->what->body, "answer 2");
    EXPECT_EQ(record()->accepted()->number, 2);
    EXPECT_TRUE(claim->acceptance()->get()->has_value());
}

TEST_F(live_claim_test, nothing_is_permitted_when_everybody_has_left) {
    claims();
    f->leave(start);
    auto const late = permitted();
    ASSERT_TRUE(late && !*late);
    EXPECT_EQ(late->error().kind(), fault_kind::cancelled);
    EXPECT_EQ(record()->counted_sends(), 0);
    EXPECT_FALSE(f->so_far().sending);
}

TEST_F(live_claim_test, the_provider_key_does_not_tell_the_key) {
    claims();
    auto const text = claim->provider_key();
    EXPECT_EQ(text, claim->provider_key());
    EXPECT_EQ(text.size(), std::string{"coffer-"}.size() + 32);
    EXPECT_EQ(text.find("test"), std::string::npos);
    coffer::live_claim const other{f,  db.backend(),      coffer::claim_ref{coffer::record_id{"test", "other"}, {}},
                                   {}, coffer::granted{}, coffer::live_claim::mode::journaled};
    EXPECT_NE(text, other.provider_key());
}

TEST_F(live_claim_test, the_longest_send_saturates) {
    claims();
    EXPECT_EQ(claim->longest_send(30s), 30s + 5min);
    EXPECT_EQ(claim->longest_send(coffer::duration::max()), coffer::duration::max());
    coffer::live_claim const strict{f,
                                    db.backend(),
                                    ref,
                                    {.attempt_timeout = 10s, .finish_grace = 1min},
                                    coffer::granted{},
                                    coffer::live_claim::mode::journaled};
    EXPECT_EQ(strict.longest_send(30s), 70s);
}

}  // namespace
}  // namespace flight_test
