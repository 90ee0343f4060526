// SPDX-License-Identifier: BSL-1.0
#pragma once
// The application's own database: where results belong, and where the column is missing that the code writes to.

#include <sqlite3.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace retry_storm {

class app_database {
public:
    explicit app_database(std::string const& file) {
        sqlite3* raw = nullptr;
        auto const opened = sqlite3_open(file.c_str(), &raw);
        db_.reset(raw);
        if (opened != SQLITE_OK) fail("open " + file);
        sqlite3_busy_timeout(raw, 5000);
        run("CREATE TABLE IF NOT EXISTS report(job TEXT NOT NULL, step TEXT NOT NULL, UNIQUE(job, step))");
    }

    /// The migration that should have been applied before the code was deployed.
    void migrate() { run("ALTER TABLE report ADD COLUMN body TEXT"); }

    struct line {
        std::string step;
        std::string body;
    };

    /// All or nothing. Throws while the migration has not been applied: there is no column `body`.
    void save(std::string const& job, std::vector<line> const& lines) { write(job, lines, "COMMIT"); }

    /// Can results be saved? Throws what `save` would; nothing is written.
    void rehearse(std::string const& job) { write(job, {{"rehearsal", ""}}, "ROLLBACK"); }

    [[nodiscard]] int rows() { return std::stoi(ask("SELECT count(*) FROM report")); }

private:
    struct closer {
        void operator()(sqlite3* db) const noexcept { sqlite3_close(db); }
    };
    struct finalizer {
        void operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }
    };
    using statement = std::unique_ptr<sqlite3_stmt, finalizer>;

    void write(std::string const& job, std::vector<line> const& lines, char const* end) {
        run("BEGIN IMMEDIATE");
        try {
            for (auto const& l : lines) insert(job, l);
            run(end);
        } catch (...) {
            sqlite3_exec(db_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
            throw;
        }
    }

    void insert(std::string const& job, line const& l) {
        auto const s = prepare("INSERT OR REPLACE INTO report(job, step, body) VALUES(?, ?, ?)");
        sqlite3_bind_text(s.get(), 1, job.c_str(), -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(s.get(), 2, l.step.c_str(), -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(s.get(), 3, l.body.c_str(), -1, SQLITE_TRANSIENT);
        if (sqlite3_step(s.get()) != SQLITE_DONE) fail("insert");
    }

    [[nodiscard]] std::string ask(char const* sql) {
        auto const s = prepare(sql);
        if (sqlite3_step(s.get()) != SQLITE_ROW) fail(sql);
        return reinterpret_cast<char const*>(sqlite3_column_text(s.get(), 0));
    }

    [[nodiscard]] statement prepare(char const* sql) {
        sqlite3_stmt* raw = nullptr;
        if (sqlite3_prepare_v2(db_.get(), sql, -1, &raw, nullptr) != SQLITE_OK) fail(sql);
        return statement{raw};
    }

    void run(char const* sql) {
        if (sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(sql);
    }

    [[noreturn]] void fail(std::string const& what) {
        throw std::runtime_error{"application database: " + what + ": " + sqlite3_errmsg(db_.get())};
    }

    std::unique_ptr<sqlite3, closer> db_;
};

}  // namespace retry_storm
