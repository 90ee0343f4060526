// SPDX-License-Identifier: BSL-1.0
// says: coffer: two journals around one send would each permit it: keep one `once`, the outermost
#include "policies.hpp"

#ifdef COFFER_COMPILE_FAIL_FIXED
coffer::pipeline const one{journal{}};
#else
coffer::pipeline const two{journal{}, journal{}};
#endif
