// SPDX-License-Identifier: BSL-1.0
#include "storm.hpp"

#include "app_database.hpp"
#include "job.hpp"
#include "process.hpp"

#include <coffer/store/record_text.hpp>
#include <coffer/store/sqlite.hpp>

#include <asio/io_context.hpp>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

namespace retry_storm {
namespace {

/// Looks at every key of an arm's jobs without claiming or sending anything.
coffer::awaitable<void> inspect(coffer::sqlite::store db, arm const& a, arm_result& result) {
    for (auto const& job : a.jobs) {
        for (auto const* const step : steps) {
            auto const key = coffer::key{"report", job.name}.step(step);
            auto const record = co_await db.peek(key);
            if (!record) continue;
            using enum coffer::record_state;
            if (record->state == done) ++result.answers;
            if (record->state == claimed || record->state == sent) ++result.in_progress;
        }
    }
    auto const filter = coffer::record_filter::unresolved();
    auto const waiting = co_await db.list(filter);
    result.unresolved = static_cast<int>(waiting.size());
    for (auto const& summary : waiting) result.unresolved_ids.push_back(coffer::to_text(summary.id));
}

/// What an operator does once the cause is mended.
coffer::awaitable<void> reopen(coffer::sqlite::store db) {
    auto const filter = coffer::run_filter::stopped();
    auto const stopped = co_await db.list_runs(filter);
    for (auto const& job : stopped) co_await db.reopen_run(job.job);
}

void run_to_end(coffer::awaitable<void> work) {
    asio::io_context io;
    std::exception_ptr error;
    auto const ended = [&error](std::exception_ptr e) { error = e; };
    asio::co_spawn(io, std::move(work), ended);
    io.run();
    if (error) std::rethrow_exception(error);
}

}  // namespace

storm::storm(std::string self, std::string const& simulator, std::filesystem::path dir)
    : self_{std::move(self)}, dir_{std::move(dir)}, provider_{simulator, dir_} {}

ending storm::run_once(arm const& a, job_plan const& job, int number, std::optional<deadly_moment> const& die) {
    std::vector<std::string> command{self_,   "worker",        "--arm", a.worker,
                                     "--job", job.name,        "--run", std::to_string(number),
                                     "--url", provider_.url(), "--dir", place(a).string()};
    if (die) {
        command.insert(command.end(), {"--die-step", die->step, "--die-edge", die->edge});
        command.insert(command.end(), {"--die-nth", std::to_string(die->nth)});
    }
    return process{command}.wait();
}

arm_result storm::run(arm const& a) {
    std::filesystem::create_directories(place(a));
    provider_.begin(a.name, a.rules);
    arm_result result;
    for (auto const& job : a.jobs) {
        auto const before = provider_.count(a.name).sends;
        ++result.jobs;
        for (int number = 1; number <= runs; ++number) {
            std::cerr << "\r  " << a.name << ": job " << result.jobs << "/" << a.jobs.size() << ", run " << number
                      << "/" << runs << "   " << std::flush;
            auto const ended = run_once(a, job, number, number == 1 ? job.die : std::nullopt);
            if (ended.code == static_cast<int>(run_end::refused)) break;  // the queue asks its operator
            ++result.runs;
            if (ended.signal == SIGKILL) ++result.kills;
            else if (ended.signal != 0 || ended.code == 127)
                throw std::runtime_error{"a worker ended unexpectedly: signal " + std::to_string(ended.signal) +
                                         ", code " + std::to_string(ended.code)};
        }
        result.most_sends = std::max(result.most_sends, provider_.count(a.name).sends - before);
    }
    std::cerr << "\r                                                            \r";
    result.billed = provider_.count(a.name);
    std::ifstream calls{place(a) / "calls.txt"};
    result.calls = static_cast<int>(std::count(std::istreambuf_iterator<char>{calls}, {}, '\n'));
    if (a.journaled()) look_at_store(a, result);
    else result.answers = app_database{(place(a) / "app.db").string()}.rows();
    return result;
}

void storm::look_at_store(arm const& a, arm_result& result) {
    run_to_end(inspect(coffer::sqlite::store{place(a) / "coffer.db"}, a, result));
}

storm::after_migration storm::migrate_and_run(std::vector<arm> const& arms) {
    provider_.begin("after_migration", json::array());
    after_migration after;
    for (auto const& a : arms) {
        if (!a.journaled()) continue;
        app_database app{(place(a) / "app.db").string()};
        app.migrate();
        run_to_end(reopen(coffer::sqlite::store{place(a) / "coffer.db"}));
        for (auto const& job : a.jobs) {
            ++after.jobs;
            auto const ended = run_once(a, job, runs + 1, std::nullopt);
            if (ended.code != 0 || ended.signal != 0)
                std::cerr << job.name << " failed after the migration; see " << (place(a) / "worker.log") << '\n';
        }
        after.rows += app.rows();
    }
    after.sends = provider_.count("after_migration").sends;
    return after;
}

std::string storm::attempts(arm const& a, std::string const& job) const {
    std::ostringstream text;
    text << std::ifstream{place(a) / ("attempts-" + job + ".txt")}.rdbuf();
    return text.str();
}

}  // namespace retry_storm
