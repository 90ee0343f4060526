// SPDX-License-Identifier: BSL-1.0
#include "report.hpp"

#include "job.hpp"

#include <coffer/base/money.hpp>

#include <iomanip>
#include <optional>
#include <sstream>

namespace retry_storm {
namespace {

/// What an arm must come to. Upper bounds where a kill may or may not have cost a send.
struct expectation {
    std::string arm;
    std::optional<int> sends;
    std::optional<int> bills;
    int answers = 0;
    int kills = 0;
    std::optional<int> most_sends_per_job;
    int runs_of_a_job = runs;
};

std::vector<expectation> const expected{
    {"naive", 63, 63, 0, 0, {}},
    {"naive_budget", 22, 22, 0, 0, {}},
    {"coffer", 3, 3, 3, 0, {}},
    {"naive_replies_lost", 60, 60, 0, 0, {}},
    {"coffer_replies_lost", 6, 6, 3, 0, {}},
    {"coffer_killed", {}, {}, 36, 12, 4},
    {"coffer_preflight", 0, 0, 0, 0, {}},
    {"coffer_stopped", 3, 3, 3, 0, {}, 3},
};

}  // namespace

std::string table(results const& all) {
    std::ostringstream out;
    auto const cell = [&](auto const& value, int width) { out << std::right << std::setw(width) << value; };
    out << std::left << std::setw(21) << "arm";
    for (auto const* const head : {"jobs", "runs", "kills", "calls", "sends", "bills"}) cell(head, 7);
    cell("money", 15);
    cell("answers", 9);
    cell("unresolved", 12);
    out << '\n';
    for (auto const& [a, r] : all) {
        out << std::left << std::setw(21) << a.name;
        for (int const figure : {r.jobs, r.runs, r.kills, r.calls, r.billed.sends, r.billed.bills}) cell(figure, 7);
        cell("$" + coffer::money::from_nano(r.billed.nano_usd).to_string(), 15);
        cell(r.answers, 9);
        cell(r.unresolved, 12);
        out << '\n';
    }
    return out.str();
}

std::vector<std::string> wrong_figures(results const& all, storm::after_migration const& after) {
    std::vector<std::string> wrong;
    auto const check = [&](std::string const& what, int is, int must) {
        if (is != must) wrong.push_back(what + " is " + std::to_string(is) + " and must be " + std::to_string(must));
    };
    int guarded_jobs = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        auto const& [a, r] = all[i];
        auto const& e = expected.at(i);
        if (e.sends) check(a.name + ": sends", r.billed.sends, *e.sends);
        if (e.bills) check(a.name + ": bills", r.billed.bills, *e.bills);
        check(a.name + ": answers", r.answers, e.answers);
        check(a.name + ": kills", r.kills, e.kills);
        check(a.name + ": runs", r.runs, e.runs_of_a_job * r.jobs);
        check(a.name + ": unresolved keys", r.unresolved, 0);
        check(a.name + ": keys in progress", r.in_progress, 0);
        if (a.worker == "budget" && r.billed.nano_usd > money_limit.nano())
            wrong.push_back(a.name + ": $" + coffer::money::from_nano(r.billed.nano_usd).to_string() +
                            " were billed; the limit is $" + money_limit.to_string());
        if (e.most_sends_per_job && r.most_sends > *e.most_sends_per_job)
            wrong.push_back(a.name + ": a job made " + std::to_string(r.most_sends) + " sends; at most " +
                            std::to_string(*e.most_sends_per_job) + " are allowed");
        if (a.journaled()) guarded_jobs += r.jobs;
    }
    // Only the job whose preflight has failed until now has anything left to pay for.
    check("after the migration: sends", after.sends, static_cast<int>(steps.size()));
    check("after the migration: rows", after.rows, guarded_jobs * static_cast<int>(steps.size()));
    return wrong;
}

std::string summary(results const& all, storm::after_migration const& after) {
    nlohmann::ordered_json arms;
    for (auto const& [a, r] : all) {
        nlohmann::ordered_json one;
        if (a.jobs.size() > 1) one.update({{"jobs", r.jobs}, {"kills", r.kills}});
        one["runs"] = r.runs;
        one.update({{"sends", r.billed.sends}, {"bills", r.billed.bills}, {"answers", r.answers}});
        if (a.journaled()) one.update({{"unresolved", r.unresolved}, {"in_progress", r.in_progress}});
        one["nano_usd"] = r.billed.nano_usd;
        arms[a.name] = std::move(one);
    }
    nlohmann::ordered_json line;
    line["demo"] = "retry_storm";
    line["runs"] = runs;
    line["calls_per_run"] = steps.size();
    line["arms"] = std::move(arms);
    line["after_migration"] = {{"sends", after.sends}, {"rows", after.rows}};
    return line.dump();
}

}  // namespace retry_storm
