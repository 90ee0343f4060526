// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_runs_backend.hpp.

#include <coffer/store/sqlite_runs_backend.hpp>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE store_backend::result<run_verdict> runs_backend::begin_run(record_id const& job, run_request const& q) {
    auto work = [job, q](opened_file& f, clock& c) -> outcome<run_verdict> {
        if (auto const gone = f.keep_owner()) return tl::unexpected{unowned(f, gone)};
        return apply_to_run<run_verdict>(f, c, job, [&](run_machine& m) { return m.begin(q, f.owner().name()); });
    };
    return submit<run_verdict>(urgency::before, store_step::begin_run, runs_of(job), std::move(work));
}

COFFER_INLINE store_backend::result<void> runs_backend::note_step(run_ref const& run, std::string const& name,
                                                                  duration lease) {
    auto work = [run, name, lease](opened_file& f, clock& c) -> outcome<void> {
        return apply_to_run<void>(f, c, run.job, [&](run_machine& m) { return m.note(run.id, name, lease); });
    };
    return submit<void>(urgency::before, store_step::note_step, runs_of(run.job), std::move(work));
}

COFFER_INLINE store_backend::result<void> runs_backend::end_run(run_ref const& run, run_failure const& failure) {
    auto work = [run, failure](opened_file& f, clock& c) -> outcome<void> {
        return apply_to_run<void>(f, c, run.job, [&](run_machine& m) { return m.fail(run.id, failure); });
    };
        // Nobody waits for a failure to be written down; whoever has got the job done does, and may try again.
    return submit<void>(urgency::after, store_step::end_run, runs_of(run.job), std::move(work));
}

COFFER_INLINE store_backend::result<std::vector<record_id>> runs_backend::finish_run(
    record_id const& job, std::vector<record_id> const& answers) {
    using those = std::vector<record_id>;
    auto work = [job, answers](opened_file& f, clock& c) -> outcome<those> {
        auto const done = apply_to_run<void>(f, c, job, [](run_machine& m) { return m.finish(); });
        if (!done) return failed(done.error());
        those left;
        for (auto const& id : answers) {
            record_machine m{f.records().of(id).row, f.moment(c), f.owner_test()};
            auto const told = m.acknowledge();
            f.records().changed(id, m.changes());
            if (told) f.alarms().acknowledged(id);
            else left.push_back(id);
        }
        return left;
    };
    return submit<those>(urgency::before, store_step::end_run, runs_of(job), std::move(work));
}

COFFER_INLINE store_backend::result<void> runs_backend::reopen_run(record_id const& job) {
    auto work = [job](opened_file& f, clock& c) -> outcome<void> {
        return apply_to_run<void>(f, c, job, [](run_machine& m) { return m.reopen(); });
    };
    return submit<void>(urgency::before, std::nullopt, runs_of(job), std::move(work));
}

COFFER_INLINE std::string runs_backend::how_to_reopen(record_id const& job) const {
    return "mend the cause, then reopen the job with `coffer reopen " + shell_word(file_->path()) + " " +
           shell_word(to_text(job)) + "`";
}

COFFER_INLINE store_backend::result<std::shared_ptr<run_record const>> runs_backend::peek_run(record_id const& job) {
    using found = std::shared_ptr<run_record const>;
    auto work = [job](opened_file& f, clock& c) -> outcome<found> {
        auto stored = f.runs().load(job);
        if (stored.id == 0) return found{};
        f.runs().load_steps(stored);
        run_machine m{stored.row, f.moment(c), f.owner_test()};
        if (m.changes().gone) return found{};
        m.show_as_it_is();
        return std::make_shared<run_record const>(std::move(stored.row));
    };
    return submit<found>(urgency::read, std::nullopt, runs_of(job), std::move(work));
}

COFFER_INLINE store_backend::result<std::vector<run_summary>> runs_backend::list_runs(run_filter const& filter) {
    using found = std::vector<run_summary>;
    return submit<found>(urgency::read, std::nullopt, {}, [filter](opened_file& f, clock& c) -> outcome<found> {
        found all;
        if (filter.limit == 0) return all;
        f.runs().for_each(filter.name_space, [&, now = f.moment(c)](stored_run s) {
            run_machine m{s.row, now, f.owner_test()};
            if (m.changes().gone) return true;
            m.show_as_it_is();
            if (!filter.stopped_only || s.row.is_stopped(s.row.limits))
                all.push_back(summary_of(std::move(s.job), s.row));
            return all.size() < filter.limit;
        });
        return all;
    });
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
