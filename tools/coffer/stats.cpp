// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/trusted_wall.hpp>
#include <coffer/store/sqlite_room.hpp>
#include <coffer/store/sqlite_survey.hpp>

#include "arguments.hpp"
#include "command.hpp"
#include "record_json.hpp"
#include "text.hpp"

#include <chrono>
#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

namespace coffer_command {
namespace {

struct request {
    std::filesystem::path file;
    bool json = false;
};

void line(std::string const& name, std::string const& value) {
    std::cout << std::left << std::setw(16) << name << value << '\n';
}

/// Roughly: `40 d`, `3 h`, `20 min`.
std::string span_text(std::chrono::nanoseconds d) {
    using namespace std::chrono;
    if (d >= 48h) return std::to_string(d / 24h) + " d";
    if (d >= 2h) return std::to_string(d / 1h) + " h";
    return std::to_string(d / 1min) + " min";
}

/// The wall clock, by the time that the store's expiry goes by.
std::string clock_text(coffer::sqlite::survey const& s) {
    constexpr auto slack = coffer::trusted_wall::most_slack;
    if (s.clock_doubted.count() > 0)
        return "doubted for " + span_text(s.clock_doubted_for) + ": a program's is " + span_text(s.clock_doubted) +
               " ahead of the store's time, which follows it after " + span_text(coffer::trusted_wall::doubt_lasts);
    if (s.clock_ahead > slack) return span_text(s.clock_ahead) + " ahead of the store's time";
    if (s.clock_ahead < -slack) return span_text(-s.clock_ahead) + " behind the store's time";
    return "right";
}

void print(coffer::sqlite::survey const& s) {
    using coffer::sqlite::detail::bytes_in_words;
    std::string states;
    for (std::size_t i = 0; i < s.by_state.size(); ++i)
        if (s.by_state[i] > 0)
            states += (states.empty() ? "" : ", ") + std::to_string(s.by_state[i]) + " " +
                      std::string{to_string(static_cast<coffer::record_state>(i))};
    line("records", std::to_string(s.records) + (states.empty() ? "" : ": " + states));
    if (s.unreadable > 0) line("unreadable", std::to_string(s.unreadable) + " (of a newer coffer, or damaged)");
    line("unresolved", std::to_string(s.unresolved) + (s.unresolved > 0 ? " (coffer list --unresolved)" : ""));
    line("in progress", std::to_string(s.in_progress));
    line("unacknowledged",
         std::to_string(s.unacknowledged) +
             (s.oldest_unacknowledged ? ", the oldest of " + iso_time(*s.oldest_unacknowledged) : ""));
    line("stopped jobs", std::to_string(s.stopped_jobs) + (s.stopped_jobs > 0 ? " (coffer jobs --stopped)" : ""));
    line("frozen", counted(s.frozen, "scope") + (s.frozen > 0 ? " (coffer limits)" : ""));
    line("alarms", (s.alarms_due > 0 ? std::to_string(s.alarms_due) + " not delivered (coffer alarms --undelivered)"
                                     : std::string{"all delivered"}) +
                       (s.alarms_looked ? "; looked for at " + iso_time(*s.alarms_looked)
                                        : std::string{"; nobody has ever looked for any"}));
    line("sends", std::to_string(s.sends) + " that may be billed");
    line("known cost",
         "$" + s.known_cost.to_string() +
             (s.unknown_costs > 0 ? ", and " + counted(s.unknown_costs, "send") + " of unknown cost" : ""));
    line("answers", std::to_string(s.answers) + ", " + bytes_in_words(s.answer_bytes));
    line("expired", std::to_string(s.due) + " to be cleared away");
    line("clock", clock_text(s));
    line("file", bytes_in_words(s.file_bytes) + ", of which " + bytes_in_words(s.free_bytes) + " are free");
    line("log", bytes_in_words(s.log_bytes));
    line("spooled", std::to_string(s.spooled));
    line("processes", std::to_string(s.processes));
    line("format", std::to_string(s.format));
}

nlohmann::ordered_json time_or_null(std::optional<std::chrono::system_clock::time_point> t) {
    return t ? nlohmann::ordered_json(iso_time(*t)) : nlohmann::ordered_json{};
}

void print_json(coffer::sqlite::survey const& s) {
    nlohmann::ordered_json j;
    j["records"] = s.records;
    for (std::size_t i = 0; i < s.by_state.size(); ++i)
        j["by_state"][std::string{to_string(static_cast<coffer::record_state>(i))}] = s.by_state[i];
    j["unreadable"] = s.unreadable;
    j["unresolved"] = s.unresolved;
    j["in_progress"] = s.in_progress;
    j["unacknowledged"] = s.unacknowledged;
    j["oldest_unacknowledged"] = time_or_null(s.oldest_unacknowledged);
    j["stopped_jobs"] = s.stopped_jobs;
    j["frozen_scopes"] = s.frozen;
    j["alarms_due"] = s.alarms_due;
    j["alarms_looked"] = time_or_null(s.alarms_looked);
    j["sends"] = s.sends;
    j["known_cost_nano_usd"] = s.known_cost.nano();
    j["sends_of_unknown_cost"] = s.unknown_costs;
    j["answers"] = s.answers;
    j["answer_bytes"] = s.answer_bytes;
    j["expired"] = s.due;
    auto const seconds = [](auto d) { return std::chrono::duration_cast<std::chrono::seconds>(d).count(); };
    j["clock_ahead_s"] = seconds(s.clock_ahead);
    j["clock_doubted_s"] = seconds(s.clock_doubted);
    j["clock_doubted_for_s"] = seconds(s.clock_doubted_for);
    j["file_bytes"] = s.file_bytes;
    j["free_bytes"] = s.free_bytes;
    j["log_bytes"] = s.log_bytes;
    j["spooled"] = s.spooled;
    j["processes"] = s.processes;
    j["format"] = s.format;
    std::cout << line_of(j) << '\n';
}

}  // namespace

subcommand stats_command(CLI::App& app) {
    auto const r = std::make_shared<request>();
    auto* const parser = app.add_subcommand("stats", "what the store holds, in numbers; changes nothing");
    add_file(*parser, r->file);
    add_json(*parser, r->json);
    add_examples(*parser,
                 "  coffer stats coffer.db\n"
                 "  coffer stats --json coffer.db | jq .unresolved      a number to raise an alarm on");
    return {parser, [r] {
                auto const s = coffer::sqlite::look(r->file);
                if (r->json) print_json(s);
                else print(s);
                return ok;
            }};
}

}  // namespace coffer_command
