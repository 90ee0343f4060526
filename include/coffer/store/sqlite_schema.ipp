// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_schema.hpp.

#include <coffer/store/sqlite_schema.hpp>

#include <stdexcept>
#include <thread>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE std::int64_t ask(connection& db, char const* sql) {
    statement const s{db, sql};
    auto const row = s.with();
    return row.next() ? row.integer() : 0;
}

COFFER_INLINE file_format recognise(connection& db, std::string const& path) {
    auto const application = ask(db, "PRAGMA application_id");
    auto const version = ask(db, "PRAGMA user_version");
    if (application == 0 && ask(db, "SELECT count(*) FROM sqlite_master") == 0) return {true, 0};
    if (application != application_id)
        throw std::runtime_error{"coffer::sqlite: " + path +
                                 " is a database, but none of coffer's; name another file for the store"};
    if (version > format_version)
        throw std::runtime_error{"coffer::sqlite: " + path + " has format " + std::to_string(version) +
                                 ", made by a newer coffer; this one knows formats up to " +
                                 std::to_string(format_version) + ". Update coffer in this program"};
    return {false, version};
}

COFFER_INLINE void configure(connection& db, std::chrono::milliseconds patience) {
    for (auto const give_up = later(std::chrono::steady_clock::now(), patience);;) {
        try {
            statement const wal{db, "PRAGMA journal_mode=WAL"};
            auto const row = wal.with();
            if (!row.next() || row.bytes() != "wal")
                throw std::runtime_error{
                    "coffer::sqlite: SQLite cannot use its write-ahead log here; keep the store on a local file "
                    "system"};
            break;
        } catch (error const& e) {
            if (e.primary() != SQLITE_BUSY || std::chrono::steady_clock::now() > give_up) throw;
            std::this_thread::sleep_for(std::chrono::milliseconds{2});
        }
    }
    // FULL: what was acknowledged survives a power cut. Checkpoints are rare, because a commit waits for them.
    db.run("PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=16000; PRAGMA trusted_schema=OFF");
}

COFFER_INLINE void migrate(connection& db, std::string const& path, std::string const& secret_id) {
    db.run("BEGIN IMMEDIATE");
    try {
        auto const found = recognise(db, path);  // again: another process may have been first
        for (auto step = found.version; step < format_version; ++step)
            db.run(format_steps[static_cast<std::size_t>(step)]);
        if (found.empty) {
            db.run(("PRAGMA application_id=" + std::to_string(application_id)).c_str());
            statement{db, "INSERT INTO meta(name, value) VALUES('secret_id', ?), ('token', 0)"}.run(as_blob(secret_id));
        }
        if (found.version != format_version) db.run(("PRAGMA user_version=" + std::to_string(format_version)).c_str());
        db.run("COMMIT");
    } catch (...) {
        db.roll_back();
        throw;
    }
}

COFFER_INLINE std::string stored_secret_id(connection& db) {
    statement const s{db, "SELECT value FROM meta WHERE name='secret_id'"};
    auto const row = s.with();
    return row.next() ? std::string{row.bytes()} : std::string{};
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
