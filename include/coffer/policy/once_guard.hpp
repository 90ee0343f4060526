// SPDX-License-Identifier: BSL-1.0
#pragma once
// What makes sure that a flight lands and its claim is given back, whatever becomes of the coroutine that works on it.

#include <coffer/policy/once_options.hpp>
#include <coffer/store/flight.hpp>
#include <coffer/store/flight_table.hpp>
#include <coffer/store/store.hpp>

#include <memory>
#include <optional>
#include <utility>

namespace coffer::inline COFFER_ABI::detail {

/// What a flight needs to know of its journal.
struct flight_plan {
    flight_plan(std::shared_ptr<store_backend> s, record_id r, once_options o, fingerprint_fields which);
    std::shared_ptr<store_backend> store;
    record_id record;
    once_options options;
    fingerprint_fields counting;
    bool cached = false;  ///< the key is `key::of_request`; `options.unacknowledged_kept` is its time to live
};

/// Lands the flight whatever becomes of its coroutine, even if that never begins, and gives its claim up if nobody else
/// did. Made together with the flight, before anybody can board it.
class flight_guard {
public:
    flight_guard(std::shared_ptr<flight> f, flight_plan plan) noexcept;
    flight_guard(flight_guard&&) noexcept = default;
    flight_guard& operator=(flight_guard&&) = delete;
    ~flight_guard();

    [[nodiscard]] std::shared_ptr<flight> const& shared_flight() const noexcept { return flight_; }
    [[nodiscard]] flight& of() const noexcept { return *flight_; }
    [[nodiscard]] flight_plan const& plan() const noexcept { return plan_; }
    /// How the flight will land.
    [[nodiscard]] landing& how() noexcept { return how_; }

    void holds(claim_ref ref) { claim_ = std::move(ref); }
    /// The claim's end was submitted.
    void settled() noexcept { claim_.reset(); }

    void land() noexcept;

private:
    std::shared_ptr<flight> flight_;
    flight_plan plan_;
    std::optional<claim_ref> claim_;
    landing how_;
};

}  // namespace coffer::inline COFFER_ABI::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/once_guard.ipp>
#endif
