// SPDX-License-Identifier: BSL-1.0
// says: the first part is the key's namespace: key{"report", id}
// alone
#include <coffer/base/key.hpp>

#ifdef COFFER_COMPILE_FAIL_FIXED
coffer::key const right{"report"};
#else
coffer::key const wrong{};
#endif
