// SPDX-License-Identifier: BSL-1.0
#pragma once
// The storm itself: a queue that runs failed jobs again, and what is left when it has passed.

#include "arms.hpp"
#include "provider.hpp"

#include <filesystem>
#include <map>
#include <string>

namespace retry_storm {

class storm {
public:
    /// `self` is this program, `simulator` the provider's; everything is kept in `dir`.
    storm(std::string self, std::string const& simulator, std::filesystem::path dir);

    /// Runs every job of the arm 21 times, each run a process, and counts.
    [[nodiscard]] arm_result run(arm const& a);

    /// Applies the migration to the databases of the guarded arms and runs each of their jobs once more.
    struct after_migration {
        int jobs = 0;
        int sends = 0;
        int rows = 0;
    };
    [[nodiscard]] after_migration migrate_and_run(std::vector<arm> const& arms);

    /// The attempt log of the first run of a job, as its worker printed it.
    [[nodiscard]] std::string attempts(arm const& a, std::string const& job) const;

private:
    [[nodiscard]] ending run_once(arm const& a, job_plan const& job, int number,
                                  std::optional<deadly_moment> const& die);
    void look_at_store(arm const& a, arm_result& result);
    [[nodiscard]] std::filesystem::path place(arm const& a) const { return dir_ / a.name; }

    std::string self_;
    std::filesystem::path dir_;
    provider provider_;
};

}  // namespace retry_storm
