// SPDX-License-Identifier: BSL-1.0
#pragma once
// What is looked at before SQLite opens a store's file. It would take an emptied store for a new one, and make a second
// log where the first one was removed or cannot be seen: either way, all would be paid again.

#include <coffer/store/sqlite_owner.hpp>
#include <coffer/store/sqlite_place.hpp>
#include <coffer/store/sqlite_secret.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// What tells one mount from another; nothing if the path names no file.
[[nodiscard]] std::optional<std::uint64_t> mount_of(std::filesystem::path const& path) noexcept;

/// Is the file mounted by itself (`docker -v file:file`)? Then what stands beside it is not what others see there.
[[nodiscard]] bool is_mounted_alone(std::filesystem::path const& path) noexcept;

/// Has somebody emptied the store? Its maker fills the file before the secret has its name.
[[nodiscard]] bool was_emptied(std::filesystem::path const& path);

/// Has somebody removed the log of a store that others have open?
[[nodiscard]] bool log_was_removed(std::filesystem::path const& path);

/// Why a store's file must not be opened there; nothing if it may, or is not made yet.
[[nodiscard]] std::optional<std::string> why_not_open(std::filesystem::path const& path);

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_entry.ipp>
#endif
