// SPDX-License-Identifier: BSL-1.0
#pragma once
// A process of this machine that the simulator may signal: never 0, 1, a group, itself, or another user's. Its start
// time is remembered, so that a recycled pid is never mistaken for it.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace provider_sim {

class process {
public:
    /// The running process of that number; throws bad_input with the reason if it must not be signalled or is none.
    static process find(std::int64_t pid);

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

    /// Ended, a zombie, or another process by now.
    [[nodiscard]] bool gone() const;
    /// All its threads are stopped.
    [[nodiscard]] bool stopped() const;

    /// False if it is gone.
    bool signal(int number) const;

private:
    process(pid_t pid, std::uint64_t start_time) : pid_{pid}, start_time_{start_time} {}

    pid_t pid_;
    std::uint64_t start_time_;
};

}  // namespace provider_sim
