// SPDX-License-Identifier: BSL-1.0
// Orders that cannot be right and that only wrap() sees: behind `guarded`, and one state twice. What the compiler sees is in
// compile_fail/.
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/retry.hpp>

#include "compile_fail/policies.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace order_rules_test {
namespace {

using coffer::misuse;
using coffer::pipeline;
using coffer::retry;
using handle = coffer::guarded<int(int const&)>;

coffer::awaitable<int> operation(int const& n) { co_return n; }

/// What wrapping `inner` in `outer` is refused with; nothing if it is not.
template <class... Outer>
std::string refusal(pipeline<Outer...> const& outer, handle const& inner) {
    try {
        (void)outer.wrap(inner);
        return {};
    } catch (misuse const& error) {
        return error.what();
    }
}

TEST(order_rules, are_seen_through_a_handle) {
    handle const journaled = pipeline{journal{}, retry{}}.wrap(operation);
    handle const retried = pipeline{retry{}}.wrap(operation);
    handle const plain_one = pipeline{plain{}}.wrap(operation);
    handle const bare = pipeline{}.wrap(operation);
    EXPECT_NE(refusal(pipeline{journal{}}, journaled).find("a journal of its own"), std::string::npos);
    EXPECT_NE(refusal(pipeline{retry{}}, journaled).find("move `once` to this pipeline"), std::string::npos);
    EXPECT_NE(refusal(pipeline{limiter{}}, retried).find("multiplies sends"), std::string::npos);
    EXPECT_NE(refusal(pipeline{innermost{}}, plain_one).find("wraps the operation itself"), std::string::npos);
    EXPECT_NE(refusal(pipeline{innermost{}}, bare).find("wraps the operation itself"), std::string::npos);
    EXPECT_EQ(refusal(pipeline{journal{}, retry{}}, plain_one), "");
    EXPECT_EQ(refusal(pipeline{retry{}}, retried), "");
}

TEST(order_rules, are_seen_through_several_handles_and_pipelines_between_them) {
    handle const journaled = pipeline{journal{}}.wrap(operation);
    handle const between = pipeline{plain{}}.wrap(journaled);
    EXPECT_NE(refusal(pipeline{journal{}}, between), "");
    EXPECT_THROW((void)pipeline{retry{}}.wrap(pipeline{plain{}}.wrap(between)), misuse);
}

/// Its copies share state, and it says so.
struct counting : gate_with<coffer::policy_traits{}> {
    [[nodiscard]] void const* state() const noexcept { return shared.get(); }
    std::shared_ptr<int> shared = std::make_shared<int>();
};

TEST(order_rules, one_state_cannot_stand_in_a_pipeline_twice) {
    counting const one;
    counting const other;
    EXPECT_THROW((void)(pipeline{one, plain{}, one}.wrap(operation)), misuse);
    EXPECT_NO_THROW((void)(pipeline{one, plain{}, other}.wrap(operation)));
    EXPECT_NO_THROW((void)(pipeline{plain{}, plain{}}.wrap(operation))) << "who has no state cannot share it";
}

}  // namespace
}  // namespace order_rules_test
