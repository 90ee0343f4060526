// SPDX-License-Identifier: BSL-1.0
// says: coffer: `budget` must be the innermost policy: what is reserved there is sent next; put it last
#include "policies.hpp"

#ifdef COFFER_COMPILE_FAIL_FIXED
coffer::pipeline const right{plain{}, innermost{}};
#else
coffer::pipeline const wrong{innermost{}, plain{}};
#endif
