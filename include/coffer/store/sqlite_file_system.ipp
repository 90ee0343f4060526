// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_file_system.hpp.

#include <coffer/store/sqlite_file_system.hpp>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE std::optional<std::string> why_not_on(file_system const& fs) {
    constexpr std::uint32_t fuse = 0x65735546;
    std::string name;
    if (auto const* const known = network_file_system(fs.magic)) name = known;
    else if (fs.magic == fuse && is_network_fuse(fs.type)) name = fs.type;
    else return std::nullopt;
    return "it is on a network file system (" + name +
           "), where SQLite's locks do not hold and a key could be paid for twice; put it on a disk of this host";
}

COFFER_INLINE std::string mount_type(std::istream& mountinfo, dev_t device) {
    auto const wanted = std::to_string(major(device)) + ":" + std::to_string(minor(device));
    for (std::string line; std::getline(mountinfo, line);) {
        // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw
        std::istringstream words{line};
        std::string id;
        std::string parent;
        std::string number;
        words >> id >> parent >> number;
        auto const dash = line.find(" - ");
        if (number != wanted || dash == std::string::npos) continue;
        std::istringstream rest{line.substr(dash + 3)};
        std::string type;
        rest >> type;
        return type;
    }
    return {};
}

COFFER_INLINE file_system file_system_of(std::filesystem::path const& path) {
    struct statfs fs{};
    struct stat s{};
    while (::statfs(path.c_str(), &fs) != 0)
        if (errno != EINTR) throw std::system_error{errno, std::generic_category(), path.string()};
    if (::stat(path.c_str(), &s) != 0) throw std::system_error{errno, std::generic_category(), path.string()};
    std::ifstream mountinfo{"/proc/self/mountinfo"};
    return {static_cast<std::uint32_t>(fs.f_type), mount_type(mountinfo, s.st_dev)};
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
