// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_remains.hpp.

#include <coffer/store/sqlite_remains.hpp>

#include <algorithm>
#include <bitset>
#include <fstream>
#include <vector>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE void traces::add(std::string_view bytes) {
    for (std::size_t at = 0; at + width <= bytes.size(); at += step) {
        auto const piece = bytes.substr(at, width);
        if (is_telling(piece)) hashes_.insert(hash(piece));
    }
    if (bytes.size() > width && is_telling(bytes.substr(bytes.size() - width)))
        hashes_.insert(hash(bytes.substr(bytes.size() - width)));
}

COFFER_INLINE std::size_t traces::find_in(std::string_view bytes, std::size_t from) const {
    if (bytes.size() < width || from > bytes.size() - width || hashes_.empty()) return std::string_view::npos;
    auto h = hash(bytes.substr(from, width));
    for (auto at = from;; ++at) {
        if (hashes_.contains(h)) return at;
        if (at + width >= bytes.size()) return std::string_view::npos;
        h = (h - value(bytes[at]) * top) * base + value(bytes[at + width]);
    }
}

COFFER_INLINE std::uint64_t traces::hash(std::string_view piece) noexcept {
    std::uint64_t h = 0;
    for (char const c : piece) h = h * base + value(c);
    return h;
}

COFFER_INLINE bool traces::is_telling(std::string_view piece) noexcept {
    std::bitset<256> seen;
    for (char const c : piece) seen.set(static_cast<unsigned char>(c));
    return seen.count() >= 8;
}

COFFER_INLINE raw_file::raw_file(connection& db) {
    if (auto const code = sqlite3_file_control(db.get(), "main", SQLITE_FCNTL_FILE_POINTER, &file_); code != SQLITE_OK)
        db.fail(code);
    if (auto const code = file_->pMethods->xFileSize(file_, &size_); code != SQLITE_OK) db.fail(code);
}

COFFER_INLINE bool raw_file::next(std::string& into, connection& db) {
    auto const left = size_ - at_;
    if (left <= 0) return false;
    auto const n = static_cast<int>(std::min<sqlite3_int64>(left, most));
    auto const kept = into.size();
    into.resize(kept + static_cast<std::size_t>(n));
    auto const code = file_->pMethods->xRead(file_, into.data() + kept, n, at_);
    if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ) db.fail(code);
    at_ += n;
    return true;
}

COFFER_INLINE std::size_t count_remains(connection& db, std::filesystem::path const& path, traces const& t) {
    std::unordered_set<std::string> found;
    auto const search = [&](std::string& window) {
        for (auto at = t.find_in(window, 0); at != std::string::npos; at = t.find_in(window, at + 1))
            found.insert(window.substr(at, traces::width));
        if (window.size() >= traces::width) window.erase(0, window.size() - (traces::width - 1));
    };
    std::string window;
    for (raw_file file{db}; file.next(window, db);) search(window);
    window.clear();
    std::ifstream log{path.string() + "-wal", std::ios::binary};  // SQLite holds no lock on it
    std::vector<char> block(1 << 20);
    while (log.read(block.data(), static_cast<std::streamsize>(block.size())), log.gcount() > 0) {
        window.append(block.data(), static_cast<std::size_t>(log.gcount()));
        search(window);
    }
    statement const elsewhere{db, "SELECT 1 FROM answers WHERE instr(body, ?)>0 LIMIT 1"};
    std::size_t remains = 0;
    for (auto const& piece : found) {
        auto const r = elsewhere.with(as_blob(piece));
        remains += r.next() ? 0U : 1U;
    }
    return remains;
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
