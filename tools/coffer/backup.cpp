// SPDX-License-Identifier: BSL-1.0
#include <coffer/store/sqlite_backup.hpp>
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
    std::filesystem::path to;
};

}  // namespace

subcommand backup_command(CLI::App& app) {
    auto const r = std::make_shared<request>();
    auto* const parser = app.add_subcommand(
        "backup", "copies the store and its secret while it is in use, and checks the copy; does not change the store");
    add_file(*parser, r->file);
    parser->add_option("DEST", r->to, "the copy's file; DEST.secret goes beside it. Neither may exist")->required();
    add_examples(
        *parser,
        "  coffer backup coffer.db /backup/coffer-$(date +%F).db\n"
        "\n"
        "To restore: stop the programs, move coffer.db, coffer.db-wal, coffer.db-shm and coffer.db.secret away, copy\n"
        "DEST to coffer.db and DEST.secret to coffer.db.secret (mode 0600). What was paid for after the backup is not\n"
        "in it, and is paid for again by jobs that run again.");
    return {parser, [r] {
                auto const done = coffer::sqlite::backup(r->file, r->to);
                std::cout << "backed up " << counted(done.records, "record") << ", "
                          << coffer::sqlite::detail::bytes_in_words(done.bytes)
                          << ", checked: " << printable(r->to.string()) << " and " << printable(r->to.string())
                          << ".secret\n";
                return ok;
            }};
}

}  // namespace coffer_command
