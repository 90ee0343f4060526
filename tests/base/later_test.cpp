// SPDX-License-Identifier: BSL-1.0
#include <coffer/base/later.hpp>

#include <gtest/gtest.h>

#include <chrono>

namespace later_test {
namespace {

using namespace std::chrono;
using namespace std::chrono_literals;
using coffer::later;
using steady = steady_clock::time_point;
using wall = system_clock::time_point;
using in_seconds = time_point<system_clock, seconds>;

constexpr auto for_ever = milliseconds::max();  // in nanoseconds it would not fit

static_assert(later(steady{5s}, 1500ms) == steady{6500ms});
static_assert(later(steady{}, for_ever) == steady::max());
static_assert(later(steady{5s}, hours::max()) == steady::max());
static_assert(later(steady{-5s}, for_ever) == steady::max());
static_assert(later(steady::max(), 1ns) == steady::max());
static_assert(later(wall{5s}, nanoseconds::max()) == wall::max());
static_assert(later(in_seconds{5s}, 1500ms) == in_seconds{6s});
static_assert(later(in_seconds{5s}, nanoseconds::max()) == in_seconds{5s + duration_cast<seconds>(nanoseconds::max())});
static_assert(later(in_seconds{5s}, seconds::max()) == in_seconds::max());
static_assert(later(steady::max() - 3ms, 2ms) == steady::max() - 1ms);
static_assert(later(steady{5s}, -6s) == steady{-1s});
static_assert(later(steady::max(), -1s) == steady::max() - 1s);

TEST(later, is_never_earlier) {
    for (auto const left : {0ns, 1ns, 999'999ns, 1'000'000ns, 1'000'001ns, 10'000'000'000ns}) {
        auto const t = steady::max() - left;
        for (auto const d : {0ms, 1ms, 2ms, 10'000ms, 10'001ms, for_ever}) {
            EXPECT_GE(later(t, d), t) << left.count() << " " << d.count();
            EXPECT_EQ(later(t, d) == steady::max(), d == for_ever || d >= left) << left.count() << " " << d.count();
        }
    }
}

TEST(saturated, is_for_ever_in_any_unit_and_never_the_other_way_round) {
    using std::chrono::nanoseconds;
    EXPECT_EQ(coffer::saturated(std::chrono::hours::max()), nanoseconds::max());
    EXPECT_EQ(coffer::saturated(std::chrono::years{400}), nanoseconds::max());
    EXPECT_EQ(coffer::saturated(std::chrono::hours::min()), nanoseconds::min());
    EXPECT_EQ(coffer::saturated(std::chrono::duration<double>{0.5}), std::chrono::milliseconds{500});
    EXPECT_EQ(coffer::saturated(nanoseconds{-7}), nanoseconds{-7});
    EXPECT_EQ(coffer::saturated(std::chrono::hours{24 * 365 * 200}), std::chrono::hours{24 * 365 * 200});
}

}  // namespace
}  // namespace later_test
