// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_owner.hpp.

#include <coffer/store/sqlite_owner.hpp>

#include <array>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE descriptor::descriptor(descriptor&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}

COFFER_INLINE descriptor& descriptor::operator=(descriptor other) noexcept { return std::swap(fd_, other.fd_), *this; }

COFFER_INLINE void fill_random(std::span<std::uint8_t> bytes) {
    while (!bytes.empty()) {
        auto const got = ::getrandom(bytes.data(), bytes.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw std::system_error{errno, std::generic_category(), "coffer::sqlite: getrandom"};
        bytes = bytes.subspan(static_cast<std::size_t>(got));
    }
}

COFFER_INLINE std::string random_name() {
    std::array<std::uint8_t, 8> bytes{};
    fill_random(bytes);
    std::string name;
    for (auto const b : bytes) {
        name += "0123456789abcdef"[b >> 4U];
        name += "0123456789abcdef"[b & 0xfU];
    }
    return name;
}

COFFER_INLINE owner_files::owner_files(std::filesystem::path directory)
    : directory_{std::move(directory)}, boot_{read_boot()} {}

COFFER_INLINE bool owner_files::is_dead(std::string_view owner) const {
    std::error_code ignored;
    return is_dead(owner, [&] { return std::filesystem::is_directory(directory_, ignored); });
}

COFFER_INLINE std::vector<std::string> owner_files::living_names() const {
    std::vector<std::string> names;
    std::error_code ignored;
    for (std::filesystem::directory_iterator at{directory_, ignored}, end; !ignored && at != end; at.increment(ignored))
        if (auto name = boot_ + "-" + at->path().filename().string(); !is_dead(name)) names.push_back(std::move(name));
    return names;
}

COFFER_INLINE unshared_descriptor owner_files::look_at(std::filesystem::path const& path) {
    return unshared_descriptor{[&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW); }};
}

COFFER_INLINE bool owner_files::lock_shared(unshared_descriptor const& file) noexcept {
    return ::flock(file.get(), LOCK_SH | LOCK_NB) == 0;
}

COFFER_INLINE std::string owner_files::read_boot() {
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

COFFER_INLINE process_owner::process_owner(std::filesystem::path directory) : owner_files{std::move(directory)} {
    if (::mkdir(directory_.c_str(), 0700) == 0) cleared_ = true;  // a store's maker makes it before the store
    else if (errno != EEXIST) fail("cannot make", directory_, errno);
    remove_dead();
    for (int tries = 0; !lock_own_file(); ++tries)
        if (tries == 100) throw std::runtime_error{"coffer::sqlite: cannot keep a file in " + directory_.string()};
}

COFFER_INLINE bool process_owner::is_dead(std::string_view owner) const {
    // If our own file is gone too, somebody has cleared the directory and a missing file proves nothing.
    return owner != name_ && owner_files::is_dead(owner, [&] {
               std::lock_guard const lock{mutex_};
               return !cleared_ && names(file_, *lock_);
           });
}

COFFER_INLINE std::error_code process_owner::keep() noexcept {
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

COFFER_INLINE void process_owner::fail(char const* what, std::filesystem::path const& path, int code) {
    throw std::system_error{code, std::generic_category(),
                            std::string{"coffer::sqlite: "} + what + " " + path.string()};
}

COFFER_INLINE bool process_owner::names(std::filesystem::path const& path, unshared_descriptor const& open) noexcept {
    auto const opened = identity_of(open.get());
    return opened && identity_of(path.native()) == opened;
}

COFFER_INLINE std::unique_ptr<unshared_descriptor> process_owner::lock_file(std::filesystem::path const& path) {
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

COFFER_INLINE bool process_owner::lock_own_file() {
    auto const random = random_name();
    file_ = directory_ / random;
    lock_ = lock_file(file_);
    name_ = boot_ + "-" + random;
    return static_cast<bool>(lock_);
}

COFFER_INLINE void process_owner::remove_dead() const {
    std::error_code ignored;
    for (std::filesystem::directory_iterator at{directory_, ignored}, end; !ignored && at != end;
         at.increment(ignored)) {
        auto const file = look_at(at->path());
        if (file && lock_shared(file) && names(at->path(), file)) ::unlink(at->path().c_str());
    }
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
