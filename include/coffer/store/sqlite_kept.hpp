// SPDX-License-Identifier: BSL-1.0
#pragma once
// The jobs that wait for the file to work again: what follows a send must not be lost, and is tried until it succeeds.

#include <coffer/store/sqlite_job.hpp>

#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <string_view>

namespace coffer::inline COFFER_ABI::sqlite::detail {

using jobs = std::list<std::unique_ptr<job>>;

/// Jobs in the order in which they came, and when to try them again. Of the store's thread alone.
class kept_jobs {
public:
    using clock = std::chrono::steady_clock;
    static constexpr auto first_delay = std::chrono::milliseconds{50};
    static constexpr auto last_delay = std::chrono::milliseconds{2000};

    /// `most_bytes`: of answers that have no other place than memory.
    explicit kept_jobs(std::size_t most_bytes) noexcept : most_{most_bytes} {}

    [[nodiscard]] bool empty() const noexcept { return jobs_.empty(); }
    /// Does one of this record wait?
    [[nodiscard]] bool has(std::string_view record) const noexcept;
    [[nodiscard]] bool has_room_for(job const& j) const noexcept;

    /// The front job of `from`, behind all others.
    void add(jobs& from) noexcept;
    /// All of them, to be tried; those that fail are added again.
    [[nodiscard]] jobs take() noexcept;
    /// They have been tried.
    void tried() noexcept;

    [[nodiscard]] clock::time_point retry_at() const noexcept;
    void retry_now() noexcept { retry_at_ = clock::now(); }
    void retry_soon() noexcept;

private:
    std::size_t const most_;
    jobs jobs_;
    std::size_t bytes_ = 0;
    clock::time_point retry_at_{};
    std::chrono::milliseconds delay_ = first_delay;
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_kept.ipp>
#endif
