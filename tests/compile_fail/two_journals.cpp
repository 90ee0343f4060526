// SPDX-License-Identifier: BSL-1.0
// expect: two journals around one send would each permit it: keep one `once`, the outermost
#include <coffer/call/pipeline.hpp>

struct journal {
    static constexpr coffer::policy_traits traits{.journal = true};
    template <class Next>
    coffer::awaitable<coffer::outcome<typename Next::value_type>> operator()(coffer::call& c, Next next) const {
        return next(c);
    }
};

#ifdef COFFER_COMPILE_FAIL_FIXED
coffer::pipeline const one{journal{}};
#else
coffer::pipeline const two{journal{}, journal{}};
#endif
