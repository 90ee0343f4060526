// SPDX-License-Identifier: BSL-1.0
// coffer, the command: for whoever has to decide, at three in the morning, about a key that was paid for and has no
// answer, and for who looks after the file by day. It never sends anything.

#include "command.hpp"
#include "text.hpp"

#include <coffer/base/outcome.hpp>
#include <coffer/version.hpp>

#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

void complain(std::string const& text) {
    std::cerr << (text.starts_with("coffer") ? "" : "coffer: ") << coffer_command::printable(text) << '\n';
}

}  // namespace

int main(int argc, char** argv) {
    using namespace coffer_command;
    CLI::App app{
        "Looks after a coffer store's file, and resolves keys that wait for an operator.\n"
        "No command ever sends anything to a provider.\n"
        "\n"
        "Only looking:       stats, list, show, jobs; of money: spend, limits, presumed, reconcile, alarms\n"
        "Changing the store: resolve (decides about keys), reopen (lets stopped jobs go on), gc (clears away what is "
        "over),\n"
        "                    purge (forgets a namespace);\n"
        "                    of money: freeze and thaw (the kill switch), limit, presumed --yes, reconcile --apply "
        "(both\n"
        "                    book what the provider says), alarms --look (tells what rings)\n"
        "Writing elsewhere:  backup",
        "coffer"};
    app.set_version_flag("--version", COFFER_VERSION_STRING);
    app.require_subcommand(1);
    app.footer(
        "Three in the morning:\n"
        "  coffer stats coffer.db                                  what is the matter?\n"
        "  coffer list --unresolved coffer.db                      which keys wait for a decision?\n"
        "  coffer show coffer.db ID                                what happened to this one?\n"
        "  coffer resolve coffer.db ID --grant                     one more send may be made, and billed\n"
        "  coffer jobs coffer.db --stopped                         which jobs are stopped, and why?\n"
        "  coffer spend coffer.db                                  where does the money go?\n"
        "  coffer freeze coffer.db team/search                     stop it\n"
        "\n"
        "`coffer COMMAND --help` has more of them. IDs are what `coffer list` prints.\n"
        "Exit codes: 0 done; 1 refused or failed; 2 a mistake in the command line; 3 nothing matched;\n"
        "4 (reconcile) something differs; 5 (alarms --look) an alarm rang.");
    std::vector<subcommand> const all{
        stats_command(app),  list_command(app),  show_command(app),      resolve_command(app),  gc_command(app),
        backup_command(app), purge_command(app), spend_command(app),     limits_command(app),   limit_command(app),
        freeze_command(app), thaw_command(app),  reconcile_command(app), presumed_command(app), alarms_command(app),
        jobs_command(app),   reopen_command(app)};
    try {
        app.parse(argc, argv);
        for (auto const& s : all)
            if (s.parser->parsed()) {
                auto const code = s.run();
                if (!std::cout.flush()) throw std::runtime_error{"the standard output could not be written to"};
                return code;
            }
        return usage;
    } catch (CLI::ParseError const& e) {
        return app.exit(e) == 0 ? ok : usage;
    } catch (coffer::failure const& e) {
        complain(std::string{e.fault().message()});
        return failed;
    } catch (std::exception const& e) {
        complain(e.what());
        return failed;
    }
}
