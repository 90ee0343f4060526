// SPDX-License-Identifier: BSL-1.0
// The incident that coffer exists for, on real sockets: a job whose last step cannot succeed is run 21 times.
// A naive worker pays for its LLM calls 63 times; a guarded one three times, and has the answers when the column exists.

#include "arms.hpp"
#include "report.hpp"
#include "storm.hpp"
#include "worker.hpp"

#include <coffer/store/record_text.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>

namespace {

using namespace retry_storm;

/// A directory that goes with the demo, unless the user named one to keep.
class workplace {
public:
    explicit workplace(std::string const& named) : keep_{!named.empty()} {
        path_ = keep_ ? std::filesystem::path{named} : std::filesystem::temp_directory_path() / unique();
        if (keep_ && std::filesystem::exists(path_) && !std::filesystem::is_empty(path_))
            throw std::runtime_error{path_.string() + " is not empty: name a new directory"};
        std::filesystem::create_directories(path_);
    }
    workplace(workplace const&) = delete;
    workplace& operator=(workplace const&) = delete;
    ~workplace() {
        std::error_code ignored;
        if (!keep_) std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] std::filesystem::path const& path() const noexcept { return path_; }
    void keep() noexcept { keep_ = true; }

private:
    static std::string unique() { return "retry_storm-" + std::to_string(::getpid()); }
    bool keep_;
    std::filesystem::path path_;
};

/// True if there was anything to print, and so something to look at afterwards.
bool print_unresolved(std::filesystem::path const& place, arm const& a, arm_result const& r) {
    for (auto const& id : r.unresolved_ids)
        std::cout << "  unresolved: " << coffer::shell_word(COFFER_DEMO_COMMAND) << " resolve "
                  << coffer::shell_word((std::filesystem::absolute(place) / a.name / "coffer.db").string()) << ' '
                  << coffer::shell_word(id) << " --grant\n";
    return !r.unresolved_ids.empty();
}

int run_storm(std::string const& simulator, std::string const& dir) {
    auto const began = std::chrono::steady_clock::now();
    workplace place{dir};
    storm weather{std::filesystem::read_symlink("/proc/self/exe").string(), simulator, place.path()};

    std::cout
        << "A job makes 3 LLM calls and writes the results to a table whose column is missing.\n"
           "Its queue runs the failed job again: 21 runs, each a process of its own. Every figure below is counted in\n"
           "the ledger file of the provider (a simulator that speaks HTTP), not by the client.\n\n";
    results all;
    for (auto const& a : all_arms()) all.emplace_back(a, weather.run(a));
    std::cout << table(all) << '\n';
    for (auto const& [a, r] : all)
        if (print_unresolved(place.path(), a, r)) place.keep();

    auto const& lost = std::find_if(all.begin(), all.end(), [](auto const& each) {
                           return each.first.name == "coffer_replies_lost";
                       })->first;
    std::cout << "What a worker saw in run 1 when the first reply to each request was lost on the wire:\n\n"
              << weather.attempts(lost, lost.jobs.front().name);

    std::vector<arm> arms;
    for (auto const& [a, r] : all) arms.push_back(a);
    auto const after = weather.migrate_and_run(arms);
    std::cout << "Then the migration is applied and each of the " << after.jobs
              << " guarded jobs runs once more: " << after.rows << " rows written, " << after.sends << " sends.\n";
    std::cout << "Took "
              << std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began).count()
              << " s.\n";

    auto const wrong = wrong_figures(all, after);
    for (auto const& line : wrong) std::cout << "WRONG: " << line << '\n';
    std::cout << summary(all, after) << std::endl;
    return wrong.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"A retry storm with and without coffer, with bills counted at the provider.", "retry_storm"};
    std::string simulator = COFFER_DEMO_SIMULATOR;
    std::string dir;
    app.add_option("--sim", simulator, "the provider simulator's program")->capture_default_str();
    app.add_option("--dir", dir, "a new directory to keep everything in; a temporary one by default");

    worker_options worker;
    deadly_moment die;
    auto* const work_command = app.add_subcommand("worker", "one run of one job; started by the demo");
    work_command->add_option("--arm", worker.arm)->required();
    work_command->add_option("--job", worker.job)->required();
    work_command->add_option("--run", worker.run)->required();
    work_command->add_option("--url", worker.url)->required();
    work_command->add_option("--dir", worker.dir)->required();
    auto* const step = work_command->add_option("--die-step", die.step);
    work_command->add_option("--die-edge", die.edge);
    work_command->add_option("--die-nth", die.nth);
    CLI11_PARSE(app, argc, argv);

    try {
        if (!work_command->parsed()) return run_storm(simulator, dir);
        if (step->count() > 0) worker.die = die;
        return static_cast<int>(work(worker));
    } catch (std::exception const& error) {
        std::cerr << "retry_storm: " << error.what() << '\n';
        return 2;
    }
}
