// SPDX-License-Identifier: BSL-1.0
// says: give it a store: coffer::sqlite::store db{"coffer.db"}; once{db}
#include <coffer/policy/once.hpp>
#include <coffer/store/memory.hpp>

#ifdef COFFER_COMPILE_FAIL_FIXED
auto policy() { return coffer::once{coffer::memory_store{}}; }
#else
auto policy() { return coffer::once{"coffer.db"}; }
#endif
