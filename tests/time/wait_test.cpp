// SPDX-License-Identifier: BSL-1.0
// One suspended wait in virtual time: who ends it, when, how often, and what becomes of it when its context goes.
#include <coffer/time/sleep.hpp>

#include "support/seeds.hpp"
#include "support/simulation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

namespace wait_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using support::simulation;

/// Sleeps until `until` or `event`, and notes how and when that ended.
struct sleeper {
    wake why{};
    time_point at{};
    int ends = 0;
};

awaitable<void> wait_for(simulation& sim, time_point until, wait_list* event, sleeper& s) {
    auto const why = co_await wait_until(sim.service(), until, event);
    s = {why, sim.time.now(), s.ends + 1};
}

awaitable<void> notify_at(time_point at, wait_list& event) {
    co_await sleep_until(at);
    event.notify_all();
}

// One reason -----------------------------------------------------------------------------------------------------------

TEST(wait, ends_when_its_time_comes) {
    simulation sim;
    auto const begin = sim.time.now();
    sleeper s;
    sim.run(wait_for(sim, begin + 10min, nullptr, s));
    EXPECT_EQ(s.why, wake::elapsed);
    EXPECT_EQ(s.at, begin + 10min);
    EXPECT_EQ(s.ends, 1);
}

TEST(wait, a_time_that_has_passed_ends_at_once) {
    simulation sim;
    auto const begin = sim.time.now();
    for (auto const until : {begin, begin - 1s, time_point{}}) {
        sleeper s;
        sim.run(wait_for(sim, until, nullptr, s));
        EXPECT_EQ(s.why, wake::elapsed);
        EXPECT_EQ(s.at, begin) << "time does not run backwards";
    }
}

TEST(wait, ends_when_it_is_notified) {
    simulation sim;
    auto const begin = sim.time.now();
    wait_list event;
    sleeper timed;
    sleeper for_ever;
    auto const a = sim.start(wait_for(sim, begin + 1h, &event, timed));
    auto const b = sim.start(wait_for(sim, time_point::max(), &event, for_ever));
    sim.run(notify_at(begin + 3s, event));
    EXPECT_TRUE(a.over() && b.over());
    for (auto const& s : {timed, for_ever}) {
        EXPECT_EQ(s.why, wake::notified);
        EXPECT_EQ(s.at, begin + 3s);
        EXPECT_EQ(s.ends, 1);
    }
}

TEST(wait, an_event_that_has_been_ends_it_at_once) {
    simulation sim;
    auto const begin = sim.time.now();
    wait_list event;
    event.notify_all();
    sleeper s;
    sim.run(wait_for(sim, begin + 1h, &event, s));
    EXPECT_EQ(s.why, wake::notified);
    EXPECT_EQ(s.at, begin);
}

TEST(wait, ends_when_its_coroutine_is_cancelled_and_does_not_throw) {
    simulation sim;
    auto const begin = sim.time.now();
    sleeper s;
    auto const r = sim.start(wait_for(sim, begin + 1h, nullptr, s));
    sim.cancel_after(5s, r);
    sim.time.run();
    ASSERT_TRUE(r.over());
    EXPECT_NO_THROW(r.get());
    EXPECT_EQ(s.why, wake::cancelled);
    EXPECT_EQ(s.at, begin + 5s);
}

TEST(wait, the_next_await_of_a_cancelled_coroutine_throws) {
    simulation sim;
    auto const twice = [](simulation& in) -> awaitable<int> {
        co_await sleep_for(1h);
        int awaits = 1;
        try {
            co_await sleep_for(1h);
            awaits = 2;
        } catch (coffer::detail::asio_system_error const& e) {
            awaits = e.code() == asio::error::operation_aborted ? awaits : -1;
        }
        (void)in;
        co_return awaits;
    };
    auto const r = sim.start(twice(sim));
    sim.cancel_after(1s, r);
    sim.time.run();
    EXPECT_EQ(r.get(), 1) << "the rule of Asio, which the documentation of wait_until repeats";
}

TEST(wait, sleeping_for_ever_is_a_time) {
    simulation sim;
    auto const sleep = [](duration d) -> awaitable<wake> { co_return co_await sleep_for(d); };
    auto const r = sim.start(sleep(duration::max()));
    sim.cancel_after(1s, r);
    sim.time.run();
    EXPECT_EQ(r.get(), wake::cancelled);
    EXPECT_EQ(sim.run(sleep(duration{-5s})), wake::elapsed);
}

// Many, in order -------------------------------------------------------------------------------------------------------

awaitable<void> note_after(time_point at, int id, std::vector<int>& order) {
    co_await sleep_until(at);
    order.push_back(id);
}

TEST(wait, equal_times_end_in_the_order_in_which_they_began) {
    simulation sim;
    std::vector<int> order;
    auto const at = sim.time.now() + 1s;
    for (int id = 0; id < 20; ++id) sim.start(note_after(id % 2 == 0 ? at : at + 1s, id, order));
    sim.time.run();
    std::vector<int> expected;
    for (int id = 0; id < 20; id += 2) expected.push_back(id);
    for (int id = 1; id < 20; id += 2) expected.push_back(id);
    EXPECT_EQ(order, expected);
}

TEST(wait, an_event_wakes_in_the_order_in_which_they_began_to_wait) {
    simulation sim;
    wait_list event;
    std::vector<int> order;
    auto const wait = [](simulation& in, wait_list& e, int id, std::vector<int>& list) -> awaitable<void> {
        co_await wait_until(in.service(), time_point::max(), &e);
        list.push_back(id);
    };
    for (int id = 0; id < 50; ++id) sim.start(wait(sim, event, id, order));
    sim.run(notify_at(sim.time.now() + 1s, event));
    EXPECT_EQ(order.size(), 50U);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

/// A wait without a coroutine.
class bare_wait final : public pending_wait {
public:
    using pending_wait::pending_wait;
    std::vector<wake> ends;

private:
    void resume(wake why) noexcept override { ends.push_back(why); }
    void discard() noexcept override {}
};

TEST(wait, the_first_end_is_the_only_one) {
    auto const registry = std::make_shared<wait_registry>();
    auto const wait = std::make_shared<bare_wait>(registry);
    EXPECT_FALSE(wait->ended());
    ASSERT_TRUE(wait->begin(std::nullopt));
    EXPECT_TRUE(wait->finish(wake::notified));
    EXPECT_FALSE(wait->finish(wake::elapsed));
    EXPECT_FALSE(wait->finish(wake::cancelled));
    EXPECT_TRUE(wait->ended());
    EXPECT_EQ(wait->ends, std::vector{wake::notified});
}

TEST(wait, one_that_is_ended_before_it_begins_ends_when_it_begins) {
    auto const registry = std::make_shared<wait_registry>();
    auto const wait = std::make_shared<bare_wait>(registry);
    EXPECT_TRUE(wait->finish(wake::cancelled));
    EXPECT_FALSE(wait->finish(wake::notified));
    EXPECT_FALSE(wait->ended());
    EXPECT_TRUE(wait->ends.empty());
    ASSERT_TRUE(wait->begin(std::nullopt));
    EXPECT_TRUE(wait->ended());
    EXPECT_EQ(wait->ends, std::vector{wake::cancelled});
    registry->close();
    EXPECT_EQ(wait->ends.size(), 1U);
}

// A wait list that is not notified for long must not keep what has ended otherwise, nor lose what has not begun.
TEST(wait, a_wait_list_forgets_waits_that_ended_otherwise_and_no_others) {
    auto const registry = std::make_shared<wait_registry>();
    wait_list event;
    auto const early = std::make_shared<bare_wait>(registry);
    event.add(early);
    std::vector<std::weak_ptr<bare_wait>> all;
    for (int i = 0; i < 1000; ++i) {
        auto const wait = std::make_shared<bare_wait>(registry);
        all.push_back(wait);
        event.add(wait);
        ASSERT_TRUE(wait->begin(std::nullopt));
        wait->finish(wake::elapsed);
    }
    auto const kept = std::count_if(all.begin(), all.end(), [](auto const& w) { return !w.expired(); });
    EXPECT_LT(kept, 50);
    ASSERT_TRUE(early->begin(std::nullopt));
    event.notify_all();
    EXPECT_EQ(early->ends, std::vector{wake::notified});
}

// Whoever is first -----------------------------------------------------------------------------------------------------

// Random times for the clock, an event and a cancellation; small numbers, so that they often coincide.
TEST(wait, random_ends_are_the_first_of_three_and_only_one) {
    int seen[3] = {};
    for (auto const seed : support::each_seed()) {
        support::dice dice{seed};
        simulation sim{seed};
        auto const begin = sim.time.now();
        constexpr int n = 4;
        wait_list event;
        std::vector<sleeper> sleepers(n);
        std::vector<std::optional<duration>> elapse(n), cancel(n);
        std::vector<support::running<void>> waits;
        std::optional<duration> notify;
        if (!dice.one_in(3)) notify = std::chrono::seconds(dice.below(4));

        // The order in which things begin decides between equal times, so it is random too.
        bool const notifier_first = dice.one_in(2);
        if (notify && notifier_first) sim.start(notify_at(begin + *notify, event));
        for (int i = 0; i < n; ++i) {
            auto& e = elapse[static_cast<std::size_t>(i)];
            auto& c = cancel[static_cast<std::size_t>(i)];
            if (!dice.one_in(3)) e = std::chrono::seconds(dice.below(4));
            if (!dice.one_in(3)) c = std::chrono::seconds(dice.below(4));
            if (!notify && !e && !c) e = 1s;
            waits.push_back(sim.start(
                wait_for(sim, e ? begin + *e : time_point::max(), &event, sleepers[static_cast<std::size_t>(i)])));
            if (c) sim.cancel_after(*c, waits.back());
        }
        if (notify && !notifier_first) sim.start(notify_at(begin + *notify, event));
        sim.time.run();

        for (std::size_t i = 0; i < n; ++i) {
            auto const& s = sleepers[i];
            auto const never = duration::max();
            auto const first = std::min({elapse[i].value_or(never), cancel[i].value_or(never), notify.value_or(never)});
            ASSERT_EQ(s.ends, 1) << "seed " << seed;
            ASSERT_EQ(s.at, begin + first) << "seed " << seed;
            auto const of = s.why == wake::elapsed ? elapse[i] : s.why == wake::cancelled ? cancel[i] : notify;
            ASSERT_EQ(of, first) << "ended by what came later, seed " << seed;
            ++seen[static_cast<int>(s.why)];
        }
    }
    EXPECT_TRUE(support::replaying() || (seen[0] > 0 && seen[1] > 0 && seen[2] > 0));
}

// When the context goes --------------------------------------------------------------------------------------------------

/// Notes that a coroutine's frame is gone.
struct gone {
    bool* flag;
    explicit gone(bool& f) : flag{&f} {}
    gone(gone const&) = delete;
    ~gone() { *flag = true; }
};

awaitable<void> wait_here(clock_service& service, time_point until, wait_list* event, bool& destroyed, bool& resumed) {
    gone const g{destroyed};
    co_await wait_until(service, until, event);
    resumed = true;
}

TEST(wait, a_context_that_goes_destroys_what_waits_in_it) {
    bool destroyed[3] = {};
    bool resumed[3] = {};
    wait_list event;
    {
        auto sim = std::make_unique<simulation>();
        auto& service = sim->service();
        sim->start(wait_here(service, time_point::max(), nullptr, destroyed[0], resumed[0]));
        sim->start(wait_here(service, sim->time.now() + 1h, nullptr, destroyed[1], resumed[1]));
        sim->start(wait_here(service, time_point::max(), &event, destroyed[2], resumed[2]));
        sim->io.poll();
        sim.reset();
        for (bool const d : destroyed) EXPECT_TRUE(d);
    }
    event.notify_all();  // touches nothing of the context, which ASan would tell
    for (bool const r : resumed) EXPECT_FALSE(r);
}

TEST(wait, a_context_that_goes_in_real_time_destroys_what_waits_in_it) {
    bool destroyed[2] = {};
    bool resumed[2] = {};
    wait_list event;
    {
        asio::io_context io;
        auto& service = clock_service::of(io.get_executor());
        auto const now = service.clock()->now();
        asio::co_spawn(io, wait_here(service, now + 1h, nullptr, destroyed[0], resumed[0]), asio::detached);
        asio::co_spawn(io, wait_here(service, now + 1h, &event, destroyed[1], resumed[1]), asio::detached);
        io.poll();
    }
    EXPECT_TRUE(destroyed[0] && destroyed[1]);
    event.notify_all();
    EXPECT_FALSE(resumed[0] || resumed[1]);
}

TEST(wait, a_notified_wait_whose_context_goes_before_it_runs_is_destroyed_once) {
    bool destroyed = false;
    bool resumed = false;
    wait_list event;
    {
        simulation sim;
        sim.start(wait_here(sim.service(), time_point::max(), &event, destroyed, resumed));
        sim.io.poll();
        event.notify_all();  // posted, and never run
    }
    EXPECT_TRUE(destroyed);
    EXPECT_FALSE(resumed);
}

TEST(wait, destroying_a_waiting_coroutine_may_notify_others_of_the_same_context) {
    struct notifier {
        wait_list* event;
        explicit notifier(wait_list& e) : event{&e} {}
        notifier(notifier const&) = delete;
        ~notifier() { event->notify_all(); }
    };
    bool destroyed = false;
    bool resumed = false;
    wait_list event;
    {
        simulation sim;
        auto const first = [](clock_service& service, wait_list& e) -> awaitable<void> {
            notifier const n{e};
            co_await wait_until(service, time_point::max());
        };
        sim.start(first(sim.service(), event));
        sim.start(wait_here(sim.service(), time_point::max(), &event, destroyed, resumed));
        sim.io.poll();
    }
    EXPECT_TRUE(destroyed);
    EXPECT_FALSE(resumed);
}

TEST(wait, one_that_would_begin_in_a_context_that_goes_is_destroyed) {
    bool destroyed[2] = {};
    bool resumed[2] = {};
    wait_list event;
    {
        simulation sim;
        sim.service().waits()->close();  // what the service's shutdown does
        sim.start(wait_here(sim.service(), sim.time.now() + 1s, nullptr, destroyed[0], resumed[0]));
        sim.start(wait_here(sim.service(), time_point::max(), &event, destroyed[1], resumed[1]));
        sim.time.run();
        EXPECT_TRUE(destroyed[0]);
        EXPECT_TRUE(destroyed[1]) << "kept by the event that it would have waited for";
    }
    event.notify_all();
    EXPECT_FALSE(resumed[0] || resumed[1]);
}

/// Notifies when it goes.
class notifies_at_the_end {
public:
    explicit notifies_at_the_end(wait_list& event) noexcept : event_{event} {}
    notifies_at_the_end(notifies_at_the_end const&) = delete;
    notifies_at_the_end& operator=(notifies_at_the_end const&) = delete;
    ~notifies_at_the_end() { event_.notify_all(); }

private:
    wait_list& event_;
};

awaitable<void> wait_and_tell(wait_list& event, wait_list& next) {
    notifies_at_the_end const tell{next};
    auto const executor = co_await asio::this_coro::executor;
    co_await wait_until(clock_service::of(executor), time_point::max(), &event);
}

TEST(wait, of_a_context_that_goes_ends_others_from_destructors_on_strands_too) {
    wait_list first, second, third, last;
    {
        asio::io_context io;
        (void)clock_service::of(io.get_executor());  // before there is any strand
        // Each tells the next one when it is destroyed. The first has been told, and waits for its turn on its strand.
        asio::co_spawn(asio::any_io_executor{asio::make_strand(io)}, wait_and_tell(second, third), asio::detached);
        asio::co_spawn(asio::any_io_executor{asio::make_strand(io)}, wait_and_tell(third, last), asio::detached);
        asio::co_spawn(asio::any_io_executor{asio::make_strand(io)}, wait_and_tell(first, second), asio::detached);
        io.poll();
        first.notify_all();
    }  // ends
}

}  // namespace
}  // namespace wait_test
