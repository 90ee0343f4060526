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

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

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
    [[nodiscard]] window in(zone where) const {
        if (kind_ == window_kind::lifetime || kind_ == window_kind::rolling)
            throw std::invalid_argument{
                "a lifetime and a rolling window are the same in every zone: leave in(...) out"};
        auto copy = *this;
        copy.zone_ = std::move(where);
        return copy;
    }

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
    [[nodiscard]] bool counts(time_point span_start, time_point now) const {
        if (kind_ != window_kind::rolling) return span_at(now).start == span_start;
        return leaves_at(span_start) > now && span_start <= later(now, length_);
    }
    /// The end of its counting: the first instant from which on it counts no more.
    [[nodiscard]] time_point leaves_at(time_point span_start) const {
        return kind_ == window_kind::rolling ? later(span_start, length_ + bucket()) : span_at(span_start).end;
    }

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
    [[nodiscard]] std::string_view kind_text() const noexcept {
        constexpr std::array<std::string_view, 5> texts{"lifetime", "hour", "day", "month", "rolling"};
        return texts.at(static_cast<std::size_t>(kind_));
    }

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

inline window window::rolling(std::chrono::nanoseconds length) {
    auto const whole = std::chrono::duration_cast<seconds>(length);
    if (whole < std::chrono::minutes{1} || length > std::chrono::days{366} || whole != length)
        throw std::invalid_argument{"a rolling window is from 1 minute to 366 days long, in whole seconds, not " +
                                    std::to_string(length.count()) +
                                    " ns; a calendar window may suit: hourly, daily, " + "monthly"};
    window w;
    w.kind_ = window_kind::rolling;
    w.length_ = whole;
    return w;
}

inline window_span window::span_at(time_point t) const {
    auto const instant = std::chrono::floor<seconds>(t);
    calendar::span found{};
    switch (kind_) {
        case window_kind::lifetime: return {time_point{}, time_point::max()};
        case window_kind::hour: found = calendar::hour_at(zone_, instant); break;
        case window_kind::day: found = calendar::day_at(zone_, instant); break;
        case window_kind::month: found = calendar::month_at(zone_, instant); break;
        case window_kind::rolling: {
            auto const into = instant.time_since_epoch() % bucket();
            found.start = instant - into - (into < seconds{0} ? bucket() : seconds{0});
            found.end = found.start + bucket();
        }
    }
    // Seconds reach farther than the clock's finer unit.
    auto const fit = [](std::chrono::sys_seconds s) {
        if (s < std::chrono::ceil<seconds>(time_point::min())) return time_point::min();
        return s > std::chrono::floor<seconds>(time_point::max()) ? time_point::max() : time_point{s};
    };
    return {fit(found.start), fit(found.end)};
}

inline std::string window::text() const {
    std::string text{kind_text()};
    if (kind_ == window_kind::rolling) text += "/" + std::to_string(length_.count()) + "s";
    else if (kind_ != window_kind::lifetime) text += "@" + zone_.name();
    return text;
}

inline std::optional<window> window::parse(std::string_view text) {
    for (auto const& calendar : {lifetime, hourly, daily, monthly}) {
        auto const kind = calendar.kind_text();
        if (!text.starts_with(kind)) continue;
        if (calendar == lifetime) return text == kind ? std::optional{lifetime} : std::nullopt;
        if (text.substr(kind.size(), 1) != "@") return {};
        auto const where = zone::parse(text.substr(kind.size() + 1));
        return where ? std::optional{calendar.in(*where)} : std::nullopt;
    }
    constexpr std::string_view start = "rolling/";
    if (!text.starts_with(start)) return {};
    std::uint32_t length = 0;  // of 366 days there are 31,622,400 s
    std::from_chars(text.data() + start.size(), text.data() + text.size(), length);
    if (length < 60 || std::chrono::seconds{length} > std::chrono::days{366}) return {};
    auto const parsed = rolling(std::chrono::seconds{length});
    return parsed.text() == text ? std::optional{parsed} : std::nullopt;
}

inline std::string window::describe(time_point span_start) const {
    if (kind_ == window_kind::lifetime) return "lifetime";
    if (kind_ == window_kind::rolling) {
        auto const s = length_.count();
        auto const in = [s](seconds::rep unit, char const* name) { return std::to_string(s / unit) + name; };
        return "the last " + (s % 86400 == 0 && s > 86400 ? in(86400, " d")
                              : s % 3600 == 0             ? in(3600, " h")
                              : s % 60 == 0               ? in(60, " min")
                                                          : in(1, " s"));
    }
    auto const start = std::chrono::floor<seconds>(span_start);
    auto const name = zone_.name();
    // A zone of which only the name is known cannot tell its date.
    auto const known = zone_.knows_offsets();
    auto const offset = known ? zone_.at(start).offset : seconds{0};
    auto const shown = start + offset;
    auto const day = std::chrono::floor<std::chrono::days>(shown);
    auto const two = [](auto n) { return (static_cast<unsigned>(n) < 10 ? "0" : "") + std::to_string(n); };
    std::chrono::year_month_day const date{day};
    auto text = std::string{kind_text()} + (known ? " " : " from ") + std::to_string(static_cast<int>(date.year())) +
                "-" + two(static_cast<unsigned>(date.month()));
    if (kind_ != window_kind::month || !known) text += "-" + two(static_cast<unsigned>(date.day()));
    if (kind_ == window_kind::hour || !known) {
        std::chrono::hh_mm_ss const clock{shown - day};
        text += " " + two(clock.hours().count()) + ":" + two(clock.minutes().count());
        if (!known) text += " UTC";
        else if (!name.starts_with("UTC")) text += " " + zone::offset_text(offset);
    }
    return text + " (" + name + ")";
}

}  // namespace coffer::inline COFFER_ABI
