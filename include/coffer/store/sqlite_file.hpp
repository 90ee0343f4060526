// SPDX-License-Identifier: BSL-1.0
#pragma once
// A store's file, opened once per process: all handles of it, by whatever path, share this.

#include <coffer/crypto/key_ring.hpp>
#include <coffer/store/budget_queue.hpp>
#include <coffer/store/flight_table.hpp>
#include <coffer/store/probe.hpp>
#include <coffer/store/sqlite_alarms.hpp>
#include <coffer/store/sqlite_connection.hpp>
#include <coffer/store/sqlite_entry.hpp>
#include <coffer/store/sqlite_failure.hpp>
#include <coffer/store/sqlite_file_system.hpp>
#include <coffer/store/sqlite_fork.hpp>
#include <coffer/store/sqlite_ledger.hpp>
#include <coffer/store/sqlite_owner.hpp>
#include <coffer/store/sqlite_room.hpp>
#include <coffer/store/sqlite_runs.hpp>
#include <coffer/store/sqlite_schema.hpp>
#include <coffer/store/sqlite_secret.hpp>
#include <coffer/store/sqlite_spool.hpp>
#include <coffer/store/sqlite_sweep.hpp>
#include <coffer/store/sqlite_working_set.hpp>
#include <coffer/store/sqlite_writer.hpp>
#include <coffer/time/clock.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>

namespace coffer::inline COFFER_ABI::sqlite {

/// How a store's file is used. The first handle of a file in a process decides.
struct options {
    std::chrono::milliseconds busy_timeout{5000};    ///< waiting for other processes' commits, by the store's thread
    std::chrono::milliseconds close_timeout{5000};   ///< the last handle's destructor tries so long what still waits
    std::size_t most_waiting = std::size_t{1} << 28; ///< bytes of answers kept in memory while the file fails
    std::size_t most_spooled = std::size_t{1} << 30;  ///< bytes of answers written beside the file while it fails
    std::int64_t max_bytes = 0;                      ///< that the file may grow to (its log aside); 0: no limit
    std::chrono::milliseconds sweep_every{60'000};  ///< so often expired records are cleared away; 0: `collect` does
    /// What explains the ledger's money, send by send, is kept so long; of older sends only the sums stay.
    std::chrono::hours entries_kept{24 * 400};  ///< 400 days
    /// False: where no store stands yet, opening throws instead of making one. With a mistyped path a program would have
    /// forgotten everything, and pay for it again.
    bool create = true;
    store_probe const* probe = nullptr;  ///< must outlive the store
    /// Bodies of answers are encrypted under its current key and read under any; none: they stand in the file as they
    /// came. Bodies from before stay readable.
    std::shared_ptr<crypto::key_ring const> body_keys{};
    /// For tests: this handle shares nothing with the process's other ones, as if it were another process.
    bool as_another_process = false;

    /// Throws `std::invalid_argument` for what cannot be meant. (`max_bytes` is checked where the file is known.)
    void check() const;
};

namespace detail {

class opened_file {
public:
    /// `path` is canonical and the file exists.
    opened_file(std::filesystem::path const& path, options const& o);
    opened_file(opened_file const&) = delete;
    opened_file& operator=(opened_file const&) = delete;
    ~opened_file() { writer_.stop(close_timeout_); }

    /// True for the first clock.
    bool bind(std::shared_ptr<clock> const& c);
    [[nodiscard]] std::shared_ptr<clock> bound_clock() const;
    /// A process forked off after opening has neither the thread nor a right to the connection.
    [[nodiscard]] bool in_its_process() const noexcept { return !db_.is_inherited(); }
    /// Now, by the file's trusted time; the store's thread.
    [[nodiscard]] record_moment moment(clock const& c) { return records_.moment(reading(c)); }
    /// The same for the ledger, whose windows go by the wall clock.
    [[nodiscard]] ledger_moment money_moment(clock const& c) const noexcept;
    /// Is a process proven dead? By its name.
    [[nodiscard]] std::function<bool(std::string const&)> owner_test() const;
    /// One batch of what is due, by the store's thread within a transaction.
    [[nodiscard]] swept collect(sweep_place from, clock const& c);

    [[nodiscard]] std::string const& path() const noexcept { return path_; }
    [[nodiscard]] name_maker const& names() const noexcept { return *names_; }
    [[nodiscard]] process_owner const& owner() const noexcept { return owner_; }
    /// The store's thread: see `process_owner::keep`.
    [[nodiscard]] std::error_code keep_owner() noexcept { return owner_.keep(); }
    [[nodiscard]] std::shared_ptr<crypto::key_ring const> const& keys() const noexcept { return keys_; }
    [[nodiscard]] working_set& records() noexcept { return records_; }
    [[nodiscard]] file_ledger& ledger() noexcept { return ledger_; }
    [[nodiscard]] file_alarms& alarms() noexcept { return alarms_; }
    /// Those of this process that wait for money. Any thread.
    [[nodiscard]] budget_queue& money_queue() noexcept { return money_queue_; }
    [[nodiscard]] run_rows const& runs() const noexcept { return runs_; }
    [[nodiscard]] room const& left() const noexcept { return room_; }
    [[nodiscard]] detail::spool& spool() noexcept { return spool_; }
    [[nodiscard]] writer& queue() noexcept { return writer_; }
    [[nodiscard]] flight_table& flights() noexcept { return flights_; }

private:
    static constexpr std::size_t most_lapses = 200;
    static constexpr std::size_t most_carried = 200;

    [[nodiscard]] clock_reading reading(clock const& c) const;
    [[nodiscard]] upkeep care(options const& o);
    static std::unique_ptr<name_maker> prepare(connection& db, std::filesystem::path const& path, options const& o);

    std::string const path_;
    std::chrono::milliseconds const close_timeout_;
    connection db_;
    std::unique_ptr<name_maker> names_;
    process_owner owner_;
    room room_;
    std::shared_ptr<crypto::key_ring const> const keys_;
    detail::spool spool_;
    working_set records_;
    file_ledger ledger_;
    file_alarms alarms_;
    std::chrono::hours const entries_kept_;
    budget_queue money_queue_;
    run_rows runs_;
    sweep due_;
    flight_table flights_;
    mutable std::mutex mutex_;
    std::shared_ptr<clock> clock_;
    writer writer_;  // last: its thread uses all of the above
};

/// The files that this process has open, by device and inode.
class open_files {
public:
    [[nodiscard]] static std::shared_ptr<opened_file> open(std::filesystem::path const& named, options const& o);

private:
    [[nodiscard]] static open_files& of_this_process() {
        static one_per_process<open_files> all;
        return all.get();
    }

    [[noreturn]] static void refuse(std::filesystem::path const& path, std::string const& why);

    [[nodiscard]] static std::unique_ptr<opened_file> make(std::filesystem::path const& path, options const& o);

    /// One path for one file: symbolic links are followed, so that what stands beside it stands beside the file itself.
    [[nodiscard]] static std::filesystem::path resolve(std::filesystem::path const& named);

    /// Makes the file if there is none, and closes it to other users in any case.
    ///
    /// An existing file is not opened here: closing it again would drop the locks that SQLite holds on it.
    [[nodiscard]] static file_identity make_private(std::filesystem::path const& path);

    std::mutex mutex_;
    std::map<file_identity, std::weak_ptr<opened_file>> files_;
};

}  // namespace detail
}  // namespace coffer::inline COFFER_ABI::sqlite

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_file.ipp>
#endif
