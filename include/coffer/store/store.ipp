// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of store.hpp.

#include <coffer/store/store.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE record_id named_by(store_backend const& backend, key const& k) {
    if (k.ttl())
        throw misuse{
            "coffer: nothing is kept under key::of_request itself, but under a key that each request completes; use "
            "the "
            "call's record_key() after the request"};
    return backend.id_of(k);
}

COFFER_INLINE coffer::ledger store::ledger() const {
    if (backend_->ledger() == nullptr)
        throw misuse{"coffer: this store keeps no ledger; give the budget one, e.g. coffer::in_memory_ledger"};
    return coffer::ledger{backend_->ledger()};
}

}  // namespace coffer::inline COFFER_ABI
