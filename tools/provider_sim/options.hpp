// SPDX-License-Identifier: BSL-1.0
#pragma once
// The command line.

#include <cstdint>
#include <filesystem>
#include <string>

namespace provider_sim {

struct options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;
    std::filesystem::path ledger;
    std::filesystem::path port_file;  // empty: none
    std::filesystem::path script;     // empty: none
    std::uint64_t seed = 1;
    bool seed_given = false;          // then it wins over the script's
    std::string require_key_prefix;   // empty: no key is asked for
};

/// Throws bad_input with a text that says what to do; prints --help and sets `done` if that was asked for.
options parse_command_line(int argc, char const* const* argv, bool& done);

}  // namespace provider_sim
