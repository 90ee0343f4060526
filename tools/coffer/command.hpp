// SPDX-License-Identifier: BSL-1.0
#pragma once
// A subcommand: known to the parser by its options, run if it was chosen. One file for each.

#include <CLI/CLI.hpp>

#include <functional>

namespace coffer_command {

/// How a run ended, for scripts.
enum exit_code : int {
    ok = 0,
    failed = 1,           ///< refused, or not possible; the reason is on stderr
    usage = 2,            ///< a mistake in the command line
    nothing_matched = 3,  ///< nothing in the store is like that
    differs = 4,          ///< the ledger and the provider's export do not agree
    rang = 5,             ///< an alarm rang, and was told
};

struct subcommand {
    CLI::App* parser;
    std::function<int()> run;
};

subcommand stats_command(CLI::App& app);
subcommand list_command(CLI::App& app);
subcommand show_command(CLI::App& app);
subcommand resolve_command(CLI::App& app);
subcommand gc_command(CLI::App& app);
subcommand backup_command(CLI::App& app);
subcommand purge_command(CLI::App& app);
subcommand spend_command(CLI::App& app);
subcommand limits_command(CLI::App& app);
subcommand limit_command(CLI::App& app);
subcommand freeze_command(CLI::App& app);
subcommand thaw_command(CLI::App& app);
subcommand reconcile_command(CLI::App& app);
subcommand presumed_command(CLI::App& app);
subcommand alarms_command(CLI::App& app);
subcommand jobs_command(CLI::App& app);
subcommand reopen_command(CLI::App& app);

}  // namespace coffer_command
