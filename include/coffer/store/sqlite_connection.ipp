// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_connection.hpp.

#include <coffer/store/sqlite_connection.hpp>

#include <thread>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE connection::connection(std::string path, std::chrono::milliseconds patience, access may)
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

COFFER_INLINE connection::~connection() {
    if (is_inherited()) (void)handle_.release();
    else if (!place_.may_settle()) sqlite3_db_config(get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

COFFER_INLINE void connection::run(char const* sql) const {
    if (auto const code = sqlite3_exec(get(), sql, nullptr, nullptr, nullptr); code != SQLITE_OK) fail(code);
}

COFFER_INLINE void connection::roll_back() const noexcept {
    if (in_transaction()) sqlite3_exec(get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

COFFER_INLINE void connection::check_place() const {
    auto const state = place_.now();
    if (state == place::state::file_moved)
        throw error{SQLITE_READONLY_DBMOVED, "the path names another file, an emptied one, or none"};
    if (state == place::state::log_moved) throw_log_moved();
}

COFFER_INLINE void connection::fail(int code) const {
    auto const* const db = get();
    throw error{code, db != nullptr ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(code)};
}

COFFER_INLINE void connection::throw_log_moved() {
    throw error{log_moved, "its -wal or -shm is another file, or none"};
}

COFFER_INLINE file_identity connection::identify(std::string const& path) {
    if (auto const found = identity_of(path)) return *found;
    throw error{SQLITE_CANTOPEN, sqlite3_errstr(SQLITE_CANTOPEN)};
}

COFFER_INLINE int connection::on_busy(void* self, int asked) {
    auto& c = *static_cast<connection*>(self);
    auto const now = std::chrono::steady_clock::now();
    if (asked == 0) c.give_up_at_ = later(now, c.patience_);
    if (now >= c.give_up_at_ || now.time_since_epoch().count() >= c.latest_) return 0;
    std::this_thread::sleep_for(std::chrono::microseconds{500 + 250 * (asked % 7)});
    return 1;
}

COFFER_INLINE statement::statement(connection& db, std::string_view sql) : db_{db} {
    sqlite3_stmt* prepared = nullptr;
    auto const code = sqlite3_prepare_v3(db.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                         &prepared, nullptr);
    handle_.reset(prepared);
    if (code != SQLITE_OK) db.fail(code);
}

COFFER_INLINE statement::~statement() {
    if (db_.is_inherited()) (void)handle_.release();
}

COFFER_INLINE statement::rows::~rows() {
    sqlite3_reset(s_->get());
    sqlite3_clear_bindings(s_->get());
}

COFFER_INLINE bool statement::rows::next() const {
    column_ = 0;
    auto const code = sqlite3_step(s_->get());
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) s_->db_.fail(code);
    return false;
}

COFFER_INLINE std::optional<std::int64_t> statement::rows::maybe_integer() const {
    if (sqlite3_column_type(s_->get(), column_) == SQLITE_NULL) return ++column_, std::nullopt;
    return integer();
}

COFFER_INLINE std::string_view statement::rows::bytes() const {
    auto const* const data = sqlite3_column_blob(s_->get(), column_);
    auto const size = sqlite3_column_bytes(s_->get(), column_++);
    if (data == nullptr) return {};
    return {static_cast<char const*>(data), static_cast<std::size_t>(size)};
}

COFFER_INLINE void statement::check(int code) const {
    if (code == SQLITE_OK) return;
    sqlite3_clear_bindings(get());
    db_.fail(code);
}

COFFER_INLINE void statement::bind(int at, std::string_view text) const {
    check(sqlite3_bind_text64(get(), at, text.data() == nullptr ? "" : text.data(), text.size(), SQLITE_STATIC,
                              SQLITE_UTF8));
}

COFFER_INLINE void statement::bind(int at, blob b) const {
    check(
        sqlite3_bind_blob64(get(), at, b.bytes.data() == nullptr ? "" : b.bytes.data(), b.bytes.size(), SQLITE_STATIC));
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
