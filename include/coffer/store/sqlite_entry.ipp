// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_entry.hpp.

#include <coffer/store/sqlite_entry.hpp>

#include <thread>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE std::optional<std::uint64_t> mount_of(std::filesystem::path const& path) noexcept {
#ifdef STATX_MNT_ID  // Linux 5.8; older ones leave it out of the mask
    struct statx x{};
    if (::statx(AT_FDCWD, path.c_str(), 0, STATX_MNT_ID, &x) == 0 && (x.stx_mask & STATX_MNT_ID) != 0)
        return x.stx_mnt_id;
#endif
    auto const id = identity_of(path.string());
    return id ? std::optional<std::uint64_t>{id->device} : std::nullopt;
}

COFFER_INLINE bool is_mounted_alone(std::filesystem::path const& path) noexcept {
    auto const own = mount_of(path);
    return own && own != mount_of(path.parent_path());
}

COFFER_INLINE bool was_emptied(std::filesystem::path const& path) {
    if (!secret_file{path.string() + ".secret"}.exists()) return false;  // asked first: it may be being made
    struct stat s{};
    return ::stat(path.c_str(), &s) == 0 && s.st_size == 0;
}

COFFER_INLINE bool log_was_removed(std::filesystem::path const& path) {
    auto const log_stands = [&] { return identity_of(path.string() + "-wal") && identity_of(path.string() + "-shm"); };
    if (log_stands()) return false;
    owner_files const owners{path.string() + ".owners"};
    // Who opens makes the log before its own file, and who closes removes its own file first: whoever is alive before
    // and after a look has the log open meanwhile. (One that is being killed loses its locks one after the other.)
    constexpr int looks = 50;
    for (int look = 0; look < looks; ++look) {
        if (look > 0) std::this_thread::sleep_for(std::chrono::milliseconds{2});
        auto const before = owners.living_names();
        if (before.empty() || log_stands()) return false;
        auto const after = owners.living_names();
        if (std::find_first_of(before.begin(), before.end(), after.begin(), after.end()) == before.end()) return false;
    }
    return true;
}

COFFER_INLINE std::optional<std::string> why_not_open(std::filesystem::path const& path) {
    if (is_mounted_alone(path))
        return "it is mounted as a single file, so its log and locks would not be those of the programs that see it "
               "elsewhere, and a key could be paid for twice; mount its directory instead";
    if (was_emptied(path))
        return "the store is empty but its secret, " + path.string() +
               ".secret, stands: restore the store from a backup, or everything would be paid again. To begin anew, "
               "move the secret away";
    if (log_was_removed(path))
        return "its log (-wal, -shm) was removed while programs have it open; let them end in order, which brings the "
               "log into the file (a kill does not), and start them again";
    return std::nullopt;
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
