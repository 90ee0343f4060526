// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_failure.hpp.

#include <coffer/store/sqlite_failure.hpp>

#include <new>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE explanation explain(int code) noexcept {
    if (code == SQLITE_READONLY_DBMOVED)
        return {"it was moved, removed or replaced while it was in use", "put it back, or start the program again"};
    if (code == log_moved)
        return {"its log (-wal, -shm) was removed or replaced while it was in use",
                "let the programs that use it end in order, which brings the log into the file (a kill does not), and "
                "start them again"};
    switch (code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return {"another process holds its write lock", "find who keeps a transaction open, or raise busy_timeout"};
        case SQLITE_FULL:
            return {"the disk, or the file's allowed size, is full",
                    "free space on the disk, or acknowledge results, run `coffer gc`, or raise options.max_bytes"};
        case SQLITE_READONLY: return {"it cannot be written", "check the permissions of the file and its directory"};
        case SQLITE_PERM:
        case SQLITE_CANTOPEN:
        case SQLITE_AUTH: return {"it cannot be opened", "check that the directory exists and may be read and written"};
        case SQLITE_IOERR:
            return {"reading or writing it failed",
                    "free space if the disk is full, else check it and the system's log"};
        case SQLITE_CORRUPT: return {"it is damaged", "restore it, with its .secret, from a backup"};
        case SQLITE_NOTADB:
            return {"it is not an SQLite database",
                    "name another file; or if it was a store once, restore it, with its .secret, from a backup"};
        case SQLITE_NOMEM: return {"there is no memory left", "free memory"};
        case SQLITE_TOOBIG: return {"an answer is larger than SQLite can store", "ask for shorter answers"};
        case SQLITE_PROTOCOL:
            return {"its locks do not work", "keep it on a local file system; network file systems do not do"};
        default: return {"SQLite refused", "see SQLite's message"};
    }
}

COFFER_INLINE std::string describe(std::string const& path, error const& e) {
    auto const why = explain(e.code());
    return "the store " + path + ": " + why.what + "; " + why.remedy + " (SQLite " + std::to_string(e.code()) + ": " +
           e.what() + ")";
}

COFFER_INLINE fault unavailable(std::string const& path, std::exception_ptr const& why) noexcept {
    fault f{fault_kind::store_unavailable};
    if (!why) return f;
    try {
        try {
            std::rethrow_exception(why);
        } catch (error const& e) {
            f.with_message(describe(path, e));
        } catch (std::exception const& e) {
            f.with_message("the store " + path + ": " + e.what());
        }
    } catch (...) {
    }
    return f;
}

COFFER_INLINE bool may_pass(std::exception_ptr const& why) noexcept {
    try {
        std::rethrow_exception(why);
    } catch (error const& e) {
        return e.primary() != SQLITE_TOOBIG && e.primary() != SQLITE_CONSTRAINT && e.primary() != SQLITE_MISMATCH;
    } catch (std::bad_alloc const&) {
        return true;
    } catch (crypto::failure const&) {
        return true;
    } catch (...) {
        return false;
    }
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
