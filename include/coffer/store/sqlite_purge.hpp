// SPDX-License-Identifier: BSL-1.0
#pragma once
// A namespace forgotten: its records, sends and answers deleted, the file rewritten without them, and looked through for
// what may be left.
//
// To purge is to forget that something was paid for: a job that runs again under such a key pays again.

#include <coffer/store/sqlite_compact.hpp>
#include <coffer/store/sqlite_reader.hpp>
#include <coffer/store/sqlite_remains.hpp>
#include <coffer/store/sqlite_spool.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::sqlite {

/// What a namespace holds, by what purging it would mean.
struct purge_plan {
    std::size_t records = 0;  ///< of any state
    std::size_t in_progress = 0;  ///< somebody is working on them: they stand in the way
    std::size_t unacknowledged = 0;  ///< paid answers that nobody has said to have
    std::size_t unresolved = 0;  ///< sent, with no usable answer: possibly paid
    std::size_t spooled = 0;  ///< answers that the file would not take yet: they stand in the way too
    std::int64_t answer_bytes = 0;  ///< that would be deleted
};
/// What a purge may take with it. By default nothing that is paid for.
struct purge_options {
    bool unacknowledged = false;  ///< purge these too; a job that runs again pays for them again
    bool unresolved = false;  ///< the same
    std::chrono::milliseconds patience{5000};  ///< for other processes' locks
};
/// What a purge has done.
struct purged {
    std::size_t records = 0;  ///< deleted
    std::int64_t answer_bytes = 0;  ///< overwritten
    std::size_t traces = 0;  ///< pieces of what was deleted that were looked for, and not found
};

namespace detail {

/// Adds one record to what a namespace holds.
inline void take_stock(purge_plan& plan, record const& r, glance const& now) {
    ++plan.records;
    bool const open = r.state != record_state::done && r.state != record_state::acked &&
                      r.state != record_state::expired && r.state != record_state::failed;
    if (now.may_come_back()) ++plan.in_progress;
    else if ((r.state == record_state::done && !r.cached) || (open && r.undecoded())) ++plan.unacknowledged;
    else if (open && r.counted_sends() > 0) ++plan.unresolved;
}

/// Why a namespace that holds `plan` is not purged; empty if it may be.
[[nodiscard]] inline std::string why_not_purge(purge_plan const& plan, purge_options const& o) {
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

/// Was a process killed while it wrote this down? Then it is no answer, and nobody's.
[[nodiscard]] inline bool is_torn_draft(std::filesystem::path const& path, owner_files const& owners) {
    auto const f = spool_file_at(path);
    if (!f || !f->is_draft || !owners.is_dead(f->owner)) return false;
    auto const bytes = read_spooled(path);
    return bytes && !is_whole_spooled(*bytes);
}
/// The namespace of a spooled answer, which stands behind its version.
[[nodiscard]] inline std::string spooled_name_space(std::filesystem::path const& path) {
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
/// How many spooled answers are of a namespace.
[[nodiscard]] inline std::size_t count_spooled(std::filesystem::path const& directory, std::string_view name_space,
                                               owner_files const& owners) {
    std::size_t n = 0;
    for_each_spooled(directory, [&](std::filesystem::path const& path) {
        if (spooled_name_space(path) == name_space && !is_torn_draft(path, owners)) ++n;
    });
    return n;
}
inline void remove_torn_drafts(std::filesystem::path const& directory, owner_files const& owners) {
    std::error_code ignored;
    for_each_spooled(directory, [&](std::filesystem::path const& path) {
        if (is_torn_draft(path, owners)) std::filesystem::remove(path, ignored);
    });
}

class purging {
public:
    purging(std::filesystem::path const& path, std::string name_space, purge_options const& o)
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

    [[nodiscard]] purge_plan plan() {
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
    purged carry_out() {
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
                    if (auto const why = why_not_purge(now, options_); !why.empty())
                        throw std::runtime_error{refusal(why)};
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
    [[nodiscard]] std::string refusal(std::string const& why) const {
        return "coffer::sqlite: the namespace '" + name_space_ + "' of " + path_.string() + " is not purged: " + why;
    }

private:
    [[nodiscard]] record_moment moment() const { return clock_.look(read_clocks(owners_)); }
    /// True if there may be more.
    template <class Each>
    bool batch(std::int64_t& last, Each const& each) {
        std::vector<std::string> digests;
        {
            auto const r = keys_.with(std::string_view{name_space_}, last);
            while (r.next()) {
                last = r.integer();
                digests.emplace_back(r.bytes());
            }
        }
        for (auto const& digest : digests) {
            auto stored = rows_.load(digest);
            each(stored, digest);
        }
        return !digests.empty();
    }
    /// The namespace's jobs go with it. Of the ledger only the names go: what was spent stays spent.
    void forget_beside_records() const {
        auto const ns = std::string_view{name_space_};
        statement{*db_, "DELETE FROM run_steps WHERE job IN (SELECT id FROM runs WHERE ns=?)"}.run(ns);
        statement{*db_, "DELETE FROM runs WHERE ns=?"}.run(ns);
        statement{*db_, "UPDATE ledger_entries SET ns='', job='', work=NULL, record=NULL, send=NULL WHERE ns=?"}.run(
            ns);
        statement{*db_, "DELETE FROM replays WHERE ns=?"}.run(ns);
        statement{*db_, "DELETE FROM alarms WHERE kind='replay_storm' AND scope=?"}.run(ns);
    }
    template <class Each>
    void walk(Each const& each) {
        for (std::int64_t last = 0; batch(last, each);) {
        }
    }

    std::filesystem::path path_;
    std::filesystem::path spool_;
    std::string name_space_;
    purge_options options_;
    std::unique_ptr<connection> db_;
    record_rows rows_;
    owner_files owners_;
    file_clock clock_;
    statement keys_;
    statement bodies_;
};

}  // namespace detail

/// What a purge of the namespace would do. Changes nothing.
[[nodiscard]] inline purge_plan plan_purge(std::filesystem::path const& file, std::string const& name_space) {
    auto const path = detail::existing_file(file);
    return detail::in_words(path.string(), {}, [&] { return detail::purging{path, name_space, {}}.plan(); });
}

/// Deletes all records of a namespace, overwrites what they held, rewrites the file, empties its log, and looks through
/// both for what may be left. Other processes may use the store meanwhile; their claims wait while it is rewritten.
///
/// It reaches the file and its log: not backups, not file-system snapshots, not the blocks that a disk has given up.
/// Throws `std::runtime_error`: records are being worked on; some are paid for or may be, and `o` does not say that these
/// may go; the file is locked or full. Records that were deleted before it threw stay deleted.
inline purged purge(std::filesystem::path const& file, std::string const& name_space, purge_options const& o = {}) {
    auto const path = detail::existing_file(file);
    return detail::in_words(path.string(), {}, [&] {
        detail::purging work{path, name_space, o};
        if (auto const why = detail::why_not_purge(work.plan(), o); !why.empty())
            throw std::runtime_error{work.refusal(why)};
        return work.carry_out();
    });
}

}  // namespace coffer::inline COFFER_ABI::sqlite
