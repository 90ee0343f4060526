// SPDX-License-Identifier: BSL-1.0
#pragma once
// A copy of a store, with its secret: without that no key in it could be found, and everything would be paid again.
//
//     coffer::sqlite::backup("coffer.db", "/backup/coffer-2026-11-22.db");

#include <coffer/store/sqlite_owner.hpp>
#include <coffer/store/sqlite_reader.hpp>
#include <coffer/store/sqlite_secret.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace coffer::inline COFFER_ABI::sqlite {

/// What was copied.
struct backed_up {
    std::int64_t bytes = 0;  ///< of the copy
    std::size_t records = 0;  ///< of any state
};

namespace detail {

/// A file that has no name of its own until it is whole and on the disk.
class draft {
public:
    explicit draft(std::filesystem::path target);
    draft(draft const&) = delete;
    draft& operator=(draft const&) = delete;
    ~draft();
    [[nodiscard]] std::string const& path() const noexcept { return path_; }
    [[nodiscard]] int fd() const noexcept { return file_.get(); }

    /// Never replaces anything.
    void keep() const;
    [[noreturn]] void fail(char const* what) const;

private:
    std::filesystem::path target_;
    std::string path_;
    descriptor file_;
};

void copy_secret(std::filesystem::path const& from, draft const& to);

/// Throws if the copy is not the store that it should be; the number of its records.
[[nodiscard]] std::size_t verify(std::string const& copy, std::string const& secret_id);

}  // namespace detail

/// Copies the store as it is at this moment, while other processes use it, and its secret to `to`.secret; both 0600.
///
/// The copy is checked (SQLite's integrity check, and that the secret is its own) and on the disk before it has its
/// name; it holds nothing of what was deleted before. Throws `std::runtime_error`, which says what to do: `to` exists, the
/// secret is missing or another's, the disk is full. Nothing stands under `to` then.
backed_up backup(std::filesystem::path const& file, std::filesystem::path const& to);

}  // namespace coffer::inline COFFER_ABI::sqlite

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_backup.ipp>
#endif
