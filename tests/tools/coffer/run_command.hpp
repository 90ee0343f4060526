// SPDX-License-Identifier: BSL-1.0
#pragma once
// The command, run as an operator would.

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>

namespace command_tests {

/// What a program printed, and its exit code.
struct said {
    int code = -1;
    std::string text;
    [[nodiscard]] bool has(std::string const& part) const { return text.find(part) != std::string::npos; }
};

inline said run_shell(std::string const& line) {
    said s;
    auto* const pipe = ::popen(line.c_str(), "r");
    if (pipe == nullptr) return s;
    std::array<char, 4096> some{};
    while (auto const n = std::fread(some.data(), 1, some.size(), pipe)) s.text.append(some.data(), n);
    s.code = WEXITSTATUS(::pclose(pipe));
    return s;
}
/// Both streams.
inline said run(std::string const& arguments) {
    return run_shell(std::string{COFFER_COMMAND} + " " + arguments + " 2>&1");
}
/// What goes to the standard output alone.
inline said run_for_output(std::string const& arguments) {
    return run_shell(std::string{COFFER_COMMAND} + " " + arguments + " 2>/dev/null");
}

}  // namespace command_tests
