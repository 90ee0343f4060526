// SPDX-License-Identifier: BSL-1.0
#pragma once
// Which file systems a store may stand on: not those of a network, whose locks and shared memory SQLite's log cannot
// rely on. Two hosts on one file would each believe themselves alone, and pay twice.

#include <coffer/config.hpp>

#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// What a file stands on.
struct file_system {
    std::uint32_t magic = 0;  ///< statfs(2)'s f_type
    std::string type;         ///< as /proc/self/mountinfo names it, e.g. `ext4`, `fuse.sshfs`; empty if it does not
};

/// The network file system that a type number stands for (statfs(2), linux/magic.h); null for all others.
[[nodiscard]] constexpr char const* network_file_system(std::uint32_t magic) noexcept {
    struct row {
        std::uint32_t magic;
        char const* name;
    };
    constexpr std::array rows{row{0x6969, "NFS"},        row{0x517b, "SMB"},        row{0xfe534d42, "SMB"},
                              row{0xff534d42, "CIFS"},   row{0x01021997, "9p"},     row{0x5346414f, "AFS"},
                              row{0x6b414653, "AFS"},    row{0x73757245, "Coda"},   row{0x00c36400, "Ceph"},
                              row{0x47504653, "GPFS"},   row{0x0bd00bd0, "Lustre"}, row{0x564c, "NCP"},
                              row{0x01161970, "GFS2"},   row{0x7461636f, "OCFS2"},  row{0x20030528, "OrangeFS"},
                              row{0x19830326, "BeeGFS"}, row{0xaad7aaea, "PanFS"}};
    for (auto const& r : rows)
        if (r.magic == magic) return r.name;
    return nullptr;
}

/// The same for a file system in user space: FUSE has one number for all, and most of them (encrypted or merged
/// directories, a virtual machine's shared ones) are as local as their host.
[[nodiscard]] constexpr bool is_network_fuse(std::string_view type) noexcept {
    constexpr std::array<std::string_view, 20> names{
        "fuse.sshfs",     "fuse.s3fs",      "fuse.gcsfuse",       "fuse.rclone",    "fuse.glusterfs",
        "fuse.ceph",      "fuse.ceph-fuse", "fuse.davfs",         "fuse.davfs2",    "fuse.juicefs",
        "fuse.goofys",    "fuse.mount-s3",  "fuse.mountpoint-s3", "fuse.mfs",       "fuse.moosefs",
        "fuse.curlftpfs", "fuse.smbnetfs",  "fuse.gvfsd-fuse",    "fuse.blobfuse2", "fuse.seaweedfs"};
    return std::find(names.begin(), names.end(), type) != names.end();
}

/// Why a store may not stand there; nothing if it may.
[[nodiscard]] std::optional<std::string> why_not_on(file_system const& fs);

/// The type of the mount that a device number belongs to, by the text of /proc/self/mountinfo; empty if none does.
[[nodiscard]] std::string mount_type(std::istream& mountinfo, dev_t device);

/// What an existing file or directory stands on. Throws `std::system_error`.
[[nodiscard]] file_system file_system_of(std::filesystem::path const& path);

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_file_system.ipp>
#endif
