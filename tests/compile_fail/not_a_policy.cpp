// SPDX-License-Identifier: BSL-1.0
// expect: a policy is a gate .a ticket type and try_enter.* or a layer
#include <coffer/call/pipeline.hpp>

struct not_a_policy {};

struct policy {
    static constexpr coffer::policy_traits traits{};
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
coffer::pipeline const right{policy{}};
#else
coffer::pipeline const wrong{not_a_policy{}};
#endif
