// SPDX-License-Identifier: BSL-1.0
#pragma once
// Windows of time, over which a limit counts. Pure: the wall clock's time is passed in.
//
//     coffer::lifetime   coffer::hourly   coffer::daily   coffer::monthly          // calendar windows, in UTC
//     coffer::daily.in(coffer::zone_named("Europe/Berlin"))                        // midnight there, summer and winter
//     coffer::rolling(24h)                                                         // the last 24 hours, at every instant
//
// Time is cut into spans that neither overlap nor leave a gap, and what is spent at t is booked in `span_at(t)`. A calendar
// window counts the span of now; a rolling one is made of short spans, its buckets, and counts the last 61 or fewer.

#include <coffer/base/later.hpp>
#include <coffer/base/zone.hpp>
#include <coffer/state/calendar.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI {

/// What a window is cut by: all of time, the calendar of a zone, or a length.
enum class window_kind : std::uint8_t { lifetime, hour, day, month, rolling };

/// [start, end). The first and the last span of all time are cut off where the wall clock's type ends.
struct window_span {
    std::chrono::system_clock::time_point start;  ///< the first instant in it
    std::chrono::system_clock::time_point end;  ///< the first one after it
    friend bool operator==(window_span const&, window_span const&) noexcept = default;
};

/// Which window: a kind, with the zone of a calendar window or the length of a rolling one. A value; equal if `text()` is.
///
/// A day or a month begins at the first instant at which its zone's calendar shows it: at the change if the clocks skip
/// midnight (São Paulo until 2018, Beirut), and once if they show midnight twice. So a day may last 23 or 25 hours.
/// An hour ends where the zone's clocks show a full hour or are set: the hour that is shown twice is two windows.
class window {
public:
    using time_point = std::chrono::system_clock::time_point;  ///< of the wall clock
    using seconds = std::chrono::seconds;  ///< whole ones

    constexpr window() noexcept = default;  ///< lifetime
    /// In UTC. Throws `std::invalid_argument` for a rolling one, which has a length.
    explicit constexpr window(window_kind kind) : kind_{kind} {
        if (kind == window_kind::rolling) throw std::invalid_argument{"say how long it is: coffer::rolling(24h)"};
    }

    /// Of at least a minute and at most 366 days, in whole seconds; throws `std::invalid_argument`.
    [[nodiscard]] static window rolling(std::chrono::nanoseconds length);

    /// The same calendar window by that zone's clocks. Throws `std::invalid_argument` for a lifetime
    /// and a rolling window.
    [[nodiscard]] window in(zone where) const;

    /// Of which kind.
    [[nodiscard]] window_kind kind() const noexcept { return kind_; }
    /// Of a calendar window; UTC otherwise.
    [[nodiscard]] coffer::zone const& where() const noexcept { return zone_; }
    [[nodiscard]] seconds length() const noexcept { return length_; }  ///< of a rolling window, else 0
    /// How long the spans of a rolling window are: a sixtieth of it, rounded up to whole seconds.
    [[nodiscard]] seconds bucket() const noexcept { return (length_ + seconds{buckets - 1}) / buckets; }

    /// The span that contains t: the calendar's hour, day or month, or a rolling window's bucket. A lifetime has one, which
    /// starts at the epoch whatever t is.
    [[nodiscard]] window_span span_at(time_point t) const;

    /// Does what was booked in the span that starts there count at `now`? By a calendar: if it is the span of now. In a
    /// rolling window: if anything of it may be less than `length()` ago. So no stretch of that length ever holds more than
    /// the limit, and an amount counts for one bucket too long at the most. Buckets of the future count as well, since the
    /// wall clock may have been set back, but not those farther away than `length()`.
    [[nodiscard]] bool counts(time_point span_start, time_point now) const;
    /// The end of its counting: the first instant from which on it counts no more.
    [[nodiscard]] time_point leaves_at(time_point span_start) const;

    /// Its name in a store, which stays as it is: `lifetime`, `day@Europe/Berlin`, `hour@UTC`, `month@UTC+05:30`,
    /// `rolling/86400s`.
    [[nodiscard]] std::string text() const;
    /// Reads `text()` back; nothing if it is anything else. Of a named zone only the name is known then, and asking such a
    /// window for its spans throws `std::logic_error`: `parsed.in(zone_named(parsed.where().name()))`.
    [[nodiscard]] static std::optional<window> parse(std::string_view text);

    /// For people: "day 2026-11-22 (Europe/Berlin)", "the last 24 h". A calendar window is named by the span that starts there.
    [[nodiscard]] std::string describe(time_point span_start) const;

    friend bool operator==(window const&, window const&) = default;

private:
    static constexpr seconds::rep buckets = 60;
    [[nodiscard]] std::string_view kind_text() const noexcept;

    window_kind kind_ = window_kind::lifetime;
    seconds length_{0};
    coffer::zone zone_;
};

/// The whole life of a scope: its limit is never given back.
inline constinit window const lifetime{};
/// The present hour, in UTC.
inline constinit window const hourly{window_kind::hour};
/// The present day, in UTC; `daily.in(zone)` elsewhere.
inline constinit window const daily{window_kind::day};
/// The present month, in UTC; `monthly.in(zone)` elsewhere.
inline constinit window const monthly{window_kind::month};

/// The last `length`, at every instant: `rolling(24h)`. From a minute to 366 days, in whole seconds; throws
/// `std::invalid_argument`.
[[nodiscard]] inline window rolling(std::chrono::nanoseconds length) { return window::rolling(length); }

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/window.ipp>
#endif
