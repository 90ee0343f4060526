// SPDX-License-Identifier: BSL-1.0
#pragma once
// How large a store's file may grow, and the part of it that is kept for answers which are paid for.

#include <coffer/base/fault.hpp>
#include <coffer/store/sqlite_connection.hpp>
#include <coffer/store/sqlite_schema.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// Bytes for people.
[[nodiscard]] inline std::string bytes_in_words(std::int64_t bytes) {
    constexpr std::int64_t kib = 1024;
    auto const in = [&](std::int64_t unit, char const* name) {
        auto const tenths = bytes / unit * 10 + bytes % unit * 10 / unit;
        return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " " + name;
    };
    if (bytes >= kib * kib * kib) return in(kib * kib * kib, "GiB");
    if (bytes >= kib * kib) return in(kib * kib, "MiB");
    if (bytes >= kib) return in(kib, "KiB");
    return std::to_string(bytes) + " bytes";
}

/// The limit of a file's size. The last sixteenth is for answers: what could lead to a send is refused before that.
///
/// Counted are pages of the file that hold nothing yet, whether it has grown to them or not. Used by the store's thread.
class room {
public:
    static constexpr std::int64_t least = 1 << 20;

    /// Sets SQLite's own limit. `max_bytes` 0: none. Throws `std::invalid_argument` for less than `least`. A file that
    /// is larger already stays as it is, and does not grow.
    room(connection& db, std::string path, std::int64_t max_bytes) : path_{std::move(path)}, max_bytes_{max_bytes} {
        if (max_bytes == 0) return;
        if (max_bytes < least)
            throw std::invalid_argument{"coffer::sqlite: options.max_bytes is " + std::to_string(max_bytes) +
                                        "; a store needs " + std::to_string(least) +
                                        " at least (about twice what its answers take), or 0 for no limit"};
        page_size_ = ask(db, "PRAGMA page_size");
        most_pages_ = max_bytes / page_size_;
        db.run(("PRAGMA max_page_count=" + std::to_string(most_pages_)).c_str());
        used_.emplace(db, "PRAGMA page_count");
        free_.emplace(db, "PRAGMA freelist_count");
    }

    /// Is what is left needed for answers that are on their way? Cheap where there is no limit.
    [[nodiscard]] bool is_short() const { return used_ && left() < max_bytes_ / 16; }
    [[nodiscard]] fault refusal() const {
        return fault{fault_kind::store_unavailable,
                     "the store " + path_ + " is full: of the " + bytes_in_words(max_bytes_) +
                         " that it may have (options.max_bytes) " + bytes_in_words(left()) +
                         " are left, which are kept for answers on their way. Acknowledge results, run `coffer gc`, "
                         "or allow it more"}
            .with_code("store_full");
    }

private:
    [[nodiscard]] std::int64_t left() const {
        auto const used = used_->with();
        auto const free = free_->with();
        auto const pages = used.next() ? used.integer() : 0;
        return (std::max<std::int64_t>(most_pages_ - pages, 0) + (free.next() ? free.integer() : 0)) * page_size_;
    }

    std::string path_;
    std::int64_t max_bytes_;
    std::int64_t page_size_ = 0;
    std::int64_t most_pages_ = 0;
    std::optional<statement> used_;
    std::optional<statement> free_;
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
