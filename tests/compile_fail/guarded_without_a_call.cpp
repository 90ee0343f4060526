// SPDX-License-Identifier: BSL-1.0
// says: the first argument is the call: ask.try_call(call, request)
// alone
#include <coffer/call/guarded.hpp>

#ifdef COFFER_COMPILE_FAIL_FIXED
auto ask(coffer::guarded<int(int)> const& ask, coffer::call& call) { return ask.try_call(call, 7); }
#else
auto ask(coffer::guarded<int(int)> const& ask, coffer::key const& key) { return ask.try_call(key, 7); }
#endif
