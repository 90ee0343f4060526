// SPDX-License-Identifier: BSL-1.0
// says: coffer: after the handle comes the call: client.run(ask, coffer::call{key, 2min}, args...)
#include <coffer/call/blocking_client.hpp>
#include <coffer/call/guarded.hpp>

#include <string>

inline void use(coffer::blocking_client& client, coffer::guarded<std::string(std::string const&)> const& ask) {
#ifdef COFFER_COMPILE_FAIL_FIXED
    client.run(ask, coffer::call::unkeyed(std::chrono::minutes{2}), std::string{"why?"});
#else
    client.run(ask, std::string{"why?"});
#endif
}
