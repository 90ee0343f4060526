// SPDX-License-Identifier: BSL-1.0
// says: coffer: the first argument is the call, then come the operation's own: coffer::call call{coffer::key{"report", id}, 2min}; co_await ask(call, request), or coffer::call::unkeyed() where nothing shall be remembered
// alone
#include <coffer/call/guarded.hpp>

#ifdef COFFER_COMPILE_FAIL_FIXED
auto ask(coffer::guarded<int(int)> const& ask, coffer::call& call) { return ask.try_call(call, 7); }
#else
auto ask(coffer::guarded<int(int)> const& ask, coffer::key const& key) { return ask.try_call(key, 7); }
#endif
