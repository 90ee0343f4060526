// SPDX-License-Identifier: BSL-1.0
#include <coffer/base/outcome.hpp>
#include <coffer/store/record_text.hpp>
#include <coffer/store/sqlite_run_reader.hpp>

#include <algorithm>
#include <iostream>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arguments.hpp"
#include "command.hpp"
#include "text.hpp"

namespace coffer_command {
namespace {

struct request {
    std::filesystem::path file;
    std::vector<std::string> jobs;
    std::string name_space;
    bool all_stopped = false;
    bool yes = false;

    [[nodiscard]] bool is_bulk() const { return all_stopped || !name_space.empty(); }
};

coffer::awaitable<void> reopen_each(coffer::sqlite::store db, std::vector<coffer::record_id> jobs, std::size_t& done) {
    for (auto const& job : jobs) {
        try {
            co_await db.reopen_run(job);
            ++done;
        } catch (coffer::failure const& e) {
            if (e.fault().kind() == coffer::fault_kind::store_unavailable) throw;
            std::cerr << "coffer: left alone: " << printable(coffer::to_text(job)) << ": "
                      << printable(e.fault().message()) << '\n';
        }
    }
}

/// How many of them it has reopened.
std::size_t reopen(request const& r, std::vector<coffer::record_id> jobs) {
    std::size_t done = 0;
    auto const of = jobs.size();
    auto const db = open_store(r.file);
    run_to_end(reopen_each(db, std::move(jobs), done));
    std::cout << "reopened " << done << " of " << counted(of, "job")
              << ": the counts of failures and runs begin anew; what was paid for stays paid for\n";
    return done;
}

int reopen_named(request const& r) {
    std::vector<coffer::record_id> named;
    for (auto const& text : r.jobs) named.push_back(parse_job(text));
    std::vector<coffer::record_id> known;
    {
        coffer::sqlite::reader file{r.file};
        coffer::sqlite::run_reader const jobs{file};
        for (auto const& job : named) {
            if (jobs.find(job)) known.push_back(job);
            else
                std::cerr << "coffer: no run of " << printable(coffer::to_text(job)) << " is known in "
                          << file.path().string() << "; `coffer jobs` lists the jobs\n";
        }
    }
    if (known.empty()) return nothing_matched;
    return reopen(r, std::move(known)) == named.size() ? ok : failed;
}

int reopen_stopped(request const& r) {
    coffer::run_filter which{r.name_space, true};
    which.limit = std::numeric_limits<std::size_t>::max();
    std::vector<coffer::sqlite::seen_run> stopped;
    {
        coffer::sqlite::reader file{r.file};
        coffer::sqlite::run_reader const jobs{file};
        jobs.for_each(which, [&](coffer::sqlite::seen_run const& seen) { return stopped.push_back(seen), true; });
    }
    if (stopped.empty()) {
        std::cout << "no stopped job is like that\n";
        return nothing_matched;
    }
    if (!r.yes) {
        for (auto const& seen : stopped)
            std::cout << printable(coffer::to_text(seen.job)) << "  last failure: "
                      << (seen.row.signature.empty() ? "none that counts" : printable(seen.row.signature)) << '\n';
        std::cout << "would reopen " << counted(stopped.size(), "stopped job")
                  << "; nothing was changed. To do it, say --yes as well\n";
        return ok;
    }
    std::vector<coffer::record_id> jobs;
    for (auto& seen : stopped) jobs.push_back(std::move(seen.job));
    return reopen(r, std::move(jobs)) == stopped.size() ? ok : failed;
}

int run(request const& r) {
    if (r.jobs.empty() == !r.is_bulk())
        throw CLI::ValidationError{"JOB", r.jobs.empty() ? "name a job, or say which: --all-stopped, --namespace"
                                                         : "either jobs by name, or --all-stopped, --namespace"};
    return r.is_bulk() ? reopen_stopped(r) : reopen_named(r);
}

}  // namespace

subcommand reopen_command(CLI::App& app) {
    auto const r = std::make_shared<request>();
    auto* const parser = app.add_subcommand(
        "reopen", "lets stopped jobs be run again, once the cause of their failures is mended; CHANGES the store");
    add_file(*parser, r->file);
    parser->add_option("JOB", r->jobs, "jobs, as `coffer jobs` prints them");
    auto* const many = parser->add_option_group("many at once", "shows what it would do, unless --yes is given");
    many->add_flag("--all-stopped", r->all_stopped, "every job that is stopped");
    many->add_option("--namespace", r->name_space,
                     "only jobs whose key's first part is this; of them, those that are stopped")
        ->type_name("N");
    many->add_flag("--yes", r->yes, "do it");
    add_examples(*parser,
                 "  coffer reopen coffer.db report:9e1c…\n"
                 "  coffer reopen coffer.db --all-stopped                  only shows which\n"
                 "  coffer reopen coffer.db --namespace report --yes\n"
                 "\n"
                 "Nothing is sent by this command. The next run of a job costs what no run has paid for yet.");
    return {parser, [r] { return run(*r); }};
}

}  // namespace coffer_command
