// SPDX-License-Identifier: BSL-1.0
#include <coffer/store/sqlite.hpp>

#include <filesystem>

int main() {
    // The file that a user would name; here it goes with its directory, which is the build's.
    std::filesystem::remove_all("use_sqlite.dir");
    std::filesystem::create_directory("use_sqlite.dir");
    coffer::sqlite::store const db{"use_sqlite.dir/coffer.db"};
    return std::filesystem::exists("use_sqlite.dir/coffer.db") ? 0 : 1;
}
