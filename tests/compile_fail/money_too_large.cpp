// SPDX-License-Identifier: BSL-1.0
// expect: the amount is too large
#include <coffer/base/money.hpp>

using namespace coffer::literals;
#ifdef COFFER_COMPILE_FAIL_FIXED
constexpr auto good = 9'223'372'036_usd;
#else
constexpr auto bad = 9'223'372'037_usd;
#endif
