// SPDX-License-Identifier: BSL-1.0
#pragma once
// A store's file rewritten without the pages that hold nothing, and its log emptied.
//
// A running store has no need of it: free pages are used again. It is for giving room back to the disk after a peak, and
// for leaving nothing behind of what was deleted.

#include <coffer/store/sqlite_reader.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>

namespace coffer::inline COFFER_ABI::sqlite {

/// What compacting has gained. Both without the log.
struct compacted {
    std::int64_t bytes_before = 0;  ///< of the file
    std::int64_t bytes_after = 0;  ///< of the file
};

namespace detail {

/// Moves what the log holds into the file and empties it. False if another process still reads from it.
[[nodiscard]] bool empty_log(connection& db);

compacted compact(connection& db, std::filesystem::path const& path);

}  // namespace detail

/// Rewrites the file, beside the processes that use it: their claims and answers wait meanwhile (longer than their
/// `busy_timeout`, claims fail with `store_unavailable` and answers are kept). Needs free space for two copies.
///
/// Throws `std::runtime_error`, which says what to do; the file is as it was then.
compacted compact(std::filesystem::path const& file,
                  std::chrono::milliseconds patience = std::chrono::milliseconds{5000});

}  // namespace coffer::inline COFFER_ABI::sqlite

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_compact.ipp>
#endif
