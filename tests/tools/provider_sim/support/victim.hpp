// SPDX-License-Identifier: BSL-1.0
#pragma once
// A client in a process of its own, which the simulator may stop and kill. It sends one request, reads the answer, and
// reports every byte it has got and whether it came to act on a whole answer.

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "support/sim_process.hpp"

namespace provider_sim::test {

struct victim_report {
    int wait_status = 0;        // as waitpid gives it
    std::size_t bytes_seen = 0;
    bool acted = false;         // it had the whole answer, and did something with it
};

class victim {
public:
    /// Forks; the request gets an x-sim-pid header unless `anonymous`, and is not sent before `go`.
    victim(sim_process const& sim, std::string const& content, bool anonymous = false);
    ~victim();
    victim(victim const&) = delete;
    victim& operator=(victim const&) = delete;

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    void go();

    /// Waits until it is stopped, not ended; false if it ended.
    bool wait_stopped();
    /// Waits for its end.
    victim_report wait();

private:
    [[noreturn]] void live(std::uint16_t port, std::string const& content, bool anonymous);

    pid_t pid_ = -1;
    int start_[2] = {-1, -1};
    int report_[2] = {-1, -1};
};

}  // namespace provider_sim::test
