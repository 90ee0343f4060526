// SPDX-License-Identifier: BSL-1.0
// Where a store may stand and where not. (No network file system is mounted for it: the numbers are statfs(2)'s.)

#include <coffer/store/sqlite_file_system.hpp>

#include <gtest/gtest.h>

#include <sys/sysmacros.h>

#include <sstream>
#include <string>
#include <system_error>

#include "store/sqlite_world.hpp"

namespace sqlite_file_system_test {
namespace {

using namespace coffer::sqlite::detail;

std::string refusal_on(std::uint32_t magic, std::string type = {}) {
    file_system fs;
    fs.magic = magic;
    fs.type = std::move(type);
    return why_not_on(fs).value_or("");
}

TEST(sqlite_file_system, of_a_network_is_refused_by_name) {
    struct row {
        std::uint32_t magic;
        char const* name;
    };
    for (auto const& [magic, name] : {row{0x6969, "NFS"}, row{0xff534d42, "CIFS"}, row{0xfe534d42, "SMB"},
                                      row{0x517b, "SMB"}, row{0x01021997, "9p"}, row{0x00c36400, "Ceph"},
                                      row{0x47504653, "GPFS"}, row{0x0bd00bd0, "Lustre"}, row{0x5346414f, "AFS"}}) {
        auto const said = refusal_on(magic);
        EXPECT_NE(said.find("(" + std::string{name} + ")"), std::string::npos) << said;
        EXPECT_NE(said.find("put it on a disk of this host"), std::string::npos) << said;
    }
}

TEST(sqlite_file_system, of_this_host_will_do) {
    for (std::uint32_t const magic :
         {0xef53U /* ext4 */, 0x58465342U /* xfs */, 0x9123683eU /* btrfs */, 0x01021994U /* tmpfs */,
          0x794c7630U /* overlay */, 0x2fc12fc1U /* zfs */, 0xf2f52010U /* f2fs */, 0U})
        EXPECT_EQ(refusal_on(magic), "") << magic;
}

TEST(sqlite_file_system, in_user_space_is_told_by_its_type) {
    constexpr std::uint32_t fuse = 0x65735546;
    for (auto const* const type : {"fuse.sshfs", "fuse.s3fs", "fuse.rclone", "fuse.ceph-fuse"})
        EXPECT_NE(refusal_on(fuse, type).find(type), std::string::npos) << type;
    for (auto const* const type : {"fuse.gocryptfs", "fuse.mergerfs", "fuseblk", "virtiofs", "fuse", ""})
        EXPECT_EQ(refusal_on(fuse, type), "") << type;
    EXPECT_EQ(refusal_on(0xef53, "fuse.sshfs"), "") << "the number is what counts";
}

TEST(sqlite_file_system, is_found_in_the_list_of_mounts_by_its_device) {
    std::istringstream mounts{
        "36 35 98:0 / / rw,noatime master:1 - ext4 /dev/root rw\n"
        "nonsense\n"
        "37 36 0:45 / /home/x rw,nosuid shared:7 master:2 - fuse.sshfs host:/x rw,user_id=0\n"
        "38 36 0:451 / /run rw - tmpfs tmpfs rw\n"};
    EXPECT_EQ(mount_type(mounts, makedev(0, 45)), "fuse.sshfs");
    std::istringstream again{"38 36 0:451 / /run rw - tmpfs tmpfs rw\n"};
    EXPECT_EQ(mount_type(again, makedev(0, 45)), "");
}

TEST(sqlite_file_system, of_a_real_directory_is_asked_of_the_system) {
    auto const proc = file_system_of("/proc");
    EXPECT_EQ(proc.magic, 0x9fa0U);
    EXPECT_EQ(proc.type, "proc");
    EXPECT_THROW((void)file_system_of("/no/such/directory"), std::system_error);
    store_test::temporary_directory const dir;
    EXPECT_EQ(why_not_on(file_system_of(dir.path())), std::nullopt) << "or no test of a store could pass";
}

}  // namespace
}  // namespace sqlite_file_system_test
