// SPDX-License-Identifier: BSL-1.0
// One fallback, its rule and its observer on several threads. For ThreadSanitizer as much as for what it asserts.

#include <coffer/call/pipeline.hpp>
#include <coffer/policy/fallback.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/memory.hpp>

#include <asio/thread_pool.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "policy/support/provider.hpp"
#include "policy/support/speaker.hpp"

namespace fallback_threads_test {
namespace {

using coffer::fault_kind;
using support::caller;
using support::guarded;
using support::request;
using support::speaker;

TEST(fallback_threads, calls_on_many_threads_share_alternatives_rule_observer_and_flights) {
    constexpr int calls = 400;
    constexpr int keys = 100;
    speaker down{"acme"}, up{"zeta"};
    down.script.otherwise([] { return coffer::outcome<coffer::answer>{coffer::failed(fault_kind::content_policy)}; },
                          coffer::duration{});
    up.script.otherwise([] { return coffer::outcome<coffer::answer>{coffer::answer{"hello", 200}}; },
                        coffer::duration{});
    std::atomic<int> asked{0};
    std::atomic<int> told{0};
    auto const rule = [&](coffer::fault const&, int from) { return ++asked, from == 0; };
    auto const watch = [&](coffer::event const&) { ++told; };
    auto const alternatives = coffer::fallback{guarded{coffer::pipeline{coffer::retry{}}.wrap(down.op())},
                                               guarded{coffer::pipeline{coffer::retry{}}.wrap(up.op())}}
                                  .when(rule)
                                  .observe(watch);
    coffer::memory_store const db;
    guarded const ask = coffer::pipeline{coffer::once{db}}.wrap(alternatives);

    std::vector<caller> all;
    {
        asio::thread_pool pool{4};
        for (int i = 0; i < calls; ++i)
            all.push_back(
                caller::begin(pool.get_executor(), ask, coffer::call{coffer::key{"test", i % keys}}, request{}));
        pool.join();
    }
    for (auto const& c : all) {
        EXPECT_EQ(c->text(), "hello from zeta/m");
        EXPECT_EQ(c->answered_by.value().provider, "zeta");
    }
    EXPECT_EQ(up.script.count(), keys);
    EXPECT_EQ(asked, keys);
    EXPECT_EQ(told, keys);
}

}  // namespace
}  // namespace fallback_threads_test
