// SPDX-License-Identifier: BSL-1.0
// What the walk owes a journal: a permit after the last gate and before the first byte, and every end of a send, in order.
// (The journal itself is tested in tests/policy and tests/store.)
#include <coffer/call/call_access.hpp>
#include <coffer/call/guarded.hpp>
#include <coffer/call/permit_source.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/testing/scripted_operation.hpp>

#include "support/scripted_gate.hpp"
#include "support/simulation.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace permit_test {
namespace {

using namespace coffer;
using namespace coffer::literals;
using namespace std::chrono_literals;
using coffer::testing::scripted_operation;
using support::simulation;
using lines = std::vector<std::string>;

/// A journal that writes down what it is told.
class notebook final : public permit_source {
public:
    explicit notebook(support::tape t) : tape_{std::move(t)} {}

    int left = 9;
    duration writing{};  ///< how long a permit takes
    std::optional<fault> refuses;
    bool throws = false;
    bool cut = false;
    std::vector<shared_answer> answers;
    std::vector<attempt_record> records;

    awaitable<outcome<int>> permit(attempt const& a) override {
        if (writing > 0s) co_await wait_until(a.of().service(), a.clock().now() + writing);
        if (throws) throw std::runtime_error{"the journal fell over"};
        if (refuses) {
            tape_.line("no permit");
            co_return failed(*refuses);
        }
        --left;
        tape_.line("permit " + std::to_string(++sends_));
        co_return sends_;
    }
    void answered(int send, shared_answer const& what) override {
        tape_.line("answered " + std::to_string(send) + " " + what->body);
        answers.push_back(what);
    }
    void accepted(int send) override { tape_.line("accepted " + std::to_string(send)); }
    void rejected(int send, fault const& why) override { told("rejected", send, why); }
    void lost(int send, fault const& why) override { told("lost", send, why); }
    void unsent(int send) override { tape_.line("unsent " + std::to_string(send)); }
    [[nodiscard]] coffer::fingerprint const* print() const noexcept override { return nullptr; }
    [[nodiscard]] bool keeps(void const*) const noexcept override { return false; }
    void recorded(attempt_record const& entry) override { records.push_back(entry); }
    [[nodiscard]] int sends_left() const noexcept override { return left; }
    [[nodiscard]] bool was_cut(int) const noexcept override { return cut; }
    [[nodiscard]] bool take_cut(int) noexcept override { return std::exchange(cut, false); }
    [[nodiscard]] duration longest_send(duration timeout) const noexcept override { return timeout + 100s; }
    [[nodiscard]] std::string provider_key() const override { return "the journal's"; }

private:
    void told(char const* what, int send, fault const& why) {
        tape_.line(std::string{what} + " " + std::to_string(send) + " " + std::string{to_string(why.kind())});
    }
    support::tape tape_;
    int sends_ = 0;
};

class permit : public ::testing::Test {
protected:
    simulation sim;
    support::tape t;
    notebook journal{t};
    scripted_operation<std::string> provider;
    call c{key{"test", 1}, 1h};

    permit() { call_access::set_claim(c, &journal); }
    support::plain_gate gate(std::string name) { return {t, std::move(name)}; }

    auto op() {
        return [tape = t, p = provider](attempt& a) {
            tape.line("send");
            return p(a);
        };
    }
};

TEST_F(permit, is_taken_after_the_last_gate_and_before_the_send) {
    provider.gives("hello").costing(1_usd);
    EXPECT_EQ(sim.run(pipeline{gate("a"), gate("b")}.wrap(op())(c)), "hello");
    EXPECT_EQ(t.lines(), (lines{"a in", "b in", "permit 1", "send", "answered 1 hello", "accepted 1", "b succeeded",
                                "a succeeded"}));
    EXPECT_EQ(c.log()[0].send, 1);
    ASSERT_EQ(journal.records.size(), 1U);
    EXPECT_EQ(journal.records[0].number, 1);
    EXPECT_EQ(journal.answers[0]->cost, 1_usd) << "stored with what it cost";
    EXPECT_EQ(provider.seen()[0].provider_key, "the journal's");
}

TEST_F(permit, is_taken_deep_inside_layers_and_nested_pipelines) {
    provider.gives("hello");
    guarded<std::string()> const inner = pipeline{support::scripted_layer{1}, gate("b")}.wrap(op());
    EXPECT_EQ(sim.run(pipeline{gate("a"), support::scripted_layer{1}}.wrap(inner)(c)), "hello");
    EXPECT_EQ(t.lines(), (lines{"a in", "b in", "permit 1", "send", "answered 1 hello", "accepted 1", "b succeeded",
                                "a succeeded"}));
}

TEST_F(permit, refused_nothing_is_sent) {
    journal.refuses = fault{fault_kind::store_unavailable, "no disk"};
    auto const why = sim.run(pipeline{gate("a")}.wrap(op()).try_call(c)).error();
    EXPECT_EQ(why.kind(), fault_kind::store_unavailable);
    EXPECT_EQ(t.lines(), (lines{"a in", "no permit", "a not_attempted store_unavailable"}));
    EXPECT_TRUE(c.log().empty());
}

TEST_F(permit, that_throws_is_a_refusal) {
    journal.throws = true;
    auto const why = sim.run(pipeline{gate("a")}.wrap(op()).try_call(c)).error();
    EXPECT_EQ(why.kind(), fault_kind::permanent);
    EXPECT_EQ(why.billing(), knowledge::no);
    EXPECT_EQ(t.lines(), (lines{"a in", "a not_attempted permanent"}));
}

TEST_F(permit, the_sends_own_limit_counts_from_it_and_not_the_callers_deadline) {
    journal.writing = 3s;
    provider.gives("hello").after(2min);
    call soon{key{"test", 1}, 1min};
    call_access::set_claim(soon, &journal);
    auto const begin = sim.time.now();
    auto const ask = pipeline{retry{{.attempt_timeout = 50s}}}.wrap(op());
    EXPECT_EQ(sim.run(ask.try_call(soon)), "hello") << "it is paid: nobody's deadline cuts it";
    EXPECT_EQ(provider.seen()[0].at, begin + 3s);
    EXPECT_EQ(provider.seen()[0].deadline, begin + 3s + 50s + 100s);
}

TEST_F(permit, every_end_of_a_send_is_told_once) {
    auto const told = [&](scripted_operation<std::string> const& script) {
        provider = script;
        t.clear();
        auto const ask = pipeline{}.wrap(op());
        (void)sim.run(ask.try_call(c));
        auto all = t.lines();
        EXPECT_EQ(all.size(), 3U);
        return all.back();
    };
    EXPECT_EQ(told(scripted_operation<std::string>{}.fails(fault_kind::ambiguous)), "lost 1 ambiguous");
    EXPECT_EQ(told(scripted_operation<std::string>{}.fails(fault_kind::throttled)), "unsent 2");
    EXPECT_EQ(told(scripted_operation<std::string>{}.throws(std::runtime_error{"x"})), "lost 3 permanent");
    EXPECT_EQ(told(scripted_operation<std::string>{}.throws(
                  std::system_error{make_error_code(std::errc::connection_refused)})),
              "unsent 4");
    EXPECT_EQ(
        told(scripted_operation<std::string>{}.fails(fault{fault_kind::invalid_request}.with_billing(knowledge::yes))),
        "lost 5 invalid_request");
}

// Raw answers --------------------------------------------------------------------------------------------------------------

awaitable<outcome<answer>> raw(std::string const& text) {
    answer a{text, 200};
    a.request_id = "req-1";
    co_return a;
}

auto decoded() {
    return describe(raw).decode([](answer const& a) -> outcome<int> {
        if (a.body == "explode") throw std::runtime_error{"unreadable"};
        if (a.body == "bad") return failed(fault_kind::defective_answer);
        return static_cast<int>(a.body.size());
    });
}

TEST_F(permit, an_answer_is_stored_raw_before_it_is_judged) {
    EXPECT_EQ(sim.run(pipeline{}.wrap(decoded())(c, std::string{"four"})), 4);
    EXPECT_EQ(t.lines(), (lines{"permit 1", "answered 1 four", "accepted 1"}));
    EXPECT_EQ(journal.answers[0]->request_id, "req-1");
    EXPECT_EQ(journal.answers[0]->status, 200);
    t.clear();
    EXPECT_EQ(sim.run(pipeline{}.wrap(decoded()).try_call(c, std::string{"bad"})).error().kind(),
              fault_kind::defective_answer);
    EXPECT_EQ(t.lines(), (lines{"permit 2", "answered 2 bad", "rejected 2 defective_answer"}));
    t.clear();
    EXPECT_EQ(sim.run(pipeline{}.wrap(decoded()).try_call(c, std::string{"explode"})).error().kind(),
              fault_kind::defective_answer);
    EXPECT_EQ(t.lines(), (lines{"permit 3", "answered 3 explode", "rejected 3 defective_answer"}));
}

TEST_F(permit, a_bill_that_throws_loses_no_answer) {
    auto const op = decoded().bill([](answer const&) -> billed { throw std::runtime_error{"no price"}; });
    EXPECT_EQ(sim.run(pipeline{}.wrap(op)(c, std::string{"four"})), 4);
    EXPECT_EQ(t.lines(), (lines{"permit 1", "answered 1 four", "accepted 1"}));
}

TEST_F(permit, an_answer_is_stamped_with_its_bill) {
    auto const op = decoded().bill([](answer const&) { return billed{usage{.output = 7}, 2_usd}; });
    EXPECT_EQ(sim.run(pipeline{}.wrap(op)(c, std::string{"four"})), 4);
    EXPECT_EQ(journal.answers[0]->cost, 2_usd);
    EXPECT_EQ(journal.answers[0]->usage->output, 7);
}

// Retry, cuts, leaving -----------------------------------------------------------------------------------------------------

TEST_F(permit, under_a_journal_its_count_of_sends_holds) {
    journal.left = 3;
    provider.fails(fault_kind::ambiguous).times(0);
    auto const why = sim.run(pipeline{retry{{.attempts = 9, .max_sends = 1}}}.wrap(op()).try_call(c)).error();
    EXPECT_EQ(why.kind(), fault_kind::ambiguous) << "the last real fault";
    EXPECT_EQ(why.stop(), stop_reason::sends_spent);
    EXPECT_EQ(provider.sends(), 3);
}

TEST_F(permit, a_send_that_is_cut_off_has_timed_out_and_the_work_goes_on) {
    provider.never().gives("hello");
    auto const r = sim.start(pipeline{retry{}}.wrap(op()).try_call(c));
    auto const cut_later = [](notebook& j, support::running<outcome<std::string>> what) -> awaitable<void> {
        co_await sleep_for(10s);
        j.cut = true;
        what.cancel();
    };
    sim.start(cut_later(journal, r));
    sim.time.run();
    EXPECT_EQ(r.get(), "hello");
    EXPECT_EQ(t.lines(),
              (lines{"permit 1", "send", "lost 1 timed_out", "permit 2", "send", "answered 2 hello", "accepted 2"}));
    EXPECT_EQ(c.log()[0].fault->kind(), fault_kind::timed_out);
}

TEST_F(permit, leaving_while_it_is_written_sends_nothing) {
    journal.writing = 10s;
    journal.refuses = fault{fault_kind::cancelled, "every caller left"};
    auto const r = sim.start(pipeline{gate("a")}.wrap(op()).try_call(c));
    sim.cancel_after(1s, r);
    sim.time.run();
    EXPECT_EQ(r.get().error().kind(), fault_kind::cancelled);
    EXPECT_EQ(r.get().error().billing(), knowledge::no);
    EXPECT_EQ(t.lines(), (lines{"a in", "no permit", "a not_attempted cancelled"}));
}

TEST_F(permit, leaving_before_it_is_asked_for_is_a_fault_and_no_exception) {
    support::gate_script grants;
    grants.entries.push_back({support::entry::kind::wait_grant, 10s, {}});
    auto const r = sim.start(pipeline{support::waiting_gate{t, "w", grants}}.wrap(op()).try_call(c));
    sim.cancel_after(1s, r);
    sim.time.run();
    EXPECT_EQ(r.get().error().kind(), fault_kind::cancelled);
    EXPECT_EQ(t.lines(), (lines{"w waits", "w in", "w not_attempted cancelled"}));
}

}  // namespace
}  // namespace permit_test
