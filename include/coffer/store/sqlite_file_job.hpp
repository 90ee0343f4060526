// SPDX-License-Identifier: BSL-1.0
#pragma once
// Submitting a function to a file's thread, and what is said when that cannot be.

#include <coffer/base/outcome.hpp>
#include <coffer/store/sqlite_file.hpp>
#include <coffer/store/sqlite_fork.hpp>
#include <coffer/store/sqlite_job.hpp>
#include <coffer/time/completion.hpp>

#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// A job made of a function `outcome<T>(opened_file&, clock&)`.
template <class T, class Fn>
class job_of : public job {
public:
    job_of(urgency u, std::optional<store_step> step, std::string record, opened_file& file, std::shared_ptr<clock> c,
           Fn fn)
        : job{u, step, std::move(record), outside_work{c}}, file_{file}, fn_{std::move(fn)}, clock_{std::move(c)} {}

    [[nodiscard]] completion<outcome<T>> const& done() const noexcept { return done_; }
    void carry_out() override { result_.emplace(fn_(file_, *clock_)); }
    void tell() noexcept override { done_.set(*std::move(result_)); }
    void refuse(fault why) noexcept override { done_.set(failed(std::move(why))); }

protected:
    opened_file& file_;
    Fn fn_;

private:
    std::shared_ptr<clock> clock_;
    std::optional<outcome<T>> result_;
    completion<outcome<T>> done_;
};

[[nodiscard]] fault forked();
[[nodiscard]] fault unowned(opened_file const& f, std::error_code const& why);

/// Submits `fn` as a `Job` to the file's thread.
template <template <class, class> class Job = job_of, class T, class Fn>
[[nodiscard]] completion<outcome<T>> submit_to(opened_file& file, urgency u, std::optional<store_step> step,
                                               std::string record, Fn fn) {
    if (!file.in_its_process()) return completion<outcome<T>>::ready(failed(forked()));
    auto made = std::make_unique<Job<T, Fn>>(u, step, std::move(record), file, file.bound_clock(), std::move(fn));
    auto done = made->done();
    file.queue().submit(std::move(made));
    return done;
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_file_job.ipp>
#endif
