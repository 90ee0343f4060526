// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_purge.hpp.

#include <coffer/store/sqlite_purge.hpp>

#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace coffer::inline COFFER_ABI {

namespace sqlite::detail {

COFFER_INLINE void take_stock(purge_plan& plan, record const& r, glance const& now) {
    ++plan.records;
    bool const open = r.state != record_state::done && r.state != record_state::acked &&
                      r.state != record_state::expired && r.state != record_state::failed;
    if (now.may_come_back()) ++plan.in_progress;
    else if ((r.state == record_state::done && !r.cached) || (open && r.undecoded())) ++plan.unacknowledged;
    else if (open && r.counted_sends() > 0) ++plan.unresolved;
}

COFFER_INLINE std::string why_not_purge(purge_plan const& plan, purge_options const& o) {
    auto const records = [](std::size_t n) { return std::to_string(n) + (n == 1 ? " record" : " records"); };
    if (plan.in_progress > 0)
        return records(plan.in_progress) +
               " of it are being worked on, and an answer on its way would come back after the purge; stop the jobs, "
               "or wait for them";
    if (plan.spooled > 0)
        return std::to_string(plan.spooled) +
               " of its answers stand beside the file (.spool), which would not take them; let a program that opens "
               "the "
               "store take them in, and remove those called .refused by hand";
    if (plan.unacknowledged > 0 && !o.unacknowledged)
        return records(plan.unacknowledged) +
               " of it hold paid answers that nobody has acknowledged; a job that runs again would pay for them a "
               "second time. If that is meant: --unacknowledged (purge_options::unacknowledged)";
    if (plan.unresolved > 0 && !o.unresolved)
        return records(plan.unresolved) +
               " of it were sent and have no usable answer; a job that runs again could pay for them a second time. If "
               "that is meant: --unresolved (purge_options::unresolved)";
    return {};
}

COFFER_INLINE bool is_torn_draft(std::filesystem::path const& path, owner_files const& owners) {
    auto const f = spool_file_at(path);
    if (!f || !f->is_draft || !owners.is_dead(f->owner)) return false;
    auto const bytes = read_spooled(path);
    return bytes && !is_whole_spooled(*bytes);
}

COFFER_INLINE std::string spooled_name_space(std::filesystem::path const& path) {
    std::ifstream in{path, std::ios::binary};
    std::string text;
    for (int i = 0; i < 2; ++i) {
        std::streamsize size = 0;
        char colon = 0;
        if (!(in >> size >> colon) || colon != ':' || size < 0) return {};
        text.clear();
        for (char c = 0; size > 0 && in.get(c); --size) text += c;
        if (size > 0) return {};
    }
    return text;
}

COFFER_INLINE std::size_t count_spooled(std::filesystem::path const& directory, std::string_view name_space,
                                        owner_files const& owners) {
    std::size_t n = 0;
    for_each_spooled(directory, [&](std::filesystem::path const& path) {
        if (spooled_name_space(path) == name_space && !is_torn_draft(path, owners)) ++n;
    });
    return n;
}

COFFER_INLINE void remove_torn_drafts(std::filesystem::path const& directory, owner_files const& owners) {
    std::error_code ignored;
    for_each_spooled(directory, [&](std::filesystem::path const& path) {
        if (is_torn_draft(path, owners)) std::filesystem::remove(path, ignored);
    });
}

COFFER_INLINE purging::purging(std::filesystem::path const& path, std::string name_space, purge_options const& o)
    : path_{path},
      spool_{path.string() + ".spool"},
      name_space_{std::move(name_space)},
      options_{o},
      db_{open_beside(path, access::write, o.patience)},
      rows_{*db_, nullptr},
      owners_{path.string() + ".owners"},
      clock_{*db_},
      keys_{*db_, "SELECT id, key FROM records WHERE ns=?1 AND id>?2 ORDER BY id LIMIT 200"},
      bodies_{*db_, "SELECT body FROM answers WHERE id IN (SELECT answer FROM sends WHERE record=?)"} {
    db_->run("PRAGMA secure_delete=ON");
}

COFFER_INLINE purge_plan purging::plan() {
    purge_plan all;
    db_->run("BEGIN");
    auto const at = moment();
    walk([&](stored_record& s, std::string const&) {
        take_stock(all, s.row, glance{s.row, at, owners_});
        for (auto const r = bodies_.with(s.id); r.next();)
            all.answer_bytes += static_cast<std::int64_t>(r.bytes().size());
    });
    db_->run("COMMIT");
    all.spooled = count_spooled(spool_, name_space_, owners_);
    return all;
}

COFFER_INLINE purged purging::carry_out() {
    remove_torn_drafts(spool_, owners_);
    purged done;
    traces left;
    std::int64_t last = 0;
    for (bool more = true; more;) {
        db_->run("BEGIN IMMEDIATE");
        try {
            auto const at = moment();
            more = batch(last, [&](stored_record& s, std::string const& digest) {
                purge_plan now;  // it may have changed since the plan was made
                take_stock(now, s.row, glance{s.row, at, owners_});
                if (auto const why = why_not_purge(now, options_); !why.empty()) throw std::runtime_error{refusal(why)};
                left.add(digest);
                for (auto const r = bodies_.with(s.id); r.next();) {
                    auto const body = r.bytes();
                    left.add(body);
                    done.answer_bytes += static_cast<std::int64_t>(body.size());
                }
                rows_.remove(s);
                ++done.records;
            });
            if (!more) forget_beside_records();
            db_->run("COMMIT");
        } catch (...) {
            db_->roll_back();
            throw;
        }
    }
    (void)compact(*db_, path_);  // also for what was deleted earlier: by others, or by a purge that was interrupted
    if (auto const found = count_remains(*db_, path_, left); found > 0)
        throw std::runtime_error{"coffer::sqlite: the records are purged, but " + std::to_string(found) +
                                 " pieces of them are still in " + path_.string() +
                                 " or its -wal; run `coffer gc --compact` when no other process uses it"};
    done.traces = left.size();
    return done;
}

COFFER_INLINE std::string purging::refusal(std::string const& why) const {
    return "coffer::sqlite: the namespace '" + name_space_ + "' of " + path_.string() + " is not purged: " + why;
}

COFFER_INLINE void purging::forget_beside_records() const {
    auto const ns = std::string_view{name_space_};
    statement{*db_, "DELETE FROM run_steps WHERE job IN (SELECT id FROM runs WHERE ns=?)"}.run(ns);
    statement{*db_, "DELETE FROM runs WHERE ns=?"}.run(ns);
    statement{*db_, "UPDATE ledger_entries SET ns='', job='', work=NULL, record=NULL, send=NULL WHERE ns=?"}.run(ns);
    statement{*db_, "DELETE FROM replays WHERE ns=?"}.run(ns);
    statement{*db_, "DELETE FROM alarms WHERE kind='replay_storm' AND scope=?"}.run(ns);
}

}  // namespace sqlite::detail

namespace sqlite {

COFFER_INLINE purge_plan plan_purge(std::filesystem::path const& file, std::string const& name_space) {
    auto const path = detail::existing_file(file);
    return detail::in_words(path.string(), {}, [&] { return detail::purging{path, name_space, {}}.plan(); });
}

COFFER_INLINE purged purge(std::filesystem::path const& file, std::string const& name_space, purge_options const& o) {
    auto const path = detail::existing_file(file);
    return detail::in_words(path.string(), {}, [&] {
        detail::purging work{path, name_space, o};
        if (auto const why = detail::why_not_purge(work.plan(), o); !why.empty())
            throw std::runtime_error{work.refusal(why)};
        return work.carry_out();
    });
}

}  // namespace sqlite

}  // namespace coffer::inline COFFER_ABI
