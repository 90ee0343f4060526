// SPDX-License-Identifier: BSL-1.0
#pragma once
// An append-only file of lines: locked, so that two simulators never write one; each line one write(2), so that a
// killed simulator leaves at most a torn last line, which opening repairs.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace provider_sim {

class line_file {
public:
    /// Opens or creates (0600), and calls `take` with every line in order. `take` returns false for a line that is
    /// none: the last one is then cut off if its newline is missing, any other one throws.
    line_file(std::filesystem::path path, std::function<bool(std::string const& line)> const& take);
    ~line_file();
    line_file(line_file const&) = delete;
    line_file& operator=(line_file const&) = delete;

    void append(std::string line);

    /// What was appended survives a power cut from here on.
    void sync();

    [[nodiscard]] std::filesystem::path const& path() const noexcept { return path_; }

private:
    void read_back(std::function<bool(std::string const& line)> const& take);
    [[noreturn]] void fail(std::string const& what) const;

    std::filesystem::path path_;
    int fd_ = -1;
};

}  // namespace provider_sim
