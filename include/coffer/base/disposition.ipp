// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of disposition.hpp.

#include <coffer/base/disposition.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE queue_advice disposition(fault const& f) noexcept {
    using enum fault_kind;
    auto const later = [&](int status) {
        using namespace std::chrono_literals;
        return queue_advice{queue_action::retry_after, status, f.retry_after().value_or(fault::duration{30s})};
    };
    switch (f.kind()) {
        case already_done: return {queue_action::done, 200, std::nullopt};
        case throttled: return later(429);
        case not_sent:
        case stale_credentials:
        case overloaded:
        case transient:
        case ambiguous:
        case broken_stream:
        case circuit_open:
        case queue_full:
        case store_unavailable:
        case draining:
        case preflight_failed:
        case cancelled: return later(503);
        case timed_out:
        case deadline_exceeded: return later(504);
        case in_progress: return later(409);
        case over_budget:
            if (auto const denial = f.denial(); denial && denial->is_held()) return later(503);
            [[fallthrough]];
        case quota_exhausted: return {queue_action::ask_operator, 402, std::nullopt};
        case unauthorized: return {queue_action::ask_operator, 401, std::nullopt};
        case forbidden: return {queue_action::ask_operator, 403, std::nullopt};
        case not_found: return {queue_action::ask_operator, 404, std::nullopt};
        case run_refused:
        case unresolved: return {queue_action::ask_operator, 409, std::nullopt};
        case result_expired: return {queue_action::ask_operator, 410, std::nullopt};
        case too_large:
        case context_length: return {queue_action::abort, 413, std::nullopt};
        case invalid_request:
        case content_policy:
        case key_mismatch:
        case never_fits: return {queue_action::abort, 422, std::nullopt};
        case defective_answer:
            // With no send left the key is listed as unresolved.
            if (f.stop() == stop_reason::sends_spent) return {queue_action::ask_operator, 409, std::nullopt};
            return {queue_action::abort, 422, std::nullopt};
        case aborted:
        case permanent: return {queue_action::abort, 500, std::nullopt};
    }
    return {queue_action::abort, 500, std::nullopt};
}

}  // namespace coffer::inline COFFER_ABI
