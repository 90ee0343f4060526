// SPDX-License-Identifier: BSL-1.0
#include <coffer/policy/alarms.hpp>
#include <coffer/store/sqlite_ledger_reader.hpp>

#include <iomanip>
#include <iostream>
#include <limits>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "arguments.hpp"
#include "command.hpp"
#include "record_json.hpp"
#include "text.hpp"

namespace coffer_command {
namespace {

using json = nlohmann::ordered_json;

struct request {
    std::filesystem::path file;
    coffer::alarm_filter which;
    bool json = false;
    bool look = false;
    std::vector<std::string> freeze_on;
};

std::string delivery_of(coffer::kept_alarm const& a) {
    if (a.state == coffer::alarm_state::delivered) return "delivered " + iso_time(a.delivered);
    std::string text = "NOT DELIVERED";
    if (a.tries > 0) text += ", tried " + (a.tries == 1 ? std::string{"once"} : std::to_string(a.tries) + " times");
    if (!a.trouble.empty()) text += ": " + printable(a.trouble);
    return text;
}

void print(coffer::alarm_report const& a, std::string const& more) {
    std::cout << iso_time(a.when) << "  " << std::left << std::setw(8) << to_string(a.severity) << "  " << std::setw(14)
              << to_string(a.kind) << "  " << printable(a.scope) << more << "\n    " << printable(a.sentence) << '\n';
}

json alarm_json(coffer::alarm_report const& a) {
    json j;
    j["when"] = iso_time(a.when);
    j["severity"] = to_string(a.severity);
    j["kind"] = to_string(a.kind);
    j["scope"] = a.scope;
    j["window"] = a.window.empty() ? json{} : json(a.window);
    j["amount_nano_usd"] = a.amount.nano();
    j["against_nano_usd"] = a.against.nano();
    j["sentence"] = a.sentence;
    j["id"] = a.id;
    return j;
}
json kept_json(coffer::kept_alarm const& a) {
    auto j = alarm_json(a.what);
    j["delivered"] = a.state == coffer::alarm_state::delivered ? json(iso_time(a.delivered)) : json{};
    j["tries"] = a.tries;
    j["trouble"] = a.trouble.empty() ? json{} : json(a.trouble);
    return j;
}

int list(request const& r) {
    coffer::sqlite::reader file{r.file};
    coffer::sqlite::ledger_reader ledger{file};
    auto const found = ledger.alarms(r.which);
    if (found.empty() && !is_known_scope(ledger, r.file, r.which.scope)) return nothing_matched;
    for (auto const& a : found) {
        if (r.json) std::cout << line_of(kept_json(a)) << '\n';
        else print(a.what, "  " + delivery_of(a));
    }
    if (!r.json)
        std::cout << counted(found.size(), r.which.undelivered_only ? "undelivered alarm" : "alarm")
                  << (found.size() == r.which.limit ? ", as many as --limit allows\n" : "\n");
    return found.empty() ? nothing_matched : ok;
}

/// A threshold freezes when all of the limit is committed; the others as soon as somebody should look at them.
coffer::freeze_on freezing(std::string const& kind) {
    using enum coffer::alarm_kind;
    for (auto const k : {threshold, burn_rate, anomaly, duplicate_work, overrun})
        if (kind == to_string(k))
            return {k, k == threshold ? coffer::alarm_severity::critical : coffer::alarm_severity::warning};
    throw CLI::ValidationError{"--freeze-on",
                               "'" + kind +
                                   "' is no kind of alarm that freezes a scope; threshold, burn_rate, anomaly, "
                                   "duplicate_work, overrun"};
}

/// Of the scopes for which an alarm rang, those that are frozen.
void print_frozen(std::filesystem::path const& path, std::set<std::string> const& scopes) {
    coffer::sqlite::reader file{path};
    coffer::sqlite::ledger_reader ledger{file};
    for (auto const& [scope, reason] : ledger.frozen())
        if (scopes.contains(scope))
            std::cout << "frozen: " << printable(scope) << ". To let it go on: coffer thaw "
                      << coffer::shell_word(file.path().string()) << " " << printable(coffer::shell_word(scope))
                      << '\n';
}

coffer::awaitable<void> look_once(coffer::alarms watch, std::size_t& told) {
    auto one = watch.look();
    told = co_await std::move(one);
}

/// What was not printed stays undelivered: the next look, or a program with `coffer::alarms`, tells it.
int look(request const& r) {
    std::set<std::string> scopes;
    auto const tell = [&](coffer::alarm_report const& a) {
        if (r.json) std::cout << line_of(alarm_json(a)) << '\n';
        else print(a, {});
        if (!std::cout.flush())
            coffer::throw_failure(
                coffer::fault{coffer::fault_kind::transient, "the standard output could not be written to"});
        scopes.insert(a.scope);
    };
    coffer::alarms_options options;
    options.tell.push_back(coffer::on_alarm(tell));
    for (auto const& kind : r.freeze_on) options.watch.freeze.push_back(freezing(kind));
    std::size_t told = 0;
    {
        auto const db = open_store(r.file);
        run_to_end(look_once(coffer::alarms{db, options}, told));
    }
    if (!r.json && !r.freeze_on.empty()) print_frozen(r.file, scopes);
    return told > 0 ? rang : ok;
}

}  // namespace

subcommand alarms_command(CLI::App& app) {
    auto const r = std::make_shared<request>();
    r->which.limit = std::numeric_limits<std::size_t>::max();
    auto* const parser =
        app.add_subcommand("alarms", "alarms about money that rang, newest first; with --look CHANGES the store");
    add_file(*parser, r->file);
    auto* const what = parser->add_flag("--look", r->look,
                                        "looks for new alarms with the default rules, prints those that nobody was "
                                        "told of yet, the oldest first, and marks them delivered");
    parser
        ->add_option("--freeze-on", r->freeze_on,
                     "with --look: freezes the scope of a new alarm of this kind: threshold (of 100 %), burn_rate, "
                     "anomaly, duplicate_work, overrun")
        ->type_name("KIND")
        ->allow_extra_args(false)
        ->needs(what);
    add_scope(*parser, r->which.scope)->excludes(what);
    parser->add_flag("--undelivered", r->which.undelivered_only, "only those that nobody was told of yet")
        ->excludes(what);
    add_moment(*parser, "--from", r->which.from, "only alarms from that day or time on (UTC)")->excludes(what);
    add_count(*parser, "--limit", r->which.limit, "at most so many, the newest")->excludes(what);
    add_json(*parser, r->json);
    add_examples(*parser,
                 "  coffer alarms coffer.db --from 2026-11-22\n"
                 "  coffer alarms coffer.db --undelivered             did the webhook fail?\n"
                 "  coffer alarms coffer.db --look                    from cron, which mails what is printed\n"
                 "  coffer alarms coffer.db --look --freeze-on threshold --freeze-on anomaly\n"
                 "\n"
                 "Exit codes of --look: 0 nothing rang (and nothing is printed), 5 something did.");
    return {parser, [r] { return r->look ? look(*r) : list(*r); }};
}

}  // namespace coffer_command
