// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_place.hpp.

#include <coffer/store/sqlite_place.hpp>

#include <utility>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE std::optional<file_identity> identity_of(std::string const& path) noexcept {
    struct stat s{};
    if (::stat(path.c_str(), &s) != 0) return std::nullopt;
    return file_identity{s.st_dev, s.st_ino};
}

COFFER_INLINE std::optional<file_identity> identity_of(int descriptor) noexcept {
    struct stat s{};
    if (::fstat(descriptor, &s) != 0) return std::nullopt;
    return file_identity{s.st_dev, s.st_ino};
}

COFFER_INLINE place::place(std::string path)
    : path_{std::move(path)}, log_path_{path_ + "-wal"}, index_path_{path_ + "-shm"} {}

COFFER_INLINE bool place::note_log() noexcept {
    log_ = identity_of(log_path_);
    index_ = identity_of(index_path_);
    return log_ && index_;
}

COFFER_INLINE place::state place::now() const noexcept {
    struct stat s{};
    if (::stat(path_.c_str(), &s) != 0 || file_ != file_identity{s.st_dev, s.st_ino}) return state::file_moved;
    if (!log_) return state::unchanged;
    if (s.st_size == 0) return state::file_moved;  // the log of an empty file is worth nothing
    bool const same = identity_of(log_path_) == log_ && identity_of(index_path_) == index_;
    return same ? state::unchanged : state::log_moved;
}

COFFER_INLINE bool place::may_settle() const noexcept {
    struct stat s{};
    if (!log_) return true;
    if (::stat(path_.c_str(), &s) == 0 && s.st_size == 0) return false;
    if (::stat(log_path_.c_str(), &s) != 0 || s.st_size == 0) return true;
    return log_ == file_identity{s.st_dev, s.st_ino};
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
