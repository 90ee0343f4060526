// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_room.hpp.

#include <coffer/store/sqlite_room.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE std::string bytes_in_words(std::int64_t bytes) {
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

COFFER_INLINE room::room(connection& db, std::string path, std::int64_t max_bytes)
    : path_{std::move(path)}, max_bytes_{max_bytes} {
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

COFFER_INLINE fault room::refusal() const {
    return fault{fault_kind::store_unavailable,
                 "the store " + path_ + " is full: of the " + bytes_in_words(max_bytes_) +
                     " that it may have (options.max_bytes) " + bytes_in_words(left()) +
                     " are left, which are kept for answers on their way. Acknowledge results, run `coffer gc`, "
                     "or allow it more"}
        .with_code("store_full");
}

COFFER_INLINE std::int64_t room::left() const {
    auto const used = used_->with();
    auto const free = free_->with();
    auto const pages = used.next() ? used.integer() : 0;
    return (std::max<std::int64_t>(most_pages_ - pages, 0) + (free.next() ? free.integer() : 0)) * page_size_;
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
