// SPDX-License-Identifier: BSL-1.0
#pragma once
// The arms of the demo: who works, what goes wrong, and what must come of it to the last send.

#include "provider.hpp"
#include "worker.hpp"

#include <coffer/base/money.hpp>

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace retry_storm {

inline constexpr int runs = 21;
/// What the arm `naive_budget` may spend in a day.
inline constexpr auto money_limit = coffer::money::from_nano(1'000'000);

/// One job of an arm, with what befalls it in its first run.
struct job_plan {
    std::string name;
    std::optional<deadly_moment> die;
};

struct arm {
    [[nodiscard]] bool journaled() const { return worker != "naive" && worker != "budget"; }

    std::string name;
    std::string worker;  ///< naive, budget, coffer, preflight, stopped
    json rules = json::array();
    std::vector<job_plan> jobs;
};

/// What came of an arm.
struct arm_result {
    int jobs = 0;
    int runs = 0;
    int calls = 0;  ///< that the jobs made; a run ends at the first one that fails
    int kills = 0;
    tally billed;
    int answers = 0;      ///< still to be had without a send
    int unresolved = 0;
    int in_progress = 0;  ///< keys that a later run would have to wait for
    int most_sends = 0;   ///< of any of its jobs
    std::vector<std::string> unresolved_ids;
};

/// Executed and billed, and the reply lost on the wire before its first byte, the first time for every request.
[[nodiscard]] inline json first_reply_lost() {
    return {{{"name", "first reply lost"}, {"match", {{"nth", 1}}}, {"deliver", "none"}, {"end", "rst"}}};
}

/// The worker dies at call 2 of run 1: at four moments of the provider's, and before and after four of the journal's.
[[nodiscard]] inline arm killed_arm() {
    arm a{"coffer_killed", "coffer", json::array(), {}};
    for (std::string const moment : {"request_read", "bill_written", "half_body", "last_byte"}) {
        auto const job = "killed-" + moment;
        a.rules.push_back({{"name", "kill at " + moment},
                           {"times", 1},
                           {"match", {{"run", 1}, {"body_contains", "[" + job + "/draft]"}}},
                           {"kill", {{"moment", moment}, {"signal", "KILL"}}}});
        a.jobs.push_back({job, std::nullopt});
    }
    for (std::string const step : {"claim", "permit", "answer", "accept"})
        for (std::string const edge : {"before", "after"})
            a.jobs.push_back({"killed-" + edge + "-" + step, deadly_moment{step, edge, 2}});
    return a;
}

[[nodiscard]] inline std::vector<arm> all_arms() {
    return {{"naive", "naive", json::array(), {{"naive", std::nullopt}}},
            {"naive_budget", "budget", json::array(), {{"naive-budget", std::nullopt}}},
            {"coffer", "coffer", json::array(), {{"coffer", std::nullopt}}},
            {"naive_replies_lost", "naive", first_reply_lost(), {{"naive-lost", std::nullopt}}},
            {"coffer_replies_lost", "coffer", first_reply_lost(), {{"coffer-lost", std::nullopt}}},
            killed_arm(),
            {"coffer_preflight", "preflight", json::array(), {{"preflight", std::nullopt}}},
            {"coffer_stopped", "stopped", json::array(), {{"stopped", std::nullopt}}}};
}

}  // namespace retry_storm
