// SPDX-License-Identifier: BSL-1.0
#pragma once
// Which processes are alive: each that has the store open holds a lock on a file of its own, which the system drops
// when the process ends, however it ends.

#include <coffer/store/sqlite_fork.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// A file descriptor, closed with the object.
class descriptor {
public:
    descriptor() = default;
    explicit descriptor(int fd) noexcept : fd_{fd} {}
    descriptor(descriptor&& other) noexcept;
    descriptor& operator=(descriptor other) noexcept;
    ~descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }

private:
    int fd_ = -1;
};

/// Random bytes from the system, good enough for secrets.
void fill_random(std::span<std::uint8_t> bytes);
[[nodiscard]] std::string random_name();

/// What can be told of the owners that have a file in a directory.
///
/// A name is `<boot>-<random>`. Dead, provably, is an owner of another boot, one whose file is gone, and one whose file
/// nobody has locked. Where nothing can be proven (no permission, no descriptors left) it counts as alive.
class owner_files {
public:
    explicit owner_files(std::filesystem::path directory);

    /// Is that owner proven dead? Asks the system anew each time.
    [[nodiscard]] bool is_dead(std::string_view owner) const;
    [[nodiscard]] std::string const& boot() const noexcept { return boot_; }
    /// Those that are alive.
    [[nodiscard]] std::vector<std::string> living_names() const;
    /// How many are alive.
    [[nodiscard]] std::size_t living() const { return living_names().size(); }

protected:
    /// `is_whole`: does a file that is missing prove anything?
    template <class Fn>
    [[nodiscard]] bool is_dead(std::string_view owner, Fn const& is_whole) const {
        auto const dash = owner.find('-');
        if (dash == std::string_view::npos) return false;
        if (owner.substr(0, dash) != boot_) return true;
        auto const random = owner.substr(dash + 1);
        if (random.find('/') != std::string_view::npos) return false;
        auto const path = directory_ / random;
        auto const file = look_at(path);
        if (!file) return errno == ENOENT && is_whole();
        return lock_shared(file);
    }
    [[nodiscard]] static unshared_descriptor look_at(std::filesystem::path const& path);
    /// Shared, so that two who look at a dead one do not take each other for it.
    [[nodiscard]] static bool lock_shared(unshared_descriptor const& file) noexcept;

    std::filesystem::path directory_;
    std::string boot_;

private:
    [[nodiscard]] static std::string read_boot();
};

/// This process as an owner of claims, and what it can tell of others.
class process_owner : private owner_files {
public:
    /// Makes and locks this process's file in `directory` (made if need be, 0700), and removes those of the dead.
    explicit process_owner(std::filesystem::path directory);
    process_owner(process_owner const&) = delete;
    process_owner& operator=(process_owner const&) = delete;
    ~process_owner() { ::unlink(file_.c_str()); }

    [[nodiscard]] std::string const& name() const noexcept { return name_; }
    using owner_files::boot;

    /// Is that owner proven dead? Asks the system anew each time.
    [[nodiscard]] bool is_dead(std::string_view owner) const;
    /// Makes this process's file anew if somebody has removed it: others would take this process for dead. From then on
    /// a missing file proves nothing to this process, for others may not have noticed yet. Costs one or two questions
    /// to the system if it stands. Why it could not be done; nothing if it stands.
    [[nodiscard]] std::error_code keep() noexcept;

private:
    [[noreturn]] static void fail(char const* what, std::filesystem::path const& path, int code);
    /// Does `path` still name the file that is open?
    [[nodiscard]] static bool names(std::filesystem::path const& path, unshared_descriptor const& open) noexcept;
    /// A new file, locked; none if there is one, or another process removed it at once.
    [[nodiscard]] static std::unique_ptr<unshared_descriptor> lock_file(std::filesystem::path const& path);
    [[nodiscard]] bool lock_own_file();
    void remove_dead() const;

    std::string name_;
    std::filesystem::path file_;
    mutable std::mutex mutex_;
    std::unique_ptr<unshared_descriptor> lock_;
    bool cleared_ = false;  // files of the living may be missing, too
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_owner.ipp>
#endif
