// SPDX-License-Identifier: BSL-1.0
// expect: the amount is finer than its unit and would have to be rounded
#include <coffer/base/money.hpp>

using namespace coffer::literals;
#ifdef COFFER_COMPILE_FAIL_FIXED
constexpr auto good = 0.000000001_usd;
#else
constexpr auto bad = 0.0000000001_usd;
#endif
