// SPDX-License-Identifier: BSL-1.0
#pragma once
// The flights of one store in this process: same-key callers find each other here and share one.

#include <coffer/state/record.hpp>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace coffer::inline v0 {

class flight;

/// Flights by record. Any thread. Kept in a store's shared state, so that all handles of one file share it.
class flight_table {
public:
    flight_table() = default;
    flight_table(flight_table const&) = delete;
    flight_table& operator=(flight_table const&) = delete;

    /// The flight under `id`, or the one that `open` makes; `join` is told, under the lock, which it is, and may say
    /// no to an old one (it is landing): then a new one takes its place.
    template <class Join, class Open>
    std::shared_ptr<flight> join_or_open(record_id const& id, Join&& join, Open&& open) {
        std::lock_guard const lock{mutex_};
        auto& place = flights_[id];
        if (place && join(*place)) return place;
        place = open();
        return place;
    }

    /// Forgets `landed`, unless another flight has taken its place.
    void remove(record_id const& id, flight const* landed) noexcept {
        std::lock_guard const lock{mutex_};
        auto const at = flights_.find(id);
        if (at != flights_.end() && at->second.get() == landed) flights_.erase(at);
    }

private:
    std::mutex mutex_;
    std::map<record_id, std::shared_ptr<flight>> flights_;
};

}  // namespace coffer::inline v0
