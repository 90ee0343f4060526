// SPDX-License-Identifier: BSL-1.0
#pragma once
// SQLite's C interface as C++: a connection, its prepared statements, and errors that carry SQLite's code.

#include <coffer/base/later.hpp>
#include <coffer/store/sqlite_fork.hpp>
#include <coffer/store/sqlite_place.hpp>

#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#if SQLITE_VERSION_NUMBER < 3035000
#error \
    "coffer::sqlite needs SQLite 3.35 or newer; this one is older. libsqlite3-dev of Debian 12 or Ubuntu 24.04 will do; for a store without SQLite there is coffer/store/memory.hpp"
#endif

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// What SQLite reports, with its extended code.
class error : public std::runtime_error {
public:
    error(int code, std::string const& what) : std::runtime_error{what}, code_{code} {}
    [[nodiscard]] int code() const noexcept { return code_; }
    [[nodiscard]] int primary() const noexcept { return code_ & 0xff; }

private:
    int code_;
};

/// A code of our own: the log was moved away (SQLite itself does not notice).
inline constexpr int log_moved = SQLITE_READONLY | (0x7f << 8);

/// A blob that is bound without being copied; it must outlive the statement's run.
struct blob {
    std::string_view bytes;
};
template <class Bytes>
[[nodiscard]] blob as_blob(Bytes const& bytes) noexcept {
    return {{reinterpret_cast<char const*>(bytes.data()), bytes.size()}};
}

/// What a connection may do.
enum class access : std::uint8_t { read, write };

/// One connection, used by one thread at a time, and only by the process that has opened it: in one that is forked off
/// meanwhile it is left alone, not even closed.
class connection {
public:
    /// Opens an existing file. Waits up to `patience` for locks that others hold, now and later. Throws `error`, and
    /// `std::runtime_error` in a process that was forked off while its parent had the file open.
    connection(std::string path, std::chrono::milliseconds patience, access may = access::write);
    connection(connection const&) = delete;
    connection& operator=(connection const&) = delete;
    ~connection();

    /// Is this a process that was forked off since?
    [[nodiscard]] bool is_inherited() const noexcept { return use_.is_inherited(); }
    /// Throws `std::runtime_error` if so.
    void check_process() const { use_.check(path_); }

    [[nodiscard]] sqlite3* get() const noexcept { return handle_.get(); }
    void run(char const* sql) const;
    [[nodiscard]] bool in_transaction() const noexcept { return sqlite3_get_autocommit(get()) == 0; }
    void roll_back() const noexcept;
    /// Waits so long from now on; the patience it had. The connection's thread.
    std::chrono::milliseconds set_patience(std::chrono::milliseconds p) noexcept { return std::exchange(patience_, p); }
    /// From now on nobody is waited for after `when`. Any thread.
    void give_up_by(std::chrono::steady_clock::time_point when) noexcept { latest_ = when.time_since_epoch().count(); }
    /// In WAL mode, after something was read: from now on the log is watched, too.
    void watch_log() {
        if (!place_.note_log()) throw_log_moved();
    }
    [[nodiscard]] std::string const& path() const noexcept { return path_; }
    /// Throws if the paths no longer name the files that are open: what were written now would be lost.
    void check_place() const;
    [[nodiscard]] std::int64_t last_id() const noexcept { return sqlite3_last_insert_rowid(get()); }

    [[noreturn]] void fail(int code) const;

private:
    [[noreturn]] static void throw_log_moved();

    struct close {
        void operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }
    };

    [[nodiscard]] static file_identity identify(std::string const& path);

    /// SQLite's own busy handler sleeps ever longer, up to 100 ms at a time: with several busy processes some would
    /// starve. Commits take a few milliseconds, so asking again after one or two is about right.
    static int on_busy(void* self, int asked);

    std::string const path_;
    place place_;
    std::chrono::milliseconds patience_;
    file_use use_;  // ends after the connection
    std::chrono::steady_clock::time_point give_up_at_{};
    std::atomic<std::chrono::steady_clock::rep> latest_{std::numeric_limits<std::chrono::steady_clock::rep>::max()};
    std::unique_ptr<sqlite3, close> handle_;
};

/// A prepared statement, kept for the connection's life.
class statement {
public:
    statement(connection& db, std::string_view sql);
    statement(statement const&) = delete;
    statement& operator=(statement const&) = delete;
    ~statement();

    /// One run of the statement; the next one may begin when it is gone.
    class rows {
    public:
        explicit rows(statement const& s) noexcept : s_{&s} {}
        rows(rows const&) = delete;
        rows& operator=(rows const&) = delete;
        ~rows();

        /// Moves to the first or next row. False if there is none.
        [[nodiscard]] bool next() const;

        // The columns of the current row, from left to right.
        [[nodiscard]] std::int64_t integer() const { return sqlite3_column_int64(s_->get(), column_++); }
        template <std::integral T>
        [[nodiscard]] T as() const {
            return static_cast<T>(integer());
        }
        [[nodiscard]] std::optional<std::int64_t> maybe_integer() const;
        /// Text or blob; empty for NULL. Valid until the next row.
        [[nodiscard]] std::string_view bytes() const;

    private:
        statement const* s_;
        mutable int column_ = 0;
    };

    /// Begins a run with `values` for its parameters.
    template <class... Values>
    [[nodiscard]] rows with(Values const&... values) const {
        int index = 0;
        (bind(++index, values), ...);
        return rows{*this};
    }
    /// Runs it to its end.
    template <class... Values>
    void run(Values const&... values) const {
        auto const r = with(values...);
        while (r.next()) {
        }
    }

private:
    struct finalize {
        void operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }
    };

    [[nodiscard]] sqlite3_stmt* get() const noexcept { return handle_.get(); }
    void check(int code) const;
    template <std::integral T>
    void bind(int at, T value) const {
        check(sqlite3_bind_int64(get(), at, static_cast<std::int64_t>(value)));
    }
    void bind(int at, std::string_view text) const;
    void bind(int at, blob b) const;
    void bind(int at, std::nullopt_t) const { check(sqlite3_bind_null(get(), at)); }
    template <class T>
    void bind(int at, std::optional<T> const& value) const {
        if (value) bind(at, *value);
        else bind(at, std::nullopt);
    }

    connection& db_;
    std::unique_ptr<sqlite3_stmt, finalize> handle_;
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_connection.ipp>
#endif
