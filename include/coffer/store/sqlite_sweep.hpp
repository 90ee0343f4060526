// SPDX-License-Identifier: BSL-1.0
#pragma once
// Records whose time is over, brought by the rules to what time has made of them, a few per transaction.
//
// A rule applies expiry whenever it looks at a record; this is for the records that nobody looks at any more. Pages
// that become free are used again by the file; it does not get smaller (see sqlite_compact.hpp).

#include <coffer/state/record_machine.hpp>
#include <coffer/store/sqlite_connection.hpp>
#include <coffer/store/sqlite_working_set.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

namespace coffer::inline COFFER_ABI::sqlite {

/// What collecting has found.
struct collected {
    std::size_t removed = 0;  ///< records that are gone: acknowledged or without a send long ago, or only cached
    std::size_t expired = 0;  ///< answers that nobody acknowledged in time: their payload is gone, the record says so
    std::size_t lapsed = 0;  ///< stored faults that are no longer replayed
    std::size_t jobs = 0;  ///< jobs that are done, or that nobody has run, for long: their runs are forgotten
    std::int64_t bytes = 0;  ///< of answers that are gone; the file uses their room again
    /// The numbers of both.
    collected& operator+=(collected const& other) noexcept;
};

namespace detail {

/// How far a walk over what is due has come, oldest first.
struct sweep_place {
    std::pair<std::int64_t, std::int64_t> after{std::numeric_limits<std::int64_t>::min(), 0};  // expires, records.id
    bool over = false;
};
struct swept {
    collected done;
    sweep_place place;
};

/// Used by the store's thread.
class sweep {
public:
    explicit sweep(connection& db) : db_{db} {}

    /// Is anything due? Reads only.
    [[nodiscard]] bool any(std::chrono::system_clock::time_point now) const;

    /// One batch, within a transaction: so few rows and bytes that a caller's job behind it hardly waits. A record that
    /// is still being worked on, or that cannot be read, is passed over until the next walk.
    swept some(working_set& records, sweep_place from, record_moment at, record_machine::owner_is_dead const& dead);

private:
    struct due {
        std::int64_t expires = 0;
        std::int64_t row = 0;
        record_id id;
    };
    static constexpr std::size_t most_rows = 100;
    static constexpr std::int64_t most_bytes = 1 << 20;

    static std::int64_t nanoseconds(std::chrono::system_clock::time_point t) noexcept;

    void apply(working_set& records, record_id const& id, record_moment at, record_machine::owner_is_dead const& dead,
               collected& done);

    connection& db_;
    statement next_{db_,
                    "SELECT expires, id, ns, key FROM records WHERE expires<=?1 AND (expires, id)>(?2, ?3) "
                    "ORDER BY expires, id LIMIT ?4"};
    statement bytes_{db_,
                     "SELECT coalesce(sum(length(a.body)), 0) FROM sends s JOIN answers a ON a.id=s.answer "
                     "WHERE s.record=?"};
};

}  // namespace detail
}  // namespace coffer::inline COFFER_ABI::sqlite

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_sweep.ipp>
#endif
