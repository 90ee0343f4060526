// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/ledger_rules.hpp>
#include <coffer/store/sqlite_ledger_reader.hpp>

#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "command.hpp"
#include "text.hpp"

namespace coffer_command {
namespace {

struct request {
    std::filesystem::path file;
    coffer::entry_filter which;
    bool unbilled = false;
    std::string each;
    bool yes = false;
};

std::vector<coffer::ledger_entry> chosen(request const& r) {
    coffer::sqlite::reader file{r.file};
    coffer::sqlite::ledger_reader ledger{file};
    if (!is_known_scope(ledger, r.file, r.which.scope)) return {};
    auto which = r.which;
    which.state = coffer::reservation_state::presumed;
    which.limit = std::numeric_limits<std::size_t>::max();
    return ledger.entries(which);
}

void print(coffer::ledger_entry const& e) {
    auto const& a = e.row.about;
    std::cout << iso_time(e.row.created) << "  " << (e.row.bound ? "$" + e.row.bound->to_string() : "without a bound")
              << "  " << printable(a.provider) << "/" << printable(a.model) << "  "
              << (a.request_id.empty() ? "request id not known" : printable(a.request_id))
              << (e.row.actual ? ", said to have cost $" + e.row.actual->to_string() + ", which cannot be meant" : "")
              << '\n';
}

coffer::awaitable<void> correct(coffer::ledger money, std::vector<coffer::correction> what, std::size_t& count) {
    count = co_await money.correct(std::move(what));
}

int run(request const& r) {
    if (r.unbilled && !r.each.empty()) throw CLI::ValidationError{"--unbilled", "either --unbilled, or --each AMOUNT"};
    check_range(r.which.from, r.which.to);
    bool const decides = r.unbilled || !r.each.empty();
    auto const cost = r.each.empty() ? coffer::money{} : dollars_of(r.each);
    if (!coffer::can_be_meant(cost))
        throw CLI::ValidationError{"--each", "'" + r.each + "' cannot be what one send has cost; from 0 to " +
                                                 coffer::dearest_send.to_string() + " dollars"};
    auto const entries = chosen(r);
    coffer::money sum;
    for (auto const& e : entries) sum += coffer::spent_of(e.row);
    auto const what = counted(entries.size(), "presumed entry") + ", $" + sum.to_string() + " in all";
    if (entries.empty()) {
        std::cout << "nothing is presumed there\n";
        return nothing_matched;
    }
    if (!decides || !r.yes) {
        for (auto const& e : entries) print(e);
        std::cout << what
                  << (decides ? ": would be booked with $" + cost.to_string() +
                                    " each; nothing was changed. To do it, say --yes as well\n"
                              : "\n");
        return ok;
    }
    std::vector<coffer::correction> corrections;
    for (auto const& e : entries) corrections.push_back({e.row.id, cost});
    auto const db = open_store(r.file);
    std::size_t known = 0;
    run_to_end(correct(db.ledger(), std::move(corrections), known));
    std::cout << what << ": " << known << " booked with $" << cost.to_string() << " each\n";
    return ok;
}

}  // namespace

subcommand presumed_command(CLI::App& app) {
    auto const r = std::make_shared<request>();
    auto* const parser =
        app.add_subcommand("presumed", "money that counts as spent because nobody knows; with --yes CHANGES the store");
    add_file(*parser, r->file);
    add_scope(*parser, r->which.scope);
    add_moment(*parser, "--from", r->which.from, "only sends from that day or time on (UTC)");
    add_moment(*parser, "--to", r->which.to, "only sends before that day or time (UTC)");
    parser->add_flag("--unbilled", r->unbilled, "the provider says that none of them was billed");
    parser->add_option("--each", r->each, "each of them was billed so many dollars")->type_name("AMOUNT");
    parser->add_flag("--yes", r->yes, "book it");
    add_examples(*parser,
                 "  coffer presumed coffer.db                                           what is presumed?\n"
                 "  coffer presumed coffer.db --from 2026-11-22T03:00:00 --to 2026-11-22T03:10:00 --unbilled --yes\n"
                 "\n"
                 "With the provider's usage export `coffer reconcile` does it request by request.");
    return {parser, [r] { return run(*r); }};
}

}  // namespace coffer_command
