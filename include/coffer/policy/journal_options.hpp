// SPDX-License-Identifier: BSL-1.0
#pragma once
// The options of `journal`, and what the beginning of a run may meet.

#include <coffer/base/defaults.hpp>
#include <coffer/base/fault.hpp>
#include <coffer/base/key.hpp>
#include <coffer/policy/once_options.hpp>
#include <coffer/state/run.hpp>
#include <coffer/time/clock.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

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
    void check() const {
        if (max_runs < 1 || same_failure < 1)
            throw std::invalid_argument{"coffer::journal: max_runs and same_failure must be at least 1"};
        if (step_deadline <= duration::zero() || deadline <= duration::zero() || lease <= duration::zero())
            throw std::invalid_argument{"coffer::journal: a deadline or lease must be longer than zero"};
        if (acknowledged_kept < once_options::shortest_kept || unfinished_kept < once_options::shortest_kept)
            throw std::invalid_argument{
                "coffer::journal: acknowledged_kept and unfinished_kept must be at least an hour: a job that is "
                "forgotten is run again as a new one"};
    }
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
    [[nodiscard]] static coffer::key key_of(std::string_view text) {
        auto const slash = text.find('/');
        if (slash == std::string_view::npos) return coffer::key{text};
        return coffer::key{text.substr(0, slash), text.substr(slash + 1)};
    }
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
[[nodiscard]] inline std::optional<fault> fault_of(run_verdict const& v, std::string const& reopening) {
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
