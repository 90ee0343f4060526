// SPDX-License-Identifier: BSL-1.0
#pragma once
// The transactions of a store's thread, and how many of them there were.

#include <coffer/store/sqlite_connection.hpp>
#include <coffer/store/sqlite_working_set.hpp>

#include <atomic>
#include <cstdint>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// Begins and ends them on the thread's connection. Everything throws `error` when SQLite fails.
class transactions {
public:
    transactions(connection& db, working_set& records) : db_{db}, records_{records} {}

    void begin();
    void commit();
    /// Needs no lock that another process could hold.
    void begin_reading() {
        db_.check_place();
        begin_reading_.run();
    }
    void end_reading() { commit_.run(); }
    /// Nothing of it has happened.
    void roll_back() noexcept {
        db_.roll_back();
        records_.forget();
    }

    /// Those that wrote something. Any thread.
    [[nodiscard]] std::uint64_t commits() const noexcept { return commits_; }

private:
    connection& db_;
    working_set& records_;
    statement begin_writing_{db_, "BEGIN IMMEDIATE"};
    statement begin_reading_{db_, "BEGIN"};
    statement commit_{db_, "COMMIT"};
    int changes_before_ = 0;
    std::atomic<std::uint64_t> commits_{0};
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_transactions.ipp>
#endif
