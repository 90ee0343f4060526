// SPDX-License-Identifier: BSL-1.0
// says: the namespace comes first, as text: key{"report", id}
// alone
#include <coffer/base/key.hpp>

#ifdef COFFER_COMPILE_FAIL_FIXED
coffer::key const right{"report", 42};
#else
coffer::key const wrong{42};
#endif
