// SPDX-License-Identifier: BSL-1.0
#pragma once
// A disk that is full while a file exists: what SQLite then writes is refused by "the system" with ENOSPC.

#include <sqlite3.h>

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace kill_matrix {

/// In the process that is to feel it: SQLite's writes go through here from now on.
class full_disk {
public:
    /// The disk is full while `marker` exists.
    static void while_there_is(std::filesystem::path const& marker) {
        the_marker() = marker.string();
        auto* const vfs = sqlite3_vfs_find(nullptr);
        if (vfs == nullptr || vfs->iVersion < 3) throw std::runtime_error{"this SQLite has no system calls to replace"};
        // Those that it was built without are not used, and refused.
        vfs->xSetSystemCall(vfs, "write", reinterpret_cast<sqlite3_syscall_ptr>(&write));
        vfs->xSetSystemCall(vfs, "pwrite", reinterpret_cast<sqlite3_syscall_ptr>(&pwrite));
        vfs->xSetSystemCall(vfs, "pwrite64", reinterpret_cast<sqlite3_syscall_ptr>(&pwrite));
    }

    // From outside.
    static void fill(std::filesystem::path const& marker) { std::ofstream{marker} << "full\n"; }
    static void free(std::filesystem::path const& marker) { std::filesystem::remove(marker); }

private:
    static std::string& the_marker() {
        static std::string path;
        return path;
    }
    static bool refuses() {
        if (::access(the_marker().c_str(), F_OK) != 0) return false;
        errno = ENOSPC;
        return true;
    }
    static ssize_t write(int fd, void const* bytes, std::size_t size) {
        return refuses() ? -1 : ::write(fd, bytes, size);
    }
    static ssize_t pwrite(int fd, void const* bytes, std::size_t size, off_t at) {
        return refuses() ? -1 : ::pwrite(fd, bytes, size, at);
    }
};

}  // namespace kill_matrix
