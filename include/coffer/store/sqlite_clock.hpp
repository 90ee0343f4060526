// SPDX-License-Identifier: BSL-1.0
#pragma once
// The trusted time of a store's file, which all its processes share: a row of `meta`, and the moments made of it.

#include <coffer/state/record_rules.hpp>
#include <coffer/state/trusted_wall.hpp>
#include <coffer/store/sqlite_connection.hpp>
#include <coffer/store/sqlite_fault.hpp>
#include <coffer/store/sqlite_owner.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// Version, boot, and the numbers in nanoseconds.
[[nodiscard]] std::string encode(trusted_wall const& t);
/// None if it is not understood: then the next clock is believed, as in a new file.
[[nodiscard]] std::optional<trusted_wall> decode_trusted_wall(std::string_view bytes);

/// The boot in an owner's name.
[[nodiscard]] std::string boot_of(std::string const& owner);

/// A file's trusted time, for one connection.
///
/// In a transaction that writes, what the clocks say is observed if that is due, and written with the rest; otherwise it is
/// only read. So a moment costs no commit of its own.
class file_clock {
public:
    explicit file_clock(connection& db) : db_{db} {}

    [[nodiscard]] record_moment moment(clock_reading const& now);
    /// The same for who only looks.
    [[nodiscard]] record_moment look(clock_reading const& now) const { return moment_of(load(), now); }
    /// Is it so long since anybody wrote that it is worth a transaction? Outside of one.
    [[nodiscard]] bool is_due(clock_reading const& now) const;
    [[nodiscard]] std::optional<trusted_wall> load() const;

    // What is told of the connection's transactions that write.
    void began() noexcept { writing_ = true; }
    void write();
    void ended() noexcept { writing_ = false; }
    /// Rolled back, or another connection has written.
    void forget() noexcept {
        writing_ = unwritten_ = false;
        trusted_.reset();
    }

private:
    static constexpr auto observed_every = std::chrono::minutes{1};
    static constexpr auto observed_at_least_every = std::chrono::hours{1};

    [[nodiscard]] static record_moment moment_of(std::optional<trusted_wall> const& t, clock_reading const& now);

    connection& db_;
    statement load_{db_, "SELECT value FROM meta WHERE name='clock'"};
    std::optional<trusted_wall> trusted_;
    bool writing_ = false;
    bool unwritten_ = false;
};

/// This moment by the process's own clocks, for a look at the file.
[[nodiscard]] clock_reading read_clocks(owner_files const& owners);

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_clock.ipp>
#endif
