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
#include <stdexcept>
#include <string>

namespace coffer::inline COFFER_ABI::sqlite {

/// What compacting has gained. Both without the log.
struct compacted {
    std::int64_t bytes_before = 0;  ///< of the file
    std::int64_t bytes_after = 0;  ///< of the file
};

namespace detail {

/// Moves what the log holds into the file and empties it. False if another process still reads from it.
[[nodiscard]] inline bool empty_log(connection& db) {
    statement const s{db, "PRAGMA wal_checkpoint(TRUNCATE)"};
    auto const r = s.with();
    return r.next() && r.integer() == 0;
}

inline compacted compact(connection& db, std::filesystem::path const& path) {
    auto const size = [&] { return ask(db, "PRAGMA page_count") * ask(db, "PRAGMA page_size"); };
    compacted c;
    c.bytes_before = size();
    db.run("VACUUM");
    c.bytes_after = size();
    if (!empty_log(db))
        throw std::runtime_error{"coffer::sqlite: " + path.string() +
                                 " is rewritten, but its log (-wal) cannot be emptied while another process reads from "
                                 "it; run `coffer gc --compact` again"};
    return c;
}

}  // namespace detail

/// Rewrites the file, beside the processes that use it: their claims and answers wait meanwhile (longer than their
/// `busy_timeout`, claims fail with `store_unavailable` and answers are kept). Needs free space for two copies.
///
/// Throws `std::runtime_error`, which says what to do; the file is as it was then.
inline compacted compact(std::filesystem::path const& file,
                         std::chrono::milliseconds patience = std::chrono::milliseconds{5000}) {
    auto const path = detail::existing_file(file);
    auto const db = detail::open_beside(path, detail::access::write, patience);
    return detail::in_words(path.string(), {}, [&] { return detail::compact(*db, path); });
}

}  // namespace coffer::inline COFFER_ABI::sqlite
