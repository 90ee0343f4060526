// SPDX-License-Identifier: BSL-1.0
#include <coffer/store/sqlite_purge.hpp>
#include <coffer/store/sqlite_room.hpp>

#include "arguments.hpp"
#include "command.hpp"
#include "text.hpp"

#include <iostream>
#include <memory>
#include <string>

namespace coffer_command {
namespace {

struct request {
    std::filesystem::path file;
    std::string name_space;
    coffer::sqlite::purge_options options;
    bool yes = false;
};

int run(request const& r) {
    using coffer::sqlite::detail::bytes_in_words;
    auto const plan = coffer::sqlite::plan_purge(r.file, r.name_space);
    auto const name = printable(r.name_space);
    if (plan.records == 0 && !r.yes) {
        std::cout << "no record is in the namespace '" << name << "'\n";
        return nothing_matched;
    }
    if (!r.yes) {
        std::cout << "namespace '" << name << "': " << counted(plan.records, "record") << ", "
                  << bytes_in_words(plan.answer_bytes) << " of answers\n"
                  << "  in progress     " << plan.in_progress << '\n'
                  << "  unacknowledged  " << plan.unacknowledged << '\n'
                  << "  unresolved      " << plan.unresolved << '\n'
                  << "  spooled         " << plan.spooled << '\n';
        if (auto const why = coffer::sqlite::detail::why_not_purge(plan, r.options); !why.empty())
            std::cout << "would be refused: " << why << '\n';
        std::cout
            << "the ledger keeps what was spent: amounts, times, models, the provider's request ids and the names of "
               "scopes, but no longer whose calls they were\n"
               "nothing was changed. To purge it, say --yes as well; what is purged is forgotten, and a job that "
               "runs again pays again\n";
        return ok;
    }
    auto const done = coffer::sqlite::purge(r.file, r.name_space, r.options);
    if (done.records == 0) {
        std::cout << "no record is in the namespace '" << name
                  << "'; the file is rewritten all the same, without what was deleted from it before\n";
        return nothing_matched;
    }
    std::cout << "purged " << counted(done.records, "record") << " of '" << name << "', "
              << bytes_in_words(done.answer_bytes) << " of answers; the file is rewritten, and of " << done.traces
              << " traces of them none was found in it\n";
    return ok;
}

}  // namespace

subcommand purge_command(CLI::App& app) {
    auto const r = std::make_shared<request>();
    auto* const parser =
        app.add_subcommand("purge", "forgets a namespace, its answers and that they were paid for; CHANGES the store");
    add_file(*parser, r->file);
    parser->add_option("NAMESPACE", r->name_space, "the first part of its keys")->required();
    parser->add_flag("--unacknowledged", r->options.unacknowledged,
                     "also paid answers that nobody has acknowledged: they are paid for again if their jobs run again");
    parser->add_flag("--unresolved", r->options.unresolved,
                     "also keys that were sent and have no usable answer: the same");
    parser->add_flag("--yes", r->yes, "do it; without, it only says what it would do");
    add_examples(
        *parser,
        "  coffer purge coffer.db customer-4711                   only shows what it would mean\n"
        "  coffer purge coffer.db customer-4711 --yes\n"
        "  coffer purge coffer.db customer-4711 --unacknowledged --unresolved --yes\n"
        "\n"
        "Refused while somebody works on a key of it. Afterwards the file is rewritten and looked through; backups,\n"
        "snapshots and the disk's own spare blocks are beyond its reach.\n"
        "\n"
        "The ledger keeps what was spent: its entries lose the namespace, the key and the tag `job`; amounts, times,\n"
        "models and the provider's request ids stay, and so do the names of scopes (in accounts, limits, freezes and\n"
        "alarms), with the values of the tags that are in them.");
    return {parser, [r] { return run(*r); }};
}

}  // namespace coffer_command
