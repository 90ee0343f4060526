// SPDX-License-Identifier: BSL-1.0
// expect: a policy is a gate .a ticket type and try_enter.* or a layer
#include "policies.hpp"

struct not_a_policy {};

#ifdef COFFER_COMPILE_FAIL_FIXED
coffer::pipeline const right{plain{}};
#else
coffer::pipeline const wrong{not_a_policy{}};
#endif
