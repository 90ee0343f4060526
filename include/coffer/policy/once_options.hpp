// SPDX-License-Identifier: BSL-1.0
#pragma once
// The options of `once`, and what a claim's answer means to a caller.

#include <coffer/base/defaults.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/composition.hpp>
#include <coffer/store/verdict.hpp>
#include <coffer/time/clock.hpp>

#include <cstdint>
#include <string>

namespace coffer::inline COFFER_ABI {

/// What to do when another process is at work on the same key.
enum class elsewhere : std::uint8_t {
    fail_fast,  ///< `in_progress` at once, with a hint when to look again
    wait,       ///< look again until the call's deadline
};

/// What to do when the journal cannot be written.
enum class degrade : std::uint8_t {
    refuse,           ///< `store_unavailable`; nothing is sent
    send_unjournaled  ///< send all the same: the bound on sends then holds for this process and this call only
};

/// What to do with a request that differs from the one its key stands for.
enum class mismatch_rule : std::uint8_t {
    error,          ///< `key_mismatch`, which names the fields; nothing is sent or replayed
    replay_stored,  ///< the key alone decides: whatever stands under it is the answer. `replayed` events name the fields
    new_generation  ///< each different request under the key is a piece of work of its own, with its own `max_sends`
};

/// Options of `once`. All members are trivially destructible, so that it may be written inline anywhere.
struct once_options {
    /// Of `acknowledged_kept` and `unacknowledged_kept`: less would be forgotten while the job runs.
    static constexpr duration shortest_kept = std::chrono::hours{1};

    /// Sends per key that are not proven unbilled, ever, in all processes. 1 is strict: a key whose only send is lost waits
    /// for an operator.
    int max_sends = defaults::max_sends;
    /// A claim that is not renewed for so long may be taken over, if nothing was sent under it. What was sent is guarded by
    /// its own limit and `takeover_grace`; a process that is proven dead, by nothing.
    duration lease = defaults::lease;
    duration heartbeat = defaults::heartbeat;  ///< how often the lease is renewed
    duration attempt_timeout = duration::max();  ///< of a send while anybody waits; at most what the attempt has
    duration finish_grace = defaults::finish_grace;  ///< of a send that nobody waits for any longer
    duration takeover_grace = defaults::takeover_grace;  ///< after a send's own limit, before another may take over
    duration store_wait = defaults::store_wait;  ///< a caller waits so long for its answer to be durable
    /// A request that was refused for what it is fails again at once for so long, unsent.
    duration request_fault_kept = defaults::request_fault_kept;
    duration acknowledged_kept = defaults::acknowledged_kept;  ///< then it is forgotten: a run after that sends anew
    duration unacknowledged_kept = defaults::unacknowledged_kept;  ///< then `result_expired`, and nothing is sent
    elsewhere in_other_process = elsewhere::fail_fast;  ///< another process is at work on the key
    degrade without_store = degrade::refuse;  ///< the journal cannot be written
    mismatch_rule on_mismatch = mismatch_rule::error;  ///< the key stands for another request

    /// Throws `std::invalid_argument` for what cannot be meant.
    void check() const;
};

/// Passed to `once` for an operation without a fingerprint: any request under a key then counts as the same one.
struct unfingerprinted_t {
    explicit unfingerprinted_t() = default;
};
inline constexpr unfingerprinted_t unfingerprinted{};  ///< the value to pass

namespace detail {

/// `max_sends` in any case, of the others those that are not as usual.
void describe_into(composition& to, once_options const& o);

/// The fault that a claim's answer stands for, other than granted and replayed. `resolving` says how to resolve the key.
[[nodiscard]] fault fault_of(claim_verdict const& v, std::string const& resolving = {});

}  // namespace detail
}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/once_options.ipp>
#endif
