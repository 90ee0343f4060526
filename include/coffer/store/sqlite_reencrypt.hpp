// SPDX-License-Identifier: BSL-1.0
#pragma once
// Brings the bodies that a store's file holds under the current key: after a change of keys, or when encryption begins.
//
//     auto const done = coffer::sqlite::reencrypt("coffer.db", keys);    // beside programs that use the store

#include <coffer/crypto/key_ring.hpp>
#include <coffer/store/sqlite_bodies.hpp>
#include <coffer/store/sqlite_compact.hpp>  // empty_log
#include <coffer/store/sqlite_reader.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace coffer::inline COFFER_ABI::sqlite {

/// What `reencrypt` found.
struct reencrypted {
    std::uint64_t rewritten = 0;  ///< bodies that are under the current key now
    std::uint64_t current = 0;  ///< stood under the current key already
};

/// How `reencrypt` goes about it.
struct reencrypt_options {
    int batch = 64;  ///< bodies in one transaction: other writers of the file wait for one batch at most
    std::chrono::milliseconds busy_timeout{5000};  ///< waiting for other processes' commits
};

namespace detail {

class reencryption {
public:
    reencryption(connection& db, std::shared_ptr<crypto::key_ring const> keys);

    /// One transaction. False when all have been seen.
    bool batch(int size, reencrypted& count);

private:
    struct changed {
        std::int64_t id;
        std::string bytes;
    };
    int rewrite(int size, reencrypted& count);

    connection& db_;
    body_codec bodies_;
    std::int64_t record_ = 0;
    std::int64_t number_ = 0;
    statement begin_{db_, "BEGIN IMMEDIATE"};
    statement commit_{db_, "COMMIT"};
    statement next_{db_,
                    "SELECT s.record, s.number, a.id, r.key, a.codec, a.body FROM sends s JOIN records r ON "
                    "r.id=s.record JOIN answers a ON a.id=s.answer WHERE (s.record, s.number)>(?, ?) "
                    "ORDER BY s.record, s.number LIMIT ?"};
    statement update_{db_, "UPDATE answers SET codec=?, body=? WHERE id=?"};
};

}  // namespace detail

/// Encrypts every body of the store in `file` that does not stand under the current key of `keys` yet.
///
/// Other processes may go on using the store, if they were given the current key already. What stood in the file before is
/// overwritten (secure_delete, and the write-ahead log is emptied if nobody reads from it); copies elsewhere, backups among
/// them, are not. Blocks; not for an event loop. Can be repeated: it goes on where it was interrupted.
///
/// Throws `std::invalid_argument` for no keys or a batch of none; `std::runtime_error`, which says what to do, for a file
/// that cannot be used or a body that cannot be read. What was rewritten before stays.
reencrypted reencrypt(std::filesystem::path const& file, std::shared_ptr<crypto::key_ring const> const& keys,
                      reencrypt_options o = {});

}  // namespace coffer::inline COFFER_ABI::sqlite

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_reencrypt.ipp>
#endif
