// SPDX-License-Identifier: BSL-1.0
#include "ledger/line_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace provider_sim {
namespace {

// A new file is only as durable as its name in the directory.
void sync_directory(std::filesystem::path const& file) {
    auto const directory = file.has_parent_path() ? file.parent_path() : std::filesystem::path{"."};
    int const fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    ::fsync(fd);
    ::close(fd);
}

}  // namespace

line_file::line_file(std::filesystem::path path, std::function<bool(std::string const&)> const& take)
    : path_{std::move(path)} {
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd_ < 0) fail(std::string{"cannot be opened: "} + std::strerror(errno));
    try {
        if (::flock(fd_, LOCK_EX | LOCK_NB) != 0)
            fail("is in use by another provider_sim; end that one or give another --ledger");
        read_back(take);
        sync_directory(path_);
    } catch (...) {
        ::close(fd_);
        throw;
    }
}

line_file::~line_file() { ::close(fd_); }

void line_file::read_back(std::function<bool(std::string const&)> const& take) {
    std::ifstream in{path_, std::ios::binary};
    std::string line;
    std::uint64_t offset = 0;
    for (std::uint64_t number = 1; std::getline(in, line); ++number) {
        bool const torn = in.eof();  // no newline at its end
        if (take(line)) {
            if (torn) append({});  // complete but for the newline: kept, a bill must not get lost
        } else if (torn) {
            if (::ftruncate(fd_, static_cast<off_t>(offset)) != 0)
                fail(std::string{"has a torn last line that cannot be cut off: "} + std::strerror(errno));
        } else {
            fail("is corrupt: line " + std::to_string(number) +
                 " is no ledger record that follows the one before; move the file away or give another --ledger");
        }
        offset += line.size() + 1;
    }
    if (in.bad()) fail("cannot be read");
}

void line_file::append(std::string line) {
    line.push_back('\n');
    for (std::string_view rest = line; !rest.empty();) {
        auto const written = ::write(fd_, rest.data(), rest.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) fail(std::string{"cannot be written: "} + std::strerror(errno));
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
}

void line_file::sync() {
    if (::fdatasync(fd_) != 0) fail(std::string{"cannot be synced: "} + std::strerror(errno));
}

void line_file::fail(std::string const& what) const {
    throw std::runtime_error{"ledger " + path_.string() + " " + what};
}

}  // namespace provider_sim
