// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of journal.hpp.

#include <coffer/policy/journal.hpp>

namespace coffer::inline COFFER_ABI {

namespace detail {

COFFER_INLINE step_guard::step_guard(std::shared_ptr<run_context> run, run_step& s) noexcept
    : run_{std::move(run)}, step_{s} {}

COFFER_INLINE step_guard::~step_guard() {
    if (run_) over(fault{fault_kind::cancelled, "it did not come to its end"}.with_billing(knowledge::maybe));
}

COFFER_INLINE void step_guard::over(std::optional<fault> why) {
    std::exchange(run_, nullptr)->end_step(step_, std::move(why));
}

}  // namespace detail

COFFER_INLINE journal::journal(store const& where, job_name job, journal_options options)
    : run_{std::make_shared<detail::run_context>(where.backend(), std::move(job).key(), options)} {}

COFFER_INLINE journal& journal::tag(std::string name, std::string value) {
    run_->tag(std::move(name), std::move(value));
    return *this;
}

COFFER_INLINE void journal::failed(std::exception_ptr const& thrown) const {
    run_->fail(failure_of(thrown, [this](fault const& why) { return run_->step_of(why); }));
}

COFFER_INLINE void journal::failed(fault const& why) const { run_->fail(failure_of(why, run_->step_of(why))); }

}  // namespace coffer::inline COFFER_ABI
