// SPDX-License-Identifier: BSL-1.0
#pragma once
// Do a store's names still mean the files that are open? What is written into a file that has lost its name, or into a
// log that others do not see, is lost, and paid for again.

#include <coffer/config.hpp>

#include <sys/stat.h>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// Tells one file from all others for as long as somebody has it open.
struct file_identity {
    dev_t device{};
    ino_t inode{};
    friend auto operator<=>(file_identity const&, file_identity const&) = default;
};

/// Of the file that a path names; nothing if it names none.
[[nodiscard]] std::optional<file_identity> identity_of(std::string const& path) noexcept;

/// Of an open file.
[[nodiscard]] std::optional<file_identity> identity_of(int descriptor) noexcept;

/// The files that a connection has open: the store's, its log (-wal) and the log's index (-shm).
///
/// While a connection has read in WAL mode it holds a lock on the store's file without which no other one may remove or
/// replace the log: so the three stay the same until it is closed, whatever others do through SQLite.
class place {
public:
    enum class state : std::uint8_t { unchanged, file_moved, log_moved };

    explicit place(std::string path);

    /// The file has been opened; false if its name means none any more.
    [[nodiscard]] bool note_file() noexcept { return (file_ = identity_of(path_)).has_value(); }
    /// The log has been opened; false if it has lost its name already.
    [[nodiscard]] bool note_log() noexcept;

    /// Three questions to the system. What was not noted is not asked for.
    [[nodiscard]] state now() const noexcept;

    /// May the last one who closes bring the log into the file and remove it, as SQLite does? Not if another log has
    /// taken the name, and something stands in it: that one would be removed. Not into a file that was emptied.
    [[nodiscard]] bool may_settle() const noexcept;

private:
    std::string path_;
    std::string log_path_;
    std::string index_path_;
    std::optional<file_identity> file_;
    std::optional<file_identity> log_;
    std::optional<file_identity> index_;
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_place.ipp>
#endif
