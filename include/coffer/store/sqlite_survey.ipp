// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_survey.hpp.

#include <coffer/store/sqlite_survey.hpp>

#include <system_error>

namespace coffer::inline COFFER_ABI::sqlite {

COFFER_INLINE survey look(std::filesystem::path const& file) {
    using std::chrono::nanoseconds;
    reader from{file};
    auto& db = from.db();
    survey s;
    auto const time_at = [](std::int64_t n) {
        using wall = std::chrono::system_clock;
        return wall::time_point{std::chrono::duration_cast<wall::duration>(nanoseconds{n})};
    };
    from.explained([&] {
        s.format = detail::ask(db, "PRAGMA user_version");
        detail::statement const states{db, "SELECT state, count(*) FROM records GROUP BY state"};
        for (auto const r = states.with(); r.next();) {
            auto const state = state_from_text(r.bytes(), record_state::expired);
            auto const n = r.as<std::size_t>();
            s.records += n;
            (state ? s.by_state[static_cast<std::size_t>(*state)] : s.unreadable) += n;
        }
        detail::statement const sends{db,
                                      "SELECT count(*), count(*) - count(cost), coalesce(sum(cost), 0) FROM sends "
                                      "WHERE state<>'unsent' AND state<>'supplied'"};
        if (auto const r = sends.with(); r.next()) {
            s.sends = r.as<std::size_t>();
            s.unknown_costs = r.as<std::size_t>();
            s.known_cost = money::from_nano(r.integer());
        }
        detail::statement const answers{db, "SELECT count(*), coalesce(sum(length(body)), 0) FROM answers"};
        if (auto const r = answers.with(); r.next()) {
            s.answers = r.as<std::size_t>();
            s.answer_bytes = r.integer();
        }
        detail::statement const waiting{db,
                                        "SELECT count(*), min(updated) FROM records WHERE state='done' AND cached=0"};
        if (auto const r = waiting.with(); r.next()) {
            s.unacknowledged = r.as<std::size_t>();
            if (auto const oldest = r.maybe_integer()) s.oldest_unacknowledged = time_at(*oldest);
        }
        detail::statement const due{db, "SELECT count(*) FROM records WHERE expires<=?"};
        auto const now = detail::read_clocks(from.owners());
        auto const trusted = from.clock().look(now).trusted;
        if (auto const t = from.clock().load()) {
            s.clock_ahead = t->lead_of(now);
            s.clock_doubted = t->doubted;
            s.clock_doubted_for = t->doubted_for;
        }
        if (auto const r = due.with(nanoseconds{trusted.time_since_epoch()}.count()); r.next())
            s.due = r.as<std::size_t>();
        auto const count = [&](char const* of) { return static_cast<std::size_t>(detail::ask(db, of)); };
        s.stopped_jobs = count(
            "SELECT count(*) FROM runs WHERE state='idle' AND (same_failures>=same_failure OR counted>=max_runs)");
        s.frozen = count("SELECT count(*) FROM ledger_freezes");
        s.alarms_due = count("SELECT count(*) FROM alarms WHERE state='due'");
        if (auto const looked = detail::ask(db, "SELECT value FROM meta WHERE name='alarms_looked'"); looked != 0)
            s.alarms_looked = time_at(looked);
        auto const page = detail::ask(db, "PRAGMA page_size");
        s.file_bytes = detail::ask(db, "PRAGMA page_count") * page;
        s.free_bytes = detail::ask(db, "PRAGMA freelist_count") * page;
    });
    selection open;
    open.open_only = true;
    from.for_each(open, [&](seen_record const& r) {
        s.unresolved += r.unresolved ? 1U : 0U;
        s.in_progress += r.busy ? 1U : 0U;
        return true;
    });
    std::error_code none;
    auto const log = std::filesystem::file_size(from.path().string() + "-wal", none);
    s.log_bytes = none ? 0 : static_cast<std::int64_t>(log);
    s.processes = from.owners().living();
    for (std::filesystem::directory_iterator at{from.path().string() + ".spool", none}, end; !none && at != end;
         at.increment(none)) {
        auto const kind = at->path().extension();
        s.spooled += kind == detail::spool_suffix || kind == detail::draft_suffix ? 1U : 0U;
    }
    return s;
}

}  // namespace coffer::inline COFFER_ABI::sqlite
