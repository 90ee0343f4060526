// SPDX-License-Identifier: BSL-1.0
#pragma once
// The real program in a directory of its own. Ready when constructed; killed when destroyed.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "support/wire_client.hpp"

namespace provider_sim::test {

/// A directory that goes with its owner.
class temporary_directory {
public:
    temporary_directory();
    ~temporary_directory();
    temporary_directory(temporary_directory const&) = delete;
    temporary_directory& operator=(temporary_directory const&) = delete;
    [[nodiscard]] std::filesystem::path const& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

class sim_process {
public:
    explicit sim_process(std::vector<std::string> arguments = {});
    ~sim_process();
    sim_process(sim_process const&) = delete;
    sim_process& operator=(sim_process const&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    [[nodiscard]] std::filesystem::path directory() const { return directory_.path(); }
    [[nodiscard]] std::filesystem::path ledger() const { return directory_.path() / "ledger.jsonl"; }

    /// Sends the signal and waits; the status as waitpid gives it.
    int end(int signal);
    /// Starts it again on the same ledger.
    void start();

    /// A control request; throws unless the status is 200.
    json post_control(std::string const& path, json const& body) const;
    json get_control(std::string const& path) const;
    /// Puts these rules in force.
    void rules(json const& rules) const { post_control("/control/faults", rules); }
    [[nodiscard]] json totals(std::string const& query = {}) const {
        return get_control("/control/ledger" + query)["totals"];
    }

    /// One request on a connection of its own.
    wire_response ask(std::string const& request) const;
    wire_bytes ask_raw(std::string const& request) const;

    /// The ledger file's lines of that kind, as they are on disk now.
    [[nodiscard]] std::vector<json> lines(std::string const& kind) const;
    /// The same, waiting until there are that many.
    std::vector<json> lines(std::string const& kind, std::size_t count) const;

private:
    temporary_directory directory_;
    std::vector<std::string> arguments_;
    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
};

/// What the program prints and how it ends, for command lines that end by themselves.
struct program_result {
    int exit_code = -1;
    std::string out;
    std::string err;
};
program_result run_program(std::vector<std::string> const& arguments);

}  // namespace provider_sim::test
