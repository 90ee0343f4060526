// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a store's file holds, in numbers: what to draw and what to raise an alarm on.
//
//     coffer::sqlite::survey const s = coffer::sqlite::look("coffer.db");
//     if (s.unresolved > 0) ...

#include <coffer/base/money.hpp>
#include <coffer/store/record_text.hpp>
#include <coffer/store/sqlite_reader.hpp>
#include <coffer/store/sqlite_spooled.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>

namespace coffer::inline COFFER_ABI::sqlite {

/// A store's file in numbers. Times of expiry are the file's trusted time.
struct survey {
    std::int64_t format = 0;  ///< of the file; a newer one is refused
    std::array<std::size_t, 9> by_state{};  ///< as they stand in the file, by `record_state`
    std::size_t records = 0;  ///< of any state
    std::size_t unreadable = 0;      ///< in a state that this coffer does not know
    std::size_t unresolved = 0;      ///< wait for an operator
    std::size_t in_progress = 0;     ///< somebody is working on them
    std::size_t due = 0;             ///< their time is over, and they have not been cleared away yet
    std::size_t sends = 0;           ///< not proven unbilled
    money known_cost{};              ///< of the sends whose cost is known
    std::size_t unknown_costs = 0;   ///< sends whose cost is not known
    std::size_t unacknowledged = 0;  ///< accepted answers that nobody has acknowledged yet (cached ones aside)
    std::optional<std::chrono::system_clock::time_point> oldest_unacknowledged;  ///< accepted then
    std::size_t stopped_jobs = 0;  ///< wait for an operator to reopen them
    std::size_t frozen = 0;        ///< scopes in which nothing is sent until somebody thaws them
    std::size_t alarms_due = 0;    ///< found, and not delivered to everybody yet
    std::optional<std::chrono::system_clock::time_point> alarms_looked;  ///< the last look for alarms, to the minute
    std::size_t answers = 0;  ///< bodies that are kept
    std::int64_t answer_bytes = 0;  ///< of those bodies
    std::int64_t file_bytes = 0;  ///< without its log
    std::int64_t free_bytes = 0;  ///< of the file, to be used again
    std::int64_t log_bytes = 0;   ///< of the write-ahead log (-wal)
    std::size_t processes = 0;    ///< have it open
    std::chrono::nanoseconds
        clock_ahead{};  ///< this process's wall clock, of the file's trusted time; negative: behind
    /// By so much at least a program's wall clock has been ahead (0: none is), too far to be believed before it has been so
    /// for a day; and for how long it has.
    std::chrono::nanoseconds clock_doubted{};
    std::chrono::nanoseconds clock_doubted_for{};  ///< zero: none is
    std::size_t spooled = 0;  ///< answers that the file would not take yet, in files of their own (.spool)
};

/// Looks at a store's file beside the processes that use it. Throws `std::runtime_error`, which says what to do.
[[nodiscard]] survey look(std::filesystem::path const& file);

}  // namespace coffer::inline COFFER_ABI::sqlite

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_survey.ipp>
#endif
