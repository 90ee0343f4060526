// SPDX-License-Identifier: BSL-1.0
#pragma once
// Is anything of what was deleted still in the file? Traces of it are taken before, and looked for afterwards.

#include <coffer/store/sqlite_connection.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_set>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// Pieces of 24 bytes of what is going to be deleted, by their hashes. One KiB apart, so that whatever page of an answer
/// should be left behind holds one of them whole.
class traces {
public:
    static constexpr std::size_t width = 24;
    static constexpr std::size_t step = 1024;

    void add(std::string_view bytes);
    [[nodiscard]] std::size_t size() const noexcept { return hashes_.size(); }

    /// Where `bytes` holds one of them, from `from` on; npos if it holds none.
    [[nodiscard]] std::size_t find_in(std::string_view bytes, std::size_t from) const;

private:
    static constexpr std::uint64_t base = 0x9e3779b97f4a7c15;
    static constexpr std::uint64_t top = [] {
        std::uint64_t p = 1;
        for (std::size_t i = 1; i < width; ++i) p *= base;
        return p;
    }();
    static std::uint64_t value(char c) noexcept { return static_cast<unsigned char>(c) + 1U; }
    static std::uint64_t hash(std::string_view piece) noexcept;
    /// Zeros and spaces are everywhere.
    static bool is_telling(std::string_view piece) noexcept;

    std::unordered_set<std::uint64_t> hashes_;
};

/// The file's bytes, read through SQLite's own descriptor: closing another one would drop this process's locks on it.
class raw_file {
public:
    explicit raw_file(connection& db);
    /// The next bytes behind what `into` holds the last of; false at the end.
    [[nodiscard]] bool next(std::string& into, connection& db);

private:
    static constexpr sqlite3_int64 most = 1 << 20;
    sqlite3_file* file_ = nullptr;
    sqlite3_int64 size_ = 0;
    sqlite3_int64 at_ = 0;
};

/// The pieces of 24 bytes of the file and its log that are traces of what was deleted, and stand in no answer that is
/// still kept (two answers may be alike).
[[nodiscard]] std::size_t count_remains(connection& db, std::filesystem::path const& path, traces const& t);

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_remains.ipp>
#endif
