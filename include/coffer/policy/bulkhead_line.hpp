// SPDX-License-Identifier: BSL-1.0
#pragma once
// What all copies of one `bulkhead` share: the places, who waits for one, and what sets their number.

#include <coffer/base/fault.hpp>
#include <coffer/call/attempt.hpp>
#include <coffer/policy/call_priority.hpp>
#include <coffer/state/bulkhead_options.hpp>
#include <coffer/state/bulkhead_queue.hpp>
#include <coffer/state/concurrency_limit.hpp>
#include <coffer/state/place_count.hpp>
#include <coffer/time/sleep.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

namespace coffer::inline COFFER_ABI::detail {

/// One attempt's place: waited for, or held. While it waits, it is the line's.
class bulkhead_place final : public bulkhead_waiter {
public:
    bulkhead_place() = default;

private:
    friend class bulkhead_line;
    enum class standing : std::uint8_t { waits, holds, displaced, passed_over };
    standing is_ = standing::waits;
    call const* call_ = nullptr;
    time_point patient_until_{};
    time_point in_since_{};  // where the limit adapts
    std::shared_ptr<wait_list> nudge_;  // while it waits; wakes it before its time
};

/// Any thread. A place that comes free is given to whose turn it is before he wakes up. Each who waits has a timer of his
/// own, for his patience, and none for anything else.
class bulkhead_line {
public:
    bulkhead_line(bulkhead_options const& o, call_priority priority);
    bulkhead_line(bulkhead_line const&) = delete;
    bulkhead_line& operator=(bulkhead_line const&) = delete;

    /// The first clock counts. Throws `misuse` for another one.
    void bind(attempt const& a);

    /// Takes a place at once (true), or lets it wait in line (false), or says why not.
    [[nodiscard]] outcome<bool> ask(bulkhead_place& p, attempt const& a);

    /// What a waiter waits for next; nothing if it need not wait any longer.
    struct rest {
        std::shared_ptr<wait_list> nudge;
        time_point until;
    };
    [[nodiscard]] std::optional<rest> arm(bulkhead_place& p);
    /// It waits no longer. True if it has a place by now.
    bool leave(bulkhead_place& p) noexcept;
    /// Has it waited as long as it may, or did it have to make way? Then it leaves, with this.
    [[nodiscard]] std::optional<fault> turned_away(bulkhead_place& p, time_point now);

    /// A place is given back, or to whose turn it is. `end`: what it tells of the limit, if anything.
    void release(bulkhead_place const& p, time_point now, concurrency_limit::end const* end = nullptr) noexcept;
    /// Nobody hears of its end.
    void abandon(bulkhead_place& p) noexcept;

    void set_limit(int limit);

    [[nodiscard]] bulkhead_options const& options() const noexcept { return options_; }
    [[nodiscard]] bool has_priorities() const noexcept { return static_cast<bool>(priority_); }
    [[nodiscard]] int limit() const noexcept { return places_.limit(); }
    [[nodiscard]] int in_flight() const noexcept { return places_.taken(); }
    [[nodiscard]] std::size_t waiting() const noexcept;

    [[nodiscard]] bool idle() const;

private:
    using standing = bulkhead_place::standing;

    [[nodiscard]] time_point now() const noexcept { return bound_to_.load(std::memory_order_acquire)->now(); }
    /// A flight's deadline may grow while it waits.
    [[nodiscard]] static time_point until(bulkhead_place const& p) noexcept;
    [[nodiscard]] int priority_of(call const& c) const;
    void taken(bulkhead_place& p, time_point now) noexcept;
    void unlink(bulkhead_place& p) noexcept;

    [[nodiscard]] outcome<bool> join(bulkhead_place& p, attempt const& a, int priority);
    /// Gives places to those whose turn it is, as long as there are any. Who has run out of time, and has not noticed yet,
    /// is passed over: he could not use it.
    void serve(time_point now) noexcept;

    // What most refusals say is made once: to turn somebody away is to cost next to nothing.
    [[nodiscard]] static fault full(bulkhead_options const& o);
    [[nodiscard]] static fault too_long(bulkhead_options const& o);
    [[nodiscard]] static fault displaced(int priority);

    bulkhead_options options_;
    call_priority priority_;
    fault const full_;
    fault const too_long_;
    place_count places_;
    std::atomic<coffer::clock const*> bound_to_{nullptr};
    // When places were last nearly all taken, where the limit adapts.
    std::atomic<time_point> full_at_{time_point::min()};

    mutable std::mutex mutex_;
    std::shared_ptr<coffer::clock> clock_;
    bulkhead_queue queue_;
    concurrency_limit limit_;
    bool by_hand_ = false;  // it was set to another than that of the options
};

}  // namespace coffer::inline COFFER_ABI::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/bulkhead_line.ipp>
#endif
