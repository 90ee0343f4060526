// SPDX-License-Identifier: BSL-1.0
#pragma once
// Lets so many attempts be under way at once, and keeps the others in line.
//
//     auto ask = coffer::pipeline{
//         coffer::retry{},
//         coffer::bulkhead{{.limit = 20, .max_waiting = 100}},
//     }.wrap(openai.chat);
//     coffer::bulkhead{{.limit = 20, .priority_by = "priority"}}                       // call.tag("priority", "10")
//     coffer::bulkhead{{.limit = 20, .rule = coffer::limit_rule::aimd, .most = 100}}   // finds the limit out

#include <coffer/base/on_use.hpp>
#include <coffer/call/composition.hpp>
#include <coffer/call/gate.hpp>
#include <coffer/policy/bulkhead_line.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

namespace coffer::inline COFFER_ABI {

/// A gate that lets at most `limit` attempts be under way at a time. A place is held until the attempt has ended, under a
/// journal until its send has, and not while `retry` sleeps.
///
/// Whoever finds no place waits in line: the more important first (`priority_by`), among equals first come, first served. A
/// place that comes free is given to whose turn it is before he wakes up. If the line is full, a newcomer who is more
/// important than somebody in it takes the place of whoever would be served last; any other is turned away. A cancelled
/// waiter leaves nothing behind, and an attempt that is never heard of again gives its place back.
///
/// With `limit_rule::aimd` or `gradient` the limit follows how attempts end: successes raise it, if it was used; `throttled`,
/// `overloaded` and `timed_out` shrink it, once for all that were under way together. Every other end is neutral.
///
/// Faults of its own, all of them proven unsent: `queue_full`, and another target may be tried, at once if the line is full
/// (code `max_waiting`) or nobody may wait (`no_place`), later if a more important attempt came (`displaced`) or no
/// place came free within `max_wait` (`wait_too_long`); `deadline_exceeded` if the call's deadline came first. It does not
/// guess how long a wait will be: answers take as long as they are.
///
/// A handle: copies share the places. Any thread, any number of contexts in one clock (`misuse` otherwise).
class bulkhead {
public:
    static constexpr policy_traits traits{.per_send = true};  ///< stands inside of what multiplies sends

    /// Throws `std::invalid_argument` for options that cannot be meant.
    explicit bulkhead(bulkhead_options options);
    /// With a function that says how important a call is, from -100 to 100 (`misuse` otherwise). It is called for each
    /// attempt, from any thread; what it throws ends the attempt unsent.
    bulkhead(bulkhead_options options, std::function<int(call const&)> priority);
    bulkhead(bulkhead const&) = default;  // and no moves: a handle that was moved from is one, too
    bulkhead& operator=(bulkhead const&) = default;

    /// One attempt's place, or its place in the line.
    class ticket {
    public:
        /// Made by `try_enter`; has no place yet.
        explicit ticket(detail::bulkhead_line& line) noexcept : line_{&line} {}
        ticket(ticket const&) = delete;
        ticket& operator=(ticket const&) = delete;
        ~ticket() {
            if (open_) line_->abandon(place_);
        }

        /// Gives the place back and wakes whose turn it is. An adaptive limit learns from the end.
        verdict settle(attempt_end const& end, attempt& a) noexcept;

    private:
        friend class bulkhead;

        /// Other failures have causes of their own, which fewer attempts at a time do not mend.
        [[nodiscard]] static bool tells_of_overload(fault_kind k) noexcept;

        detail::bulkhead_line* line_;
        bool open_ = false;  // in line, or holding a place
        detail::bulkhead_place place_;
    };

    /// Takes a place, or one in the line, or is refused (`queue_full`).
    [[nodiscard]] admission try_enter(attempt& a, slot<ticket>& s) const;

    /// Waits in line until a place is given to it, `max_wait` or the deadline. A place that comes while the caller
    /// leaves is passed on.
    template <class = on_use>
    [[nodiscard]] awaitable<outcome<void>> enter(attempt& a, slot<ticket>& s) const {
        return wait_in_line(line_, a, *s);
    }

    /// From now on so many, also for those who wait already; what is under way beyond goes on. An adaptive limit goes on from
    /// there, and stays between `least` and `most`. Throws `std::invalid_argument` for less than 1.
    void set_limit(int limit) const { line_->set_limit(limit); }

    /// So many attempts may be under way right now.
    [[nodiscard]] int limit() const noexcept { return line_->limit(); }
    /// So many have a place. More than the limit only where that was lowered meanwhile.
    [[nodiscard]] int in_flight() const noexcept { return line_->in_flight(); }
    /// So many wait in line.
    [[nodiscard]] std::size_t waiting() const noexcept { return line_->waiting(); }
    /// Would a new one do as well? Nobody is in it or waits, and nobody has set its limit to another by hand. (What an
    /// adaptive limit has found out is not counted: nobody who comes back so late can rely on it.)
    [[nodiscard]] bool idle(time_point) const { return line_->idle(); }
    /// Copies have it in common.
    [[nodiscard]] void const* state() const noexcept { return line_.get(); }

    /// What `to_string` and `<<` print: its options, and how it is right now.
    void describe(composition& to) const;

private:
    /// Until it has a place, or there is no use in waiting any longer. A place that is given while the caller leaves is given
    /// back by the walk, which settles the ticket.
    template <class = on_use>
    static awaitable<outcome<void>> wait_in_line(std::shared_ptr<detail::bulkhead_line> line, attempt& a, ticket& t) {
        auto const executor = co_await asio::this_coro::executor;
        auto& service = clock_service::of(executor);
        for (;;) {
            auto const rest = line->arm(t.place_);
            if (rest && co_await wait_until(service, rest->until, rest->nudge.get()) == wake::cancelled) {
                if (line->leave(t.place_)) co_return outcome<void>{};
                t.open_ = false;
                co_return failed(fault_kind::cancelled, "the caller left");
            }
            if (auto why = line->turned_away(t.place_, a.clock().now())) {
                t.open_ = false;
                co_return failed(*std::move(why));
            }
            if (!rest) co_return outcome<void>{};
        }
    }

    std::shared_ptr<detail::bulkhead_line> line_;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/bulkhead.ipp>
#endif
