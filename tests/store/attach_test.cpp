// SPDX-License-Identifier: BSL-1.0
// Looking for an answer never sends, claims or changes anything.

#include <coffer/call/describe.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/store/attach.hpp>
#include <coffer/store/memory.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "policy/support/contexts.hpp"
#include "policy/support/provider.hpp"

namespace attach_test {
namespace {

using namespace std::chrono_literals;
using coffer::fault_kind;
using support::caller;
using support::request;

struct attach_test : testing::Test {
    support::contexts world{3};
    coffer::memory_store db;
    support::provider provider;

    /// What somebody who looks is told.
    struct looking {
        std::optional<coffer::outcome<std::string>> told;
        coffer::time_point at{};
        asio::cancellation_signal leave;

        [[nodiscard]] std::string text() const {
            if (!told) return "still looking";
            return *told ? **told : "fault " + std::string{to_string(told->error().kind())};
        }
    };

    static coffer::key k() { return coffer::key{"test", "k"}; }
    support::guarded ask(coffer::once_options o = {}) { return ask(db, o); }
    support::guarded ask(coffer::store const& s, coffer::once_options o = {}) {
        return coffer::pipeline{coffer::once{s, o}}.wrap(provider.operation());
    }
    caller begin(support::guarded const& g, coffer::duration deadline = 15min) {
        return caller::begin(world.executor(0), g, coffer::call{k(), deadline}, request{});
    }
    static coffer::awaitable<void> look(coffer::store s, support::provider::chat chat, coffer::duration within,
                                        std::shared_ptr<looking> result) {
        auto const executor = co_await asio::this_coro::executor;
        auto found = co_await coffer::attach(std::move(s), k(), std::move(chat), within);
        result->told.emplace(std::move(found));
        result->at = coffer::clock_service::of(executor).clock()->now();
    }
    std::shared_ptr<looking> look(coffer::duration within, std::size_t where = 1) { return look(db, within, where); }
    std::shared_ptr<looking> look(coffer::store const& s, coffer::duration within, std::size_t where = 1) {
        auto result = std::make_shared<looking>();
        asio::co_spawn(world.executor(where), look(s, provider.operation(), within, result),
                       asio::bind_cancellation_slot(result->leave.slot(), [result](std::exception_ptr) {}));
        return result;
    }
    std::shared_ptr<coffer::record const> record() { return **db.backend()->peek(db.backend()->id_of(k())).get(); }
};

TEST_F(attach_test, finds_what_is_there) {
    provider.answer("hello");
    (void)begin(ask());
    world.run();
    auto const found = look(0s);
    world.run_ready();
    EXPECT_EQ(found->text(), "hello");
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(attach_test, waits_for_the_flight_of_this_process) {
    provider.answer("hello", 7s);
    auto const asked = begin(ask());
    world.run_for(1s);
    auto const start = world.now();
    auto const found = look(30s);
    world.run();
    EXPECT_EQ(found->text(), "hello");
    EXPECT_EQ(found->at - start, 6s) << "not at the next look into the store";
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(attach_test, waits_for_another_process) {
    provider.answer("hello", 7s);
    (void)begin(ask(db.another_process()));
    world.run_for(1s);
    auto const start = world.now();
    auto const found = look(30s);
    world.run();
    EXPECT_EQ(found->text(), "hello");
    EXPECT_LE(found->at - start, 6250ms);
}

TEST_F(attach_test, waits_no_longer_than_it_is_told) {
    provider.answer("hello", 1min);
    (void)begin(ask());
    world.run_for(1s);
    auto const now = look(0s);
    auto const soon = look(2s, 2);
    world.run_for(3s);
    EXPECT_EQ(now->text(), "fault in_progress");
    EXPECT_EQ(soon->text(), "fault in_progress");
    EXPECT_EQ(soon->at - now->at, 2s);
    EXPECT_TRUE(soon->told->error().retry_after());
}

TEST_F(attach_test, waits_for_work_that_has_not_begun) {
    auto const nothing = look(500ms);
    auto const found = look(1min, 2);
    world.run_for(1s);
    EXPECT_EQ(nothing->text(), "fault in_progress");
    EXPECT_EQ(record(), nullptr) << "looking leaves no trace";
    provider.answer("hello");
    (void)begin(ask());
    world.run();
    EXPECT_EQ(found->text(), "hello");
}

TEST_F(attach_test, keeps_nobodys_work_alive) {
    provider.answer("never", 10s);
    auto const asked = begin(ask({.finish_grace = 0s}));
    world.run_for(1s);
    auto const found = look(1min);
    asked.cancel();
    world.run();
    EXPECT_EQ(found->text(), "fault in_progress");
    EXPECT_TRUE(provider.sends().at(0).cut_at);
}

TEST_F(attach_test, is_told_how_the_work_ended) {
    provider.fail(fault_kind::quota_exhausted, 5s);
    (void)begin(ask());
    world.run_for(1s);
    auto const found = look(1min);
    world.run();
    EXPECT_EQ(found->text(), "fault quota_exhausted");
}

TEST_F(attach_test, is_told_what_ends_a_key) {
    provider.fail(fault_kind::invalid_request);
    (void)begin(ask());
    world.run();
    auto const refused = look(1min);
    world.run_ready();
    EXPECT_EQ(refused->text(), "fault invalid_request");

    world.run_for(11min);
    provider.answer("hello");
    (void)begin(ask({.unacknowledged_kept = 1h}));
    world.run();
    world.run_for(2h);
    auto const gone = look(1min);
    world.run_ready();
    EXPECT_EQ(gone->text(), "fault result_expired");
}

TEST_F(attach_test, is_not_told_of_what_befalls_a_caller) {
    provider.answer("hello", 7s);
    (void)begin(ask(db.another_process()));
    world.run_for(1s);
    auto const impatient =
        begin(ask({.in_other_process = coffer::elsewhere::wait}), 2s);  // of this process, where `look` finds it
    world.run_for(1s);
    auto const found = look(30s);
    world.run();
    EXPECT_TRUE(impatient->failed(fault_kind::in_progress) || impatient->failed(fault_kind::deadline_exceeded))
        << impatient->text();
    EXPECT_EQ(found->text(), "hello");
    EXPECT_EQ(provider.count(), 1);
}

TEST_F(attach_test, is_told_that_an_operator_must_decide_also_when_the_owner_died) {
    auto other = db.another_process();
    other.backend()->bind(coffer::clock_service::of(world.executor(0)).clock());
    coffer::claim_ref const ref{other.backend()->id_of(k()), coffer::claim_id{1}};
    coffer::claim_request q;
    q.id = ref.id;
    q.max_sends = 1;
    (void)other.backend()->claim(ref.record, q);
    coffer::permit_request p;
    p.max_sends = 1;
    p.longest = 5min;
    (void)other.backend()->permit(ref, p, {});
    auto const before = look(0s);
    world.run_ready();
    EXPECT_EQ(before->text(), "fault in_progress");
    other.declare_dead();
    auto const found = look(1min);
    world.run_ready();
    EXPECT_EQ(found->text(), "fault unresolved");
}

TEST_F(attach_test, is_told_of_an_acknowledgement) {
    provider.answer("hello");
    (void)begin(ask());
    world.run();
    (void)db.backend()->acknowledge(db.backend()->id_of(k()));
    auto const done = look(1min);
    world.run_ready();
    EXPECT_EQ(done->text(), "fault already_done");
}

TEST_F(attach_test, is_told_that_an_operator_must_decide) {
    provider.fail(fault_kind::ambiguous);
    (void)begin(ask({.max_sends = 1}));
    world.run();
    auto const found = look(1min);
    world.run_ready();
    EXPECT_EQ(found->text(), "fault unresolved");
    EXPECT_EQ(found->told->error().billing(), coffer::knowledge::maybe);
}

TEST_F(attach_test, follows_the_work_to_another_context) {
    provider.answer("never", 10s).answer("hello", 10s);
    (void)begin(ask());
    world.run_ready();
    auto const second = caller::begin(world.executor(2), ask(), coffer::call{k()}, request{});
    world.run_for(1s);
    auto const found = look(1min);
    world.run_for(1s);
    world.destroy(0);
    world.run();
    EXPECT_EQ(second->text(), "hello");
    EXPECT_EQ(found->text(), "hello");
}

TEST_F(attach_test, may_be_left) {
    provider.answer("hello", 10s);
    auto const asked = begin(ask());
    world.run_for(1s);
    auto const found = look(1min);
    world.run_ready();
    found->leave.emit(asio::cancellation_type::terminal);
    world.run_ready();
    EXPECT_EQ(found->text(), "fault cancelled");
    world.run();
    EXPECT_EQ(asked->text(), "hello");
}

TEST_F(attach_test, a_defective_answer_is_none) {
    provider.answer("bad");
    (void)begin(ask());
    world.run();
    auto const found = look(1s);
    world.run();
    EXPECT_EQ(found->text(), "fault in_progress") << "a run of the job may send once more";
}

TEST_F(attach_test, reads_results_that_a_codec_kept) {
    auto const fn = [](std::string const& name) -> coffer::awaitable<std::string> { co_return "hello " + name; };
    auto const greet = coffer::describe(fn).fingerprint(
        [](std::string const& name) { return coffer::fingerprint{}.with("name", name); });
    auto const pipeline = coffer::pipeline{coffer::once{db}}.wrap(greet);
    auto const run = [](auto const& p, coffer::store s) -> coffer::awaitable<std::string> {
        coffer::call call{k()};
        std::string const name = "world";
        (void)co_await p(call, name);
        auto const found = co_await coffer::attach<std::string>(s, k(), 0s);
        co_return found.value();
    };
    std::string text;
    asio::co_spawn(world.executor(0), run(pipeline, db), [&](std::exception_ptr e, std::string t) {
        if (e) std::rethrow_exception(e);
        text = std::move(t);
    });
    world.run();
    EXPECT_EQ(text, "hello world");
}

}  // namespace
}  // namespace attach_test
