// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of window.hpp.

#include <coffer/state/window.hpp>

#include <array>
#include <charconv>
#include <utility>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE window window::in(zone where) const {
    if (kind_ == window_kind::lifetime || kind_ == window_kind::rolling)
        throw std::invalid_argument{"a lifetime and a rolling window are the same in every zone: leave in(...) out"};
    auto copy = *this;
    copy.zone_ = std::move(where);
    return copy;
}

COFFER_INLINE bool window::counts(time_point span_start, time_point now) const {
    if (kind_ != window_kind::rolling) return span_at(now).start == span_start;
    return leaves_at(span_start) > now && span_start <= later(now, length_);
}

COFFER_INLINE window::time_point window::leaves_at(time_point span_start) const {
    return kind_ == window_kind::rolling ? later(span_start, length_ + bucket()) : span_at(span_start).end;
}

COFFER_INLINE std::string_view window::kind_text() const noexcept {
    constexpr std::array<std::string_view, 5> texts{"lifetime", "hour", "day", "month", "rolling"};
    return texts.at(static_cast<std::size_t>(kind_));
}

COFFER_INLINE window window::rolling(std::chrono::nanoseconds length) {
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

COFFER_INLINE window_span window::span_at(time_point t) const {
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

COFFER_INLINE std::string window::text() const {
    std::string text{kind_text()};
    if (kind_ == window_kind::rolling) text += "/" + std::to_string(length_.count()) + "s";
    else if (kind_ != window_kind::lifetime) text += "@" + zone_.name();
    return text;
}

COFFER_INLINE std::optional<window> window::parse(std::string_view text) {
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

COFFER_INLINE std::string window::describe(time_point span_start) const {
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
