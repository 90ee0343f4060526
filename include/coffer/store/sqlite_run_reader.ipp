// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_run_reader.hpp.

#include <coffer/store/sqlite_run_reader.hpp>

#include <string>

namespace coffer::inline COFFER_ABI::sqlite {

COFFER_INLINE run_reader::run_reader(reader& from)
    : from_{&from}, rows_{from.explained([&] { return std::make_unique<detail::run_rows>(from.db()); })} {}

COFFER_INLINE std::optional<seen_run> run_reader::find(record_id const& job) const {
    return from_->explained([&]() -> std::optional<seen_run> {
        auto stored = rows_->load(job);
        if (stored.id == 0 || stored.job.name_space != job.name_space) return std::nullopt;
        return as_it_is(std::move(stored));
    });
}

COFFER_INLINE std::optional<seen_run> run_reader::as_it_is(detail::stored_run s) const {
    rows_->load_steps(s);
    auto const now = from_->clock().look(detail::read_clocks(from_->owners()));
    run_machine m{s.row, now, [this](std::string const& name) { return from_->owners().is_dead(name); }};
    if (m.changes().gone) return std::nullopt;
    m.show_as_it_is();
    bool const stopped = s.row.is_stopped(s.row.limits);
    return seen_run{std::move(s.job), std::move(s.row), stopped};
}

}  // namespace coffer::inline COFFER_ABI::sqlite
