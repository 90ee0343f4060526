// SPDX-License-Identifier: BSL-1.0
// Many calls at once through one breaker, with providers that fail, gates further in that refuse, and callers that leave
// at every suspension point, against the oracle of tests/state, which knows no coroutines. And the same on many threads.
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/testing/scripted_operation.hpp>

#include "state/breaker_oracle.hpp"
#include "support/scripted_gate.hpp"
#include "support/seeds.hpp"
#include "support/simulation.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace circuit_breaker_simulation_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using options = circuit_breaker_options;
using state = circuit_state;
using kind = breaker::end::kind;
using support::entry;

// All of a call's times are its number after a multiple of the unit, and breaks end half a unit after one: nothing ever
// happens to two calls at once, and what comes first is never open.
constexpr duration unit = 1us;

struct call_script {
    duration begins{};
    entry gate{};  // what the gate inside the breaker does with it
    duration takes{};
    enum class end_kind : std::uint8_t { well, fails, falls_over } end = end_kind::well;
    fault_kind why = fault_kind::overloaded;
    bool stubborn = false;  // it goes on beyond its time
    duration deadline = 1h;
};

struct plan {
    options breaker;
    duration timeout{};  // of each attempt
    std::vector<call_script> calls;
    struct leaving {
        std::size_t who;
        duration at;
    };
    std::optional<leaving> leaves;
};

struct result {
    std::vector<std::string> ends;  // of each call
    std::vector<bool> sent;
    state at_last{};
    int probes_out = 0;
    friend bool operator==(result const&, result const&) = default;
    friend std::ostream& operator<<(std::ostream& out, result const& r) {
        for (std::size_t i = 0; i < r.ends.size(); ++i)
            out << "\n    " << i << ": " << r.ends[i] << (r.sent[i] ? ", sent" : "");
        return out << "\n    at last " << to_string(r.at_last) << ", " << r.probes_out << " probes out";
    }
};

constexpr time_point origin{1000h};

/// The oracle's run: what happens next, again and again, until nothing does.
class schedule {
public:
    explicit schedule(plan const& p) : plan_{p}, oracle_{p.breaker} {}

    result run() {
        result r;
        r.ends.resize(plan_.calls.size());
        r.sent.resize(plan_.calls.size());
        for (std::size_t i = 0; i < plan_.calls.size(); ++i)
            at(plan_.calls[i].begins, i, [this, i, &r] { begin(i, r); });
        while (!todo_.empty()) {
            auto const next = todo_.begin();
            now_ = next->first;
            auto const what = std::move(next->second.second);
            todo_.erase(next);
            what();
        }
        r.at_last = oracle_.now_in();
        r.probes_out = oracle_.under_way();
        return r;
    }
    /// In the middle of each wait: whose, and when.
    [[nodiscard]] std::vector<plan::leaving> const& suspensions() const { return suspensions_; }

private:
    template <class What>
    void at(duration when, std::size_t who, What what) {
        todo_.emplace(when, std::pair{who, std::function<void()>{std::move(what)}});
    }
    /// Time passes for a call, unless its caller leaves meanwhile.
    template <class Then, class Left>
    void wait(std::size_t i, duration d, Then then, Left left) {
        if (d <= 0ns) return then();
        suspensions_.push_back({i, now_ + d / 2 + unit / 4});
        auto const& l = plan_.leaves;
        if (l && l->who == i && l->at > now_ && l->at < now_ + d) at(l->at, i, std::move(left));
        else at(now_ + d, i, std::move(then));
    }

    void begin(std::size_t i, result& r) {
        numbers_[i] = asked_++;
        auto const said = oracle_.enter(origin + now_, 2 * plan_.timeout);
        if (!said.in) return over(i, r, fault_kind::circuit_open);
        auto const& s = plan_.calls[i];
        auto const neutral = [this, i, &r](fault_kind k) {
            tell(i, kind::neutral, 0ns);
            over(i, r, k);
        };
        switch (s.gate.what) {
            case entry::kind::refuse: return neutral(fault_kind::queue_full);
            case entry::kind::fall_over: return neutral(fault_kind::permanent);
            case entry::kind::in: return send(i, r);
            default: break;
        }
        auto const left = [neutral] { neutral(fault_kind::cancelled); };
        wait(
            i, s.gate.wait,
            [this, i, &r, &s, neutral] {
                if (s.gate.what == entry::kind::wait_refuse) return neutral(fault_kind::queue_full);
                if (now_ >= s.begins + s.deadline) return neutral(fault_kind::deadline_exceeded);
                send(i, r);
            },
            left);
    }
    void send(std::size_t i, result& r) {
        auto const& s = plan_.calls[i];
        r.sent[i] = true;
        auto const limit = std::min(plan_.timeout, s.begins + s.deadline - now_);
        bool const cut = !s.stubborn && limit < s.takes;
        auto const took = cut ? limit : s.takes;
        wait(
            i, took,
            [this, i, &r, &s, cut, took] {
                using end = call_script::end_kind;
                auto const why = cut ? fault_kind::timed_out : s.end == end::fails ? s.why : fault_kind::permanent;
                bool const well = !cut && s.end == end::well;
                bool const counts = row(why).breaker == breaker_effect::failure;
                tell(i, well ? kind::success : counts ? kind::failure : kind::neutral, took);
                over(i, r, well ? std::nullopt : std::optional{why});
            },
            [this, i, &r] {
                tell(i, kind::neutral, 0ns);
                over(i, r, fault_kind::cancelled);
            });
    }
    void tell(std::size_t i, kind what, duration took) {
        oracle_.settle(numbers_.at(i), what, origin + now_, took, 0ns);
    }
    static void over(std::size_t i, result& r, std::optional<fault_kind> why) {
        r.ends[i] = why ? std::string{to_string(*why)} : "succeeded";
    }

    plan const& plan_;
    support::breaker_oracle oracle_;
    std::multimap<duration, std::pair<std::size_t, std::function<void()>>> todo_;
    std::vector<plan::leaving> suspensions_;
    std::map<std::size_t, std::size_t> numbers_;  // as the oracle counts them
    std::size_t asked_ = 0;
    duration now_{};
};

/// The real one, in virtual time.
class reality {
public:
    explicit reality(plan const& p) : plan_{p}, breaker_{p.breaker} {}

    result run() {
        result r;
        auto const begin = sim_.time.now();
        std::vector<scripted> all;
        for (auto const& s : plan_.calls) all.push_back(start(s));
        for (std::size_t i = 0; i < all.size(); ++i)
            if (plan_.leaves && plan_.leaves->who == i) sim_.cancel_after(plan_.leaves->at, all[i].end);
        sim_.time.run();
        EXPECT_EQ(begin, origin);
        for (auto const& one : all) {
            auto const end = one.end.get();
            r.ends.emplace_back(end ? "succeeded" : to_string(end.error().kind()));
            r.sent.push_back(one.provider.sends() > 0);
            if (!end && end.error().kind() == fault_kind::circuit_open) {
                EXPECT_EQ(one.provider.sends(), 0);
                EXPECT_EQ(end.error().billing(), knowledge::no);
                EXPECT_GT(end.error().retry_after(), 0ns) << "a refusal says when to come back";
            }
        }
        r.at_last = breaker_.status().state;
        r.probes_out = breaker_.status().probes_under_way;
        EXPECT_EQ(tape_.tickets_out(), 0);
        return r;
    }

    /// The provider is well now. A caller that does as it is told gets through, and the breaker closes; how many attempts
    /// that took is told.
    std::optional<int> recovers() {
        for (int i = 0; i < 50; ++i) {
            coffer::testing::scripted_operation<int> well;
            well.gives(1);
            auto const c = std::make_unique<call>(call::unkeyed());
            auto const end = sim_.run(pipeline{breaker_, limit()}.wrap(well).try_call(*c));
            if (breaker_.status().state == state::closed) return i;
            if (!end) sim_.time.run_for(end.error().retry_after().value());
        }
        return std::nullopt;
    }
    [[nodiscard]] std::vector<event_kind> const& changes() const { return changes_; }

private:
    struct scripted {
        coffer::testing::scripted_operation<int> provider;
        std::unique_ptr<call> what;
        support::running<outcome<int>> end;
    };

    [[nodiscard]] retry limit() const { return retry{{.attempts = 1, .attempt_timeout = plan_.timeout}}; }

    scripted start(call_script const& s) {
        scripted one;
        using end = call_script::end_kind;
        if (s.end == end::well) one.provider.gives(1);
        if (s.end == end::fails) one.provider.fails(s.why);
        if (s.end == end::falls_over) one.provider.throws(std::runtime_error{"the operation fell over"});
        one.provider.after(s.takes);
        if (s.stubborn) one.provider.stubborn();
        support::gate_script gate;
        gate.entries.push_back(s.gate);
        auto const wrapped = pipeline{limit(), breaker_, support::waiting_gate{tape_, "g", gate}}
                                 .observe([this](event const& e) {
                                     if (!e.reason.empty()) changes_.push_back(e.kind);
                                 })
                                 .wrap(one.provider);
        one.what = std::make_unique<call>(key{"test", 1}, s.deadline);
        one.end = sim_.start(later_on(s.begins, wrapped, *one.what));
        return one;
    }
    template <class Wrapped>
    static awaitable<outcome<int>> later_on(duration when, Wrapped wrapped, call& c) {
        co_await asio::this_coro::throw_if_cancelled(false);
        co_await sleep_for(when);
        co_return co_await wrapped.try_call(c);
    }

    plan const& plan_;
    support::simulation sim_;
    support::tape tape_;
    circuit_breaker breaker_;
    std::vector<event_kind> changes_;
};

plan draw(support::dice& dice) {
    plan p;
    auto& o = p.breaker;
    o.in_a_row = 1 + dice.below(4);
    if (dice.one_in(2)) {
        o.window = dice.one_in(2) ? breaker_window::calls(8) : breaker_window::time(20 * unit);
        o.minimum = 1 + dice.below(6);
        if (dice.one_in(2)) o.slow_after = 6 * unit + unit / 2;
    } else {
        o.window = breaker_window::none(), o.minimum = options{}.minimum;
    }
    o.probes = 1 + dice.below(3);
    o.breaks = {(1 + dice.below(4)) * unit + unit / 2, 1h, 1.0, false};
    p.timeout = (6 + dice.below(10)) * unit;
    auto const health = dice.below(4);
    for (int i = 0; i < 16; ++i) {
        call_script s;
        s.begins = dice.below(40) * unit + duration{i + 1};
        if (dice.one_in(3)) {
            entry::kind const kinds[] = {entry::kind::refuse, entry::kind::fall_over, entry::kind::wait,
                                         entry::kind::wait_refuse};
            s.gate.what = kinds[dice.below(4)];
            s.gate.wait = (1 + dice.below(8)) * unit;
        }
        s.takes = dice.below(12) * unit;
        if (dice.one_in(10)) s.takes = 60 * unit, s.stubborn = dice.one_in(2);
        if (dice.below(4) >= health) {
            fault_kind const kinds[] = {fault_kind::overloaded, fault_kind::ambiguous, fault_kind::broken_stream,
                                        fault_kind::throttled, fault_kind::invalid_request};
            s.end = dice.one_in(8) ? call_script::end_kind::falls_over : call_script::end_kind::fails;
            s.why = kinds[dice.below(5)];
        }
        if (dice.one_in(6)) s.deadline = (1 + dice.below(10)) * unit + unit / 8;
        p.calls.push_back(s);
    }
    return p;
}

/// Opened from closed or half open, half open from open (or anew from itself), closed from half open.
void expect_lawful(std::vector<event_kind> const& changes, std::uint64_t seed) {
    auto now = event_kind::circuit_closed;
    for (auto const next : changes) {
        bool const lawful = next == event_kind::circuit_half_open ? now != event_kind::circuit_closed
                            : next == event_kind::circuit_opened  ? now != event_kind::circuit_opened
                                                                  : now == event_kind::circuit_half_open;
        EXPECT_TRUE(lawful) << to_string(now) << ", then " << to_string(next) << ", seed " << seed;
        now = next;
    }
}

TEST(circuit_simulation, does_what_the_oracle_says_wherever_a_caller_leaves) {
    int refused = 0;
    int left = 0;
    std::map<event_kind, int> seen;
    for (auto const seed : support::each_seed(support::seeds(25))) {
        support::dice dice{seed};
        auto p = draw(dice);
        auto const agree = [&](std::string const& how) {
            schedule plain{p};
            auto const expected = plain.run();
            reality real{p};
            auto const got = real.run();
            EXPECT_EQ(got, expected) << "seed " << seed << how;
            refused += static_cast<int>(std::count(got.ends.begin(), got.ends.end(), "circuit_open"));
            expect_lawful(real.changes(), seed);
            for (auto const k : real.changes()) ++seen[k];
            EXPECT_EQ(got.probes_out, 0) << "everything has ended; seed " << seed << how;
            EXPECT_TRUE(real.recovers()) << "seed " << seed << how;
            return plain.suspensions();
        };
        for (auto const& l : agree("")) {
            p.leaves = l;
            agree(", call " + std::to_string(l.who) + " leaves at " + std::to_string(l.at.count()));
            ++left;
            if (::testing::Test::HasFailure()) break;
        }
    }
    EXPECT_TRUE(support::replaying() || (refused > 0 && left > 0 && seen.size() == 3));
}

// Threads -----------------------------------------------------------------------------------------------------------------

/// Ends as it is told to, at once, or never.
struct errand {
    enum class end : std::uint8_t { well, badly, never };
    end how;
    std::shared_ptr<std::atomic<int>> begun = std::make_shared<std::atomic<int>>(0);

    awaitable<outcome<int>> operator()(attempt& a) const {
        ++*begun;
        if (how == end::never) co_await wait_until(a.of().service(), time_point::max());
        if (how == end::badly) co_return failed(fault_kind::overloaded);
        co_return 1;
    }
};

/// Runs what is ready in a context of its own, under `clock`, and shuts it down.
template <class Ask>
std::vector<std::optional<outcome<int>>> in_a_context(std::shared_ptr<coffer::clock> const& clock, Ask const& ask,
                                                      int times) {
    std::vector<std::unique_ptr<call>> calls;
    std::vector<support::running<outcome<int>>> all;
    asio::io_context io;
    clock_service::of(io.get_executor()).install(clock);
    for (int i = 0; i < times; ++i) {
        calls.push_back(std::make_unique<call>(call::unkeyed()));
        all.push_back(
            support::start<outcome<int>, asio::any_io_executor>(io.get_executor(), ask.try_call(*calls.back())));
        io.poll();
        io.restart();
    }
    std::vector<std::optional<outcome<int>>> ends;
    for (auto const& one : all) ends.push_back(one.over() ? std::optional{one.get()} : std::nullopt);
    return ends;
}

template <class Work>
void on_threads(int count, Work const& work) {
    std::barrier together{count};
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) {
        threads.emplace_back([&, i] {
            together.arrive_and_wait();
            work(i);
        });
    }
    for (auto& t : threads) t.join();
}

TEST(circuit_threads, a_herd_on_many_threads_is_let_through_by_the_number_of_probes) {
    auto const rounds = static_cast<int>(std::min<std::uint64_t>(support::seeds(100), 200));
    for (int round = 0; round < rounds; ++round) {
        auto const clock = std::make_shared<coffer::testing::virtual_clock>(1);
        circuit_breaker const b{{.in_a_row = 1, .probes = 3, .breaks = {.first = 8s, .jittered = false}}};
        (void)in_a_context(clock, pipeline{b}.wrap(errand{errand::end::badly}), 1);
        clock->set(clock->now() + 8s);
        errand const probes{errand::end::never};
        auto const ask = pipeline{b}.wrap(probes);
        std::atomic<int> refused{0};
        // The contexts go while others are still asking: what they held is given back, and taken again.
        on_threads(4, [&](int) {
            for (auto const& end : in_a_context(clock, ask, 10)) refused += end ? 1 : 0;
        });
        EXPECT_EQ(refused + *probes.begun, 40);
        EXPECT_GE(*probes.begun, 3);
        EXPECT_EQ(b.status().probes_under_way, 0);
        for (auto const& end : in_a_context(clock, pipeline{b}.wrap(errand{errand::end::well}), 3)) EXPECT_EQ(*end, 1);
        EXPECT_EQ(b.status().state, state::closed);
    }
}

TEST(circuit_threads, no_more_probes_are_under_way_than_may_be) {
    auto const clock = std::make_shared<coffer::testing::virtual_clock>(1);
    circuit_breaker const b{{.in_a_row = 1, .probes = 3, .breaks = {.first = 8s, .jittered = false}}};
    (void)in_a_context(clock, pipeline{b}.wrap(errand{errand::end::badly}), 1);
    clock->set(clock->now() + 8s);
    errand const probes{errand::end::never};
    auto const ask = pipeline{b}.wrap(probes);
    std::barrier all_have_asked{4};
    on_threads(4, [&](int) {
        std::vector<std::unique_ptr<call>> calls;
        asio::io_context io;
        clock_service::of(io.get_executor()).install(clock);
        for (int i = 0; i < 100; ++i) {
            calls.push_back(std::make_unique<call>(call::unkeyed()));
            (void)support::start<outcome<int>, asio::any_io_executor>(io.get_executor(), ask.try_call(*calls.back()));
        }
        io.poll();
        all_have_asked.arrive_and_wait();  // before any context goes
    });
    EXPECT_EQ(*probes.begun, 3);
}

TEST(circuit_threads, ends_by_hand_and_looks_from_many_threads_leave_it_whole) {
    auto const rounds = static_cast<int>(std::min<std::uint64_t>(support::seeds(2), 2000));
    auto const clock = std::make_shared<coffer::testing::virtual_clock>(1);
    circuit_breaker const b{
        {.in_a_row = 3, .window = breaker_window::calls(20), .probes = 2, .breaks = {.first = 1ms, .longest = 4ms}}};
    std::atomic<int> told{0};
    auto const watch = [&](event const& e) {
        if (e.reason.empty()) return;
        (void)b.status();  // nothing is locked
        ++told;
    };
    errand const good{errand::end::well};
    errand const bad{errand::end::badly};
    std::atomic<int> refused{0};
    on_threads(5, [&](int who) {
        support::dice dice{static_cast<std::uint64_t>(who) + 1};
        auto const well = pipeline{b}.observe(watch).wrap(good);
        auto const badly = pipeline{b}.observe(watch).wrap(bad);
        for (int i = 0; i < rounds; ++i) {
            if (who == 0) {
                clock->set(clock->now() + 1ms);
                if (dice.one_in(20)) b.isolate("by hand");
                if (dice.one_in(20)) b.reset();
                if (dice.one_in(5)) b.close();
                EXPECT_LE(b.status().probes_under_way, 2);
            } else {
                auto const ends = dice.one_in(2) ? in_a_context(clock, well, 1) : in_a_context(clock, badly, 1);
                bool const no = !*ends.front() && ends.front()->error().kind() == fault_kind::circuit_open;
                refused += no ? 1 : 0;
            }
        }
    });
    EXPECT_EQ(*good.begun + *bad.begun + refused, 4 * rounds);
    EXPECT_EQ(b.status().probes_under_way, 0);
    b.close();
    told = 0;
    for (int i = 0; i < 3; ++i) (void)in_a_context(clock, pipeline{b}.observe(watch).wrap(bad), 1);
    EXPECT_EQ(told, 1) << "it still opens, and tells";
    b.close();
    EXPECT_EQ(*in_a_context(clock, pipeline{b}.wrap(good), 1).front(), 1);
}

}  // namespace
}  // namespace circuit_breaker_simulation_test
