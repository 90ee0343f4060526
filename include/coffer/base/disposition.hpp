// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a job runner should answer its queue when a call failed.

#include <coffer/base/fault.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

namespace coffer::inline COFFER_ABI {

/// What to do with the job.
enum class queue_action : std::uint8_t {
    done,          ///< the work is already done; take the job off the queue
    retry_after,   ///< run it again, not before the delay
    abort,         ///< running it again cannot help; to the dead letters
    ask_operator,  ///< a person has to decide first
};

/// What to answer: the action, the HTTP status that says it to queues that speak HTTP, the delay for `retry_after`.
struct queue_advice {
    queue_action action;  ///< what to do
    /// The status that says so: 200 done, 409, 429, 503 or 504 later, 401 to 404, 409 or 410 a person, others abort.
    int http_status;
    std::optional<fault::duration> delay;  ///< not before; only of `retry_after`: the fault's hint, or 30 s
};

/// Maps a fault to what a job runner answers its queue.
///
/// Retried are faults that time can mend; a defect of the request, of credentials or of quota is not among them. What is wrong
/// with all requests alike (credentials, quota, the model's name or the address) is a person's, not the job's.
[[nodiscard]] queue_advice disposition(fault const& f) noexcept;

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/base/disposition.ipp>
#endif
