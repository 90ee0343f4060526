// SPDX-License-Identifier: BSL-1.0
#include <coffer/state/ledger_rules.hpp>
#include <coffer/store/sqlite_ledger_reader.hpp>
#include <coffer/store/sqlite_reader.hpp>

#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

#include "arguments.hpp"
#include "command.hpp"
#include "text.hpp"

namespace coffer_command {
namespace {

struct request {
    std::filesystem::path file;
    std::string scope;
    bool everything = false;
    std::string reason;
};

void check(request const& r) {
    if (r.everything == !r.scope.empty())
        throw CLI::ValidationError{"SCOPE", "name one scope, e.g. team/search, or say --everything"};
}

std::string named(request const& r) { return r.everything ? "everything" : printable(r.scope); }

/// The ledger as it stands.
class looked_at {
public:
    explicit looked_at(std::filesystem::path const& path) : file_{path}, ledger_{file_} {}
    [[nodiscard]] auto accounts(std::string const& scope) { return ledger_.accounts(scope); }
    [[nodiscard]] auto frozen() { return ledger_.frozen(); }

private:
    coffer::sqlite::reader file_;
    coffer::sqlite::ledger_reader ledger_;
};

int freeze(request const& r) {
    check(r);
    std::size_t under_way = 0;
    auto const db = open_store(r.file);
    auto const ask = [](coffer::ledger money, request what, std::size_t& count) -> coffer::awaitable<void> {
        count = co_await money.freeze(what.scope, what.reason);
    };
    run_to_end(ask(db.ledger(), r, under_way));
    std::cout << "frozen: " << named(r) << ". No process begins a send there from now on; replays still work\n";
    if (!r.everything && looked_at(r.file).accounts(r.scope).empty())
        std::cout << "nothing is accounted for in that scope so far: is it spelt as `coffer limits --all` shows it?\n";
    if (under_way > 0) std::cout << counted(under_way, "send") << " under way when it was frozen may still be billed\n";
    return ok;
}

int thaw(request const& r) {
    check(r);
    bool thawed = false;
    auto const db = open_store(r.file);
    auto const ask = [](coffer::ledger money, std::string scope, bool& was) -> coffer::awaitable<void> {
        was = co_await money.thaw(scope);
    };
    run_to_end(ask(db.ledger(), r.scope, thawed));
    std::cout << (thawed ? "thawed: " + named(r) + ". Sends may begin there, unless a scope around it is frozen\n"
                         : named(r) + " was not frozen\n");
    for (auto const& [scope, reason] : looked_at(r.file).frozen())
        if (!r.everything && coffer::is_within(r.scope, scope))
            std::cout << "it is inside " << (scope.empty() ? "everything" : printable(scope))
                      << ", which is still frozen\n";
    return thawed ? ok : nothing_matched;
}

void add_scope_to_stop(CLI::App& to, request& r) {
    add_file(to, r.file);
    to.add_option("SCOPE", r.scope, "the scope, and with it all inside it: team/search");
    to.add_flag("--everything", r.everything, "all scopes");
}

}  // namespace

subcommand freeze_command(CLI::App& app) {
    auto const r = std::make_shared<request>();
    auto* const parser = app.add_subcommand(
        "freeze", "the kill switch: no process begins a send in a scope until it is thawed; CHANGES the store");
    add_scope_to_stop(*parser, *r);
    parser->add_option("--reason", r->reason, "for whoever looks at it later")->type_name("TEXT");
    add_examples(*parser,
                 "  coffer freeze coffer.db team/search --reason 'the report job runs wild'\n"
                 "  coffer freeze coffer.db --everything\n"
                 "\n"
                 "It stops calls that pass a `budget` with that scope. Replays go on, and so do sends under way.");
    return {parser, [r] { return freeze(*r); }};
}

subcommand thaw_command(CLI::App& app) {
    auto const r = std::make_shared<request>();
    auto* const parser = app.add_subcommand("thaw", "lets sends begin again in a frozen scope; CHANGES the store");
    add_scope_to_stop(*parser, *r);
    add_examples(*parser, "  coffer thaw coffer.db team/search");
    return {parser, [r] { return thaw(*r); }};
}

}  // namespace coffer_command
