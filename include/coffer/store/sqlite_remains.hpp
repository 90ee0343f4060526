// SPDX-License-Identifier: BSL-1.0
#pragma once
// Is anything of what was deleted still in the file? Traces of it are taken before, and looked for afterwards.

#include <coffer/store/sqlite_connection.hpp>

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// Pieces of 24 bytes of what is going to be deleted, by their hashes. One KiB apart, so that whatever page of an answer
/// should be left behind holds one of them whole.
class traces {
public:
    static constexpr std::size_t width = 24;
    static constexpr std::size_t step = 1024;

    void add(std::string_view bytes) {
        for (std::size_t at = 0; at + width <= bytes.size(); at += step) {
            auto const piece = bytes.substr(at, width);
            if (is_telling(piece)) hashes_.insert(hash(piece));
        }
        if (bytes.size() > width && is_telling(bytes.substr(bytes.size() - width)))
            hashes_.insert(hash(bytes.substr(bytes.size() - width)));
    }
    [[nodiscard]] std::size_t size() const noexcept { return hashes_.size(); }

    /// Where `bytes` holds one of them, from `from` on; npos if it holds none.
    [[nodiscard]] std::size_t find_in(std::string_view bytes, std::size_t from) const {
        if (bytes.size() < width || from > bytes.size() - width || hashes_.empty()) return std::string_view::npos;
        auto h = hash(bytes.substr(from, width));
        for (auto at = from;; ++at) {
            if (hashes_.contains(h)) return at;
            if (at + width >= bytes.size()) return std::string_view::npos;
            h = (h - value(bytes[at]) * top) * base + value(bytes[at + width]);
        }
    }

private:
    static constexpr std::uint64_t base = 0x9e3779b97f4a7c15;
    static constexpr std::uint64_t top = [] {
        std::uint64_t p = 1;
        for (std::size_t i = 1; i < width; ++i) p *= base;
        return p;
    }();
    static std::uint64_t value(char c) noexcept { return static_cast<unsigned char>(c) + 1U; }
    static std::uint64_t hash(std::string_view piece) noexcept {
        std::uint64_t h = 0;
        for (char const c : piece) h = h * base + value(c);
        return h;
    }
    /// Zeros and spaces are everywhere.
    static bool is_telling(std::string_view piece) noexcept {
        std::bitset<256> seen;
        for (char const c : piece) seen.set(static_cast<unsigned char>(c));
        return seen.count() >= 8;
    }

    std::unordered_set<std::uint64_t> hashes_;
};

/// The file's bytes, read through SQLite's own descriptor: closing another one would drop this process's locks on it.
class raw_file {
public:
    explicit raw_file(connection& db) {
        if (auto const code = sqlite3_file_control(db.get(), "main", SQLITE_FCNTL_FILE_POINTER, &file_);
            code != SQLITE_OK)
            db.fail(code);
        if (auto const code = file_->pMethods->xFileSize(file_, &size_); code != SQLITE_OK) db.fail(code);
    }
    /// The next bytes behind what `into` holds the last of; false at the end.
    [[nodiscard]] bool next(std::string& into, connection& db) {
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

private:
    static constexpr sqlite3_int64 most = 1 << 20;
    sqlite3_file* file_ = nullptr;
    sqlite3_int64 size_ = 0;
    sqlite3_int64 at_ = 0;
};

/// The pieces of 24 bytes of the file and its log that are traces of what was deleted, and stand in no answer that is
/// still kept (two answers may be alike).
[[nodiscard]] inline std::size_t count_remains(connection& db, std::filesystem::path const& path, traces const& t) {
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
