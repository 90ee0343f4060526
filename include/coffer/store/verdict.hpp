// SPDX-License-Identifier: BSL-1.0
#pragma once
// What is asked of a store, and what it answers.

#include <coffer/base/answer.hpp>
#include <coffer/base/defaults.hpp>
#include <coffer/base/fault.hpp>
#include <coffer/base/fingerprint.hpp>
#include <coffer/state/record.hpp>
#include <coffer/time/clock.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace coffer::inline v0 {

/// Asks for the right to work on a key. `id` is fresh and random for each claim, and the same if the reply was lost.
struct claim_request {
    claim_id id{};
    fingerprint print;
    int max_sends = defaults::max_sends;
    duration lease = defaults::lease;
    duration takeover_grace = defaults::takeover_grace;
    duration acknowledged_kept = defaults::acknowledged_kept;
    duration unacknowledged_kept = defaults::unacknowledged_kept;
};

/// Names a claim in later operations.
struct claim_ref {
    record_id record;
    claim_id id{};
};

/// A stored answer of one send.
struct stored_answer {
    int send = 0;
    shared_answer what;
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
};
/// FAILED: the stored fault; or the stored `defective_answer` of a record that has no sends left.
struct failed_before {
    fault why;
};
/// Somebody else works on it; worth looking again after `hint`.
struct in_progress {
    duration hint{};
};
/// The key stands for another request.
struct mismatch {
    std::vector<std::string> fields;
};
/// Every permitted send is spent and no answer is known.
struct unresolved {};
struct expired {};
struct acked {};

using claim_verdict =
    std::variant<granted, replayed, failed_before, in_progress, mismatch, unresolved, expired, acked>;

/// Asks for the right to make one send.
struct permit_request {
    int expected_sends = 0;
    int max_sends = defaults::max_sends;
    duration longest{};  ///< the send has certainly ended so long after the permit
    std::string provider;
    std::string model;
};

/// The permit: the number of the send, over the record's whole life.
struct permitted {
    int send = 0;
};

/// An opaque step of a ledger, carried out with a permit in one transaction.
struct ledger_op {
    std::string bytes;
};

/// Which records to list.
struct record_filter {
    record_filter() = default;
    explicit record_filter(std::string ns, bool only_unresolved = false)
        : name_space{std::move(ns)}, unresolved_only{only_unresolved} {}
    [[nodiscard]] static record_filter unresolved() { return record_filter{{}, true}; }

    std::string name_space;        ///< empty: all
    bool unresolved_only = false;  ///< those that wait for an operator
    std::size_t limit = 1000;
};

/// A record without its payloads.
struct record_summary {
    record_id id;
    record_state state = record_state::free;
    bool unresolved = false;
    int sends = 0;
    std::optional<money> known_cost;  ///< of the sends whose cost is known
    wall_time_point created{};
    wall_time_point updated{};
};

/// An operator's decision about an unresolved key.
struct grant_send {};    ///< one more send may be made
struct abandon {};       ///< nothing more will be sent and the key ends as acknowledged
struct supply_answer {   ///< the answer was found elsewhere (the provider's console, a log)
    explicit supply_answer(answer a) : found{std::move(a)} {}
    answer found;
};
using resolution = std::variant<grant_send, abandon, supply_answer>;

}  // namespace coffer::inline v0
