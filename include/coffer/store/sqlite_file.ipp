// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_file.hpp.

#include <coffer/store/sqlite_file.hpp>

#include <cerrno>
#include <stdexcept>

namespace coffer::inline COFFER_ABI {

namespace sqlite {

COFFER_INLINE void options::check() const {
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

}  // namespace sqlite

namespace sqlite::detail {

COFFER_INLINE opened_file::opened_file(std::filesystem::path const& path, options const& o)
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

COFFER_INLINE bool opened_file::bind(std::shared_ptr<clock> const& c) {
    std::lock_guard const lock{mutex_};
    bool const first = !clock_;
    if (first) clock_ = c;
    if (clock_ != c)
        throw std::logic_error{"coffer::sqlite::store: " + path_ +
                               " is already used under another clock in this process"};
    return first;
}

COFFER_INLINE std::shared_ptr<clock> opened_file::bound_clock() const {
    std::lock_guard const lock{mutex_};
    if (!clock_) throw std::logic_error{"coffer::sqlite::store: no clock is bound yet (store_backend::bind)"};
    return clock_;
}

COFFER_INLINE ledger_moment opened_file::money_moment(clock const& c) const noexcept { return {c.now(), c.wall_now()}; }

COFFER_INLINE std::function<bool(std::string const&)> opened_file::owner_test() const {
    return [this](std::string const& name) { return owner_.is_dead(name); };
}

COFFER_INLINE swept opened_file::collect(sweep_place from, clock const& c) {
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

COFFER_INLINE clock_reading opened_file::reading(clock const& c) const {
    return {owner_.boot(), c.now(), c.wall_now()};
}

COFFER_INLINE upkeep opened_file::care(options const& o) {
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

COFFER_INLINE std::unique_ptr<name_maker> opened_file::prepare(connection& db, std::filesystem::path const& path,
                                                               options const& o) {
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

COFFER_INLINE std::shared_ptr<opened_file> open_files::open(std::filesystem::path const& named, options const& o) {
    o.check();
    auto& all = of_this_process();
    std::lock_guard const lock{all.mutex_};
    auto const path = resolve(named);
    std::error_code ignored;
    auto const there = std::filesystem::exists(path, ignored) ? path : path.parent_path();
    if (auto const why = why_not_on(file_system_of(there))) refuse(path, *why);
    if (!o.create && (!std::filesystem::exists(path, ignored) || std::filesystem::file_size(path, ignored) == 0))
        refuse(path, "no store stands there, and options.create is false: is it the right path?");
    auto const id = make_private(path);
    if (auto const known = all.files_[id].lock(); known && !o.as_another_process) {
        if (o.body_keys && o.body_keys != known->keys())
            refuse(path, "this process has it open without these body_keys; give the same ones to its first handle");
        return known;
    }
    // Left alone in a process that was forked off: there its thread cannot be joined, nor its connection closed.
    std::shared_ptr<opened_file> file{make(path, o).release(), [](opened_file* f) {
                                          if (f->in_its_process()) delete f;
                                      }};
    if (!o.as_another_process) all.files_[id] = file;
    return file;
}

COFFER_INLINE void open_files::refuse(std::filesystem::path const& path, std::string const& why) {
    throw std::runtime_error{"coffer::sqlite: cannot open " + path.string() + ": " + why};
}

COFFER_INLINE std::unique_ptr<opened_file> open_files::make(std::filesystem::path const& path, options const& o) {
    if (auto const why = why_not_open(path)) refuse(path, *why);
    return in_words(path.string(), "cannot open ", [&] { return std::make_unique<opened_file>(path, o); });
}

COFFER_INLINE std::filesystem::path open_files::resolve(std::filesystem::path const& named) {
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

COFFER_INLINE file_identity open_files::make_private(std::filesystem::path const& path) {
    bool const has_secret =
        secret_file{path.string() + ".secret"}.exists();  // asked first: others may be making the store
    struct stat s{};
    // Its owners' directory comes before a store: where it is missing later, somebody has cleared it away.
    if (!has_secret && ::stat(path.c_str(), &s) != 0) ::mkdir((path.string() + ".owners").c_str(), S_IRWXU);
    if (descriptor const made{
            ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR)}) {
        if (has_secret) {
            ::unlink(path.c_str());
            refuse(path, "the store is gone but its secret, " + path.string() +
                             ".secret, stands: restore the store from a backup, or everything would be paid again. To "
                             "begin anew, move the secret away");
        }
        ::fchmod(made.get(), S_IRUSR | S_IWUSR);
        sync_directory(path.parent_path());
    } else if (errno != EEXIST) {
        bool const not_here = errno == EACCES || errno == EROFS;
        auto const why = std::generic_category().message(errno);
        if (!not_here) refuse(path, why);
        refuse(path, why + "; the user of this process (" + std::to_string(::geteuid()) +
                         ") must be able to make files in " + path.parent_path().string());
    }
    if (::stat(path.c_str(), &s) != 0) refuse(path, std::generic_category().message(errno));
    if (!S_ISREG(s.st_mode)) refuse(path, "it is not a regular file");
    if (s.st_nlink > 1) refuse(path, "it has several names (hard links), under which SQLite would damage it");
    // Without a secret it is none of ours: the path is a mistake, and the file is left as it is, to be refused later. (It is
    // not looked into here: to close a descriptor of a database drops the locks that this process has on it.)
    if (!has_secret && s.st_size > 0) return {s.st_dev, s.st_ino};
    for (auto const* const suffix : {"", "-wal", "-shm"}) {
        auto const name = path.string() + suffix;
        struct stat beside{};
        if (::stat(name.c_str(), &beside) != 0 || (beside.st_mode & 077U) == 0) continue;
        if (::chmod(name.c_str(), S_IRUSR | S_IWUSR) != 0)
            refuse(name,
                   "it is open to other users and cannot be closed to them: " + std::generic_category().message(errno));
    }
    return {s.st_dev, s.st_ino};
}

}  // namespace sqlite::detail

}  // namespace coffer::inline COFFER_ABI
