// SPDX-License-Identifier: BSL-1.0
// expect: `budget` must be the innermost policy: what is reserved there is sent next; put it last
#include <coffer/call/pipeline.hpp>

struct innermost {
    static constexpr coffer::policy_traits traits{.per_send = true, .innermost = true};
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

struct other {
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
coffer::pipeline const right{other{}, innermost{}};
#else
coffer::pipeline const wrong{innermost{}, other{}};
#endif
