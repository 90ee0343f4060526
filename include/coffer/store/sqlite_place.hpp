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
#include <utility>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// Tells one file from all others for as long as somebody has it open.
struct file_identity {
    dev_t device{};
    ino_t inode{};
    friend auto operator<=>(file_identity const&, file_identity const&) = default;
};

/// Of the file that a path names; nothing if it names none.
[[nodiscard]] inline std::optional<file_identity> identity_of(std::string const& path) noexcept {
    struct stat s{};
    if (::stat(path.c_str(), &s) != 0) return std::nullopt;
    return file_identity{s.st_dev, s.st_ino};
}

/// Of an open file.
[[nodiscard]] inline std::optional<file_identity> identity_of(int descriptor) noexcept {
    struct stat s{};
    if (::fstat(descriptor, &s) != 0) return std::nullopt;
    return file_identity{s.st_dev, s.st_ino};
}

/// The files that a connection has open: the store's, its log (-wal) and the log's index (-shm).
///
/// While a connection has read in WAL mode it holds a lock on the store's file without which no other one may remove or
/// replace the log: so the three stay the same until it is closed, whatever others do through SQLite.
class place {
public:
    enum class state : std::uint8_t { unchanged, file_moved, log_moved };

    explicit place(std::string path) : path_{std::move(path)}, log_path_{path_ + "-wal"}, index_path_{path_ + "-shm"} {}

    /// The file has been opened; false if its name means none any more.
    [[nodiscard]] bool note_file() noexcept { return (file_ = identity_of(path_)).has_value(); }
    /// The log has been opened; false if it has lost its name already.
    [[nodiscard]] bool note_log() noexcept {
        log_ = identity_of(log_path_);
        index_ = identity_of(index_path_);
        return log_ && index_;
    }

    /// Three questions to the system. What was not noted is not asked for.
    [[nodiscard]] state now() const noexcept {
        struct stat s{};
        if (::stat(path_.c_str(), &s) != 0 || file_ != file_identity{s.st_dev, s.st_ino}) return state::file_moved;
        if (!log_) return state::unchanged;
        if (s.st_size == 0) return state::file_moved;  // the log of an empty file is worth nothing
        bool const same = identity_of(log_path_) == log_ && identity_of(index_path_) == index_;
        return same ? state::unchanged : state::log_moved;
    }

    /// May the last one who closes bring the log into the file and remove it, as SQLite does? Not if another log has
    /// taken the name, and something stands in it: that one would be removed. Not into a file that was emptied.
    [[nodiscard]] bool may_settle() const noexcept {
        struct stat s{};
        if (!log_) return true;
        if (::stat(path_.c_str(), &s) == 0 && s.st_size == 0) return false;
        if (::stat(log_path_.c_str(), &s) != 0 || s.st_size == 0) return true;
        return log_ == file_identity{s.st_dev, s.st_ino};
    }

private:
    std::string path_;
    std::string log_path_;
    std::string index_path_;
    std::optional<file_identity> file_;
    std::optional<file_identity> log_;
    std::optional<file_identity> index_;
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
