// SPDX-License-Identifier: BSL-1.0
// expect: write the amount in plain decimal digits, e.g. 0.10_usd
#include <coffer/base/money.hpp>

using namespace coffer::literals;
#ifdef COFFER_COMPILE_FAIL_FIXED
constexpr auto good = 1000_usd;
#else
constexpr auto bad = 1e3_usd;
#endif
