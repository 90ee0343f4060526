// SPDX-License-Identifier: BSL-1.0
#pragma once
// A part of a call that has a life of its own, for a layer that may have to leave it behind: what it is given to begin with,
// and what it has to say when it has ended, or when it is left.

#include <coffer/base/fault.hpp>
#include <coffer/base/money.hpp>
#include <coffer/call/attempt.hpp>
#include <coffer/call/attempt_log.hpp>
#include <coffer/call/call.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace coffer::inline COFFER_ABI {

/// What layers that fork do with a call. The branch, and what is asked of it, belong to the branch's strand as long as it runs.
class forked_call {
public:
    /// Makes `own` one with `c`: the same request, until `until` at the latest. Attempts are numbered, counted
    /// and limited as those of `c`, and sent with the same key for the provider.
    static void begin(call& own, call& c, time_point until);

    /// No attempt, wait or sleep begins in it any more, whatever it makes of a cancellation: an operation may have switched those
    /// off for the whole coroutine.
    static void close(call& own) noexcept;

    /// From how many calls is this one a branch, one from the other?
    [[nodiscard]] static int depth(call const& c) noexcept { return c.branched_; }

    /// What a branch has done.
    struct report {
        attempt_log log;
        std::optional<money> cost;
        int attempts = 0;
        int unproven = 0;
        duration waited{};
        wait_reason why_waited = wait_reason::none;
        std::string provider_key;
        answer_origin origin = answer_origin::none;
        bool stored = false;
        std::optional<target> answered_by;
        std::optional<key> record_key;
        int repairs = 0;
        bool repaired_now = false;
        void const* repaired_by = nullptr;
        std::shared_ptr<void> repaired;
    };

    /// Of one that has ended.
    [[nodiscard]] static report ended(call& own);

    /// Of one that is left behind at `now`, for `why`: an attempt that is under way may have been sent, and may be billed. So
    /// may what a fork of it has begun which has not come back in time: nobody knows.
    [[nodiscard]] static report left(call const& own, time_point now, fault const& why);

    /// What is known of the provider's side: of all attempts in a log from `first` on.
    struct known {
        knowledge execution = knowledge::no;
        knowledge billing = knowledge::no;
    };
    [[nodiscard]] static known of_provider(attempt_log const& log, std::size_t first = 0) noexcept;

    /// It is the call's.
    static void join(call& c, report&& said);

private:
    [[nodiscard]] static report figures(call const& own);
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/call/forked_call.ipp>
#endif
