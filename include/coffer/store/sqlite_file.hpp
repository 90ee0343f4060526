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
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

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
    store_probe const* probe = nullptr;  ///< must outlive the store
    /// Bodies of answers are encrypted under its current key and read under any; none: they stand in the file as they
    /// came. Bodies from before stay readable.
    std::shared_ptr<crypto::key_ring const> body_keys{};
    /// For tests: this handle shares nothing with the process's other ones, as if it were another process.
    bool as_another_process = false;

    /// Throws `std::invalid_argument` for what cannot be meant. (`max_bytes` is checked where the file is known.)
    void check() const {
        auto const not_negative = [](char const* name, std::chrono::milliseconds d) {
            if (d.count() < 0)
                throw std::invalid_argument{"coffer::sqlite: options." + std::string{name} + " is " +
                                            std::to_string(d.count()) + " ms; it cannot be negative"};
        };
        not_negative("busy_timeout", busy_timeout);
        not_negative("close_timeout", close_timeout);
        not_negative("sweep_every", sweep_every);
        if (entries_kept < std::chrono::hours{24} || entries_kept > std::chrono::hours{24 * 36'500})
            throw std::invalid_argument{
                "coffer::sqlite: options.entries_kept must be at least a day, and at most a hundred years"};
    }
};

namespace detail {

class opened_file {
public:
    /// `path` is canonical and the file exists.
    opened_file(std::filesystem::path const& path, options const& o)
        : path_{path.string()},
          close_timeout_{o.close_timeout},
          db_{path_, o.busy_timeout},
          names_{prepare(db_, path, o)},
          owner_{path.string() + ".owners"},
          room_{db_, path_, o.max_bytes},
          keys_{o.body_keys},
          spool_{path.string() + ".spool", owner_, o.most_spooled, keys_},
          records_{db_, keys_},
          ledger_{db_},
          alarms_{db_},
          entries_kept_{o.entries_kept},
          runs_{db_},
          due_{db_},
          writer_{db_, records_, path_, o.probe, o.most_waiting, care(o)} {}
    opened_file(opened_file const&) = delete;
    opened_file& operator=(opened_file const&) = delete;
    ~opened_file() { writer_.stop(close_timeout_); }

    /// True for the first clock.
    bool bind(std::shared_ptr<clock> const& c) {
        std::lock_guard const lock{mutex_};
        bool const first = !clock_;
        if (first) clock_ = c;
        if (clock_ != c)
            throw std::logic_error{"coffer::sqlite::store: " + path_ +
                                   " is already used under another clock in this process"};
        return first;
    }
    [[nodiscard]] std::shared_ptr<clock> bound_clock() const {
        std::lock_guard const lock{mutex_};
        if (!clock_) throw std::logic_error{"coffer::sqlite::store: no clock is bound yet (store_backend::bind)"};
        return clock_;
    }
    /// A process forked off after opening has neither the thread nor a right to the connection.
    [[nodiscard]] bool in_its_process() const noexcept { return !db_.is_inherited(); }
    /// Now, by the file's trusted time; the store's thread.
    [[nodiscard]] record_moment moment(clock const& c) { return records_.moment(reading(c)); }
    /// The same for the ledger, whose windows go by the wall clock.
    [[nodiscard]] ledger_moment money_moment(clock const& c) const noexcept { return {c.now(), c.wall_now()}; }
    /// Is a process proven dead? By its name.
    [[nodiscard]] std::function<bool(std::string const&)> owner_test() const {
        return [this](std::string const& name) { return owner_.is_dead(name); };
    }
    /// One batch of what is due, by the store's thread within a transaction.
    [[nodiscard]] swept collect(sweep_place from, clock const& c) {
        auto const now = moment(c);
        auto const dead = owner_test();
        auto batch = due_.some(records_, from, now, dead);
        auto const forgotten = runs_.collect(now, dead);
        batch.done.jobs += forgotten;
        (void)ledger_.lapse(money_moment(c), dead, most_lapses);
        bool const more = ledger_.carry(now.trusted - entries_kept_, most_carried);
        alarms_.forget(now.trusted, entries_kept_);
        batch.place.over = batch.place.over && forgotten < run_rows::most_at_once && !more;
        return batch;
    }

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

    [[nodiscard]] clock_reading reading(clock const& c) const { return {owner_.boot(), c.now(), c.wall_now()}; }
    [[nodiscard]] upkeep care(options const& o) {
        return {o.sweep_every,
                [this] {
                    auto const c = bound_clock();
                    auto const now = moment(*c).trusted;
                    return due_.any(now) || runs_.any_due(now) || records_.clock_is_due(reading(*c)) ||
                           ledger_.any_due(money_moment(*c), owner_test(), now - entries_kept_) ||
                           alarms_.any_to_forget(now);
                },
                [this, place = sweep_place{}]() mutable {
                    place = collect(place.over ? sweep_place{} : place, *bound_clock()).place;
                    return !place.over;
                }};
    }
    static std::unique_ptr<name_maker> prepare(connection& db, std::filesystem::path const& path, options const& o) {
        secret_file const secret{path.string() + ".secret"};
        db.run("BEGIN");  // one view of the file: another process may be making the store right now
        auto const found = recognise(db, path.string());
        db.run("COMMIT");
        configure(db, o.busy_timeout);
        if (found.empty) secret.make();  // now that the file is not empty any more: see was_emptied
        auto names = secret.read();
        // Not for nothing: it needs the write lock.
        if (found.empty || found.version != format_version) migrate(db, path.string(), names->secret_id());
        if (stored_secret_id(db) != names->secret_id())
            throw std::runtime_error{"coffer::sqlite: " + path.string() +
                                     ".secret is not the secret that the store's keys were written under; put the "
                                     "right one back (from the backup of both files), or no key can be found"};
        db.watch_log();
        return names;
    }

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
    [[nodiscard]] static std::shared_ptr<opened_file> open(std::filesystem::path const& named, options const& o) {
        o.check();
        auto& all = of_this_process();
        std::lock_guard const lock{all.mutex_};
        auto const path = resolve(named);
        std::error_code ignored;
        auto const there = std::filesystem::exists(path, ignored) ? path : path.parent_path();
        if (auto const why = why_not_on(file_system_of(there))) refuse(path, *why);
        auto const id = make_private(path);
        if (auto const known = all.files_[id].lock(); known && !o.as_another_process) {
            if (o.body_keys && o.body_keys != known->keys())
                refuse(path,
                       "this process has it open without these body_keys; give the same ones to its first handle");
            return known;
        }
        // Left alone in a process that was forked off: there its thread cannot be joined, nor its connection closed.
        std::shared_ptr<opened_file> file{make(path, o).release(), [](opened_file* f) {
                                              if (f->in_its_process()) delete f;
                                          }};
        if (!o.as_another_process) all.files_[id] = file;
        return file;
    }

private:
    [[nodiscard]] static open_files& of_this_process() {
        static one_per_process<open_files> all;
        return all.get();
    }

    [[noreturn]] static void refuse(std::filesystem::path const& path, std::string const& why) {
        throw std::runtime_error{"coffer::sqlite: cannot open " + path.string() + ": " + why};
    }

    [[nodiscard]] static std::unique_ptr<opened_file> make(std::filesystem::path const& path, options const& o) {
        if (auto const why = why_not_open(path)) refuse(path, *why);
        return in_words(path.string(), "cannot open ", [&] { return std::make_unique<opened_file>(path, o); });
    }

    /// One path for one file: symbolic links are followed, so that what stands beside it stands beside the file itself.
    [[nodiscard]] static std::filesystem::path resolve(std::filesystem::path const& named) {
        std::error_code code;
        if (named.empty() || named == ":memory:")
            refuse(named, "a store needs a file; for one in memory there is coffer::memory_store");
        auto const absolute = std::filesystem::absolute(named, code);
        if (std::filesystem::exists(absolute, code)) {
            auto real = std::filesystem::canonical(absolute, code);
            if (code) refuse(named, code.message());
            return real;
        }
        if (std::filesystem::is_symlink(absolute, code)) refuse(named, "it is a symbolic link to nowhere");
        auto const directory = std::filesystem::canonical(absolute.parent_path(), code);
        if (code || !std::filesystem::is_directory(directory, code))
            refuse(named, "the directory " + absolute.parent_path().string() + " does not exist; make it first");
        return directory / absolute.filename();
    }

    /// Makes the file if there is none, and closes it to other users in any case.
    ///
    /// An existing file is not opened here: closing it again would drop the locks that SQLite holds on it.
    [[nodiscard]] static file_identity make_private(std::filesystem::path const& path) {
        bool const lost =
            secret_file{path.string() + ".secret"}.exists();  // asked first: others may be making the store
        struct stat s{};
        // Its owners' directory comes before a store: where it is missing later, somebody has cleared it away.
        if (!lost && ::stat(path.c_str(), &s) != 0) ::mkdir((path.string() + ".owners").c_str(), S_IRWXU);
        if (descriptor const made{
                ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR)}) {
            if (lost) {
                ::unlink(path.c_str());
                refuse(path,
                       "the store is gone but its secret, " + path.string() +
                           ".secret, stands: restore the store from a backup, or everything would be paid again. To "
                           "begin anew, move the secret away");
            }
            ::fchmod(made.get(), S_IRUSR | S_IWUSR);
            sync_directory(path.parent_path());
        } else if (errno != EEXIST) {
            refuse(path, std::generic_category().message(errno));
        }
        if (::stat(path.c_str(), &s) != 0) refuse(path, std::generic_category().message(errno));
        if (!S_ISREG(s.st_mode)) refuse(path, "it is not a regular file");
        if (s.st_nlink > 1) refuse(path, "it has several names (hard links), under which SQLite would damage it");
        for (auto const* const suffix : {"", "-wal", "-shm"}) {
            auto const name = path.string() + suffix;
            struct stat beside{};
            if (::stat(name.c_str(), &beside) != 0 || (beside.st_mode & 077U) == 0) continue;
            if (::chmod(name.c_str(), S_IRUSR | S_IWUSR) != 0)
                refuse(name, "it is open to other users and cannot be closed to them: " +
                                 std::generic_category().message(errno));
        }
        return {s.st_dev, s.st_ino};
    }

    std::mutex mutex_;
    std::map<file_identity, std::weak_ptr<opened_file>> files_;
};

}  // namespace detail
}  // namespace coffer::inline COFFER_ABI::sqlite
