// SPDX-License-Identifier: BSL-1.0
#pragma once
// One quota of retries for all calls of a process, or of a part of it: an outage must not be met with four times the traffic.
//
//     coffer::retry_quota const openai_quota;
//     auto const chat = coffer::pipeline{coffer::retry{{}, openai_quota}}.wrap(openai.chat);
//     auto const embed = coffer::pipeline{coffer::retry{{}, openai_quota}}.wrap(openai.embed);

#include <coffer/call/call.hpp>
#include <coffer/call/composition.hpp>
#include <coffer/state/quota_bucket.hpp>
#include <coffer/time/clock.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

namespace coffer::inline COFFER_ABI {

/// Each retry takes one from it before it sleeps. When it is empty the call fails at once with the last real fault, and
/// `fault::stop()` is `quota_spent`.
///
/// With the defaults, 50 saved up and one more every five seconds, an outage of ten minutes at two calls per second makes
/// 1.15 times the traffic, and a busier one less. Copies are handles of one quota. Any thread. It goes by the first clock
/// that it sees; a call under another one throws `std::logic_error`.
class retry_quota {
public:
    /// How much is left, and what became of requests for it.
    struct snapshot {
        double left = 0;  ///< retries that it affords at that time; of an unlimited one, infinity
        std::uint64_t taken = 0;  ///< so often since it was made; what was given back does not count
        std::uint64_t refused = 0;  ///< calls that ended with `quota_spent`
    };

    /// Throws `std::invalid_argument` for options that cannot be meant.
    explicit retry_quota(retry_quota_options const& options = {});
    retry_quota(retry_quota const&) = default;  // and no moves: a handle that was moved from is one, too
    retry_quota& operator=(retry_quota const&) = default;
    /// One that refuses nothing.
    [[nodiscard]] static retry_quota unlimited() { return retry_quota{nullptr}; }

    /// As it is at `now`, a time of the clock that it goes by.
    [[nodiscard]] snapshot look(time_point now) const;

    /// How many retries there may be, and, if it is not full, are left.
    void describe(composition& to) const;

    // For policies.

    /// Throws `misuse` if another clock was here first.
    void bind(call const& c) const;
    /// For `retry`: takes one, if there is one. The time only goes forward.
    [[nodiscard]] bool withdraw(time_point now) const noexcept;
    /// What was taken was not used after all: nothing was sent for it.
    void give_back(time_point now) const noexcept;
    /// For `retry`: a call has succeeded.
    void succeeded(time_point now) const noexcept;

private:
    struct state {
        explicit state(retry_quota_options const& o) : bucket{o} {}
        std::shared_ptr<clock> bound;  // a share in it: no other one can come to lie in its place
        std::atomic<clock const*> bound_to{nullptr};
        std::atomic<bool> full{true};  // nothing is gained then: calls that succeed need no lock
        std::mutex mutex;
        quota_bucket bucket;
        std::uint64_t taken = 0;
        std::uint64_t refused = 0;
    };
    explicit retry_quota(std::nullptr_t) noexcept {}

    std::shared_ptr<state> state_;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/retry_quota.ipp>
#endif
