// SPDX-License-Identifier: BSL-1.0
#pragma once
// The runs of jobs as rows: loading one, writing back what a rule has changed. Used inside a transaction.

#include <coffer/state/record_rules.hpp>
#include <coffer/state/run_machine.hpp>
#include <coffer/store/record_text.hpp>
#include <coffer/store/sqlite_connection.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// A job's row and where it stands. The names of its steps stay in the file until they are asked for.
struct stored_run {
    std::int64_t id = 0;  ///< 0: there is no row
    record_id job;
    run_record row;
};

class run_rows {
public:
    static constexpr std::size_t most_at_once = 100;  // that `collect` looks at

    explicit run_rows(connection& db) : db_{db} {}

    /// The row of a job, without its steps; an empty one if there is none.
    [[nodiscard]] stored_run load(record_id const& job) const;
    void load_steps(stored_run& s) const;

    /// Writes what a rule has changed. (A step that stands in the file already counts as new to a row without them.)
    void write(stored_run& s, run_changes const& c) const;

    /// Rows of a namespace, or of all if it is empty, oldest first; `each` says whether to go on.
    template <class Each>
    void for_each(std::string const& name_space, Each&& each) const {
        auto const r = all_.with(std::string_view{name_space});
        while (r.next())
            if (!each(read(r))) return;
    }

    /// Is a row due? Reads only.
    [[nodiscard]] bool any_due(std::chrono::system_clock::time_point now) const;
    /// Removes a few of the rows whose time is over; how many.
    std::size_t collect(record_moment at, run_machine::owner_is_dead const& dead) const;

private:
    using steady = std::chrono::steady_clock::time_point;
    using wall = std::chrono::system_clock::time_point;

    static constexpr auto busy_pause = std::chrono::minutes{10};

    static std::int64_t count(steady t) noexcept;
    static std::int64_t count(wall t) noexcept;
    static wall wall_at(std::int64_t n) noexcept;

    static stored_run read(statement::rows const& r);

    void write_row(stored_run& s) const;
    template <class... Where>
    static void write_row(statement const& to, stored_run const& s, Where const&... where) {
        auto const& x = s.row;
        to.run(to_string(x.state), as_blob(x.run), std::string_view{x.owner}, count(x.lease_until), x.begun, x.counted,
               x.same_failures, std::string_view{x.signature}, x.limits.max_runs, x.limits.same_failure,
               x.acknowledged_kept.count(), x.unfinished_kept.count(), count(x.created), count(x.updated),
               count(x.expires), where...);
    }
    void remove(stored_run& s) const;

    static inline std::string const columns =
        "state, run, owner, lease_until, begun, counted, same_failures, signature, max_runs, same_failure, "
        "acknowledged_kept, unfinished_kept, created, updated, expires";
    static inline std::string const select = "SELECT id, key, ns, " + columns + " FROM runs ";

    connection& db_;
    statement by_key_{db_, select + "WHERE key=?"};
    statement all_{db_, select + "WHERE ?1='' OR ns=?1 ORDER BY created, id"};
    statement due_{db_, select + "WHERE expires<=? ORDER BY expires LIMIT ?"};
    statement insert_{db_, "INSERT INTO runs(" + columns + ", key, ns) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"};
    statement update_{db_, "UPDATE runs SET (" + columns + ")=(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) WHERE id=?"};
    statement delete_{db_, "DELETE FROM runs WHERE id=?"};
    statement steps_{db_, "SELECT name FROM run_steps WHERE job=? ORDER BY number"};
    statement add_step_{db_,
                        "INSERT OR IGNORE INTO run_steps(job, name, number) "
                        "VALUES(?1, ?2, (SELECT count(*) FROM run_steps WHERE job=?1))"};
    statement delete_steps_{db_, "DELETE FROM run_steps WHERE job=?"};
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_runs.ipp>
#endif
