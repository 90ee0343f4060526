// SPDX-License-Identifier: BSL-1.0
#pragma once
// Who waits for a place in a bulkhead, and whose turn it is. Pure.
//
// The more important first, and among equals strictly in the order in which they came. With ageing, a wait of `ages_after`
// is worth as much as being more important by one: whoever came at t with priority p is served as if he had come at
// t - p * ages_after. That never changes while he waits, so that nobody is overtaken for ever, and nothing is sorted anew.

#include <coffer/base/money.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>

namespace coffer::inline COFFER_ABI {

class bulkhead_queue;

/// One who waits. Must stay where it is until it leaves.
class bulkhead_waiter {
public:
    bulkhead_waiter() = default;
    bulkhead_waiter(bulkhead_waiter const&) = delete;
    bulkhead_waiter& operator=(bulkhead_waiter const&) = delete;
    /// From `join` until it leaves or is served.
    [[nodiscard]] bool queued() const noexcept { return level_ != nullptr; }
    /// As it was given to `join`; the higher is the more important.
    [[nodiscard]] int priority() const noexcept { return priority_; }

protected:
    ~bulkhead_waiter() = default;

private:
    friend class bulkhead_queue;
    int priority_ = 0;
    std::chrono::steady_clock::time_point since_{};
    std::uint64_t number_ = 0;  // in the order of arrival
    void* level_ = nullptr;
    bulkhead_waiter* before_ = nullptr;
    bulkhead_waiter* behind_ = nullptr;
};

/// All who wait. Not more priorities than a few hundred: with ageing each turn looks at all that there are.
class bulkhead_queue {
public:
    using time_point = std::chrono::steady_clock::time_point;  ///< of the monotonic clock
    using duration = std::chrono::nanoseconds;  ///< whatever unit it is given in

    /// `duration::max()`: nobody ages.
    explicit bulkhead_queue(duration ages_after = duration::max()) noexcept : ages_after_{ages_after} {}
    bulkhead_queue(bulkhead_queue const&) = delete;
    bulkhead_queue& operator=(bulkhead_queue const&) = delete;

    /// Nobody waits.
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// So many wait.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// Behind all of the same priority. May throw `std::bad_alloc`, and has changed nothing then.
    void join(bulkhead_waiter& w, int priority, time_point now);
    /// It waits no longer, served or not.
    void leave(bulkhead_waiter& w) noexcept;

    /// Whose turn it is; null if nobody waits.
    [[nodiscard]] bulkhead_waiter* first() const noexcept;
    /// Who would be served last, if a newcomer of that priority would be served before him; else null.
    [[nodiscard]] bulkhead_waiter* behind(int priority, time_point now) const noexcept;

private:
    struct level {
        bulkhead_waiter* first = nullptr;
        bulkhead_waiter* last = nullptr;
    };

    [[nodiscard]] bool ages() const noexcept;
    [[nodiscard]] bool before(bulkhead_waiter const& a, bulkhead_waiter const& b) const noexcept;
    /// As if it had come then.
    [[nodiscard]] detail::wide_int came(bulkhead_waiter const& w) const noexcept;

    std::map<int, level, std::greater<>> levels_;
    duration ages_after_;
    std::size_t size_ = 0;
    std::uint64_t arrivals_ = 0;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/bulkhead_queue.ipp>
#endif
