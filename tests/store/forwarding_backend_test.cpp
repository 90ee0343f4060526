// SPDX-License-Identifier: BSL-1.0
// A store around another one: it does what that one does, its ledger and its flights included, but for what it overrides.
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/budget.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/attach.hpp>
#include <coffer/store/forwarding_backend.hpp>
#include <coffer/testing/scripted_operation.hpp>

#include "store/conformance.hpp"
#include "store/ledger_conformance.hpp"
#include "store/memory_world.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace store_test::forwarding_backend_test {
namespace {

using namespace coffer::literals;
using coffer::failed;
using coffer::forwarding_backend;

/// The world of another store, seen through one that overrides nothing.
class forwarded_world final : public world {
public:
    coffer::store& process(int i) override {
        while (static_cast<int>(seen_.size()) <= i)
            seen_.emplace_back(
                std::make_shared<forwarding_backend>(inner_.process(static_cast<int>(seen_.size())).backend()));
        return seen_[static_cast<std::size_t>(i)];
    }
    void kill(int i) override { inner_.kill(i); }
    coffer::store second_handle() override {
        return coffer::store{std::make_shared<forwarding_backend>(inner_.second_handle())};
    }

private:
    memory_world inner_;
    std::vector<coffer::store> seen_;
};

auto const through = []() -> std::unique_ptr<world> { return std::make_unique<forwarded_world>(); };
INSTANTIATE_TEST_SUITE_P(forwarding, conformance, testing::Values(+through));
INSTANTIATE_TEST_SUITE_P(forwarding, ledger_conformance, testing::Values(+through));

/// Grants no permit while `shut`, and keeps count.
class gatekeeper final : public forwarding_backend {
public:
    using forwarding_backend::forwarding_backend;
    result<coffer::permitted> permit(coffer::claim_ref const& c, coffer::permit_request const& q,
                                     std::span<coffer::ledger_op const> money) override {
        if (shut) return result<coffer::permitted>::ready(failed(fault_kind::store_unavailable, "shut"));
        with_money += money.empty() ? 0 : 1;
        return forwarding_backend::permit(c, q, money);
    }
    result<void> submit_answer(coffer::claim_ref const& c, int send, coffer::shared_answer const& what) override {
        ++answers;
        return forwarding_backend::submit_answer(c, send, what);
    }
    bool shut = false;
    int with_money = 0;
    int answers = 0;
};

class overridden : public testing::Test {
protected:
    support::simulation sim;
    coffer::memory_store inner;
    std::shared_ptr<gatekeeper> const keeper = std::make_shared<gatekeeper>(inner);
    coffer::store const db{keeper};
    coffer::testing::scripted_operation<std::string> provider;

    coffer::outcome<std::string> run_job(coffer::store const& through_store) {
        std::optional<coffer::outcome<std::string>> got;
        auto const ask = coffer::pipeline{coffer::once{through_store, {}, coffer::unfingerprinted}, coffer::retry{},
                                          coffer::budget{through_store,
                                                         {.scope = "s", .limit = 1_usd, .unbounded_at_most = 0.10_usd}}}
                             .wrap(provider);
        coffer::call call{coffer::key{"job", 1}, 5min};
        auto const job = [&]() -> coffer::awaitable<void> {
            auto answer = co_await ask.try_call(call);
            got.emplace(std::move(answer));
        };
        sim.run(job());
        return got.value();
    }
};

TEST_F(overridden, what_refuses_a_permit_lets_nothing_be_sent_and_leaves_nothing_behind) {
    provider.gives("paid").costing(0.01_usd);
    keeper->shut = true;
    auto const refused = run_job(db);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), fault_kind::store_unavailable);
    EXPECT_EQ(refused.error().message(), "shut");
    EXPECT_EQ(provider.sends(), 0);

    keeper->shut = false;
    EXPECT_EQ(run_job(db).value(), "paid") << "the claim was given up, the money given back";
    EXPECT_EQ(provider.sends(), 1);
}

TEST_F(overridden, money_is_sent_with_the_permit_as_in_the_store_inside) {
    provider.gives("paid").costing(0.01_usd);
    EXPECT_EQ(run_job(db).value(), "paid");
    EXPECT_EQ(keeper->with_money, 1);
    EXPECT_EQ(keeper->answers, 1);
    EXPECT_EQ(db.ledger().backend(), inner.ledger().backend());
}

TEST_F(overridden, what_was_paid_through_the_one_is_replayed_by_the_other) {
    provider.gives("paid");
    EXPECT_EQ(run_job(db).value(), "paid");
    EXPECT_EQ(run_job(inner).value(), "paid");
    EXPECT_EQ(provider.sends(), 1);
    EXPECT_EQ(&db.backend()->flights(), &inner.backend()->flights()) << "and callers of both join one flight";
    EXPECT_EQ(db.backend()->name(), inner.backend()->name());
}

TEST(forwarding_backend, around_nothing_is_misuse) {
    EXPECT_THROW(forwarding_backend{std::shared_ptr<coffer::store_backend>{}}, coffer::misuse);
}

}  // namespace
}  // namespace store_test::forwarding_backend_test
