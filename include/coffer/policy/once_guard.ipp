// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of once_guard.hpp.

#include <coffer/policy/once_guard.hpp>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE flight_plan::flight_plan(std::shared_ptr<store_backend> s, record_id r, once_options o,
                                       fingerprint_fields which)
    : store{std::move(s)}, record{std::move(r)}, options{o}, counting{std::move(which)} {}

COFFER_INLINE flight_guard::flight_guard(std::shared_ptr<flight> f, flight_plan plan) noexcept
    : flight_{std::move(f)}, plan_{std::move(plan)} {}

COFFER_INLINE flight_guard::~flight_guard() {
    if (!flight_ || flight_->over()) return;
        // Whoever still waits goes on with the key: with its answer if one came, else with a send if one is left.
    if (!how_.what && !how_.why && !how_.thrown) {
        how_.begin_anew = true;
        how_.why.emplace(fault_kind::cancelled, "the context that this key was worked on was shut down");
    }
    land();
}

COFFER_INLINE void flight_guard::land() noexcept {
    if (claim_) {
        try {
            plan_.store->submit_release(*claim_);
        } catch (...) {  // its lease gives it back
        }
        claim_.reset();
    }
    plan_.store->flights().remove(plan_.record, flight_);
    flight_->land(std::move(how_));
}

}  // namespace coffer::inline COFFER_ABI::detail
