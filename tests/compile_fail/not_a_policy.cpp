// SPDX-License-Identifier: BSL-1.0
// says: coffer: a policy is a gate (a ticket type and try_enter(attempt&, slot<ticket>&) const) or a layer (operator()(call&, next) const returning awaitable<outcome<T>>)
#include "policies.hpp"

struct not_a_policy {};

#ifdef COFFER_COMPILE_FAIL_FIXED
coffer::pipeline const right{plain{}};
#else
coffer::pipeline const wrong{not_a_policy{}};
#endif
