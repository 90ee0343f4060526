// SPDX-License-Identifier: BSL-1.0
#pragma once
// How large a store's file may grow, and the part of it that is kept for answers which are paid for.

#include <coffer/base/fault.hpp>
#include <coffer/store/sqlite_connection.hpp>
#include <coffer/store/sqlite_schema.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// Bytes for people.
[[nodiscard]] std::string bytes_in_words(std::int64_t bytes);

/// The limit of a file's size. The last sixteenth is for answers: what could lead to a send is refused before that.
///
/// Counted are pages of the file that hold nothing yet, whether it has grown to them or not. Used by the store's thread.
class room {
public:
    static constexpr std::int64_t least = 1 << 20;

    /// Sets SQLite's own limit. `max_bytes` 0: none. Throws `std::invalid_argument` for less than `least`. A file that
    /// is larger already stays as it is, and does not grow.
    room(connection& db, std::string path, std::int64_t max_bytes);

    /// Is what is left needed for answers that are on their way? Cheap where there is no limit.
    [[nodiscard]] bool is_short() const { return used_ && left() < max_bytes_ / 16; }
    [[nodiscard]] fault refusal() const;

private:
    [[nodiscard]] std::int64_t left() const;

    std::string path_;
    std::int64_t max_bytes_;
    std::int64_t page_size_ = 0;
    std::int64_t most_pages_ = 0;
    std::optional<statement> used_;
    std::optional<statement> free_;
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_room.ipp>
#endif
