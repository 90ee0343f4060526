// SPDX-License-Identifier: BSL-1.0
#pragma once
// Policies that do nothing but stand where they stand: the order rules read only their traits.

#include <coffer/call/pipeline.hpp>

template <coffer::policy_traits Traits>
struct gate_with {
    static constexpr coffer::policy_traits traits = Traits;
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

struct plain : gate_with<coffer::policy_traits{}> {};
struct limiter : gate_with<coffer::policy_traits{.per_send = true}> {};
struct innermost : gate_with<coffer::policy_traits{.per_send = true, .innermost = true}> {};

template <coffer::policy_traits Traits>
struct layer_with {
    static constexpr coffer::policy_traits traits = Traits;
    template <class Next>
    coffer::awaitable<coffer::outcome<typename Next::value_type>> operator()(coffer::call& c, Next next) const {
        return next(c);
    }
};

struct layer : layer_with<coffer::policy_traits{}> {};
struct journal : layer_with<coffer::policy_traits{.journal = true}> {};
