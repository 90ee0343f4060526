// SPDX-License-Identifier: BSL-1.0
// says: there is no empty one: make it of coffer::pipeline{...}.wrap(operation), in the constructor
// alone
#include <coffer/call/guarded.hpp>

struct service {
#ifdef COFFER_COMPILE_FAIL_FIXED
    explicit service(coffer::guarded<int(int)> a) : ask{std::move(a)} {}
#else
    explicit service(coffer::guarded<int(int)> const& a) { ask = a; }
#endif
    coffer::guarded<int(int)> ask;
};
