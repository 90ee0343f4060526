// SPDX-License-Identifier: BSL-1.0
#pragma once
// Arguments that several subcommands understand.

#include <coffer/asio.hpp>
#include <coffer/base/money.hpp>
#include <coffer/crypto/key_ring.hpp>
#include <coffer/state/record.hpp>
#include <coffer/store/sqlite.hpp>
#include <coffer/store/sqlite_ledger_reader.hpp>
#include <coffer/store/sqlite_reader.hpp>

#include <CLI/CLI.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace coffer_command {

CLI::Option* add_file(CLI::App& to, std::filesystem::path& file);
CLI::Option* add_namespace(CLI::App& to, std::string& name_space);
/// `--older-than 7d`: nothing has happened to a record for so long.
CLI::Option* add_older_than(CLI::App& to, std::chrono::nanoseconds& age);
/// `--state done`.
CLI::Option* add_state(CLI::App& to, std::optional<coffer::record_state>& state);
CLI::Option* add_json(CLI::App& to, bool& json);
/// `--from 2026-11-22`, or `2026-11-22T03:04:05Z`; UTC.
CLI::Option* add_moment(CLI::App& to, std::string const& option, coffer::wall_time_point& moment,
                        std::string const& help);
/// Throws `CLI::ValidationError` if no time lies between the two.
void check_range(coffer::wall_time_point from, coffer::wall_time_point to);
/// A number of things: `--limit 20`. `least` is what makes sense.
CLI::Option* add_count(CLI::App& to, std::string const& option, std::size_t& count, std::string const& help,
                       std::size_t least = 1);
/// `--scope team/search`.
CLI::Option* add_scope(CLI::App& to, std::string& scope);
/// Is anything accounted for in that scope? If not, says so on stderr, and what to do: to whoever reads a table, a name that
/// is misspelt must not look like money that was not spent.
bool is_known_scope(coffer::sqlite::ledger_reader& ledger, std::filesystem::path const& file, std::string const& scope);
/// Dollars, exact: `25`, `0.10`. Throws `CLI::ValidationError`.
coffer::money dollars_of(std::string const& text);
/// `--body-key 2026-11=key.hex`, as often as there are keys.
CLI::Option* add_body_keys(CLI::App& to, std::vector<std::string>& named);
/// Lines under `Examples:` of the help.
void add_examples(CLI::App& to, std::string const& lines);

/// A record's name, as `coffer list` prints it; a job's, as `coffer jobs` does. Throws `CLI::ValidationError`.
coffer::record_id parse_id(std::string const& text);
coffer::record_id parse_job(std::string const& text);

using body_keys = std::shared_ptr<coffer::crypto::key_ring const>;
/// The keys that `--body-key` names, the first of them to write with; null for none. Throws `CLI::ValidationError`, and
/// `std::runtime_error` for files that hold no key; neither repeats what a file holds.
body_keys read_body_keys(std::vector<std::string> const& named);

/// The store itself, for what changes it; never a new one.
coffer::sqlite::store open_store(std::filesystem::path const& file, body_keys keys = {});

/// Runs `work` to its end. Rethrows what it throws.
void run_to_end(coffer::awaitable<void> work);

}  // namespace coffer_command
