// SPDX-License-Identifier: BSL-1.0
// says: coffer: a gate must have `coffer::admission try_enter(coffer::attempt&, coffer::slot<ticket>&) const`: const, because calls from many threads share it
// alone
#include <coffer/call/pipeline.hpp>

#ifdef COFFER_COMPILE_FAIL_FIXED
#define SHARED const
#else
#define SHARED
#endif

struct my_gate {
    struct ticket {
        coffer::verdict settle(coffer::attempt_end const&, coffer::attempt&) noexcept {
            return coffer::verdict::done();
        }
    };
    coffer::admission try_enter(coffer::attempt&, coffer::slot<ticket>& s) SHARED {
        s.emplace();
        return coffer::admission::in();
    }
};

coffer::pipeline const made{my_gate{}};
