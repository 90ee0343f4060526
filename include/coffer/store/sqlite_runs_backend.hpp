// SPDX-License-Identifier: BSL-1.0
#pragma once
// How a store's operation becomes a job of the file's thread; and the operations on the runs of jobs.

#include <coffer/state/run_machine.hpp>
#include <coffer/store/sqlite_file.hpp>
#include <coffer/store/sqlite_job.hpp>
#include <coffer/store/sqlite_runs.hpp>
#include <coffer/store/sqlite_spool_jobs.hpp>  // owner_test
#include <coffer/store/store.hpp>
#include <coffer/time/completion.hpp>

#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace coffer::inline v0::sqlite::detail {

/// A job made of a function `outcome<T>(opened_file&, clock&)`.
template <class T, class Fn>
class job_of final : public job {
public:
    job_of(urgency u, std::optional<store_step> step, std::string record, opened_file& file, std::shared_ptr<clock> c,
           Fn fn)
        : job{u, step, std::move(record), outside_work{c}}, file_{file}, clock_{std::move(c)}, fn_{std::move(fn)} {}

    [[nodiscard]] completion<outcome<T>> const& done() const noexcept { return done_; }
    void carry_out() override { result_.emplace(fn_(file_, *clock_)); }
    void tell() noexcept override { done_.set(*std::move(result_)); }
    void refuse(fault why) noexcept override { done_.set(failed(std::move(why))); }

private:
    opened_file& file_;
    std::shared_ptr<clock> clock_;
    Fn fn_;
    std::optional<outcome<T>> result_;
    completion<outcome<T>> done_;
};

/// The part of the store concept that is about runs, and what the rest of it needs too.
class runs_backend : public store_backend {
public:
    explicit runs_backend(std::shared_ptr<opened_file> file) : file_{std::move(file)} {}

    result<run_verdict> begin_run(record_id const& job, run_request const& q) override {
        auto work = [job, q](opened_file& f, clock& c) -> outcome<run_verdict> {
            if (auto const gone = f.keep_owner()) return tl::unexpected{unowned(f, gone)};
            return apply_to_run<run_verdict>(f, c, job, [&](run_machine& m) { return m.begin(q, f.owner().name()); });
        };
        return submit<run_verdict>(urgency::before, store_step::begin_run, runs_of(job), std::move(work));
    }
    result<void> note_step(run_ref const& run, std::string const& name, duration lease) override {
        auto work = [run, name, lease](opened_file& f, clock& c) -> outcome<void> {
            return apply_to_run<void>(f, c, run.job, [&](run_machine& m) { return m.note(run.id, name, lease); });
        };
        return submit<void>(urgency::before, store_step::note_step, runs_of(run.job), std::move(work));
    }
    result<void> end_run(run_ref const& run, std::optional<run_failure> const& failure) override {
        auto work = [run, failure](opened_file& f, clock& c) -> outcome<void> {
            return apply_to_run<void>(f, c, run.job,
                                      [&](run_machine& m) { return failure ? m.fail(run.id, *failure) : m.finish(); });
        };
        // Nobody waits for a failure to be written down; whoever has got the job done does, and may try again.
        auto const u = failure ? urgency::after : urgency::before;
        return submit<void>(u, store_step::end_run, runs_of(run.job), std::move(work));
    }
    result<void> reopen_run(record_id const& job) override {
        auto work = [job](opened_file& f, clock& c) -> outcome<void> {
            return apply_to_run<void>(f, c, job, [](run_machine& m) { return m.reopen(); });
        };
        return submit<void>(urgency::before, std::nullopt, runs_of(job), std::move(work));
    }
    result<std::shared_ptr<run_record const>> peek_run(record_id const& job) override {
        using found = std::shared_ptr<run_record const>;
        auto work = [job](opened_file& f, clock& c) -> outcome<found> {
            auto stored = f.runs().load(job);
            if (stored.id == 0) return found{};
            f.runs().load_steps(stored);
            run_machine m{stored.row, f.moment(c), owner_test(f)};
            if (m.changes().gone) return found{};
            m.show_as_it_is();
            return std::make_shared<run_record const>(std::move(stored.row));
        };
        return submit<found>(urgency::read, std::nullopt, runs_of(job), std::move(work));
    }
    result<std::vector<run_summary>> list_runs(run_filter const& filter) override {
        using found = std::vector<run_summary>;
        return submit<found>(urgency::read, std::nullopt, {}, [filter](opened_file& f, clock& c) -> outcome<found> {
            found all;
            if (filter.limit == 0) return all;
            f.runs().for_each(filter.name_space, [&, now = f.moment(c)](stored_run s) {
                run_machine m{s.row, now, owner_test(f)};
                if (m.changes().gone) return true;
                m.show_as_it_is();
                if (!filter.stopped_only || s.row.is_stopped(s.row.limits))
                    all.push_back(summary_of(std::move(s.job), s.row));
                return all.size() < filter.limit;
            });
            return all;
        });
    }

protected:
    [[nodiscard]] static fault forked() {
        return fault{fault_kind::store_unavailable,
                     std::string{"the store was opened before this process was forked; "} + fork_remedy};
    }
    [[nodiscard]] static fault unowned(opened_file const& f, std::error_code const& why) {
        return fault{fault_kind::store_unavailable,
                     "this process's file in " + f.path() + ".owners was removed and cannot be made anew (" +
                         why.message() + "), so others would take it for dead; mend the directory"};
    }

    template <class T, class Fn>
    result<T> submit(urgency u, std::optional<store_step> step, record_id const& id, Fn fn) {
        if (!file_->in_its_process()) return result<T>::ready(failed(forked()));
        auto made = std::make_unique<job_of<T, Fn>>(u, step, id.digest, *file_, file_->bound_clock(), std::move(fn));
        auto done = made->done();
        file_->queue().submit(std::move(made));
        return done;
    }

    std::shared_ptr<opened_file> file_;

private:
    /// What the jobs of a job's runs are about: they wait for each other, not for those of a record.
    [[nodiscard]] static record_id runs_of(record_id const& job) { return {job.name_space, "runs of " + job.digest}; }

    template <class T, class Rule>
    static outcome<T> apply_to_run(opened_file& f, clock& c, record_id const& job, Rule const& rule) {
        auto stored = f.runs().load(job);
        run_machine m{stored.row, f.moment(c), owner_test(f)};
        outcome<T> told = rule(m);
        f.runs().write(stored, m.changes());
        return told;
    }
};

}  // namespace coffer::inline v0::sqlite::detail
