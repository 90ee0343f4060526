// SPDX-License-Identifier: BSL-1.0
#pragma once
// What is asked of a record, and what it answers.

#include <coffer/base/answer.hpp>
#include <coffer/base/defaults.hpp>
#include <coffer/base/fault.hpp>
#include <coffer/base/fingerprint.hpp>
#include <coffer/state/record.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// Asks for the right to work on a key. `id` is fresh and random for each claim, and the same if the reply was lost.
struct claim_request {
    claim_id id{};  ///< fresh and random
    fingerprint print{};  ///< of the request as it is now
    fingerprint_fields counting{};  ///< which of its fields must be those of the record
    bool cached =
        false;  ///< the row goes `unacknowledged_kept` after its answer came, or if none came, after the claim
    int max_sends = defaults::max_sends;  ///< sends not proven unbilled that may ever be made under the key
    /// So long without a heartbeat it may be taken over, if nothing was sent.
    std::chrono::nanoseconds lease = defaults::lease;
    /// After a send's own limit, before another may take over.
    std::chrono::nanoseconds takeover_grace = defaults::takeover_grace;
    /// To be kept so long once it is acknowledged.
    std::chrono::nanoseconds acknowledged_kept = defaults::acknowledged_kept;
    /// To be kept so long if it never is.
    std::chrono::nanoseconds unacknowledged_kept = defaults::unacknowledged_kept;
};

/// A stored answer of one send.
struct stored_answer {
    int send = 0;  ///< its number
    shared_answer what;  ///< the raw bytes, and what is known of them
    bool counts = true;  ///< false: an operator brought it
    // Whose answer it is; empty: nobody knows.
    std::string provider{};  ///< who gave it
    std::string model{};  ///< which model gave it
};

// What a claim may be answered.

/// The claim is granted. Undecoded answers of earlier sends come along and are judged before any new send.
struct granted {
    std::uint64_t token = 0;  ///< grows with every claim: a fencing token for the caller's own writes
    int sends = 0;          ///< counted sends so far
    int sends_allowed = 0;  ///< counted sends at most, an operator's grants included
    std::vector<stored_answer> undecoded;  ///< to be judged, in the order of their sends
    /// Judged and found defective, in the order of their sends: a program that has been mended since may read one after all.
    std::vector<stored_answer> defective{};
};
/// DONE: the accepted answer.
struct replayed {
    stored_answer accepted;  ///< to be decoded by whoever gave it
    std::vector<std::string> differing{};  ///< fields of the request that differ and do not count
};
/// FAILED: the stored fault; or the stored `defective_answer` of a record that has no sends left.
struct failed_before {
    fault why;  ///< as it was when it was stored
    std::vector<stored_answer> defective{};  ///< as in `granted`; one that can be read may be accepted without a claim
};
/// Somebody else works on it; worth looking again after `hint`.
struct in_progress {
    std::chrono::nanoseconds hint{};  ///< so long its claim, or its send, may still go on
};
/// The key stands for another request.
struct mismatch {
    std::vector<std::string> fields;  ///< their names, sorted
};
/// Every permitted send is spent and no answer is known.
struct unresolved {
    std::vector<stored_answer> defective{};  ///< as in `failed_before`
};
/// Paid once, never acknowledged, and its answer is no longer kept.
struct expired {};
/// Acknowledged: the result is where it belongs.
struct acked {};

/// What a claim is answered.
using claim_verdict = std::variant<granted, replayed, failed_before, in_progress, mismatch, unresolved, expired, acked>;

namespace detail {

/// Those that a verdict brings along; null: it brings none.
[[nodiscard]] inline std::vector<stored_answer>* defective_answers(claim_verdict& v) noexcept {
    if (auto* const g = std::get_if<granted>(&v)) return &g->defective;
    if (auto* const f = std::get_if<failed_before>(&v)) return &f->defective;
    if (auto* const u = std::get_if<unresolved>(&v)) return &u->defective;
    return nullptr;
}

}  // namespace detail

/// Asks for the right to make one send.
struct permit_request {
    int expected_sends = 0;  ///< as many as the caller has seen: `sends_moved` if there are more
    int max_sends = defaults::max_sends;  ///< as in the claim
    std::chrono::nanoseconds longest{};  ///< the send has certainly ended so long after the permit
    std::string provider;  ///< where it goes; empty: nobody says
    std::string model;  ///< which model it asks; empty: nobody says
};

/// The permit: the number of the send, over the record's whole life.
struct permitted {
    int send = 0;  ///< from 1
};

/// An operator's decision about an unresolved key.
struct grant_send {};  ///< one more send may be made
struct abandon {};  ///< nothing more will be sent and the key ends as acknowledged
/// The answer was found elsewhere (the provider's console, a log).
struct supply_answer {  ///< the answer was found elsewhere (the provider's console, a log)
    explicit supply_answer(answer a) : found{std::move(a)} {}
    answer found;  ///< as it came from the provider; it is judged as any other
};
using resolution = std::variant<grant_send, abandon, supply_answer>;  ///< one of the three

}  // namespace coffer::inline COFFER_ABI
