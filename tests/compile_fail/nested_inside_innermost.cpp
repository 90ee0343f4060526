// SPDX-License-Identifier: BSL-1.0
// expect: `budget` must be the innermost policy, but the wrapped pipeline has policies of its own: move it to their end
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

coffer::awaitable<int> operation(int n) { co_return n; }

auto wrap() {
#ifdef COFFER_COMPILE_FAIL_FIXED
    return coffer::pipeline{other{}}.wrap(coffer::pipeline{innermost{}}.wrap(operation));
#else
    return coffer::pipeline{innermost{}}.wrap(coffer::pipeline{other{}}.wrap(operation));
#endif
}
