// SPDX-License-Identifier: BSL-1.0
#include <coffer/store/sqlite_ledger_reader.hpp>

#include <algorithm>
#include <iostream>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "arguments.hpp"
#include "command.hpp"
#include "comparison.hpp"
#include "export_file.hpp"
#include "text.hpp"

namespace coffer_command {
namespace {

struct request {
    std::filesystem::path file;
    std::filesystem::path export_file;
    std::string id_column;
    std::string cost_column;
    time_range covered;
    bool apply = false;
    std::size_t show = 20;
};

std::string count_and_amount(tally const& t) { return std::to_string(t.count) + ", " + dollars(t.amount); }

std::string text_of(time_range const& t) { return iso_time(t.from) + " to " + iso_time(t.to); }

/// `to openai `; nothing if the export may be anybody's.
std::string where_to(std::set<std::string> const& providers) {
    std::string names;
    for (auto const& p : providers) names += (names.empty() ? "to " : ", ") + (p.empty() ? "-" : printable(p));
    return names.empty() ? names : names + " ";
}

/// Of the time that the export covers, where nobody has said it.
std::string_view what_is_taken_for_granted(time_range const& told) {
    bool const from = told.from != time_range{}.from;
    bool const to = told.to != time_range{}.to;
    if (from && to) return "";
    if (from) return ", the last that both know; --to says where the export ends";
    if (to) return ", from the first that both know; --from says where the export begins";
    return ", between the first and the last that both know; --from and --to say what the export covers";
}

void print(request const& r, usage_export const& said, comparison const& c) {
    for (std::size_t i = 0; i < std::min(r.show, c.lines.size()); ++i) std::cout << c.lines[i] << '\n';
    if (c.lines.size() > r.show) std::cout << "… and " << c.lines.size() - r.show << " more\n";
    std::cout << "export: " << counted(said.lines, "line") << ", " << counted(said.cost.size(), "request") << '\n'
              << "equal: " << c.equal << '\n'
              << "different: " << c.differing() << " (drift " << dollars(c.in_export - c.in_ledger)
              << ": the ledger has " << dollars(c.in_ledger) << ", the provider charged " << dollars(c.in_export)
              << ")\n"
              << "only in the export: " << count_and_amount(c.only_in_export) << '\n';
    if (c.covered)
        std::cout << "only in the ledger: " << count_and_amount(c.only_in_ledger) << " (sends " << where_to(c.providers)
                  << "from " << text_of(*c.covered) << what_is_taken_for_granted(r.covered) << ")\n";
    else std::cout << "only in the ledger: not looked for; say what the export covers with --from and --to\n";
    if (c.without_id.count > 0)
        std::cout << "entries whose request id is not known: " << count_and_amount(c.without_id)
                  << " (they cannot be matched)\n";
    if (said.without_id + said.without_cost > 0)
        std::cout << "lines that say too little: " << said.without_id << " without an id, " << said.without_cost
                  << " without a cost\n";
}

/// What the export does not know was not billed, if the export is whole: that is for somebody to decide.
void print_presumed(request const& r, comparison const& c) {
    if (c.presumed.count == 0) return;
    auto const them = "coffer presumed " + coffer::shell_word(r.file.string()) + " --from " +
                      iso_time(c.covered->from) + " --to " + iso_time(c.covered->to);
    std::cout << "presumed, and not found in the export: " << counted(c.presumed.count, "entry") << ", "
              << dollars(c.presumed.amount) << ". To see them:\n  " << them
              << "\nIf the provider says that they were not billed, this gives their money back:\n  " << them
              << " --unbilled --yes\n";
    if (c.presumed_to_correct > 0 && !r.apply)
        std::cout << "but first --apply: of that time " << c.presumed_to_correct
                  << " more are presumed, for which the export says what was charged\n";
    if (c.presumed_in_doubt > 0)
        std::cout << "it would give back " << c.presumed_in_doubt
                  << " more, which the export does know, without a cost that can be booked\n";
    if (c.presumed_elsewhere > 0)
        std::cout << "it would give back " << c.presumed_elsewhere
                  << " more, which were sent to other providers: narrow it down with --scope, or look into their "
                     "exports first\n";
}

int run(request const& r) {
    check_range(r.covered.from, r.covered.to);
    auto const said = read_export(r.export_file, r.id_column, r.cost_column);
    comparison c;
    {
        coffer::sqlite::reader file{r.file};
        coffer::sqlite::ledger_reader ledger{file};
        coffer::entry_filter all;
        all.limit = std::numeric_limits<std::size_t>::max();
        c = compare(ledger.entries(all), said, r.covered);
    }
    print(r, said, c);
    bool const differ = c.differing() > 0;
    bool const common = c.any_in_common();
    if (r.apply && !c.corrections.empty()) {
        auto const db = open_store(r.file);
        std::size_t known = 0;
        auto const correct = [](coffer::ledger money, std::vector<coffer::correction> what,
                                std::size_t& count) -> coffer::awaitable<void> {
            count = co_await money.correct(std::move(what));
        };
        run_to_end(correct(db.ledger(), std::move(c.corrections), known));
        std::cout << "corrected " << counted(known, "entry") << ": the ledger says what the provider charged\n";
    } else if (differ) {
        std::cout << "nothing was changed; --apply books what the provider charged\n";
    }
    print_presumed(r, c);
    if (c.only_in_ledger.count > 0 || c.not_meant > 0 || (differ && !r.apply)) return differs;
    return common ? ok : nothing_matched;
}

}  // namespace

subcommand reconcile_command(CLI::App& app) {
    auto const r = std::make_shared<request>();
    auto* const parser = app.add_subcommand(
        "reconcile",
        "compares the ledger with a provider's usage export, by request id; with --apply CHANGES the store");
    add_file(*parser, r->file);
    parser->add_option("EXPORT", r->export_file, "CSV with headings, or a JSON object per line")->required();
    parser->add_option("--id-column", r->id_column, "the column with the provider's request id")->type_name("NAME");
    parser->add_option("--cost-column", r->cost_column, "the column with the cost in dollars")->type_name("NAME");
    add_moment(*parser, "--from", r->covered.from,
               "the export covers sends from that day or time on (UTC); else from the first that both know");
    add_moment(*parser, "--to", r->covered.to,
               "the export covers sends before that day or time (UTC); else to the last that both know");
    add_count(*parser, "--show", r->show, "so many of the differences", 0);
    parser->add_flag("--apply", r->apply,
                     "books what the provider charged: presumed entries become settled, others are corrected");
    add_examples(*parser,
                 "  coffer reconcile coffer.db usage-2026-11.csv --from 2026-11-01 --to 2026-12-01\n"
                 "  coffer reconcile coffer.db activity.jsonl --cost-column total_cost --apply\n"
                 "\n"
                 "It corrects what both know. What is presumed and not in the export: `coffer presumed`.\n"
                 "Exit codes: 0 all alike (or corrected), 3 no request in common, 4 something differs, or is only in\n"
                 "the ledger.");
    return {parser, [r] { return run(*r); }};
}

}  // namespace coffer_command
