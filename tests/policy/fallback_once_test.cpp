// SPDX-License-Identifier: BSL-1.0
// A fallback under a journal: one count of sends for all alternatives, and answers that are read by whoever they are from.
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/fallback.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/attach.hpp>
#include <coffer/store/memory.hpp>
#include <coffer/testing/scripted_operation.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "policy/support/contexts.hpp"
#include "policy/support/provider.hpp"
#include "policy/support/speaker.hpp"
#include "support/seeds.hpp"

namespace fallback_once_test {
namespace {

using namespace std::chrono_literals;
using coffer::answer_origin;
using coffer::fallback;
using coffer::fault;
using coffer::fault_kind;
using coffer::knowledge;
using coffer::record_state;
using coffer::send_state;
using coffer::stop_reason;
using support::caller;
using support::guarded;
using support::request;
using support::speaker;

guarded bare(speaker const& s) { return coffer::pipeline{}.wrap(s.op()); }

struct fallback_once_test : testing::Test {
    support::contexts world{3};
    coffer::memory_store db;
    speaker first{"acme"}, second{"zeta"}, third{"omega"};
    coffer::key const key{"test", "k"};

    template <class Alternatives>
    guarded under(Alternatives f, coffer::once_options o = {}) {
        return on(db, std::move(f), o);
    }
    template <class Alternatives>
    static guarded on(coffer::store const& where, Alternatives f, coffer::once_options o = {}) {
        return coffer::pipeline{coffer::once{where, o}}.wrap(std::move(f));
    }
    guarded all(coffer::once_options o = {}) { return under(fallback{bare(first), bare(second), bare(third)}, o); }

    caller begin(guarded const& ask, std::size_t where = 0, std::string prompt = "prompt") {
        return caller::begin(world.executor(where), ask, coffer::call{key, 15min}, request{std::move(prompt)});
    }
    support::asked run(guarded const& ask, std::string prompt = "prompt") {
        auto const c = begin(ask, 0, std::move(prompt));
        world.run();
        return *c;
    }
    std::shared_ptr<coffer::record const> record() { return **db.backend()->peek(db.backend()->id_of(key)).get(); }
    int sends() const { return first.script.count() + second.script.count() + third.script.count(); }

    /// An earlier process was answered from there, and died before it had looked at the answers.
    void unjudged(std::vector<coffer::target> const& from, std::vector<std::string> const& bodies) {
        auto const earlier = db.another_process();
        auto& b = *earlier.backend();
        b.bind(coffer::clock_service::of(world.executor(0)).clock());
        coffer::claim_request claim;
        claim.id = {1};
        claim.print = coffer::fingerprint{}.with("model", "m").with("prompt", "prompt");
        claim.max_sends = static_cast<int>(from.size()) + 1;
        coffer::claim_ref const ref{b.id_of(key), claim.id};
        (void)b.claim(ref.record, claim);
        for (int i = 0; i < static_cast<int>(from.size()); ++i) {
            auto const at = static_cast<std::size_t>(i);
            coffer::permit_request permit;
            permit.expected_sends = i;
            permit.max_sends = claim.max_sends;
            permit.longest = 1s;
            permit.provider = from[at].provider;
            permit.model = from[at].model;
            ASSERT_TRUE(*b.permit(ref, permit, {}).get());
        }
        for (std::size_t i = 0; i < from.size(); ++i) {
            auto what = std::make_shared<coffer::answer const>(bodies[i], 200);
            ASSERT_TRUE(*b.submit_answer(ref, static_cast<int>(i) + 1, std::move(what)).get());
        }
        earlier.declare_dead();
    }
    void answered_by(coffer::target const& from, std::string const& body) { unjudged({from}, {body}); }
};

// Sends ---------------------------------------------------------------------------------------------------------------

TEST_F(fallback_once_test, one_journal_counts_the_sends_to_all_of_them) {
    for (auto const& s : {&first, &second, &third}) s->script.fail(fault_kind::ambiguous);
    auto const c = run(all({.max_sends = 2}));
    EXPECT_TRUE(c.failed(fault_kind::ambiguous)) << c.text();
    EXPECT_EQ(c.why().stop(), stop_reason::sends_spent);
    EXPECT_EQ(first.script.count(), 1);
    EXPECT_EQ(second.script.count(), 1);
    EXPECT_EQ(third.script.count(), 0);
    EXPECT_TRUE(run(all({.max_sends = 2})).failed(fault_kind::unresolved));
    EXPECT_EQ(sends(), 2);
}

TEST_F(fallback_once_test, with_one_send_nobody_is_asked_after_one_that_may_be_billed) {
    first.script.fail(fault_kind::ambiguous);
    EXPECT_EQ(run(all({.max_sends = 1})).why().stop(), stop_reason::sends_spent);
    EXPECT_EQ(sends(), 1);
}

TEST_F(fallback_once_test, what_is_proven_unbilled_takes_nothing_from_the_next) {
    first.script.fail(fault_kind::overloaded);
    second.script.fail(fault_kind::throttled);
    third.script.answer("hello");
    EXPECT_EQ(run(all({.max_sends = 1})).text(), "hello from omega/m");
    EXPECT_EQ(record()->counted_sends(), 1);
}

TEST_F(fallback_once_test, a_defective_answer_is_kept_and_counted_and_the_next_one_is_asked) {
    first.script.answer("bad");
    second.script.answer("hello");
    EXPECT_EQ(run(all({.max_sends = 2})).text(), "hello from zeta/m");
    auto const r = record();
    ASSERT_EQ(r->sends.size(), 2U);
    EXPECT_EQ(r->sends[0].state, send_state::defective);
    EXPECT_EQ(r->sends[0].provider, "acme");
    EXPECT_EQ(r->sends[1].provider, "zeta");
    EXPECT_EQ(r->state, record_state::done);
}

TEST_F(fallback_once_test, a_request_that_all_refuse_is_kept_under_the_key) {
    first.script.fail(fault_kind::invalid_request);
    EXPECT_TRUE(run(all()).failed(fault_kind::invalid_request));
    EXPECT_TRUE(run(all()).failed(fault_kind::invalid_request));
    EXPECT_EQ(sends(), 1) << "it would be refused again";
}

TEST_F(fallback_once_test, a_request_that_only_a_stand_in_refuses_is_asked_again) {
    first.script.fail(fault_kind::overloaded).answer("hello");
    second.script.fail(fault_kind::invalid_request);
    EXPECT_TRUE(run(all()).failed(fault_kind::overloaded));
    EXPECT_EQ(run(all()).text(), "hello from acme/m");
}

TEST_F(fallback_once_test, whoever_leaves_in_a_send_of_any_of_them_finds_its_answer_later) {
    first.script.fail(fault_kind::overloaded);
    second.script.answer("hello", 10s);
    auto const c = begin(all());
    world.run_for(5s);
    c.cancel();
    world.run();
    EXPECT_TRUE(c->failed(fault_kind::cancelled));
    EXPECT_EQ(run(all()).text(), "hello from zeta/m");
    EXPECT_EQ(sends(), 2);
}

TEST_F(fallback_once_test, whoever_leaves_before_a_send_has_paid_nothing) {
    first.script.fail(fault_kind::overloaded, 2s);
    second.script.answer("hello");
    auto const c = begin(under(fallback{bare(first), guarded{coffer::pipeline{coffer::retry{}}.wrap(second.op())}}));
    world.run_for(1s);
    c.cancel();
    world.run();
    EXPECT_TRUE(c->failed(fault_kind::cancelled));
    EXPECT_EQ(second.script.count(), 0) << "nobody waits any longer";
    EXPECT_EQ(record()->counted_sends(), 0);
    EXPECT_FALSE(record()->held);
}

TEST_F(fallback_once_test, a_send_that_is_cut_off_by_its_time_limit_leaves_the_next_one_to_be_asked) {
    first.script.never();
    second.script.answer("hello");
    auto const start = world.now();
    auto const quick = coffer::pipeline{coffer::retry{{.attempts = 1, .attempt_timeout = 20s}}}.wrap(first.op());
    auto const c = run(under(fallback{quick, bare(second)}, {.max_sends = 2}));
    EXPECT_EQ(c.text(), "hello from zeta/m");
    EXPECT_EQ(c.ended, start + 21s);
    EXPECT_EQ(c.log[0].fault->kind(), fault_kind::timed_out);
}

TEST_F(fallback_once_test, a_flight_that_is_taken_over_begins_with_the_first_and_counts_on) {
    first.script.fail(fault_kind::overloaded).fail(fault_kind::overloaded);
    second.script.never();
    third.script.answer("hello");
    auto const ask = all({.max_sends = 2});
    auto const opened = begin(ask, 0);
    auto const joined = begin(ask, 1);
    world.run_for(5s);
    ASSERT_EQ(second.script.count(), 1);
    second.script.fail(fault_kind::overloaded);
    world.destroy(0);
    world.run();
    EXPECT_EQ(joined->text(), "hello from omega/m");
    EXPECT_EQ(record()->counted_sends(), 2) << "the one that is lost, and the one that was answered";
}

// Who reads an answer -------------------------------------------------------------------------------------------------

TEST_F(fallback_once_test, a_replay_is_read_by_whoever_answered_wherever_it_stands_by_now) {
    first.script.fail(fault_kind::overloaded);
    second.script.answer("hello");
    EXPECT_EQ(run(all()).text(), "hello from zeta/m");
    auto const reordered = on(db.another_process(), fallback{bare(third), bare(first), bare(second)});
    auto const c = run(reordered);
    EXPECT_EQ(c.text(), "hello from zeta/m");
    EXPECT_EQ(c.origin, answer_origin::replayed);
    ASSERT_TRUE(c.answered_by);
    EXPECT_EQ(c.answered_by->provider, "zeta");
    EXPECT_EQ(c.answered_by->model, "m");
    EXPECT_TRUE(c.log.empty());
    EXPECT_EQ(sends(), 2);
}

TEST_F(fallback_once_test, of_two_models_of_one_provider_the_one_that_was_asked_reads) {
    first.script.fail(fault_kind::overloaded).answer("hello");
    auto const large = coffer::pipeline{}.wrap(first.op_of("large"));
    auto const small = coffer::pipeline{}.wrap(first.op_of("small"));
    EXPECT_EQ(run(under(fallback{large, small})).text(), "hello from acme/small");
    EXPECT_EQ(run(under(fallback{large, small})).text(), "hello from acme/small");
    EXPECT_EQ(run(under(fallback{small, large})).answered_by->model, "small");
    EXPECT_EQ(sends(), 2);
}

TEST_F(fallback_once_test, a_model_that_is_asked_no_more_is_read_by_its_provider) {
    second.script.answer("hello");
    EXPECT_TRUE(run(under(fallback{bare(second), bare(first)})).ok());
    auto const newer = coffer::pipeline{}.wrap(second.op_of("m2"));
    auto const c = run(under(fallback{bare(first), newer}));
    EXPECT_EQ(c.text(), "hello from zeta/m2");
    EXPECT_EQ(c.answered_by->model, "m") << "that is who answered";
}

TEST_F(fallback_once_test, an_answer_whose_alternative_is_gone_is_neither_paid_for_again_nor_lost) {
    first.script.fail(fault_kind::overloaded);
    second.script.answer("hello");
    EXPECT_TRUE(run(all()).ok());
    auto const c = run(under(fallback{bare(first), bare(third)}));
    ASSERT_TRUE(c.failed(fault_kind::unresolved)) << c.text();
    EXPECT_EQ(c.why().code(), "no_reader");
    EXPECT_EQ(c.why().billing(), knowledge::yes);
    EXPECT_NE(c.why().message().find("zeta/m"), std::string::npos) << c.why().message();
    EXPECT_EQ(sends(), 2) << "nothing is sent for it";
    EXPECT_EQ(record()->state, record_state::done);
    EXPECT_EQ(run(all()).text(), "hello from zeta/m");
}

TEST_F(fallback_once_test, an_answer_that_nobody_has_judged_is_judged_by_its_own) {
    answered_by({"zeta", "m"}, "zeta|paid");
    auto const c = run(all());
    EXPECT_EQ(c.text(), "paid from zeta/m");
    EXPECT_EQ(c.origin, answer_origin::replayed);
    EXPECT_EQ(c.answered_by.value().provider, "zeta");
    EXPECT_EQ(sends(), 0);
    EXPECT_EQ(record()->state, record_state::done);
}

TEST_F(fallback_once_test, a_defect_that_its_own_finds_costs_one_of_the_sends) {
    answered_by({"zeta", "m"}, "zeta|bad");
    first.script.answer("hello");
    EXPECT_EQ(run(all({.max_sends = 2})).text(), "hello from acme/m");
    EXPECT_EQ(record()->sends[0].state, send_state::defective);
}

TEST_F(fallback_once_test, an_unjudged_answer_of_one_that_is_gone_waits_for_it) {
    answered_by({"zeta", "m"}, "zeta|paid");
    auto const c = run(under(fallback{bare(first), bare(third)}));
    ASSERT_TRUE(c.failed(fault_kind::unresolved)) << c.text();
    EXPECT_EQ(c.why().code(), "no_reader");
    EXPECT_EQ(sends(), 0) << "it may be the very answer";
    ASSERT_NE(record(), nullptr);
    EXPECT_FALSE(record()->held);
    EXPECT_EQ(record()->sends[0].state, send_state::answered) << "and is not judged by somebody else";
    EXPECT_EQ(run(all()).text(), "paid from zeta/m");
}

TEST_F(fallback_once_test, an_unjudged_answer_that_can_be_read_is_taken_beside_one_that_cannot) {
    unjudged({{"gone", "m"}, {"zeta", "m"}}, {"gone|paid", "zeta|paid"});
    EXPECT_EQ(run(all({.max_sends = 3})).text(), "paid from zeta/m");
    EXPECT_EQ(sends(), 0);
}

TEST_F(fallback_once_test, an_operation_of_another_provider_does_not_throw_away_what_it_cannot_read) {
    answered_by({"zeta", "m"}, "zeta|paid");
    auto const c = run(coffer::pipeline{coffer::once{db}}.wrap(first.op()));
    ASSERT_TRUE(c.failed(fault_kind::unresolved)) << c.text();
    EXPECT_EQ(sends(), 0);
    EXPECT_EQ(run(coffer::pipeline{coffer::once{db}}.wrap(second.op())).text(), "paid from zeta/m");
}

TEST_F(fallback_once_test, an_answer_that_an_operator_brings_is_read_by_whoever_can) {
    second.script.fail(fault_kind::ambiguous);
    first.script.fail(fault_kind::ambiguous);
    EXPECT_FALSE(run(all({.max_sends = 2})).ok());
    ASSERT_TRUE(*db.backend()
                     ->resolve(db.backend()->id_of(key), coffer::supply_answer{coffer::answer{"zeta|found", 200}})
                     .get());
    EXPECT_EQ(run(all({.max_sends = 2})).text(), "found from zeta/m");
    EXPECT_EQ(run(all({.max_sends = 2})).text(), "found from zeta/m");
    EXPECT_EQ(sends(), 2);
}

TEST_F(fallback_once_test, whoever_joins_reads_for_himself) {
    first.script.fail(fault_kind::overloaded);
    second.script.answer("hello", 10s);
    auto const opened = begin(all(), 0);
    world.run_for(2s);
    auto const joined = begin(under(fallback{bare(third), bare(second)}), 1);
    auto const cannot = begin(under(fallback{bare(third), bare(first)}), 2);
    world.run();
    EXPECT_EQ(opened->text(), "hello from zeta/m");
    EXPECT_EQ(joined->text(), "hello from zeta/m");
    EXPECT_EQ(joined->origin, answer_origin::joined);
    EXPECT_EQ(joined->answered_by->provider, "zeta");
    EXPECT_TRUE(cannot->failed(fault_kind::unresolved));
    EXPECT_EQ(sends(), 2);
}

TEST_F(fallback_once_test, the_requests_own_fingerprint_stands_whoever_is_asked_first) {
    first.script.answer("hello");
    EXPECT_TRUE(run(all()).ok());
    EXPECT_TRUE(run(under(fallback{bare(third), bare(first)})).ok());
    auto const other = run(all(), "another prompt");
    ASSERT_TRUE(other.failed(fault_kind::key_mismatch));
    EXPECT_EQ(other.why().fields(), std::vector<std::string>{"prompt"});
}

TEST_F(fallback_once_test, alternatives_deep_inside_one_another_find_their_answers) {
    third.script.answer("hello");
    first.script.fail(fault_kind::overloaded);
    second.script.fail(fault_kind::overloaded);
    auto const inner = fallback{bare(second), bare(third)};
    auto const nested = [&] {
        return under(fallback{bare(first), guarded{coffer::pipeline{coffer::retry{}}.wrap(inner)}});
    };
    EXPECT_EQ(run(nested()).text(), "hello from omega/m");
    EXPECT_EQ(run(nested()).text(), "hello from omega/m");
    EXPECT_EQ(run(under(fallback{std::vector<guarded>{bare(second), bare(third)}})).text(), "hello from omega/m");
    EXPECT_EQ(sends(), 3);
}

TEST_F(fallback_once_test, plain_results_are_read_by_their_codec) {
    coffer::testing::scripted_operation<std::string> down, up;
    down.fails(fault_kind::overloaded);
    up.gives("hello");
    auto const print = [](request const& r) {
        return coffer::fingerprint{}.with("model", "m").with("prompt", r.prompt);
    };
    auto const wrapped = [&](auto const& op, char const* name) {
        auto const to = [name](request const&) { return coffer::target{name, "m"}; };
        return coffer::pipeline{}.wrap(coffer::describe(op).target(to).fingerprint(print));
    };
    EXPECT_EQ(run(under(fallback{wrapped(down, "down"), wrapped(up, "up")})).text(), "hello");
    // Beside an operation that decodes, each is still read in its own way.
    auto const mixed = under(fallback{bare(first), guarded{wrapped(up, "up")}});
    EXPECT_EQ(run(mixed).text(), "hello");
}

TEST_F(fallback_once_test, whoever_only_looks_may_read_with_all_of_them) {
    second.script.answer("hello");
    first.script.fail(fault_kind::overloaded);
    EXPECT_TRUE(run(all()).ok());
    std::optional<coffer::outcome<std::string>> found;
    auto const look = [](coffer::store s, coffer::key k, fallback<guarded, guarded> f,
                         std::optional<coffer::outcome<std::string>>& out) -> coffer::awaitable<void> {
        auto running = coffer::attach(std::move(s), std::move(k), std::move(f), 1s);
        auto got = co_await std::move(running);
        out.emplace(std::move(got));
    };
    asio::co_spawn(world.executor(1), look(db, key, fallback{bare(first), bare(second)}, found), asio::detached);
    world.run();
    ASSERT_TRUE(found && *found);
    EXPECT_EQ(**found, "hello from zeta/m");
}

TEST_F(fallback_once_test, a_handle_without_a_fingerprint_is_found_out_before_anything_is_sent) {
    auto const nameless = [](request const&) -> coffer::awaitable<std::string> { co_return "hello"; };
    guarded const handle = coffer::pipeline{}.wrap(
        coffer::describe(nameless).target([](request const&) { return coffer::target{"a", "b"}; }));
    EXPECT_TRUE(run(under(fallback{handle, handle})).threw<coffer::misuse>());
    EXPECT_EQ(run(coffer::pipeline{coffer::once{db, coffer::unfingerprinted}}.wrap(fallback{handle, handle})).text(),
              "hello");
}

}  // namespace
}  // namespace fallback_once_test
