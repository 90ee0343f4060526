// SPDX-License-Identifier: BSL-1.0
#pragma once
// The flights of one store in this process: same-key callers find each other here and share one.

#include <coffer/state/record.hpp>

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

    /// Boards the flight under `id` if `board(flight&)` says so, under the lock; else `open(predecessor)` makes a new
    /// one in its place, which must not begin before the predecessor (or null) has landed.
    template <class Board, class Open>
    std::shared_ptr<flight> board_or_open(record_id const& id, Board&& board, Open&& open) {
        std::lock_guard const lock{mutex_};
        auto& place = flights_[id];
        if (place && board(*place)) return place;
        place = open(std::move(place));
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
