// SPDX-License-Identifier: BSL-1.0
#pragma once
// What must not pass to a process that is forked off: a file that SQLite has open, and the lock by which its parent is
// seen to be alive.

#include <coffer/store/sqlite_place.hpp>  // file_identity

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// For a process that was forked off with the store open.
inline constexpr char const* fork_remedy =
    "open it only after fork, in each process, or close it before (its last handle), or let the new process exec";

/// What fork has to know of this process. Any thread; fork waits while one of these functions is at work.
class COFFER_ONE_PER_PROCESS fork_watch {
public:
    [[nodiscard]] static fork_watch& here() {
        static auto& one = *new fork_watch;  // never destroyed: stores may be static objects
        return one;
    }
    /// The forks between this process and the first one that asked: under another number, something is another process's.
    [[nodiscard]] unsigned forks() const noexcept { return forks_; }

    /// False if this process was forked off while its parent had the file open.
    [[nodiscard]] bool open(file_identity const& file);
    void close(file_identity const& file) noexcept;

    /// Makes a descriptor that is closed, and becomes -1, in a process that is forked off.
    template <class Open>
    void make(int& descriptor, Open const& open) {
        std::lock_guard const lock{mutex_};
        descriptors_.insert(&descriptor);
        descriptor = open();
    }
    void end(int& descriptor) noexcept;

private:
    struct use {
        std::size_t times = 0;
        bool inherited = false;
    };

    fork_watch();
    /// In the new process, whose one thread this is. Allocates nothing.
    void begin_anew() noexcept;

    std::mutex mutex_;
    std::map<file_identity, use> files_;
    std::set<int*> descriptors_;
    std::atomic<unsigned> forks_{0};
};

/// That this process has a file open through SQLite.
///
/// SQLite keeps a table of its locks in the process's memory. One that is forked off inherits the table, but none of the
/// locks: there SQLite believes that it holds what its parent held, or waits for it for ever, whatever connection is used.
/// So the file stays closed to it.
class file_use {
public:
    /// Throws `std::runtime_error` in a process that was forked off while its parent had the file open.
    file_use(file_identity const& file, std::string const& path);
    file_use(file_use const&) = delete;
    file_use& operator=(file_use const&) = delete;
    ~file_use();

    [[nodiscard]] file_identity const& file() const noexcept { return file_; }
    /// Is this process another than the one that opened it?
    [[nodiscard]] bool is_inherited() const noexcept { return forks_ != fork_watch::here().forks(); }
    /// Throws as the constructor.
    void check(std::string const& path) const {
        if (is_inherited()) refuse(path);
    }

private:
    [[noreturn]] static void refuse(std::string const& path);

    file_identity file_;
    unsigned forks_ = fork_watch::here().forks();
};

/// A file descriptor that a forked-off process does not get, for a lock that is to end with this process.
///
/// A lock of `flock` is the open file's: the new process would share it, and hold it on when this one is gone. So would it
/// a lock of the open file description (`F_OFD_SETLK`); and `fcntl`'s own, which are not inherited, are lost as soon as
/// anything in this process closes any descriptor of that file.
class unshared_descriptor {
public:
    /// `open` gives a descriptor, or -1 and `errno`.
    template <class Open>
    explicit unshared_descriptor(Open const& open) {
        fork_watch::here().make(fd_, open);
    }
    unshared_descriptor(unshared_descriptor const&) = delete;
    unshared_descriptor& operator=(unshared_descriptor const&) = delete;
    ~unshared_descriptor() { fork_watch::here().end(fd_); }

    [[nodiscard]] int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }

private:
    int fd_ = -1;
};

/// One T for each process, made when it is first asked for and never destroyed. A process that was forked off begins with
/// a new one: another thread may have been at work on its parent's.
template <class T>
class COFFER_ONE_PER_PROCESS one_per_process {
public:
    [[nodiscard]] T& get() {
        auto const forks = fork_watch::here().forks();
        for (auto* seen = last_.load();;) {
            if (seen != nullptr && seen->forks == forks) return seen->value;
            std::unique_ptr<entry> made{new entry{forks, {}}};
            if (last_.compare_exchange_strong(seen, made.get())) return made.release()->value;
        }
    }

private:
    struct entry {
        unsigned forks;
        T value;
    };
    std::atomic<entry*> last_{nullptr};
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_fork.ipp>
#endif
