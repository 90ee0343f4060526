// SPDX-License-Identifier: BSL-1.0
#pragma once
// What is asked of a store, and what it answers. (Claims, permits and their verdicts: state/record_verdict.hpp.)

#include <coffer/base/fingerprint.hpp>
#include <coffer/base/money.hpp>
#include <coffer/state/ledger.hpp>
#include <coffer/state/record.hpp>
#include <coffer/state/record_verdict.hpp>
#include <coffer/time/clock.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace coffer::inline COFFER_ABI {

/// Names a claim in later operations.
struct claim_ref {
    record_id record;  ///< the key's row
    claim_id id{};  ///< as it was asked for
    /// What the claim was made with. Needed only by an answer whose row is gone: the row made for it then stands for
    /// this request; without it, for none that anybody can ask for again.
    std::shared_ptr<fingerprint const> print{};
    /// The same of `claim_request::cached`: how long its answer is kept; zero if it was not.
    std::chrono::nanoseconds cached_for{};
};

/// A step of the store's ledger, carried out with a permit in one transaction: this reservation's send begins.
struct ledger_op {
    reservation_id sent{};  ///< whose send it is
};

/// Which records to list.
struct record_filter {
    record_filter() = default;
    /// By namespace (empty: all), and perhaps only those that are unresolved.
    explicit record_filter(std::string ns, bool only_unresolved = false);
    /// Those that wait for an operator, of all namespaces.
    [[nodiscard]] static record_filter unresolved() { return record_filter{{}, true}; }

    std::string name_space;  ///< empty: all
    bool unresolved_only = false;  ///< those that wait for an operator
    std::size_t limit = 1000;  ///< at most so many, the oldest
};

/// A record without its payloads.
struct record_summary {
    record_id id;  ///< its namespace, and the rest as the store keeps it
    record_state state = record_state::free;  ///< as it stands, expiry included
    bool unresolved = false;  ///< it waits for an operator
    int sends = 0;  ///< not proven unbilled
    std::optional<money> known_cost;  ///< of the sends whose cost is known
    wall_time_point created{};  ///< by the wall clock
    wall_time_point updated{};  ///< by the wall clock; the last change
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/verdict.ipp>
#endif
