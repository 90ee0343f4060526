// SPDX-License-Identifier: BSL-1.0
#pragma once
// What observers are told while a call runs.

#include <coffer/base/fault.hpp>
#include <coffer/base/money.hpp>
#include <coffer/call/attempt_log.hpp>
#include <coffer/time/clock.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// What happened. Each kind's text says which members of `event` go with it; a test's oracle may rely on the order in
/// which the
/// events of one call are told, but not on that of several.
enum class event_kind : std::uint8_t {
    attempt_started,  ///< the permit is there, and the operation is about to be run
    attempt_ended,     ///< `why` is null for a success
    attempt_refused,   ///< a gate said no, or the wait for it ended
    retry_scheduled,   ///< `delay` says when
    replayed,          ///< the journal had the answer; `why` is null, or names what differs and does not count
    joined,            ///< another caller's flight is at work on it
    left,              ///< this caller leaves a flight; whatever was permitted goes on
    store_late,        ///< the answer is delivered before it is durable; the store goes on trying
    circuit_opened,    ///< a breaker refuses attempts for `delay`; `why` is the attempt's fault, null for a success
    circuit_half_open, ///< it lets probes through, and this attempt is the first
    circuit_closed,    ///< it lets everything through again
    fell_back,         ///< an alternative ended with `why`, and the next one is tried
    injected,          ///< a test's chaos has done something (`reason`) to this attempt; not the provider
    hedged,            ///< `attempt` has not answered for `delay`: another request is started beside it
    not_hedged,        ///< the same, but none is started, and `reason` says why
};

/// Its name, as in the source.
[[nodiscard]] constexpr std::string_view to_string(event_kind k) noexcept {
    switch (k) {
        case event_kind::attempt_started: return "attempt_started";
        case event_kind::attempt_ended: return "attempt_ended";
        case event_kind::attempt_refused: return "attempt_refused";
        case event_kind::retry_scheduled: return "retry_scheduled";
        case event_kind::replayed: return "replayed";
        case event_kind::joined: return "joined";
        case event_kind::left: return "left";
        case event_kind::store_late: return "store_late";
        case event_kind::circuit_opened: return "circuit_opened";
        case event_kind::circuit_half_open: return "circuit_half_open";
        case event_kind::circuit_closed: return "circuit_closed";
        case event_kind::fell_back: return "fell_back";
        case event_kind::injected: return "injected";
        case event_kind::hedged: return "hedged";
        case event_kind::not_hedged: return "not_hedged";
    }
    return "unknown";
}

/// One event. The views live as long as the observer's call. Holds no key, no prompt, no credentials.
struct event {
    event_kind kind{};  ///< what happened
    time_point at{};  ///< when, by the call's clock
    std::string_view name_space{};  ///< the key's first part; empty without a key
    int attempt = 0;  ///< its number; 0 if it has none yet, or none is meant
    fault const* why = nullptr;  ///< the fault that goes with it; null: none
    duration delay{};  ///< the kinds that have one say what it is
    std::optional<money> cost{};  ///< of `attempt_ended`; none: unknown, which is not zero
    std::string_view
        reason{};  ///< of a breaker's change, in words; of a hedge that is not made, in one; what chaos has done
    std::uint64_t call =
        0;  ///< the same number for all events of one request, of no other one in this process; 0: of none
    coffer::target const* target =
        nullptr;  ///< where the attempt goes; null if the operation does not say, or none is meant
    duration took{};  ///< `attempt_ended`: how long it was under way, without waits
};

/// Called synchronously, outside any lock, from whichever thread the call runs on: it must be thread-safe and quick.
/// An exception that it throws is dropped: watching a call must not be able to break it.
using observer = std::function<void(event const&)>;

/// The observers of one pipeline.
class observers {
public:
    /// Nobody yet.
    observers() noexcept;
    /// @{
    /// A copy tells the same ones.
    observers(observers const&);
    observers(observers&&) noexcept;
    observers& operator=(observers const&);
    observers& operator=(observers&&) noexcept;
    /// @}
    ~observers();
    /// For good. Not while a call runs.
    void add(observer o);
    /// Nobody is told, and nothing need be put together.
    [[nodiscard]] bool empty() const noexcept { return list_.empty(); }
    /// Tells all of them, in the order in which they were added, and drops what they throw.
    void tell(event const& e) const noexcept;

private:
    std::vector<observer> list_;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/call/event.ipp>
#endif
