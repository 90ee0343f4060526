// SPDX-License-Identifier: BSL-1.0
#include <coffer/store/record_text.hpp>
#include <coffer/store/sqlite_run_reader.hpp>

#include <iomanip>
#include <iostream>
#include <limits>
#include <memory>
#include <string>

#include "arguments.hpp"
#include "command.hpp"
#include "record_json.hpp"
#include "text.hpp"

namespace coffer_command {
namespace {

struct request {
    std::filesystem::path file;
    coffer::run_filter which;
    bool json = false;
};

/// The code of the fault that its next run gets; empty if it is not stopped.
std::string why_stopped(coffer::sqlite::seen_run const& seen) {
    if (!seen.stopped) return {};
    return seen.row.fails_the_same_way(seen.row.limits) ? "same_failure" : "max_runs";
}

std::string state_of(coffer::sqlite::seen_run const& seen) {
    auto const& row = seen.row;
    if (seen.stopped) return "STOPPED " + why_stopped(seen);
    if (row.state == coffer::run_state::idle && row.same_failures > 0) return "failed";
    return std::string{to_string(row.state)};
}

void print(coffer::sqlite::seen_run const& seen) {
    auto const& row = seen.row;
    std::cout << std::left << std::setw(20) << state_of(seen) << "  runs " << std::setw(3) << row.begun << " counted "
              << row.counted << " of " << std::setw(3) << row.limits.max_runs << " alike " << row.same_failures
              << " of " << std::setw(2) << row.limits.same_failure << " steps " << std::setw(3) << row.steps.size()
              << ' ' << iso_time(row.created) << "  " << iso_time(row.updated) << "  "
              << printable(coffer::to_text(seen.job))
              << (row.signature.empty() ? "" : "  last failure: " + printable(row.signature)) << '\n';
}

void print_json(coffer::sqlite::seen_run const& seen) {
    using json = nlohmann::ordered_json;
    auto const& row = seen.row;
    json j;
    j["id"] = coffer::to_text(seen.job);
    j["namespace"] = seen.job.name_space;
    j["state"] = to_string(row.state);
    j["stopped"] = seen.stopped ? json(why_stopped(seen)) : json{};
    j["runs"] = row.begun;
    j["counted"] = row.counted;
    j["counted_allowed"] = row.limits.max_runs;
    j["same_failures"] = row.same_failures;
    j["same_failures_allowed"] = row.limits.same_failure;
    j["last_failure"] = row.signature.empty() ? json{} : json(row.signature);
    j["steps"] = row.steps;
    j["created"] = iso_time(row.created);
    j["updated"] = iso_time(row.updated);
    std::cout << line_of(j) << '\n';
}

int run(request const& r) {
    coffer::sqlite::reader file{r.file};
    coffer::sqlite::run_reader const jobs{file};
    std::size_t found = 0;
    std::size_t stopped = 0;
    jobs.for_each(r.which, [&](coffer::sqlite::seen_run const& seen) {
        ++found;
        stopped += seen.stopped ? 1U : 0U;
        if (r.json) print_json(seen);
        else print(seen);
        return true;
    });
    if (!r.json) {
        std::cout << counted(found, r.which.stopped_only ? "stopped job" : "job")
                  << (found == r.which.limit ? ", as many as --limit allows\n" : "\n");
        if (stopped > 0)
            std::cout << "When the cause is mended: coffer reopen " << coffer::shell_word(file.path().string())
                      << " JOB\n";
    }
    return found == 0 ? nothing_matched : ok;
}

}  // namespace

subcommand jobs_command(CLI::App& app) {
    auto const r = std::make_shared<request>();
    r->which.limit = std::numeric_limits<std::size_t>::max();
    auto* const parser = app.add_subcommand("jobs", "jobs that are run with `journal`, oldest first; changes nothing");
    add_file(*parser, r->file);
    parser->add_flag("--stopped", r->which.stopped_only, "only jobs that wait for an operator");
    add_namespace(*parser, r->which.name_space);
    add_count(*parser, "--limit", r->which.limit, "at most so many, the oldest");
    add_json(*parser, r->json);
    add_examples(*parser,
                 "  coffer jobs coffer.db --stopped                   what waits for somebody to mend its cause\n"
                 "  coffer jobs coffer.db --namespace report\n"
                 "  coffer jobs coffer.db --json | jq -r 'select(.stopped) | .id'");
    return {parser, [r] { return run(*r); }};
}

}  // namespace coffer_command
