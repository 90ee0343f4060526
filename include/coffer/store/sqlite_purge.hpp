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
#include <memory>
#include <string>
#include <string_view>
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
void take_stock(purge_plan& plan, record const& r, glance const& now);

/// Why a namespace that holds `plan` is not purged; empty if it may be.
[[nodiscard]] std::string why_not_purge(purge_plan const& plan, purge_options const& o);

/// Was a process killed while it wrote this down? Then it is no answer, and nobody's.
[[nodiscard]] bool is_torn_draft(std::filesystem::path const& path, owner_files const& owners);
/// The namespace of a spooled answer, which stands behind its version.
[[nodiscard]] std::string spooled_name_space(std::filesystem::path const& path);
/// How many spooled answers are of a namespace.
[[nodiscard]] std::size_t count_spooled(std::filesystem::path const& directory, std::string_view name_space,
                                        owner_files const& owners);
void remove_torn_drafts(std::filesystem::path const& directory, owner_files const& owners);

class purging {
public:
    purging(std::filesystem::path const& path, std::string name_space, purge_options const& o);

    [[nodiscard]] purge_plan plan();
    purged carry_out();
    [[nodiscard]] std::string refusal(std::string const& why) const;

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
    void forget_beside_records() const;
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
[[nodiscard]] purge_plan plan_purge(std::filesystem::path const& file, std::string const& name_space);

/// Deletes all records of a namespace, overwrites what they held, rewrites the file, empties its log, and looks through
/// both for what may be left. Other processes may use the store meanwhile; their claims wait while it is rewritten.
///
/// It reaches the file and its log: not backups, not file-system snapshots, not the blocks that a disk has given up.
/// Throws `std::runtime_error`: records are being worked on; some are paid for or may be, and `o` does not say that these
/// may go; the file is locked or full. Records that were deleted before it threw stay deleted.
purged purge(std::filesystem::path const& file, std::string const& name_space, purge_options const& o = {});

}  // namespace coffer::inline COFFER_ABI::sqlite

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_purge.ipp>
#endif
