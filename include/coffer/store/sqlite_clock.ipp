// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_clock.hpp.

#include <coffer/store/sqlite_clock.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE std::string encode(trusted_wall const& t) {
    auto const wall = [](auto at) { return std::chrono::nanoseconds{at.time_since_epoch()}.count(); };
    std::string bytes;
    put(bytes, 1);
    put(bytes, std::string_view{t.boot});
    put(bytes, std::chrono::nanoseconds{t.steady.time_since_epoch()}.count());
    for (auto const n : {wall(t.wall), wall(t.said), t.slack.count(), t.doubted.count(), t.doubted_for.count()})
        put(bytes, n);
    return bytes;
}

COFFER_INLINE std::optional<trusted_wall> decode_trusted_wall(std::string_view bytes) {
    text_reader from{bytes};
    if (from.number() != 1) return std::nullopt;
    auto const span = [&] { return std::chrono::nanoseconds{from.number()}; };
    auto const wall = [&] {
        return trusted_wall::wall_time{std::chrono::duration_cast<trusted_wall::wall_time::duration>(span())};
    };
    trusted_wall t;
    t.boot = from.text();
    t.steady = std::chrono::steady_clock::time_point{span()};
    t.wall = wall();
    t.said = wall();
    t.slack = span();
    t.doubted = span();
    t.doubted_for = span();
    if (t.boot.empty()) return std::nullopt;
    return t;
}

COFFER_INLINE std::string boot_of(std::string const& owner) { return owner.substr(0, owner.find('-')); }

COFFER_INLINE record_moment file_clock::moment(clock_reading const& now) {
    if (!writing_) return look(now);
    if (!trusted_) trusted_ = load();
    if (!trusted_) trusted_.emplace(now), unwritten_ = true;
    else if (!trusted_->is_comparable(now) || trusted_->since(now) >= observed_every) {
        trusted_->observe(now);
        unwritten_ = true;
    }
    return moment_of(trusted_, now);
}

COFFER_INLINE bool file_clock::is_due(clock_reading const& now) const {
    auto const t = load();
    return t && (!t->is_comparable(now) || t->since(now) >= observed_at_least_every);
}

COFFER_INLINE std::optional<trusted_wall> file_clock::load() const {
    auto const r = load_.with();
    return r.next() ? decode_trusted_wall(r.bytes()) : std::nullopt;
}

COFFER_INLINE void file_clock::write() {
    if (!unwritten_) return;
    statement{db_,
              "INSERT INTO meta(name, value) VALUES('clock', ?) ON CONFLICT(name) DO UPDATE SET value=excluded.value"}
        .run(as_blob(encode(*trusted_)));
    unwritten_ = false;
}

COFFER_INLINE record_moment file_clock::moment_of(std::optional<trusted_wall> const& t, clock_reading const& now) {
    if (!t) return {now.steady, now.wall};
    auto const trusted = t->at(now);
    return {now.steady, std::max(now.wall, trusted), trusted};
}

COFFER_INLINE clock_reading read_clocks(owner_files const& owners) {
    return {owners.boot(), std::chrono::steady_clock::now(), std::chrono::system_clock::now()};
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
