// SPDX-License-Identifier: BSL-1.0
#pragma once
// The definitions of the SQLite store, for the one file of a program that compiles them; see docs/install.md.

#include <coffer/config.hpp>

#if !defined(COFFER_SEPARATE_COMPILATION)
#error \
    "coffer/src/ is for programs that define COFFER_SEPARATE_COMPILATION, in every file; without it, the other headers are all that there is"
#endif

#include <coffer/store/sqlite.ipp>
#include <coffer/store/sqlite_alarm_facts.ipp>
#include <coffer/store/sqlite_alarms.ipp>
#include <coffer/store/sqlite_backend.ipp>
#include <coffer/store/sqlite_backup.ipp>
#include <coffer/store/sqlite_bodies.ipp>
#include <coffer/store/sqlite_clock.ipp>
#include <coffer/store/sqlite_compact.ipp>
#include <coffer/store/sqlite_connection.ipp>
#include <coffer/store/sqlite_entry.ipp>
#include <coffer/store/sqlite_failure.ipp>
#include <coffer/store/sqlite_fault.ipp>
#include <coffer/store/sqlite_file.ipp>
#include <coffer/store/sqlite_file_job.ipp>
#include <coffer/store/sqlite_file_system.ipp>
#include <coffer/store/sqlite_fork.ipp>
#include <coffer/store/sqlite_job.ipp>
#include <coffer/store/sqlite_kept.ipp>
#include <coffer/store/sqlite_ledger.ipp>
#include <coffer/store/sqlite_ledger_backend.ipp>
#include <coffer/store/sqlite_ledger_reader.ipp>
#include <coffer/store/sqlite_ledger_rows.ipp>
#include <coffer/store/sqlite_owner.ipp>
#include <coffer/store/sqlite_place.ipp>
#include <coffer/store/sqlite_purge.ipp>
#include <coffer/store/sqlite_reader.ipp>
#include <coffer/store/sqlite_reencrypt.ipp>
#include <coffer/store/sqlite_remains.ipp>
#include <coffer/store/sqlite_room.ipp>
#include <coffer/store/sqlite_rows.ipp>
#include <coffer/store/sqlite_run_reader.ipp>
#include <coffer/store/sqlite_runs.ipp>
#include <coffer/store/sqlite_runs_backend.ipp>
#include <coffer/store/sqlite_schema.ipp>
#include <coffer/store/sqlite_secret.ipp>
#include <coffer/store/sqlite_spool.ipp>
#include <coffer/store/sqlite_spool_jobs.ipp>
#include <coffer/store/sqlite_spooled.ipp>
#include <coffer/store/sqlite_survey.ipp>
#include <coffer/store/sqlite_sweep.ipp>
#include <coffer/store/sqlite_transactions.ipp>
#include <coffer/store/sqlite_working_set.ipp>
#include <coffer/store/sqlite_writer.ipp>
