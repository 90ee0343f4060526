// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_runs.hpp.

#include <coffer/store/sqlite_runs.hpp>

#include <stdexcept>
#include <vector>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE stored_run run_rows::load(record_id const& job) const {
    auto const r = by_key_.with(as_blob(job.digest));
    if (r.next()) return read(r);
    stored_run none;
    none.job = job;
    return none;
}

COFFER_INLINE void run_rows::load_steps(stored_run& s) const {
    auto const r = steps_.with(s.id);
    while (r.next()) s.row.steps.emplace_back(r.bytes());
}

COFFER_INLINE void run_rows::write(stored_run& s, run_changes const& c) const {
    if (c.gone) remove(s);
    if (c.row || c.step) write_row(s);
    if (c.step) add_step_.run(s.id, std::string_view{s.row.steps.back()});
}

COFFER_INLINE bool run_rows::any_due(std::chrono::system_clock::time_point now) const {
    auto const r = due_.with(count(now), 1);
    return r.next();
}

COFFER_INLINE std::size_t run_rows::collect(record_moment at, run_machine::owner_is_dead const& dead) const {
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

COFFER_INLINE std::int64_t run_rows::count(steady t) noexcept {
    return std::chrono::nanoseconds{t.time_since_epoch()}.count();
}

COFFER_INLINE std::int64_t run_rows::count(wall t) noexcept {
    return std::chrono::nanoseconds{t.time_since_epoch()}.count();
}

COFFER_INLINE run_rows::wall run_rows::wall_at(std::int64_t n) noexcept {
    return wall{std::chrono::duration_cast<wall::duration>(std::chrono::nanoseconds{n})};
}

COFFER_INLINE stored_run run_rows::read(statement::rows const& r) {
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

COFFER_INLINE void run_rows::write_row(stored_run& s) const {
    if (s.id != 0) return write_row(update_, s, s.id);
    write_row(insert_, s, as_blob(s.job.digest), std::string_view{s.job.name_space});
    s.id = db_.last_id();
}

COFFER_INLINE void run_rows::remove(stored_run& s) const {
    if (s.id == 0) return;
    delete_steps_.run(s.id);
    delete_.run(s.id);
    s.id = 0;
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
