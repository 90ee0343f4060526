// SPDX-License-Identifier: BSL-1.0
#include <coffer/store/ledger_memory.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "support/simulation.hpp"

namespace ledger_memory_test {
namespace {

using namespace coffer;
using namespace coffer::literals;
using namespace std::chrono_literals;

auto const team = std::make_shared<ledger_lines const>(ledger_lines{{"org/team", lifetime, 1_usd}});

reserve_request request(int n, std::optional<money> bound, bool sent = true) {
    reserve_request q;
    q.id[0] = static_cast<std::uint8_t>(n);
    q.lines = team;
    q.bound = bound;
    q.sent = sent;
    q.held_for = 5min;
    q.longest = 10min;
    q.about.request_id = "req_" + std::to_string(n);
    return q;
}

template <class T>
T value(completion<outcome<T>> const& of) {
    return of.get()->value();
}
bool admits(ledger_backend& b, reserve_request const& q) {
    return std::holds_alternative<reserved>(value(b.reserve(q)));
}

struct desk {
    support::simulation sim;
    memory_store db;
    memory_store other = db.another_process();
    ledger_backend& here = *db.ledger().backend();
    ledger_backend& there = *other.ledger().backend();

    desk() { db.backend()->bind(sim.time.clock()); }
    account now() { return value(here.accounts("")).at(0).money_in; }
};

TEST(ledger_memory, everything_is_done_before_a_submission_returns) {
    desk d;
    auto const q = request(1, 0.40_usd);
    EXPECT_TRUE(admits(d.here, q));
    EXPECT_EQ(d.now().held, 0.40_usd);
    EXPECT_TRUE(d.here.submit_settle(q.id, 0.10_usd, "").get()->has_value());
    EXPECT_EQ(d.now().settled, 0.10_usd);
    EXPECT_EQ(d.now().held, money{});
}

TEST(ledger_memory, processes_share_accounts_and_know_that_they_do) {
    desk d;
    EXPECT_TRUE(admits(d.here, request(1, 0.60_usd)));
    EXPECT_FALSE(admits(d.there, request(2, 0.60_usd)));
    EXPECT_TRUE(d.here.is_shared()) << "money may come back without anybody telling";
    EXPECT_FALSE(in_memory_ledger{}.backend()->is_shared());
    EXPECT_FALSE(memory_store{}.ledger().backend()->is_shared());
}

TEST(ledger_memory, what_the_dead_held_is_shown_as_it_is) {
    desk d;
    EXPECT_TRUE(admits(d.there, request(1, 0.30_usd, false)));
    EXPECT_TRUE(admits(d.there, request(2, 0.40_usd, true)));
    d.other.declare_dead();
    EXPECT_EQ(d.now().held, money{}) << "nobody has asked for its money meanwhile";
    EXPECT_EQ(d.now().presumed, 0.40_usd);
    EXPECT_EQ(value(d.here.freeze("org", "why")), 0U) << "its sends are not under way";
    auto const left = value(d.here.entries({}));
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left[0].row.state, reservation_state::presumed);
    EXPECT_TRUE(value(d.here.audit()).empty());
}

TEST(ledger_memory, a_clock_must_be_bound_and_only_one_can_be) {
    in_memory_ledger const none;
    EXPECT_THROW((void)none.backend()->reserve(request(1, 0.10_usd)), std::logic_error);
    support::simulation first, second;
    none.backend()->bind(first.time.clock());
    none.backend()->bind(first.time.clock());
    EXPECT_THROW(none.backend()->bind(second.time.clock()), std::logic_error);
}

TEST(ledger_memory, entries_are_chosen_by_scope_state_time_and_request) {
    desk d;
    auto const q = request(1, 0.10_usd);
    EXPECT_TRUE(admits(d.here, q));
    d.sim.time.run_for(1h);
    EXPECT_TRUE(admits(d.here, request(2, 0.20_usd)));
    d.here.submit_settle(request(2, {}).id, 0.05_usd, "");
    auto const wall = d.sim.time.clock()->wall_now();
    auto const chosen = [&](entry_filter const& f) {
        std::string ids;
        for (auto const& e : value(d.here.entries(f))) ids += static_cast<char>('0' + e.row.id[0]);
        return ids;
    };
    EXPECT_EQ(chosen({}), "12");
    EXPECT_EQ(chosen({.scope = "org"}), "12");
    EXPECT_EQ(chosen({.scope = "org/tea"}), "");
    EXPECT_EQ(chosen({.state = reservation_state::settled}), "2");
    EXPECT_EQ(chosen({.request_id = "req_1"}), "1");
    EXPECT_EQ(chosen({.from = wall}), "2");
    EXPECT_EQ(chosen({.to = wall}), "1");
    EXPECT_EQ(chosen({.limit = 1}), "1");
}

TEST(ledger_memory, corrections_come_in_bulk) {
    desk d;
    for (int i = 1; i <= 3; ++i) {
        EXPECT_TRUE(admits(d.here, request(i, 0.30_usd)));
        d.here.submit_settle(request(i, {}).id, std::nullopt, "");
    }
    EXPECT_EQ(value(d.here.correct(
                  {{request(1, {}).id, 0.10_usd}, {request(3, {}).id, 0.20_usd}, {request(9, {}).id, 1_usd}})),
              2U);
    EXPECT_EQ(d.now().settled, 0.30_usd);
    EXPECT_EQ(d.now().presumed, 0.30_usd);
    EXPECT_TRUE(value(d.here.audit()).empty());
}

TEST(ledger_memory, whoever_waits_is_told_of_whatever_may_bring_money) {
    desk d;
    budget_queue::seat seat{d.here.queue(), "org/team"};
    auto const q = request(1, 0.10_usd);
    EXPECT_TRUE(admits(d.here, q));
    auto const told = [&](auto const& what) {
        auto const nudge = seat.arm();
        what();
        auto const look = [](support::simulation& s, wait_list* l) -> awaitable<wake> {
            co_return co_await wait_until(s.service(), s.time.now(), l);
        };
        return d.sim.run(look(d.sim, nudge.get())) == wake::notified;
    };
    EXPECT_FALSE(told([&] { (void)d.here.accounts(""); }));
    EXPECT_TRUE(told([&] { d.here.submit_settle(q.id, 0.05_usd, ""); }));
    EXPECT_TRUE(told([&] { d.here.submit_release(q.id); }));
    EXPECT_TRUE(told([&] { d.here.submit_lapse(q.id); }));
    EXPECT_TRUE(told([&] { d.here.set_limit("org/team", lifetime, 2_usd); }));
    EXPECT_TRUE(told([&] { d.here.correct({{q.id, 0.01_usd}}); }));
    EXPECT_TRUE(told([&] { d.here.freeze("org", ""); })) << "it is to be refused at once";
    EXPECT_TRUE(told([&] { d.here.thaw("org"); }));
    EXPECT_TRUE(told([&] { d.other.declare_dead(); }));
}

TEST(ledger_memory, threads_never_exceed_the_limit) {
    desk d;
    std::vector<std::thread> all;
    for (int t = 0; t < 4; ++t)
        all.emplace_back([&, t] {
            for (int i = 0; i < 500; ++i) {
                auto q = request(0, 0.30_usd, i % 2 == 0);
                q.id[0] = static_cast<std::uint8_t>(t);
                q.id[1] = static_cast<std::uint8_t>(i);
                q.id[2] = static_cast<std::uint8_t>(i >> 8);
                if (!admits(d.here, q)) continue;
                EXPECT_LE(value(d.there.accounts("")).at(0).money_in.committed(), 1_usd);
                if (i % 3 == 0) d.here.submit_release(q.id);
                else d.here.submit_settle(q.id, money::from_nano(1000), "");
            }
        });
    for (auto& t : all) t.join();
    EXPECT_EQ(d.now().held, money{});
    EXPECT_TRUE(value(d.here.audit()).empty());
}

}  // namespace
}  // namespace ledger_memory_test
