// SPDX-License-Identifier: BSL-1.0
// What users call: a handle and its coroutines.

#include <coffer/store/memory.hpp>

#include "store/store_world.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace store_test::whole_test {
namespace {

struct store_handle : testing::Test {
    store_handle() {
        for (auto const* const name : {"by key", "by name"}) {
            auto const ref = sent(name);
            (void)backend().submit_lost(ref, 1, coffer::fault{coffer::fault_kind::timed_out});
            (void)backend().submit_release(ref);
        }
        auto const ref = sent("answered");
        (void)backend().submit_answer(ref, 1, answer_of("paid"));
        (void)backend().submit_accept(ref, 1);
    }
    coffer::store_backend& backend() {
        db.backend()->bind(sim.time.clock());
        return *db.backend();
    }
    static coffer::key key(std::string const& name) { return coffer::key{"test", name}; }
    coffer::claim_ref sent(std::string const& name) {
        coffer::claim_request q;
        q.id = claim_number(1);
        q.max_sends = 1;
        coffer::claim_ref const ref{backend().id_of(key(name)), q.id};
        (void)backend().claim(ref.record, q);
        coffer::permit_request p;
        p.max_sends = 1;
        p.longest = 1min;
        (void)backend().permit(ref, p, {});
        return ref;
    }
    support::simulation sim;
    coffer::memory_store db;
};

TEST_F(store_handle, may_be_gone_when_what_it_was_asked_for_begins) {
    coffer::store handle = db;
    auto peeking = handle.peek(key("answered"));
    auto listing = handle.list(coffer::record_filter{});
    auto acknowledging = handle.acknowledge(key("answered"));
    auto resolving = handle.resolve(key("by key"), coffer::grant_send{});
    auto resolving_by_name = handle.resolve(db.backend()->id_of(key("by name")), coffer::grant_send{});
    handle = coffer::memory_store{};
    auto const found = sim.run(std::move(peeking));
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->state, coffer::record_state::done);
    EXPECT_EQ(sim.run(std::move(listing)).size(), 3U);
    sim.run(std::move(acknowledging));
    sim.run(std::move(resolving));
    sim.run(std::move(resolving_by_name));
    EXPECT_EQ(sim.run(db.peek(key("answered")))->state, coffer::record_state::acked);
    EXPECT_EQ(sim.run(db.peek(key("by key")))->granted_sends, 1);
    EXPECT_EQ(sim.run(db.peek(key("by name")))->granted_sends, 1);
}

TEST_F(store_handle, says_when_it_is_awaited_that_a_key_names_no_record) {
    auto const completed_by_requests = coffer::key::of_request(key("faq"), 1h);
    auto peeking = db.peek(completed_by_requests);
    auto acknowledging = db.acknowledge(completed_by_requests);
    auto resolving = db.resolve(completed_by_requests, coffer::grant_send{});
    EXPECT_THROW((void)sim.run(std::move(peeking)), coffer::misuse);
    EXPECT_THROW(sim.run(std::move(acknowledging)), coffer::misuse);
    EXPECT_THROW(sim.run(std::move(resolving)), coffer::misuse);
}

}  // namespace
}  // namespace store_test::whole_test
