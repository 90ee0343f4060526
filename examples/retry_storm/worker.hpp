// SPDX-License-Identifier: BSL-1.0
#pragma once
// One run of one job, in a process of its own: naive, or guarded by coffer.

#include <optional>
#include <string>

namespace retry_storm {

/// Where in the journal a worker shall die, for the demo: at the `nth` time that it comes there.
struct deadly_moment {
    std::string step;  ///< claim, permit, answer, accept
    std::string edge;  ///< before, after
    int nth = 2;
};

struct worker_options {
    std::string arm;  ///< naive, budget, coffer, preflight, stopped
    std::string job;
    int run = 1;
    std::string url;
    std::string dir;
    std::optional<deadly_moment> die;
};

/// How a run ends; the process's exit code. A queue runs a job again unless it is done, or refused: then an
/// operator has to decide.
enum class run_end : int { done = 0, call_failed = 10, save_failed = 11, refused = 12 };

[[nodiscard]] run_end work(worker_options const& options);

}  // namespace retry_storm
