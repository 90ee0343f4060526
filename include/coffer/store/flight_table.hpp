// SPDX-License-Identifier: BSL-1.0
#pragma once
// The flights of one store in this process: same-key callers find each other here and share one.

#include <coffer/state/record.hpp>
#include <coffer/store/flight.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// Flights by record. Any thread. Kept in a store's shared state, so that all handles of one file share it.
class flight_table {
public:
    flight_table() = default;
    flight_table(flight_table const&) = delete;
    flight_table& operator=(flight_table const&) = delete;

    /// The flight under `id`, if there is one and `board(flight&)` says so, under the lock; else null.
    template <class Board>
    [[nodiscard]] std::shared_ptr<flight> board(record_id const& id, Board&& board) {
        std::lock_guard const lock{mutex_};
        auto const at = flights_.find(id);
        return at != flights_.end() && board(*at->second) ? at->second : nullptr;
    }

    /// The same; but where there is none to board, `open(predecessor)` makes a new one in its place, which must not begin
    /// before the predecessor (or null) has landed. If it throws, everything is as before. Null when the table is closed.
    template <class Board, class Open>
    [[nodiscard]] std::shared_ptr<flight> board_or_open(record_id const& id, Board&& board, Open&& open) {
        std::lock_guard const lock{mutex_};
        if (closed_) return nullptr;
        auto const [at, added] = flights_.try_emplace(id);
        if (!added && board(*at->second)) return at->second;
        try {
            at->second = open(std::shared_ptr<flight>{at->second});
        } catch (...) {
            if (added) flights_.erase(at);
            throw;
        }
        return at->second;
    }

    /// Forgets `landed`, unless another flight has taken its place. What it still has under way is known on.
    void remove(record_id const& id, std::shared_ptr<flight> const& landed) noexcept;

    /// Flights that have landed and still have a send under way, which has lost against another one.
    [[nodiscard]] std::vector<std::pair<record_id, std::shared_ptr<flight>>> afterwards() const;

    /// From now on no flight is opened, and those that are under way send nothing more. There is no way back.
    [[nodiscard]] std::map<record_id, std::shared_ptr<flight>> close();
    /// It takes no new flights: the process is draining.
    [[nodiscard]] bool closed() const {
        std::lock_guard const lock{mutex_};
        return closed_;
    }

private:
    mutable std::mutex mutex_;
    std::map<record_id, std::shared_ptr<flight>> flights_;
    std::vector<std::pair<record_id, std::shared_ptr<flight>>> afterwards_;
    bool closed_ = false;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/flight_table.ipp>
#endif
