// SPDX-License-Identifier: BSL-1.0
// says: coffer: a gate's ticket must have `coffer::verdict settle(coffer::attempt_end const&, coffer::attempt&) noexcept`, which is told how the attempt ended
// alone
#include <coffer/call/pipeline.hpp>

struct my_gate {
    struct ticket {
#ifdef COFFER_COMPILE_FAIL_FIXED
        coffer::verdict settle(coffer::attempt_end const&, coffer::attempt&) noexcept {
            return coffer::verdict::done();
        }
#endif
    };
    coffer::admission try_enter(coffer::attempt&, coffer::slot<ticket>& s) const {
        s.emplace();
        return coffer::admission::in();
    }
};

coffer::pipeline const made{my_gate{}};
