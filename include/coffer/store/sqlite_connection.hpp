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
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
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
    connection(std::string path, std::chrono::milliseconds patience, access may = access::write)
        : path_{std::move(path)}, place_{path_}, patience_{patience}, use_{identify(path_), path_} {
        if (sqlite3_threadsafe() == 0)
            throw std::runtime_error{"coffer::sqlite: this SQLite was built without threads; use another build"};
        sqlite3* opened = nullptr;
        auto const mode = may == access::read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
        auto const code =
            sqlite3_open_v2(path_.c_str(), &opened, mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, nullptr);
        handle_.reset(opened);
        if (code != SQLITE_OK) fail(code);
        sqlite3_extended_result_codes(opened, 1);
        sqlite3_busy_handler(opened, &connection::on_busy, this);
        if (!place_.note_file()) fail(SQLITE_CANTOPEN);
    }
    connection(connection const&) = delete;
    connection& operator=(connection const&) = delete;
    ~connection() {
        if (is_inherited()) (void)handle_.release();
        else if (!place_.may_settle()) sqlite3_db_config(get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    }

    /// Is this a process that was forked off since?
    [[nodiscard]] bool is_inherited() const noexcept { return use_.is_inherited(); }
    /// Throws `std::runtime_error` if so.
    void check_process() const { use_.check(path_); }

    [[nodiscard]] sqlite3* get() const noexcept { return handle_.get(); }
    void run(char const* sql) const {
        if (auto const code = sqlite3_exec(get(), sql, nullptr, nullptr, nullptr); code != SQLITE_OK) fail(code);
    }
    [[nodiscard]] bool in_transaction() const noexcept { return sqlite3_get_autocommit(get()) == 0; }
    void roll_back() const noexcept {
        if (in_transaction()) sqlite3_exec(get(), "ROLLBACK", nullptr, nullptr, nullptr);
    }
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
    void check_place() const {
        auto const state = place_.now();
        if (state == place::state::file_moved)
            throw error{SQLITE_READONLY_DBMOVED, "the path names another file, an emptied one, or none"};
        if (state == place::state::log_moved) throw_log_moved();
    }
    [[nodiscard]] std::int64_t last_id() const noexcept { return sqlite3_last_insert_rowid(get()); }

    [[noreturn]] void fail(int code) const {
        auto const* const db = get();
        throw error{code, db != nullptr ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(code)};
    }

private:
    [[noreturn]] static void throw_log_moved() { throw error{log_moved, "its -wal or -shm is another file, or none"}; }

    struct close {
        void operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }
    };

    [[nodiscard]] static file_identity identify(std::string const& path) {
        if (auto const found = identity_of(path)) return *found;
        throw error{SQLITE_CANTOPEN, sqlite3_errstr(SQLITE_CANTOPEN)};
    }

    /// SQLite's own busy handler sleeps ever longer, up to 100 ms at a time: with several busy processes some would
    /// starve. Commits take a few milliseconds, so asking again after one or two is about right.
    static int on_busy(void* self, int asked) {
        auto& c = *static_cast<connection*>(self);
        auto const now = std::chrono::steady_clock::now();
        if (asked == 0) c.give_up_at_ = later(now, c.patience_);
        if (now >= c.give_up_at_ || now.time_since_epoch().count() >= c.latest_) return 0;
        std::this_thread::sleep_for(std::chrono::microseconds{500 + 250 * (asked % 7)});
        return 1;
    }

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
    statement(connection& db, std::string_view sql) : db_{db} {
        sqlite3_stmt* prepared = nullptr;
        auto const code = sqlite3_prepare_v3(db.get(), sql.data(), static_cast<int>(sql.size()),
                                             SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
        handle_.reset(prepared);
        if (code != SQLITE_OK) db.fail(code);
    }
    statement(statement const&) = delete;
    statement& operator=(statement const&) = delete;
    ~statement() {
        if (db_.is_inherited()) (void)handle_.release();
    }

    /// One run of the statement; the next one may begin when it is gone.
    class rows {
    public:
        explicit rows(statement const& s) noexcept : s_{&s} {}
        rows(rows const&) = delete;
        rows& operator=(rows const&) = delete;
        ~rows() {
            sqlite3_reset(s_->get());
            sqlite3_clear_bindings(s_->get());
        }

        /// Moves to the first or next row. False if there is none.
        [[nodiscard]] bool next() const {
            column_ = 0;
            auto const code = sqlite3_step(s_->get());
            if (code == SQLITE_ROW) return true;
            if (code != SQLITE_DONE) s_->db_.fail(code);
            return false;
        }

        // The columns of the current row, from left to right.
        [[nodiscard]] std::int64_t integer() const { return sqlite3_column_int64(s_->get(), column_++); }
        template <std::integral T>
        [[nodiscard]] T as() const {
            return static_cast<T>(integer());
        }
        [[nodiscard]] std::optional<std::int64_t> maybe_integer() const {
            if (sqlite3_column_type(s_->get(), column_) == SQLITE_NULL) return ++column_, std::nullopt;
            return integer();
        }
        /// Text or blob; empty for NULL. Valid until the next row.
        [[nodiscard]] std::string_view bytes() const {
            auto const* const data = sqlite3_column_blob(s_->get(), column_);
            auto const size = sqlite3_column_bytes(s_->get(), column_++);
            if (data == nullptr) return {};
            return {static_cast<char const*>(data), static_cast<std::size_t>(size)};
        }

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
    void check(int code) const {
        if (code == SQLITE_OK) return;
        sqlite3_clear_bindings(get());
        db_.fail(code);
    }
    template <std::integral T>
    void bind(int at, T value) const {
        check(sqlite3_bind_int64(get(), at, static_cast<std::int64_t>(value)));
    }
    void bind(int at, std::string_view text) const {
        check(sqlite3_bind_text64(get(), at, text.data() == nullptr ? "" : text.data(), text.size(), SQLITE_STATIC,
                                  SQLITE_UTF8));
    }
    void bind(int at, blob b) const {
        check(sqlite3_bind_blob64(get(), at, b.bytes.data() == nullptr ? "" : b.bytes.data(), b.bytes.size(),
                                  SQLITE_STATIC));
    }
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
