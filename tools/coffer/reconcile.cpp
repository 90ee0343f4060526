// SPDX-License-Identifier: BSL-1.0
#include <coffer/store/sqlite_ledger_reader.hpp>

#include <algorithm>
#include <iostream>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "command.hpp"
#include "export_file.hpp"
#include "text.hpp"

namespace coffer_command {
namespace {

struct request {
    std::filesystem::path file;
    std::filesystem::path export_file;
    std::string id_column;
    std::string cost_column;
    bool apply = false;
    std::size_t show = 20;
};

std::string dollars(coffer::money m) {
    return m < coffer::money{} ? "-$" + (coffer::money{} - m).to_string() : "$" + m.to_string();
}

/// What of the ledger the export says something about, and what it says.
struct comparison {
    std::size_t equal = 0;
    std::vector<coffer::correction> corrections;
    std::vector<std::string> lines;
    std::size_t not_meant = 0;  ///< that differ, by what no send can have cost
    std::size_t unknown = 0;  ///< requests that the ledger does not know
    coffer::money unknown_cost;
    coffer::money in_ledger;  ///< of the requests that both know
    coffer::money in_export;
    std::size_t without_id = 0;  ///< entries that cannot be matched: the provider's id of the request is not known
};

comparison compare(std::vector<coffer::ledger_entry> const& entries, usage_export const& said) {
    comparison c;
    std::map<std::string, coffer::money> left = said.cost;
    for (auto const& e : entries) {
        auto const& r = e.row;
        if (r.about.request_id.empty()) {
            ++c.without_id;
            continue;
        }
        auto const found = left.find(r.about.request_id);
        if (found == left.end()) continue;
        auto const charged = found->second;
        left.erase(found);
        auto const booked =
            r.state == coffer::reservation_state::settled ? *r.actual : r.bound.value_or(coffer::money{});
        c.in_ledger += booked;
        c.in_export += charged;
        if (r.state == coffer::reservation_state::settled && booked == charged) {
            ++c.equal;
            continue;
        }
        bool const meant = coffer::can_be_meant(charged);
        if (meant) c.corrections.push_back({r.id, charged});
        else ++c.not_meant;
        c.lines.push_back(printable(r.about.request_id) + "  " + std::string{to_string(r.state)} + " " +
                          dollars(booked) + ", charged " + dollars(charged) +
                          (meant ? "" : ", which cannot be meant: left as it is"));
    }
    for (auto const& [id, cost] : left) {
        ++c.unknown;
        c.unknown_cost += cost;
    }
    return c;
}

int run(request const& r) {
    auto const said = read_export(r.export_file, r.id_column, r.cost_column);
    comparison c;
    {
        coffer::sqlite::reader file{r.file};
        coffer::sqlite::ledger_reader ledger{file};
        coffer::entry_filter all;
        all.limit = std::numeric_limits<std::size_t>::max();
        c = compare(ledger.entries(all), said);
    }
    auto const differing = c.corrections.size() + c.not_meant;
    for (std::size_t i = 0; i < std::min(r.show, c.lines.size()); ++i) std::cout << c.lines[i] << '\n';
    if (c.lines.size() > r.show) std::cout << "… and " << c.lines.size() - r.show << " more\n";
    std::cout << "export: " << counted(said.lines, "line") << ", " << counted(said.cost.size(), "request") << '\n'
              << "equal: " << c.equal << '\n'
              << "different: " << differing << " (drift " << dollars(c.in_export - c.in_ledger) << ": the ledger has "
              << dollars(c.in_ledger) << ", the provider charged " << dollars(c.in_export) << ")\n"
              << "only in the export: " << c.unknown << ", " << dollars(c.unknown_cost) << '\n';
    if (c.without_id > 0)
        std::cout << "entries whose request id is not known: " << c.without_id << " (they cannot be matched)\n";
    if (said.without_id + said.without_cost > 0)
        std::cout << "lines that say too little: " << said.without_id << " without an id, " << said.without_cost
                  << " without a cost\n";
    if (r.apply && !c.corrections.empty()) {
        auto const db = open_store(r.file);
        std::size_t known = 0;
        auto const correct = [](coffer::ledger money, std::vector<coffer::correction> what,
                                std::size_t& count) -> coffer::awaitable<void> {
            count = co_await money.correct(std::move(what));
        };
        run_to_end(correct(db.ledger(), std::move(c.corrections), known));
        std::cout << "corrected " << counted(known, "entry") << ": the ledger says what the provider charged\n";
    } else if (differing > 0) {
        std::cout << "nothing was changed; --apply books what the provider charged\n";
    }
    if (c.equal + differing == 0) return nothing_matched;
    return c.not_meant > 0 || (differing > 0 && !r.apply) ? differs : ok;
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
    add_count(*parser, "--show", r->show, "so many of the differences", 0);
    parser->add_flag("--apply", r->apply,
                     "books what the provider charged: presumed entries become settled, others are corrected");
    add_examples(*parser,
                 "  coffer reconcile coffer.db usage-2026-11.csv\n"
                 "  coffer reconcile coffer.db activity.jsonl --cost-column total_cost --apply\n"
                 "\n"
                 "Exit codes: 0 all alike (or corrected), 3 no request in common, 4 something differs.");
    return {parser, [r] { return run(*r); }};
}

}  // namespace coffer_command
