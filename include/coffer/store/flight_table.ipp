// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of flight_table.hpp.

#include <coffer/store/flight_table.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE void flight_table::remove(record_id const& id, std::shared_ptr<flight> const& landed) noexcept {
    std::lock_guard const lock{mutex_};
    auto const at = flights_.find(id);
    if (at != flights_.end() && at->second == landed) flights_.erase(at);
    if (landed->home().get() != nullptr || !landed->so_far().sending) return;
    try {
        std::erase_if(afterwards_, [](auto const& f) { return f.second->home().get() != nullptr; });
        afterwards_.emplace_back(id, landed);
    } catch (...) {  // no memory: a drain does not wait for it
    }
}

COFFER_INLINE std::vector<std::pair<record_id, std::shared_ptr<flight>>> flight_table::afterwards() const {
    std::lock_guard const lock{mutex_};
    auto all = afterwards_;
    std::erase_if(all, [](auto const& f) { return f.second->home().get() != nullptr; });
    return all;
}

COFFER_INLINE std::map<record_id, std::shared_ptr<flight>> flight_table::close() {
    std::map<record_id, std::shared_ptr<flight>> under_way;
    {
        std::lock_guard const lock{mutex_};
        closed_ = true;
        under_way = flights_;
    }
    for (auto const& [id, f] : under_way) f->drain();
    return under_way;
}

}  // namespace coffer::inline COFFER_ABI
