// SPDX-License-Identifier: BSL-1.0
#include <coffer/store/record_text.hpp>

#include "arguments.hpp"
#include "command.hpp"
#include "record_json.hpp"
#include "text.hpp"

#include <iomanip>
#include <iostream>
#include <memory>
#include <string>

namespace coffer_command {
namespace {

struct request {
    std::filesystem::path file;
    coffer::sqlite::selection which;
    bool json = false;
};

void print(coffer::sqlite::seen_record const& seen) {
    auto const& row = seen.row;
    std::cout << std::left << std::setw(11) << (seen.unresolved ? "UNRESOLVED" : to_string(row.state)) << " sends "
              << std::setw(3) << row.counted_sends() << " cost " << std::setw(13)
              << cost_text(row.known_cost(), row.counted_sends()) << " " << iso_time(row.updated) << "  "
              << printable(coffer::to_text(seen.id)) << '\n';
}

int run(request const& r) {
    coffer::sqlite::reader file{r.file};
    std::size_t found = 0;
    auto const unreadable = file.for_each(r.which, [&](coffer::sqlite::seen_record const& seen) {
        ++found;
        if (r.json) std::cout << line_of(summary_json(seen)) << '\n';
        else print(seen);
        return true;
    });
    if (!r.json)
        std::cout << counted(found, r.which.unresolved_only ? "unresolved key" : "key")
                  << (found == r.which.limit ? ", as many as --limit allows\n" : "\n");
    if (unreadable > 0)
        std::cerr << "coffer: " << counted(unreadable, "record")
                  << " cannot be read: written by a newer coffer, or damaged\n";
    return found == 0 ? nothing_matched : ok;
}

}  // namespace

subcommand list_command(CLI::App& app) {
    auto const r = std::make_shared<request>();
    auto* const parser = app.add_subcommand("list", "the store's keys, oldest first; changes nothing");
    add_file(*parser, r->file);
    parser->add_flag("--unresolved", r->which.unresolved_only, "only keys that wait for an operator");
    add_namespace(*parser, r->which.name_space);
    add_state(*parser, r->which.state);
    add_older_than(*parser, r->which.older_than);
    add_count(*parser, "--limit", r->which.limit, "at most so many, the oldest");
    add_json(*parser, r->json);
    add_examples(*parser,
                 "  coffer list --unresolved coffer.db                     what waits for a decision\n"
                 "  coffer list --state done --older-than 7d coffer.db     answers that nobody has acknowledged\n"
                 "  coffer list --namespace report --limit 20 coffer.db\n"
                 "  coffer list --json coffer.db | jq -r 'select(.unresolved) | .id'");
    return {parser, [r] { return run(*r); }};
}

}  // namespace coffer_command
