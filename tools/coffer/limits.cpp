// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/window.hpp>
#include <coffer/store/sqlite_ledger_reader.hpp>

#include <algorithm>
#include <chrono>
#include <iomanip>
#include <iostream>
#include <memory>
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

struct request {
    std::filesystem::path file;
    std::string scope;
    bool json = false;
    bool all = false;
    std::string window;
    std::string amount;
    bool clear = false;
};

std::string limit_text(coffer::account_status const& s) {
    return s.limit ? "$" + s.limit->to_string() : std::string{"none"};
}

void print(coffer::account_status const& s) {
    auto const& m = s.money_in;
    std::cout << (s.frozen ? "FROZEN " : "") << printable(s.scope) << "  " << printable(s.window)
              << (s.start == std::chrono::system_clock::time_point{} ? "" : " from " + iso_time(s.start)) << ": limit "
              << limit_text(s) << ", settled $" << m.settled.to_string() << ", presumed $" << m.presumed.to_string()
              << ", held $" << m.held.to_string();
    if (s.limit) std::cout << ", free $" << coffer::left_of(*s.limit, m.committed()).to_string();
    if (m.overrun > coffer::money{}) std::cout << ", overrun $" << m.overrun.to_string();
    std::cout << '\n';
}

void print_json(coffer::account_status const& s) {
    nlohmann::ordered_json j;
    j["scope"] = s.scope;
    j["window"] = s.window;
    j["start"] = iso_time(s.start);
    j["end"] = s.end == std::chrono::system_clock::time_point::max() ? nlohmann::ordered_json{}
                                                                     : nlohmann::ordered_json(iso_time(s.end));
    j["limit_nano_usd"] = s.limit ? nlohmann::ordered_json(s.limit->nano()) : nlohmann::ordered_json{};
    j["settled_nano_usd"] = s.money_in.settled.nano();
    j["presumed_nano_usd"] = s.money_in.presumed.nano();
    j["held_nano_usd"] = s.money_in.held.nano();
    j["overrun_nano_usd"] = s.money_in.overrun.nano();
    j["frozen"] = s.frozen;
    std::cout << line_of(j) << '\n';
}

/// The parts of a rolling window count together.
std::vector<coffer::account_status> parts_together(std::vector<coffer::account_status> all) {
    std::vector<coffer::account_status> together;
    for (auto& a : all) {
        bool const more = !together.empty() && a.window.starts_with("rolling/") && together.back().window == a.window &&
                          together.back().scope == a.scope;
        if (more) together.back().money_in += a.money_in;
        else together.push_back(std::move(a));
    }
    return together;
}

int show(request const& r) {
    coffer::sqlite::reader file{r.file};
    coffer::sqlite::ledger_reader ledger{file};
    auto accounts = ledger.accounts(r.scope);
    bool const known = is_known_scope(ledger, r.file, r.scope);
    bool const over = known && !accounts.empty();
    auto const now = std::chrono::system_clock::now();
    if (!r.all)
        std::erase_if(accounts, [&](auto const& a) {
            return a.end != std::chrono::system_clock::time_point::max() && a.end <= now;
        });
    if (!r.all) accounts = parts_together(std::move(accounts));
    for (auto const& a : accounts) r.json ? print_json(a) : print(a);
    if (accounts.empty() && over) std::cerr << "coffer: all its windows are over; --all shows them\n";
    if (!r.json) {
        std::cout << counted(accounts.size(), "account") << '\n';
        // Also those that have no account now: after midnight, say.
        for (auto const& [scope, reason] : ledger.frozen())
            std::cout << (scope.empty() ? "everything" : printable(scope)) << " is frozen"
                      << (reason.empty() ? "" : ": " + printable(reason)) << '\n';
    }
    return accounts.empty() ? nothing_matched : ok;
}

/// `day` is a day by UTC.
coffer::window window_of(std::string const& text) {
    for (auto const& full : {text, text + "@UTC"})
        if (auto const w = coffer::window::parse(full)) return *w;
    throw CLI::ValidationError{"WINDOW", "'" + text +
                                             "' is no window; write it as `coffer limits` shows it: lifetime, day@UTC, "
                                             "month@Europe/Berlin, rolling/86400s"};
}

bool is_accounted_for(request const& r, coffer::window const& over) {
    coffer::sqlite::reader file{r.file};
    coffer::sqlite::ledger_reader ledger{file};
    auto const accounts = ledger.accounts(r.scope);
    return std::any_of(accounts.begin(), accounts.end(),
                       [&](auto const& a) { return a.scope == r.scope && a.window == over.text(); });
}

int set(request const& r) {
    if (r.clear == !r.amount.empty())
        throw CLI::ValidationError{"AMOUNT", "either an amount in dollars, e.g. 25 or 0.10, or --clear"};
    auto const over = window_of(r.window);
    auto const amount = r.clear ? std::nullopt : std::optional{dollars_of(r.amount)};
    auto const db = open_store(r.file);
    run_to_end(db.ledger().set_limit(r.scope, over, amount));
    if (amount)
        std::cout << "the limit of " << printable(r.scope) << ", " << printable(over.text()) << ", is $"
                  << amount->to_string() << " from now on, in every process, whatever its options say\n";
    if (amount && !is_accounted_for(r, over))
        std::cout
            << "nothing is accounted for in that scope and window so far: it holds where a budget names just this "
               "scope (not one inside it) and this window\n";
    if (!amount)
        std::cout << "the limit in the programs' options holds again for " << printable(r.scope) << ", "
                  << printable(over.text()) << '\n';
    return ok;
}

}  // namespace

subcommand limits_command(CLI::App& app) {
    auto const r = std::make_shared<request>();
    auto* const parser = app.add_subcommand("limits", "how scopes stand in their windows now; changes nothing");
    add_file(*parser, r->file);
    add_scope(*parser, r->scope);
    parser->add_flag("--all", r->all, "windows that are over, too");
    add_json(*parser, r->json);
    add_examples(*parser,
                 "  coffer limits coffer.db\n"
                 "  coffer limits coffer.db --scope team --json");
    return {parser, [r] { return show(*r); }};
}

subcommand limit_command(CLI::App& app) {
    auto const r = std::make_shared<request>();
    auto* const parser =
        app.add_subcommand("limit", "sets a scope's limit in a window, before that of the programs; CHANGES the store");
    add_file(*parser, r->file);
    parser->add_option("SCOPE", r->scope, "the scope: team/search")->required();
    parser->add_option("WINDOW", r->window, "as `coffer limits` shows it: day@UTC, lifetime, rolling/86400s")
        ->required();
    parser->add_option("AMOUNT", r->amount, "dollars: 25, 0.10");
    parser->add_flag("--clear", r->clear, "the programs' own limit holds again");
    add_examples(*parser,
                 "  coffer limit coffer.db team/search day 50\n"
                 "  coffer limit coffer.db team/search day --clear\n"
                 "\n"
                 "Lowered below what is spent it refuses from then on. Nothing under way is stopped.");
    return {parser, [r] { return set(*r); }};
}

}  // namespace coffer_command
