// SPDX-License-Identifier: BSL-1.0
#include <coffer/store/sqlite_compact.hpp>
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
    bool compact = false;
};

coffer::awaitable<void> collect(coffer::sqlite::store db, coffer::sqlite::collected& all) {
    all = co_await db.collect();
}

int run(request const& r) {
    using coffer::sqlite::detail::bytes_in_words;
    coffer::sqlite::collected all;
    {
        auto const db = open_store(r.file);
        run_to_end(collect(db, all));
    }
    std::cout << "cleared away: " << counted(all.removed, "record") << " removed, "
              << counted(all.expired, "unacknowledged answer") << " expired, " << counted(all.lapsed, "stored fault")
              << " and " << counted(all.jobs, "job") << " forgotten; " << bytes_in_words(all.bytes)
              << " of answers gone\n";
    if (!r.compact) {
        std::cout << "the file uses that room again; to make it smaller: --compact\n";
        return ok;
    }
    auto const c = coffer::sqlite::compact(r.file);
    std::cout << "rewritten: " << bytes_in_words(c.bytes_before) << " before, " << bytes_in_words(c.bytes_after)
              << " now\n";
    return ok;
}

}  // namespace

subcommand gc_command(CLI::App& app) {
    auto const r = std::make_shared<request>();
    auto* const parser = app.add_subcommand(
        "gc", "clears away records and jobs whose time is over, as a running store does by itself; CHANGES the store");
    add_file(*parser, r->file);
    parser->add_flag("--compact", r->compact,
                     "then rewrites the file without its free pages; claims of other processes wait meanwhile, and it "
                     "takes free space for two copies");
    add_examples(*parser,
                 "  coffer gc coffer.db\n"
                 "  coffer gc --compact coffer.db        after a peak, when the disk needs the room");
    return {parser, [r] { return run(*r); }};
}

}  // namespace coffer_command
