// SPDX-License-Identifier: BSL-1.0
// expect: literal operator
#include <coffer/base/money.hpp>

#ifdef COFFER_COMPILE_FAIL_FIXED
using namespace coffer::literals;
#endif
auto const limit = 25_usd;
