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

#include <array>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// A file descriptor, closed with the object.
class descriptor {
public:
    descriptor() = default;
    explicit descriptor(int fd) noexcept : fd_{fd} {}
    descriptor(descriptor&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
    descriptor& operator=(descriptor other) noexcept { return std::swap(fd_, other.fd_), *this; }
    ~descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }

private:
    int fd_ = -1;
};

/// Random bytes from the system, good enough for secrets.
inline void fill_random(std::span<std::uint8_t> bytes) {
    while (!bytes.empty()) {
        auto const got = ::getrandom(bytes.data(), bytes.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw std::system_error{errno, std::generic_category(), "coffer::sqlite: getrandom"};
        bytes = bytes.subspan(static_cast<std::size_t>(got));
    }
}
[[nodiscard]] inline std::string random_name() {
    std::array<std::uint8_t, 8> bytes{};
    fill_random(bytes);
    std::string name;
    for (auto const b : bytes) {
        name += "0123456789abcdef"[b >> 4U];
        name += "0123456789abcdef"[b & 0xfU];
    }
    return name;
}

/// What can be told of the owners that have a file in a directory.
///
/// A name is `<boot>-<random>`. Dead, provably, is an owner of another boot, one whose file is gone, and one whose file
/// nobody has locked. Where nothing can be proven (no permission, no descriptors left) it counts as alive.
class owner_files {
public:
    explicit owner_files(std::filesystem::path directory) : directory_{std::move(directory)}, boot_{read_boot()} {}

    /// Is that owner proven dead? Asks the system anew each time.
    [[nodiscard]] bool is_dead(std::string_view owner) const {
        std::error_code ignored;
        return is_dead(owner, [&] { return std::filesystem::is_directory(directory_, ignored); });
    }
    [[nodiscard]] std::string const& boot() const noexcept { return boot_; }
    /// Those that are alive.
    [[nodiscard]] std::vector<std::string> living_names() const {
        std::vector<std::string> names;
        std::error_code ignored;
        for (std::filesystem::directory_iterator at{directory_, ignored}, end; !ignored && at != end;
             at.increment(ignored))
            if (auto name = boot_ + "-" + at->path().filename().string(); !is_dead(name))
                names.push_back(std::move(name));
        return names;
    }
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
    [[nodiscard]] static unshared_descriptor look_at(std::filesystem::path const& path) {
        return unshared_descriptor{[&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW); }};
    }
    /// Shared, so that two who look at a dead one do not take each other for it.
    [[nodiscard]] static bool lock_shared(unshared_descriptor const& file) noexcept {
        return ::flock(file.get(), LOCK_SH | LOCK_NB) == 0;
    }

    std::filesystem::path directory_;
    std::string boot_;

private:
    [[nodiscard]] static std::string read_boot() {
        std::ifstream in{"/proc/sys/kernel/random/boot_id"};
        std::string id;
        in >> id;
        std::erase(id, '-');
        if (id.size() != 32)
            throw std::runtime_error{
                "coffer::sqlite: cannot read /proc/sys/kernel/random/boot_id, without which owners from before a "
                "reboot could not be told from living ones"};
        return id.substr(0, 16);
    }
};

/// This process as an owner of claims, and what it can tell of others.
class process_owner : private owner_files {
public:
    /// Makes and locks this process's file in `directory` (made if need be, 0700), and removes those of the dead.
    explicit process_owner(std::filesystem::path directory) : owner_files{std::move(directory)} {
        if (::mkdir(directory_.c_str(), 0700) == 0) cleared_ = true;  // a store's maker makes it before the store
        else if (errno != EEXIST) fail("cannot make", directory_, errno);
        remove_dead();
        for (int tries = 0; !lock_own_file(); ++tries)
            if (tries == 100) throw std::runtime_error{"coffer::sqlite: cannot keep a file in " + directory_.string()};
    }
    process_owner(process_owner const&) = delete;
    process_owner& operator=(process_owner const&) = delete;
    ~process_owner() { ::unlink(file_.c_str()); }

    [[nodiscard]] std::string const& name() const noexcept { return name_; }
    using owner_files::boot;

    /// Is that owner proven dead? Asks the system anew each time.
    [[nodiscard]] bool is_dead(std::string_view owner) const {
        // If our own file is gone too, somebody has cleared the directory and a missing file proves nothing.
        return owner != name_ && owner_files::is_dead(owner, [&] {
                   std::lock_guard const lock{mutex_};
                   return !cleared_ && names(file_, *lock_);
               });
    }
    /// Makes this process's file anew if somebody has removed it: others would take this process for dead. From then on
    /// a missing file proves nothing to this process, for others may not have noticed yet. Costs one or two questions
    /// to the system if it stands. Why it could not be done; nothing if it stands.
    [[nodiscard]] std::error_code keep() noexcept {
        std::lock_guard const lock{mutex_};
        if (names(file_, *lock_)) return {};
        cleared_ = true;
        try {
            ::mkdir(directory_.c_str(), 0700);
            for (int tries = 0; tries < 100; ++tries) {
                auto const draft = directory_ / random_name();
                auto made = lock_file(draft);
                // Locked before it has its name: nobody sees it as a dead one's.
                if (!made) continue;
                if (::rename(draft.c_str(), file_.c_str()) == 0) return lock_ = std::move(made), std::error_code{};
                ::unlink(draft.c_str());
            }
        } catch (std::system_error const& e) {
            return e.code();
        } catch (...) {  // no memory
        }
        return std::make_error_code(std::errc::resource_unavailable_try_again);
    }

private:
    [[noreturn]] static void fail(char const* what, std::filesystem::path const& path, int code) {
        throw std::system_error{code, std::generic_category(),
                                std::string{"coffer::sqlite: "} + what + " " + path.string()};
    }
    /// Does `path` still name the file that is open?
    [[nodiscard]] static bool names(std::filesystem::path const& path, unshared_descriptor const& open) noexcept {
        auto const opened = identity_of(open.get());
        return opened && identity_of(path.native()) == opened;
    }
    /// A new file, locked; none if there is one, or another process removed it at once.
    [[nodiscard]] static std::unique_ptr<unshared_descriptor> lock_file(std::filesystem::path const& path) {
        auto locked = std::make_unique<unshared_descriptor>(
            [&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600); });
        auto const& made = *locked;
        if (!made) {
            if (errno == EEXIST) return {};
            fail("cannot make", path, errno);
        }
        ::fchmod(made.get(), 0600);
        while (::flock(made.get(), LOCK_EX) != 0)
            if (errno != EINTR) fail("cannot lock", path, errno);
        // Before it was locked it looked like a dead one's, and another process may have removed it.
        if (!names(path, made)) return {};
        return locked;
    }
    [[nodiscard]] bool lock_own_file() {
        auto const random = random_name();
        file_ = directory_ / random;
        lock_ = lock_file(file_);
        name_ = boot_ + "-" + random;
        return static_cast<bool>(lock_);
    }
    void remove_dead() const {
        std::error_code ignored;
        for (std::filesystem::directory_iterator at{directory_, ignored}, end; !ignored && at != end;
             at.increment(ignored)) {
            auto const file = look_at(at->path());
            if (file && lock_shared(file) && names(at->path(), file)) ::unlink(at->path().c_str());
        }
    }

    std::string name_;
    std::filesystem::path file_;
    mutable std::mutex mutex_;
    std::unique_ptr<unshared_descriptor> lock_;
    bool cleared_ = false;  // files of the living may be missing, too
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
