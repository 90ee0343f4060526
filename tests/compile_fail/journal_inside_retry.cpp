// SPDX-License-Identifier: BSL-1.0
// expect: `once` stands inside a policy that multiplies sends .retry, hedge.
// expect: put `once` before it
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/retry.hpp>

struct journal {
    static constexpr coffer::policy_traits traits{.journal = true};
    template <class Next>
    coffer::awaitable<coffer::outcome<typename Next::value_type>> operator()(coffer::call& c, Next next) const {
        return next(c);
    }
};

#ifdef COFFER_COMPILE_FAIL_FIXED
coffer::pipeline const right{journal{}, coffer::retry{}};
#else
coffer::pipeline const wrong{coffer::retry{}, journal{}};
#endif
