// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of key_reading.hpp.

#include <coffer/llm/key_reading.hpp>

namespace coffer::inline COFFER_ABI::llm::detail {

COFFER_INLINE key_reading::key_reading(asio::any_io_executor const& executor, std::string refused)
    : refused_{std::move(refused)}, strand_{asio::make_strand(executor)} {}

COFFER_INLINE bool key_reading::join() {
    std::lock_guard const lock{mutex_};
    if (!strand_) return false;
    ++waiting_;
    return true;
}

COFFER_INLINE void key_reading::leave() noexcept {
    std::lock_guard const lock{mutex_};
    if (--waiting_ > 0 || !strand_) return;
    try {
        asio::post(*strand_, [self = shared_from_this()] { self->signal_.emit(asio::cancellation_type::terminal); });
    } catch (...) {  // no memory: it ends by itself
    }
    strand_.reset();
}

COFFER_INLINE key_reading::keeper::~keeper() {
    if (!reading_) return;
    {
        // Under the lock: nobody posts to an executor whose context is about to go.
        std::lock_guard const lock{reading_->mutex_};
        reading_->strand_.reset();
    }
    try {
        reading_->done_.set(failed(fault_kind::unauthorized));
    } catch (...) {  // no memory: each waiter has its own limit
    }
}

COFFER_INLINE outcome<std::string> const* key_wait::key() const noexcept {
    return reading_ ? reading_->done().get() : &*known_;
}

}  // namespace coffer::inline COFFER_ABI::llm::detail
