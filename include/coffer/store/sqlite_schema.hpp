// SPDX-License-Identifier: BSL-1.0
#pragma once
// The file format: tables, their version, and the steps from older versions to this one.

#include <coffer/store/sqlite_connection.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

namespace coffer::inline COFFER_ABI::sqlite::detail {

inline constexpr std::int64_t application_id = 0x434f4652;  // "COFR"

/// Step i leads from format i to format i + 1. Steps that were released never change; new ones are added at the end.
///
/// Times called `..._at`, `created`, `updated` and `expires` are nanoseconds since 1970 (NULL: never); `..._until` are
/// nanoseconds of CLOCK_MONOTONIC, good for the boot in the owner's name; `..._kept` and `takeover_grace` are
/// nanoseconds. Money is in nano-dollars. States and kinds of faults are stored by name. `meta` also has `clock`, the
/// trusted time (sqlite_clock.hpp).
inline constexpr std::array<char const*, 3> format_steps{R"sql(
CREATE TABLE meta(
    name TEXT PRIMARY KEY NOT NULL,  -- secret_id: which secret the keys are stored under; token: the last one given
    value NOT NULL
) WITHOUT ROWID;

CREATE TABLE records(
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,        -- HMAC-SHA-256 of the key under the installation's secret
    ns TEXT NOT NULL,                -- the key's namespace, in the clear
    state TEXT NOT NULL,
    claim BLOB NOT NULL,
    held INTEGER NOT NULL,
    owner TEXT NOT NULL,             -- <boot>-<file in .owners>
    token INTEGER NOT NULL,
    lease_until INTEGER NOT NULL,
    claims INTEGER NOT NULL,
    max_sends INTEGER NOT NULL,
    granted_sends INTEGER NOT NULL,
    takeover_grace INTEGER NOT NULL,
    acknowledged_kept INTEGER NOT NULL,
    unacknowledged_kept INTEGER NOT NULL,
    print_version INTEGER,           -- NULL: nobody knows the request
    print BLOB,                      -- per field its name and 16 bytes of HMAC; encoded as in sqlite_fault.hpp
    fault BLOB,                      -- FAILED: what is replayed; see sqlite_fault.hpp
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    expires INTEGER
);
-- Not with IN, for which SQLite would build a table in memory for every row that is written.
CREATE INDEX open_records ON records(ns)
    WHERE state='claimed' OR state='sent' OR state='answered' OR state='unknown';

CREATE TABLE sends(
    record INTEGER NOT NULL,
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    claim BLOB NOT NULL,
    owner TEXT NOT NULL,
    permitted_until INTEGER NOT NULL,
    permitted_at INTEGER NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    fault BLOB,                      -- why it was lost or judged defective
    status INTEGER,                  -- NULL: no answer
    request_id TEXT,
    input_fresh INTEGER,             -- tokens; NULL: not known
    input_cache_read INTEGER,
    input_cache_write_5m INTEGER,
    input_cache_write_1h INTEGER,
    input_audio INTEGER,
    output INTEGER,
    output_audio INTEGER,
    reasoning INTEGER,
    cost INTEGER,                    -- NULL: not known
    answer INTEGER,                  -- answers.id; NULL: none, or dropped
    PRIMARY KEY(record, number)
) WITHOUT ROWID;

CREATE TABLE answers(
    id INTEGER PRIMARY KEY,
    codec INTEGER NOT NULL,          -- 0: as it came; 1: sealed, see sqlite_bodies.hpp
    body BLOB NOT NULL
);
)sql",
                                                         R"sql(
ALTER TABLE records ADD COLUMN cached INTEGER NOT NULL DEFAULT 0;  -- 1: goes when it expires, whatever its state
ALTER TABLE sends ADD COLUMN ended_at INTEGER;                     -- NULL: its end is not known
CREATE INDEX expiring_records ON records(expires) WHERE expires IS NOT NULL;
)sql",
                                                         R"sql(
ALTER TABLE sends ADD COLUMN input_image INTEGER;   -- as the other tokens; NULL beside known ones: none
ALTER TABLE sends ADD COLUMN output_image INTEGER;
ALTER TABLE sends ADD COLUMN web_searches INTEGER;  -- calls of tools that ran at the provider
ALTER TABLE sends ADD COLUMN tool_calls INTEGER;
CREATE TABLE ledger_accounts(
    id INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    window TEXT NOT NULL,            -- window::text()
    start INTEGER NOT NULL,          -- of the window; of a rolling one: of the part of it
    ends INTEGER,                    -- when it counts no more; NULL: never
    declared INTEGER,                -- the limit that the last reservation named; NULL: none
    settled INTEGER NOT NULL DEFAULT 0,
    presumed INTEGER NOT NULL DEFAULT 0,
    held INTEGER NOT NULL DEFAULT 0,
    overrun INTEGER NOT NULL DEFAULT 0,
    unpriced INTEGER NOT NULL DEFAULT 0,
    carried_settled INTEGER NOT NULL DEFAULT 0,  -- of these: what entries explained that are gone
    carried_presumed INTEGER NOT NULL DEFAULT 0,
    carried_overrun INTEGER NOT NULL DEFAULT 0,
    carried_unpriced INTEGER NOT NULL DEFAULT 0,
    UNIQUE(scope, window, start)
);
CREATE INDEX accounts_by_end ON ledger_accounts(ends);
CREATE TABLE ledger_entries(
    id INTEGER PRIMARY KEY,
    reservation BLOB NOT NULL UNIQUE,
    state TEXT NOT NULL,
    bound INTEGER,                   -- NULL: none was known
    actual INTEGER,                  -- NULL: not known
    owner TEXT NOT NULL,
    valid_until INTEGER NOT NULL,
    created INTEGER NOT NULL,
    ended INTEGER,                   -- NULL: not yet
    ns TEXT NOT NULL,                -- of the key under which it was sent
    record BLOB,                     -- records.key; NULL: sent without a journal, or not yet
    send INTEGER,                    -- sends.number
    attempt INTEGER NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    job TEXT NOT NULL,
    work TEXT,                       -- HMAC of the whole fingerprint; NULL: none
    request_id TEXT                  -- the provider's; NULL: not known
);
CREATE INDEX open_entries ON ledger_entries(id) WHERE state='held' OR state='sent';
CREATE INDEX entries_of_sends ON ledger_entries(record, send) WHERE record IS NOT NULL;
CREATE INDEX entries_by_request ON ledger_entries(request_id) WHERE request_id IS NOT NULL;
CREATE INDEX entries_by_time ON ledger_entries(created);
CREATE INDEX entries_by_work ON ledger_entries(work, created) WHERE work IS NOT NULL;
CREATE TABLE ledger_holds(
    entry INTEGER NOT NULL,
    account INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    kind TEXT NOT NULL,
    PRIMARY KEY(entry, account)
) WITHOUT ROWID;
CREATE INDEX holds_by_account ON ledger_holds(account);
CREATE TABLE ledger_limits(          -- an operator's, which come before the programs' own
    scope TEXT NOT NULL,
    window TEXT NOT NULL,
    amount INTEGER NOT NULL,
    set_at INTEGER NOT NULL,
    PRIMARY KEY(scope, window)
) WITHOUT ROWID;
CREATE TABLE ledger_freezes(
    scope TEXT PRIMARY KEY NOT NULL, -- '': everything
    reason TEXT NOT NULL,
    frozen_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE ledger_hours(           -- what was spent, settled or presumed, by the hour in which it was held
    scope TEXT NOT NULL,
    hour INTEGER NOT NULL,           -- hours since 1970
    spent INTEGER NOT NULL,
    PRIMARY KEY(scope, hour)
) WITHOUT ROWID;
CREATE INDEX hours_by_time ON ledger_hours(hour);
CREATE TABLE replays(                -- of answers that nobody has acknowledged
    record BLOB PRIMARY KEY NOT NULL,-- records.key
    ns TEXT NOT NULL,
    times INTEGER NOT NULL,          -- counted as far as an alarm asks
    saved INTEGER,                   -- what the answer has cost; NULL: not known
    last INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX replays_by_time ON replays(last);
CREATE TABLE alarms(                 -- found, and to be delivered
    id TEXT PRIMARY KEY NOT NULL,    -- the same for the same thing
    state TEXT NOT NULL,             -- due; delivered; covered: another alarm tells it
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    scope TEXT NOT NULL,
    window TEXT NOT NULL,
    amount INTEGER NOT NULL,
    against INTEGER NOT NULL,
    sentence TEXT NOT NULL,
    found INTEGER NOT NULL,
    due INTEGER NOT NULL,            -- not to be delivered again before
    tries INTEGER NOT NULL,
    delivered INTEGER,               -- NULL: not yet
    froze INTEGER,                   -- when it froze its scope; NULL: it did not
    trouble TEXT                     -- why it was not at the last try
) WITHOUT ROWID;
CREATE INDEX due_alarms ON alarms(due) WHERE state='due';
CREATE INDEX alarms_by_time ON alarms(found);

CREATE TABLE runs(                   -- a row for each job
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,        -- HMAC-SHA-256 of the job's key under the installation's secret
    ns TEXT NOT NULL,                -- the key's namespace, in the clear
    state TEXT NOT NULL,
    run BLOB NOT NULL,               -- the last one
    owner TEXT NOT NULL,             -- <boot>-<file in .owners>
    lease_until INTEGER NOT NULL,
    begun INTEGER NOT NULL,
    counted INTEGER NOT NULL,
    same_failures INTEGER NOT NULL,
    signature TEXT NOT NULL,         -- of the last failure that counts
    max_runs INTEGER NOT NULL,
    same_failure INTEGER NOT NULL,
    acknowledged_kept INTEGER NOT NULL,
    unfinished_kept INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    expires INTEGER NOT NULL
);
CREATE INDEX expiring_runs ON runs(expires);
CREATE INDEX stopped_runs ON runs(updated) WHERE state='idle' AND (same_failures>=same_failure OR counted>=max_runs);

CREATE TABLE run_steps(
    job INTEGER NOT NULL,            -- runs.id
    name TEXT NOT NULL,              -- as the program gave it
    number INTEGER NOT NULL,         -- grows with each new step
    PRIMARY KEY(job, name)
) WITHOUT ROWID;
)sql"};

inline constexpr std::int64_t format_version = format_steps.size();

[[nodiscard]] std::int64_t ask(connection& db, char const* sql);

/// What stands in a file, found out without changing it.
struct file_format {
    bool empty = false;
    std::int64_t version = 0;
};

/// Throws `std::runtime_error` for a file that is not a store, or is one of a newer format.
[[nodiscard]] file_format recognise(connection& db, std::string const& path);

/// Sets the connection up. Changing to WAL needs the file alone, and SQLite does not wait for that by itself.
void configure(connection& db, std::chrono::milliseconds patience);

/// Brings the file to this format. Safe against other processes that try the same.
void migrate(connection& db, std::string const& path, std::string const& secret_id);

[[nodiscard]] std::string stored_secret_id(connection& db);

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_schema.ipp>
#endif
