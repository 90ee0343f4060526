// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of record.hpp.

#include <coffer/state/record.hpp>

#include <algorithm>
#include <utility>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE record_id::record_id(std::string ns, std::string bytes)
    : name_space{std::move(ns)}, digest{std::move(bytes)} {}

COFFER_INLINE int record::counted_sends() const noexcept {
    return static_cast<int>(std::count_if(sends.begin(), sends.end(), [](auto const& s) { return s.counts(); }));
}

COFFER_INLINE int record::allowed_sends(int with_max) const noexcept {
    return granted_sends > 0 ? std::max(with_max, allowed_sends()) : with_max;
}

COFFER_INLINE bool record::any(send_state s) const noexcept {
    return std::any_of(sends.begin(), sends.end(), [s](auto const& send) { return send.state == s; });
}

COFFER_INLINE bool record::undecoded() const noexcept { return any(send_state::answered) || any(send_state::supplied); }

COFFER_INLINE send_record const* record::accepted() const noexcept {
    send_record const* found = nullptr;
    for (auto const& s : sends)
        if (s.state == send_state::accepted || (s.state == send_state::supplied && found == nullptr)) found = &s;
    return found;
}

COFFER_INLINE std::optional<money> record::known_cost() const noexcept {
    std::optional<money> sum;
    for (auto const& s : sends)
        if (s.reply && s.reply->cost) sum = sum.value_or(money{}) + *s.reply->cost;
    return sum;
}

COFFER_INLINE record_state record::at_rest() const noexcept {
    if (undecoded()) return record_state::answered;
    if (std::any_of(sends.begin(), sends.end(), [](auto const& s) { return s.unaccounted(); }))
        return record_state::unknown;
    return counted_sends() > 0 ? record_state::answered : record_state::free;  // all defective, or nothing owed
}

}  // namespace coffer::inline COFFER_ABI
