// SPDX-License-Identifier: BSL-1.0
// expect: a policy that must meet every send .rate_limit, budget. stands outside a policy that multiplies sends
// expect: put it after that one
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/retry.hpp>

struct limiter {
    static constexpr coffer::policy_traits traits{.per_send = true};
    struct ticket {
        coffer::verdict settle(coffer::attempt_end const&, coffer::attempt&) noexcept {
            return coffer::verdict::done();
        }
    };
    coffer::admission try_enter(coffer::attempt&, coffer::slot<ticket>& s) const {
        s.emplace();
        return coffer::admission::in();
    }
};

#ifdef COFFER_COMPILE_FAIL_FIXED
coffer::pipeline const right{coffer::retry{}, limiter{}};
#else
coffer::pipeline const wrong{limiter{}, coffer::retry{}};
#endif
