// SPDX-License-Identifier: BSL-1.0
#pragma once
// The trusted time of a store's file, which all its processes share: a row of `meta`, and the moments made of it.

#include <coffer/state/record_rules.hpp>
#include <coffer/state/trusted_wall.hpp>
#include <coffer/store/sqlite_connection.hpp>
#include <coffer/store/sqlite_fault.hpp>
#include <coffer/store/sqlite_owner.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// Version, boot, and the numbers in nanoseconds.
[[nodiscard]] inline std::string encode(trusted_wall const& t) {
    auto const wall = [](auto at) { return std::chrono::nanoseconds{at.time_since_epoch()}.count(); };
    std::string bytes;
    put(bytes, 1);
    put(bytes, std::string_view{t.boot});
    put(bytes, std::chrono::nanoseconds{t.steady.time_since_epoch()}.count());
    for (auto const n : {wall(t.wall), wall(t.said), t.slack.count(), t.doubted.count(), t.doubted_for.count()})
        put(bytes, n);
    return bytes;
}
/// None if it is not understood: then the next clock is believed, as in a new file.
[[nodiscard]] inline std::optional<trusted_wall> decode_trusted_wall(std::string_view bytes) {
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

/// The boot in an owner's name.
[[nodiscard]] inline std::string boot_of(std::string const& owner) { return owner.substr(0, owner.find('-')); }

/// A file's trusted time, for one connection.
///
/// In a transaction that writes, what the clocks say is observed if that is due, and written with the rest; otherwise it is
/// only read. So a moment costs no commit of its own.
class file_clock {
public:
    explicit file_clock(connection& db) : db_{db} {}

    [[nodiscard]] record_moment moment(clock_reading const& now) {
        if (!writing_) return look(now);
        if (!trusted_) trusted_ = load();
        if (!trusted_) trusted_.emplace(now), unwritten_ = true;
        else if (!trusted_->is_comparable(now) || trusted_->since(now) >= observed_every) {
            trusted_->observe(now);
            unwritten_ = true;
        }
        return moment_of(trusted_, now);
    }
    /// The same for who only looks.
    [[nodiscard]] record_moment look(clock_reading const& now) const { return moment_of(load(), now); }
    /// Is it so long since anybody wrote that it is worth a transaction? Outside of one.
    [[nodiscard]] bool is_due(clock_reading const& now) const {
        auto const t = load();
        return t && (!t->is_comparable(now) || t->since(now) >= observed_at_least_every);
    }
    [[nodiscard]] std::optional<trusted_wall> load() const {
        auto const r = load_.with();
        return r.next() ? decode_trusted_wall(r.bytes()) : std::nullopt;
    }

    // What is told of the connection's transactions that write.
    void began() noexcept { writing_ = true; }
    void write() {
        if (!unwritten_) return;
        statement{
            db_,
            "INSERT INTO meta(name, value) VALUES('clock', ?) ON CONFLICT(name) DO UPDATE SET value=excluded.value"}
            .run(as_blob(encode(*trusted_)));
        unwritten_ = false;
    }
    void ended() noexcept { writing_ = false; }
    /// Rolled back, or another connection has written.
    void forget() noexcept {
        writing_ = unwritten_ = false;
        trusted_.reset();
    }

private:
    static constexpr auto observed_every = std::chrono::minutes{1};
    static constexpr auto observed_at_least_every = std::chrono::hours{1};

    [[nodiscard]] static record_moment moment_of(std::optional<trusted_wall> const& t, clock_reading const& now) {
        if (!t) return {now.steady, now.wall};
        auto const trusted = t->at(now);
        return {now.steady, std::max(now.wall, trusted), trusted};
    }

    connection& db_;
    statement load_{db_, "SELECT value FROM meta WHERE name='clock'"};
    std::optional<trusted_wall> trusted_;
    bool writing_ = false;
    bool unwritten_ = false;
};

/// This moment by the process's own clocks, for a look at the file.
[[nodiscard]] inline clock_reading read_clocks(owner_files const& owners) {
    return {owners.boot(), std::chrono::steady_clock::now(), std::chrono::system_clock::now()};
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
