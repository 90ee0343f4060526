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
    claim_id id{};
    fingerprint print{};
    fingerprint_fields counting{};  ///< which of its fields must be those of the record
    bool cached =
        false;  ///< the row goes `unacknowledged_kept` after its answer came, or if none came, after the claim
    int max_sends = defaults::max_sends;
    std::chrono::nanoseconds lease = defaults::lease;
    std::chrono::nanoseconds takeover_grace = defaults::takeover_grace;
    std::chrono::nanoseconds acknowledged_kept = defaults::acknowledged_kept;
    std::chrono::nanoseconds unacknowledged_kept = defaults::unacknowledged_kept;
};

/// A stored answer of one send.
struct stored_answer {
    int send = 0;
    shared_answer what;
    bool counts = true;  ///< false: an operator brought it
    // Whose answer it is; empty: nobody knows.
    std::string provider{};
    std::string model{};
};

// What a claim may be answered.

/// The claim is granted. Undecoded answers of earlier sends come along and are judged before any new send.
struct granted {
    std::uint64_t token = 0;
    int sends = 0;          ///< counted sends so far
    int sends_allowed = 0;  ///< counted sends at most, an operator's grants included
    std::vector<stored_answer> undecoded;
};
/// DONE: the accepted answer.
struct replayed {
    stored_answer accepted;
    std::vector<std::string> differing{};  ///< fields of the request that differ and do not count
};
/// FAILED: the stored fault; or the stored `defective_answer` of a record that has no sends left.
struct failed_before {
    fault why;
};
/// Somebody else works on it; worth looking again after `hint`.
struct in_progress {
    std::chrono::nanoseconds hint{};
};
/// The key stands for another request.
struct mismatch {
    std::vector<std::string> fields;
};
/// Every permitted send is spent and no answer is known.
struct unresolved {};
struct expired {};
struct acked {};

using claim_verdict = std::variant<granted, replayed, failed_before, in_progress, mismatch, unresolved, expired, acked>;

/// Asks for the right to make one send.
struct permit_request {
    int expected_sends = 0;
    int max_sends = defaults::max_sends;
    std::chrono::nanoseconds longest{};  ///< the send has certainly ended so long after the permit
    std::string provider;
    std::string model;
};

/// The permit: the number of the send, over the record's whole life.
struct permitted {
    int send = 0;
};

/// An operator's decision about an unresolved key.
struct grant_send {};    ///< one more send may be made
struct abandon {};       ///< nothing more will be sent and the key ends as acknowledged
struct supply_answer {   ///< the answer was found elsewhere (the provider's console, a log)
    explicit supply_answer(answer a) : found{std::move(a)} {}
    answer found;
};
using resolution = std::variant<grant_send, abandon, supply_answer>;

}  // namespace coffer::inline COFFER_ABI
