// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of journal_options.hpp.

#include <coffer/policy/journal_options.hpp>

#include <algorithm>
#include <variant>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE void journal_options::check() const {
    if (max_runs < 1 || same_failure < 1)
        throw std::invalid_argument{"coffer::journal: max_runs and same_failure must be at least 1"};
    if (step_deadline <= duration::zero() || deadline <= duration::zero() || lease <= duration::zero())
        throw std::invalid_argument{"coffer::journal: a deadline or lease must be longer than zero"};
    if (acknowledged_kept < once_options::shortest_kept || unfinished_kept < once_options::shortest_kept)
        throw std::invalid_argument{
            "coffer::journal: acknowledged_kept and unfinished_kept must be at least an hour: a job that is "
            "forgotten is run again as a new one"};
}

COFFER_INLINE coffer::key job_name::key_of(std::string_view text) {
    auto const slash = text.find('/');
    if (slash == std::string_view::npos) return coffer::key{text};
    return coffer::key{text.substr(0, slash), text.substr(slash + 1)};
}

namespace detail {

COFFER_INLINE std::optional<fault> fault_of(run_verdict const& v, std::string const& reopening) {
    if (std::holds_alternative<run_begun>(v)) return std::nullopt;
    if (std::holds_alternative<run_done>(v))
        return fault{fault_kind::already_done, "this job is done: its results were acknowledged"};
    if (auto const* const other = std::get_if<run_under_way>(&v))
        return fault{fault_kind::in_progress, "another run of this job is under way"}.with_retry_after(
            std::min<duration>(other->hint, defaults::in_progress_hint));
    auto const& s = std::get<run_stopped>(v);
    if (s.same_failure)
        return fault{fault_kind::run_refused, "this job has failed in the same way " + std::to_string(s.same_failures) +
                                                  " times, one after the other (" + s.signature + "); " + reopening}
            .with_code("same_failure");
    return fault{fault_kind::run_refused,
                 "this job has been run " + std::to_string(s.counted) + " times and is not done (the last failure: " +
                     (s.signature.empty() ? "none that counts" : s.signature) + "); " + reopening}
        .with_code("max_runs");
}

}  // namespace detail

}  // namespace coffer::inline COFFER_ABI
