// SPDX-License-Identifier: BSL-1.0
#include <coffer/store/record_text.hpp>
#include <coffer/store/sqlite_ledger_reader.hpp>

#include <algorithm>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>

#include "arguments.hpp"
#include "chart.hpp"
#include "command.hpp"
#include "record_json.hpp"
#include "spend_table.hpp"
#include "text.hpp"

namespace coffer_command {
namespace {

struct request {
    std::filesystem::path file;
    coffer::entry_filter which;
    std::optional<group> by;
    std::size_t top = 10;
    bool csv = false;
    bool json = false;
    std::string chart_file;
    bool audit = false;
};

void print(std::string const& head, spend_table const& rows) {
    std::size_t wide = head.size();
    for (auto const& [name, s] : rows) wide = std::max(wide, printable(name).size());
    auto const column = static_cast<int>(wide) + 2;
    std::cout << std::left << std::setw(column) << head << std::right << std::setw(7) << "sends" << std::setw(18)
              << "settled" << std::setw(18) << "presumed" << std::setw(18) << "held" << std::setw(18) << "overrun"
              << '\n';
    for (auto const& [name, s] : rows)
        std::cout << std::left << std::setw(column) << printable(name) << std::right << std::setw(7) << s.sends
                  << std::setw(18) << dollars(s.settled) << std::setw(18) << dollars(s.presumed) << std::setw(18)
                  << dollars(s.held) << std::setw(18) << dollars(s.overrun)
                  << (s.unpriced > 0 ? "  (" + std::to_string(s.unpriced) + " of unknown cost)" : "") << '\n';
}

/// A field of CSV (RFC 4180). A spreadsheet must not take it for a formula.
std::string field(std::string_view text) {
    std::string out = "\"";
    if (!text.empty() && std::string_view{"=+-@"}.find(text.front()) != std::string_view::npos) out += '\'';
    for (auto const c : printable(text)) out += c == '"' ? std::string{"\"\""} : std::string{c};
    return out + '"';
}

void print_csv(group by, spend_table const& rows) {
    std::cout << to_string(by) << ",sends,settled_usd,presumed_usd,held_usd,overrun_usd,sends_of_unknown_cost\r\n";
    for (auto const& [name, s] : rows)
        std::cout << field(name) << ',' << s.sends << ',' << s.settled.to_string() << ',' << s.presumed.to_string()
                  << ',' << s.held.to_string() << ',' << s.overrun.to_string() << ',' << s.unpriced << "\r\n";
}

void print_json(spend_table const& rows) {
    for (auto const& [name, s] : rows) {
        nlohmann::ordered_json j;
        j["name"] = name;
        j["sends"] = s.sends;
        j["settled_nano_usd"] = s.settled.nano();
        j["presumed_nano_usd"] = s.presumed.nano();
        j["held_nano_usd"] = s.held.nano();
        j["overrun_nano_usd"] = s.overrun.nano();
        j["sends_of_unknown_cost"] = s.unpriced;
        std::cout << line_of(j) << '\n';
    }
}

void print_all(request const& r, std::vector<coffer::ledger_entry> const& entries, std::size_t unresolved,
               std::vector<coffer::frozen_scope> const& frozen) {
    print("all", {{"", total(entries, r.which.scope)}});
    for (auto const& [head, by] :
         {std::pair{"by day (UTC)", group::day}, {"by scope", group::scope}, {"by model", group::model}}) {
        std::cout << '\n';
        print(head, add_up(entries, by, r.which.scope));
    }
    std::cout << '\n';
    print("dearest keys", dearest(add_up(entries, group::key, r.which.scope), r.top));
    std::cout << "\nunresolved keys: " << unresolved
              << (unresolved > 0 ? " (coffer list --unresolved; coffer resolve)" : "") << '\n';
    for (auto const& [scope, why] : frozen)
        std::cout << "frozen: " << (scope.empty() ? "everything" : printable(scope))
                  << (why.empty() ? "" : " (" + printable(why) + ")") << "; coffer thaw lets it go on\n";
}

/// Says which accounts are not the sum of their entries, or that all are. True if they are.
bool audit(coffer::sqlite::ledger_reader& ledger, std::filesystem::path const& file) {
    auto const wrong = ledger.audit();
    for (auto const& account : wrong)
        std::cerr << "coffer: the account " << printable(account)
                  << " is not the sum of its entries: somebody has changed the file, or it is damaged\n";
    if (wrong.empty()) std::cerr << "coffer: audited: every account is the sum of its entries\n";
    else
        std::cerr << "coffer: " << counted(wrong.size(), "account")
                  << " cannot be trusted; compare with the backups of " << coffer::shell_word(file.string())
                  << " and with the provider's export (coffer reconcile)\n";
    return wrong.empty();
}

int run(request const& r) {
    check_range(r.which.from, r.which.to);
    coffer::sqlite::reader file{r.file};
    coffer::sqlite::ledger_reader ledger{file};
    bool const adds_up = !r.audit || audit(ledger, r.file);
    auto which = r.which;
    which.limit = std::numeric_limits<std::size_t>::max();
    auto const entries = ledger.entries(which);
    if (entries.empty() && !is_known_scope(ledger, r.file, which.scope)) return nothing_matched;

    auto const by = r.by.value_or(group::day);
    auto const rows = add_up(entries, by, which.scope);
    if (!r.chart_file.empty()) {
        std::ofstream out{r.chart_file};
        out << chart(rows, "Spend" + (which.scope.empty() ? std::string{} : " of " + which.scope) + " by " +
                               (by == group::day    ? "day, UTC"
                                : by == group::hour ? "hour, UTC"
                                                    : "name"));
        if (!out.flush()) throw std::runtime_error{"the chart could not be written to " + r.chart_file};
    }
    if (r.json) {
        print_json(rows);
    } else if (r.csv) {
        print_csv(by, rows);
    } else if (r.by) {
        print("by " + std::string{to_string(by)}, rows);
    } else if (r.chart_file.empty() || !entries.empty()) {
        std::size_t unresolved = 0;
        coffer::sqlite::selection open;
        open.unresolved_only = true;
        file.for_each(open, [&](auto const&) { return ++unresolved, true; });
        print_all(r, entries, unresolved, ledger.frozen());
    }
    if (!adds_up) return failed;
    return entries.empty() ? nothing_matched : ok;
}

}  // namespace

subcommand spend_command(CLI::App& app) {
    auto const r = std::make_shared<request>();
    auto* const parser = app.add_subcommand("spend", "what was spent, by day, scope, model and key; changes nothing");
    add_file(*parser, r->file);
    add_scope(*parser, r->which.scope);
    add_moment(*parser, "--from", r->which.from, "only sends from that day or time on (UTC)");
    add_moment(*parser, "--to", r->which.to, "only sends before that day or time (UTC)");
    auto const take = [r](std::string const& word) {
        r->by = group_from_text(word);
        if (!r->by) throw CLI::ValidationError{"--by", "'" + word + "' is none of " + group_words};
    };
    parser->add_option_function<std::string>("--by", take, std::string{"one table: by "} + group_words)
        ->type_name("WHAT");
    add_count(*parser, "--top", r->top, "so many of the dearest keys");
    auto* const csv = parser->add_flag("--csv", r->csv, "the table as CSV, by day unless --by says otherwise");
    add_json(*parser, r->json)->excludes(csv);
    parser->add_flag("--audit", r->audit,
                     "also adds up the whole ledger anew, and fails if an account is not the sum of its entries");
    parser->add_option("--chart", r->chart_file, "draws the table as bars, in an SVG file")->type_name("FILE.svg");
    add_examples(*parser,
                 "  coffer spend coffer.db\n"
                 "  coffer spend coffer.db --from 2026-11-01 --by scope\n"
                 "  coffer spend coffer.db --scope team/search --by day --chart november.svg\n"
                 "  coffer spend coffer.db --by model --csv > models.csv\n"
                 "  coffer spend coffer.db --audit                     does the ledger add up?");
    return {parser, [r] { return run(*r); }};
}

}  // namespace coffer_command
