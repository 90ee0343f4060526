// SPDX-License-Identifier: BSL-1.0
#pragma once
// A gate admits an attempt or refuses it, learns how it ended, and may ask for another. Its fast path costs no
// coroutine frame: the walk calls it as a plain function.
//
//     class my_gate {
//     public:
//         class ticket {
//         public:
//             coffer::verdict settle(coffer::attempt_end const&, coffer::attempt&) noexcept;
//             ~ticket();                                   // not settled: abandoned; gives back what it held
//         };
//         coffer::admission try_enter(coffer::attempt&, coffer::slot<ticket>&) const;               // never suspends
//         coffer::awaitable<coffer::outcome<void>> enter(coffer::attempt&, coffer::slot<ticket>&) const;  // after wait
//         void const* state() const noexcept;       // may be left out; copies that share state must not stand in one
//                                                   // pipeline twice, and wrap() refuses it
//         bool idle(coffer::time_point) const;      // may be left out; would a new one do as well? See per_key
//     };

#include <coffer/asio.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/attempt.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

namespace coffer::inline COFFER_ABI {

/// Room for a gate's ticket in the walk's frame.
template <class Ticket>
class slot {
public:
    /// Makes the ticket, in place. A ticket that is in there already goes, unsettled.
    template <class... Args>
    Ticket& emplace(Args&&... args) {
        return ticket_.emplace(std::forward<Args>(args)...);
    }
    /// The gate was entered.
    [[nodiscard]] bool has_value() const noexcept { return ticket_.has_value(); }
    /// Only if there is one.
    [[nodiscard]] Ticket& operator*() noexcept { return *ticket_; }
    /// Only if there is one.
    [[nodiscard]] Ticket* operator->() noexcept { return &*ticket_; }
    /// The ticket goes; unsettled, it gives back what it held.
    void reset() noexcept { ticket_.reset(); }

private:
    std::optional<Ticket> ticket_;
};

/// What a gate says to an attempt at once: come in (the ticket is in the slot), wait (then `enter` is awaited), or no.
class admission {
public:
    /// The attempt is in; its ticket stands in the slot.
    [[nodiscard]] static admission in() noexcept { return admission{state::in}; }
    /// It has to wait: `enter` is awaited next, and the slot is still empty.
    [[nodiscard]] static admission wait() noexcept { return admission{state::wait}; }
    /// No, and why. The walk ends, and the gates outside are settled `not_attempted`.
    [[nodiscard]] static admission refused(fault why) noexcept;

    /// And the slot holds a ticket.
    [[nodiscard]] bool is_in() const noexcept { return state_ == state::in; }
    /// And `enter` is to be awaited.
    [[nodiscard]] bool must_wait() const noexcept { return state_ == state::wait; }
    /// Only of a refusal.
    [[nodiscard]] fault&& why() && noexcept { return std::move(*why_); }

private:
    enum class state : std::uint8_t { in, wait, refused };
    explicit admission(state s) noexcept : state_{s} {}
    state state_;
    std::optional<fault> why_;
};

/// What the rules about a pipeline's order read. A gate or layer declares `static constexpr policy_traits traits{…}`.
struct policy_traits {
    bool multiplies_sends = false;  ///< makes several sends out of one (retry, fallback, hedge)
    bool per_send = false;  ///< must meet every send (rate limits, budgets): inside whatever multiplies them
    bool journal = false;  ///< remembers results: at most one around any send, outside whatever multiplies them
    bool innermost = false;  ///< nothing may stand between it and the send (budget)
    bool estimates = false;  ///< reads `attempt::estimate` or `print` when an attempt enters
};

/// A policy's `traits`; all false if it declares none.
template <class Policy>
[[nodiscard]] consteval policy_traits traits_of() {
    if constexpr (requires {
                      { Policy::traits } -> std::convertible_to<policy_traits>;
                  })
        return Policy::traits;
    else return {};
}

/// What a gate puts into the slot. `settle` is called at most once for each attempt and does not throw; the destructor
/// of one
/// that was not settled gives back what it held.
template <class T>
concept ticket = std::destructible<T> && requires(T& t, attempt_end const& end, attempt& a) {
    { t.settle(end, a) } noexcept -> std::same_as<verdict>;
};

/// Admits attempts and learns how they ended: `try_enter(attempt&, slot<ticket>&) const` makes a ticket in the slot, or
/// refuses, or (`waiting_gate`) asks the attempt to wait; it never suspends. gate.hpp begins with an example, and with
/// what a gate may also offer. Gates are handles: copies share state, which any thread may use.
template <class G>
concept gate = std::copy_constructible<G> && requires { typename G::ticket; } && ticket<typename G::ticket> &&
               requires(G const& g, attempt& a, slot<typename G::ticket>& s) {
                   { g.try_enter(a, s) } -> std::same_as<admission>;
               };

/// A gate that may ask an attempt to wait.
template <class G>
concept waiting_gate = gate<G> && requires(G const& g, attempt& a, slot<typename G::ticket>& s) {
    { g.enter(a, s) } -> std::same_as<awaitable<outcome<void>>>;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/call/gate.ipp>
#endif
