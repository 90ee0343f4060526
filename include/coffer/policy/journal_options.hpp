// SPDX-License-Identifier: BSL-1.0
#pragma once
// The options of `journal`, and what the beginning of a run may meet.

#include <coffer/base/defaults.hpp>
#include <coffer/base/fault.hpp>
#include <coffer/base/key.hpp>
#include <coffer/policy/once_options.hpp>
#include <coffer/state/run.hpp>
#include <coffer/time/clock.hpp>

#include <chrono>
#include <concepts>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace coffer::inline COFFER_ABI {

/// Options of `journal`. All members are trivially destructible, so that it may be written inline anywhere.
struct journal_options {
    int max_runs = defaults::max_runs;          ///< then the job is stopped, until an operator reopens it
    int same_failure = defaults::same_failure;  ///< the same, after so many runs that failed in one way
    duration step_deadline = defaults::deadline;  ///< of a step that names none of its own
    duration deadline = duration::max();          ///< of all steps together, from the first one on
    duration lease = defaults::run_lease;  ///< of a run that begins no step; guards no money, so it need not be short
    duration acknowledged_kept = defaults::acknowledged_kept;  ///< then a done job is forgotten: a run after that works
    duration unfinished_kept = defaults::unfinished_run_kept;  ///< then a job that nobody runs is

    /// Throws `std::invalid_argument` for what cannot be meant.
    void check() const;
};

/// The name of a job: a key, or a text whose part up to the first '/' is the key's namespace and whose rest is its second
/// part, so that `"report/acme/42"` is `key{"report", "acme/42"}`.
class job_name {
public:
    /// A key as it is.
    job_name(coffer::key k) : key_{std::move(k)} {}
    /// A text, divided at its first '/'. Throws `std::invalid_argument` where there is no namespace before it.
    template <class Text>
        requires std::convertible_to<Text const&, std::string_view>
    job_name(Text const& text) : key_{key_of(text)} {}
    /// The job's key.
    [[nodiscard]] coffer::key const& key() const& noexcept { return key_; }
    /// The same of a temporary.
    [[nodiscard]] coffer::key&& key() && noexcept { return std::move(key_); }

private:
    [[nodiscard]] static coffer::key key_of(std::string_view text);
    coffer::key key_;
};

/// A step's name, and its own deadline if it has one: `co_await run.step({"draft", 2min}, ask, request)`.
class step_name {
public:
    /// Part of the step's key: unique in its job, and the same in each run. Without a deadline the journal's holds.
    /// Throws
    /// `std::invalid_argument` for an empty name.
    template <class Text>
        requires std::convertible_to<Text const&, std::string_view>
    step_name(Text const& name, std::optional<duration> deadline = std::nullopt)
        : text_{std::string_view{name}}, deadline_{deadline} {
        if (text_.empty()) throw std::invalid_argument{"coffer::journal: a step needs a name; it is part of its key"};
    }
    /// Never empty.
    [[nodiscard]] std::string const& text() const noexcept { return text_; }
    /// None: the journal's option holds.
    [[nodiscard]] std::optional<duration> deadline() const noexcept { return deadline_; }

private:
    std::string text_;
    std::optional<duration> deadline_;
};

namespace detail {

/// The fault that stands in a run's way; none if it has begun. `reopening` says how to reopen the job.
[[nodiscard]] std::optional<fault> fault_of(run_verdict const& v, std::string const& reopening);

}  // namespace detail
}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/journal_options.ipp>
#endif
