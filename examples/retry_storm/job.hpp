// SPDX-License-Identifier: BSL-1.0
#pragma once
// The job: three LLM calls, each building on the one before, and then the results are written where they belong.

#include "app_database.hpp"

#include <coffer/coffer.hpp>
#include <coffer/llm/openai.hpp>

#include <array>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace retry_storm {

inline constexpr std::array<char const*, 3> steps{"outline", "draft", "summary"};

/// What marks a step's request, so that the simulator can be told to strike at it.
[[nodiscard]] inline std::string step_mark(std::string const& job, std::size_t step) {
    return "[" + job + "/" + steps[step] + "]";
}

[[nodiscard]] inline coffer::llm::request step_request(std::string const& job, std::size_t step,
                                                       std::string const& material) {
    return coffer::llm::request{"gpt-4o-mini"}
        .system("You write the quarterly report. " + step_mark(job, step))
        .user(step == 0 ? "Outline the report." : "Go on from this: " + material)
        .max_output_tokens(400);
}

/// Asks one step's question. The naive worker and the guarded one differ only in this.
using asker = std::function<coffer::awaitable<coffer::llm::reply>(std::size_t step, coffer::llm::request const&)>;

/// Runs the job once. Throws what the calls throw, and what the application's database throws.
inline coffer::awaitable<void> run_job(std::string job, app_database& app, asker ask) {
    std::vector<app_database::line> lines;
    std::string material;
    for (std::size_t step = 0; step < steps.size(); ++step) {
        auto const request = step_request(job, step, material);
        auto const reply = co_await ask(step, request);
        material = reply.text;
        lines.push_back({steps[step], material});
    }
    app.save(job, lines);
}

}  // namespace retry_storm
