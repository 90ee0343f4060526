// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_compact.hpp.

#include <coffer/store/sqlite_compact.hpp>

#include <stdexcept>

namespace coffer::inline COFFER_ABI {

namespace sqlite::detail {

COFFER_INLINE bool empty_log(connection& db) {
    statement const s{db, "PRAGMA wal_checkpoint(TRUNCATE)"};
    auto const r = s.with();
    return r.next() && r.integer() == 0;
}

COFFER_INLINE compacted compact(connection& db, std::filesystem::path const& path) {
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

}  // namespace sqlite::detail

namespace sqlite {

COFFER_INLINE compacted compact(std::filesystem::path const& file, std::chrono::milliseconds patience) {
    auto const path = detail::existing_file(file);
    auto const db = detail::open_beside(path, detail::access::write, patience);
    return detail::in_words(path.string(), {}, [&] { return detail::compact(*db, path); });
}

}  // namespace sqlite

}  // namespace coffer::inline COFFER_ABI
