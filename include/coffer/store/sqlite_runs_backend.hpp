// SPDX-License-Identifier: BSL-1.0
#pragma once
// The part of the store concept on a file that is about the runs of jobs.

#include <coffer/state/record_machine.hpp>
#include <coffer/state/run_machine.hpp>
#include <coffer/store/record_text.hpp>
#include <coffer/store/sqlite_file.hpp>
#include <coffer/store/sqlite_file_job.hpp>
#include <coffer/store/sqlite_runs.hpp>
#include <coffer/store/store.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// The part that is about runs; the rest is in sqlite_backend.hpp.
class runs_backend : public store_backend {
public:
    explicit runs_backend(std::shared_ptr<opened_file> file) : file_{std::move(file)} {}

    COFFER_INLINE result<run_verdict> begin_run(record_id const& job, run_request const& q) override;
    COFFER_INLINE result<void> note_step(run_ref const& run, std::string const& name, duration lease) override;
    COFFER_INLINE result<void> end_run(run_ref const& run, run_failure const& failure) override;
    COFFER_INLINE result<std::vector<record_id>> finish_run(record_id const& job,
                                                            std::vector<record_id> const& answers) override;
    COFFER_INLINE result<void> reopen_run(record_id const& job) override;
    [[nodiscard]] COFFER_INLINE std::string how_to_reopen(record_id const& job) const override;
    COFFER_INLINE result<std::shared_ptr<run_record const>> peek_run(record_id const& job) override;
    COFFER_INLINE result<std::vector<run_summary>> list_runs(run_filter const& filter) override;

protected:
    template <class T, class Fn>
    result<T> submit(urgency u, std::optional<store_step> step, record_id const& id, Fn fn) {
        return submit_to<job_of, T>(*file_, u, step, id.digest, std::move(fn));
    }

    std::shared_ptr<opened_file> file_;

private:
    /// What the jobs of a job's runs are about: they wait for each other, not for those of a record.
    [[nodiscard]] static record_id runs_of(record_id const& job) { return {job.name_space, "runs of " + job.digest}; }

    template <class T, class Rule>
    static outcome<T> apply_to_run(opened_file& f, clock& c, record_id const& job, Rule const& rule) {
        auto stored = f.runs().load(job);
        run_machine m{stored.row, f.moment(c), f.owner_test()};
        outcome<T> told = rule(m);
        f.runs().write(stored, m.changes());
        return told;
    }
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_runs_backend.ipp>
#endif
