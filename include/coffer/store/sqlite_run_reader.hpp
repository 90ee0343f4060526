// SPDX-License-Identifier: BSL-1.0
#pragma once
// The jobs in a reader's view of a store's file: how the runs of `journal` have left them.

#include <coffer/state/run_machine.hpp>
#include <coffer/store/sqlite_clock.hpp>
#include <coffer/store/sqlite_reader.hpp>
#include <coffer/store/sqlite_runs.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

namespace coffer::inline COFFER_ABI::sqlite {

/// A job as it stands now.
struct seen_run {
    record_id job;  ///< its key, as the file keeps it
    run_record row;  ///< a dead process's run is shown as failed
    bool stopped = false;  ///< waits for an operator, under the limits of who asked last
};

/// Looks at jobs, beside the processes that run them, in the view of `from`, which must outlive it. One thread at a time.
/// What it throws says what to do, as `reader`'s.
class run_reader {
public:
    /// In the view that `from` has of the file.
    explicit run_reader(reader& from);

    /// The job of that name; none if no run of it is known.
    [[nodiscard]] std::optional<seen_run> find(record_id const& job) const;
    /// Oldest first; `each` says whether to go on.
    template <class Each>
    void for_each(run_filter const& which, Each&& each) const {
        auto left = which.limit;
        if (left == 0) return;
        from_->explained([&] {
            rows_->for_each(which.name_space, [&](detail::stored_run s) {
                auto seen = as_it_is(std::move(s));
                if (!seen || (which.stopped_only && !seen->stopped)) return true;
                return each(*seen) && --left > 0;
            });
        });
    }

private:
    /// None if its time is over.
    [[nodiscard]] std::optional<seen_run> as_it_is(detail::stored_run s) const;

    reader* from_;
    std::unique_ptr<detail::run_rows> rows_;
};

}  // namespace coffer::inline COFFER_ABI::sqlite

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_run_reader.ipp>
#endif
