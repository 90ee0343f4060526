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
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
    [[nodiscard]] stored_run load(record_id const& job) const {
        auto const r = by_key_.with(as_blob(job.digest));
        if (r.next()) return read(r);
        stored_run none;
        none.job = job;
        return none;
    }
    void load_steps(stored_run& s) const {
        auto const r = steps_.with(s.id);
        while (r.next()) s.row.steps.emplace_back(r.bytes());
    }

    /// Writes what a rule has changed. (A step that stands in the file already counts as new to a row without them.)
    void write(stored_run& s, run_changes const& c) const {
        if (c.gone) remove(s);
        if (c.row || c.step) write_row(s);
        if (c.step) add_step_.run(s.id, std::string_view{s.row.steps.back()});
    }

    /// Rows of a namespace, or of all if it is empty, oldest first; `each` says whether to go on.
    template <class Each>
    void for_each(std::string const& name_space, Each&& each) const {
        auto const r = all_.with(std::string_view{name_space});
        while (r.next())
            if (!each(read(r))) return;
    }

    /// Is a row due? Reads only.
    [[nodiscard]] bool any_due(std::chrono::system_clock::time_point now) const {
        auto const r = due_.with(count(now), 1);
        return r.next();
    }
    /// Removes a few of the rows whose time is over; how many.
    std::size_t collect(record_moment at, run_machine::owner_is_dead const& dead) const {
        std::vector<stored_run> batch;
        {
            auto const r = due_.with(count(at.trusted), most_at_once);
            while (r.next()) batch.push_back(read(r));
        }
        std::size_t removed = 0;
        for (auto& s : batch) {
            run_machine const m{s.row, at, dead};
            if (m.changes().gone) {
                remove(s);
                ++removed;
            } else {  // a run is under way: looked at again later
                s.row.expires = later(at.wall, busy_pause);
                write_row(s);
            }
        }
        return removed;
    }

private:
    using steady = std::chrono::steady_clock::time_point;
    using wall = std::chrono::system_clock::time_point;

    static constexpr auto busy_pause = std::chrono::minutes{10};

    static std::int64_t count(steady t) noexcept { return std::chrono::nanoseconds{t.time_since_epoch()}.count(); }
    static std::int64_t count(wall t) noexcept { return std::chrono::nanoseconds{t.time_since_epoch()}.count(); }
    static wall wall_at(std::int64_t n) noexcept {
        return wall{std::chrono::duration_cast<wall::duration>(std::chrono::nanoseconds{n})};
    }

    static stored_run read(statement::rows const& r) {
        stored_run s;
        auto& x = s.row;
        s.id = r.integer();
        s.job.digest = r.bytes();
        s.job.name_space = r.bytes();
        auto const state = state_from_text(r.bytes(), run_state::done);
        if (!state) throw std::runtime_error{"a job is in a state that this coffer does not know; update it"};
        x.state = *state;
        auto const run = r.bytes();
        for (std::size_t i = 0; i < x.run.size() && i < run.size(); ++i) x.run[i] = static_cast<std::uint8_t>(run[i]);
        x.owner = r.bytes();
        x.lease_until = steady{std::chrono::nanoseconds{r.integer()}};
        x.begun = r.as<int>();
        x.counted = r.as<int>();
        x.same_failures = r.as<int>();
        x.signature = r.bytes();
        x.limits.max_runs = r.as<int>();
        x.limits.same_failure = r.as<int>();
        x.acknowledged_kept = std::chrono::nanoseconds{r.integer()};
        x.unfinished_kept = std::chrono::nanoseconds{r.integer()};
        x.created = wall_at(r.integer());
        x.updated = wall_at(r.integer());
        x.expires = wall_at(r.integer());
        return s;
    }

    void write_row(stored_run& s) const {
        if (s.id != 0) return write_row(update_, s, s.id);
        write_row(insert_, s, as_blob(s.job.digest), std::string_view{s.job.name_space});
        s.id = db_.last_id();
    }
    template <class... Where>
    static void write_row(statement const& to, stored_run const& s, Where const&... where) {
        auto const& x = s.row;
        to.run(to_string(x.state), as_blob(x.run), std::string_view{x.owner}, count(x.lease_until), x.begun, x.counted,
               x.same_failures, std::string_view{x.signature}, x.limits.max_runs, x.limits.same_failure,
               x.acknowledged_kept.count(), x.unfinished_kept.count(), count(x.created), count(x.updated),
               count(x.expires), where...);
    }
    void remove(stored_run& s) const {
        if (s.id == 0) return;
        delete_steps_.run(s.id);
        delete_.run(s.id);
        s.id = 0;
    }

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
