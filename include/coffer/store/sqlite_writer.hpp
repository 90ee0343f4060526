// SPDX-License-Identifier: BSL-1.0
#pragma once
// One thread per file that carries out what was submitted, in order: what has queued up shares one commit, and what
// follows a send is tried until it succeeds.

#include <coffer/base/later.hpp>
#include <coffer/store/probe.hpp>
#include <coffer/store/sqlite_connection.hpp>
#include <coffer/store/sqlite_failure.hpp>
#include <coffer/store/sqlite_job.hpp>
#include <coffer/store/sqlite_kept.hpp>
#include <coffer/store/sqlite_transactions.hpp>
#include <coffer/store/sqlite_working_set.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// Numbers for the curious.
struct counters {
    std::uint64_t operations = 0;  ///< carried out and told
    std::uint64_t commits = 0;     ///< transactions that wrote something: one sync of the disk each
    std::uint64_t failures = 0;    ///< transactions that failed
    std::uint64_t waiting = 0;     ///< operations that follow a send and are still tried
};

/// What the thread does by itself now and then, for nobody in particular.
struct upkeep {
    std::chrono::milliseconds every{};   ///< 0: never
    std::function<bool()> is_due;        ///< reads only
    std::function<bool()> some;          ///< a little, in a transaction; true if more is left
};

class writer {
public:
    /// `most_kept`: bytes of answers that may wait in memory for the file to work again, if they stand nowhere else.
    writer(connection& db, working_set& records, std::string path, store_probe const* probe, std::size_t most_kept,
           upkeep care = {});
    writer(writer const&) = delete;
    writer& operator=(writer const&) = delete;

    /// Carries out what is queued, tries for `patience` what the file refuses, and ends the thread.
    void stop(std::chrono::milliseconds patience);
    /// Any thread. Never waits for the file.
    void submit(std::unique_ptr<job> j);

    /// Will the thread end before long? Then nothing is begun that another process can do.
    [[nodiscard]] bool is_stopping();

    /// What follows a send and is not durable yet.
    [[nodiscard]] std::size_t unwritten() const noexcept { return unwritten_; }
    [[nodiscard]] counters count() const noexcept;

private:
    using clock = std::chrono::steady_clock;
    static constexpr std::size_t most_read_back = std::size_t{8} << 20;  // into memory at once
    static constexpr auto first_care = std::chrono::milliseconds{1000};
    static constexpr auto more_care = std::chrono::milliseconds{100};
    static constexpr auto never = clock::time_point::max();

    void work() noexcept;

    /// Fresh jobs of a record that has older ones waiting go behind them.
    void take(jobs& fresh) noexcept;

    /// Some at a time: what stands on disk all fits there, but not in memory.
    void retry() noexcept;

    enum class went : std::uint8_t {
        well,
        partly,  // something failed
        nowhere,  // no transaction could be begun
    };

    /// All in one transaction; if that fails at one of them, each in its own.
    went run(jobs& batch) noexcept;
    /// The front job in a transaction of its own.
    bool run_one(jobs& batch) noexcept;
    /// Reading needs no lock that another process could hold.
    bool read_one(jobs& batch) noexcept;

    /// Nobody waits for this: it waits for nobody, and what fails is left for the next time.
    void take_care() noexcept;

    void failed() noexcept {
        ++failures_;
        transactions_.roll_back();
    }
    void carry_out(job& j) const;
    void announce(job const& j, edge e) const;

    void tell(jobs& batch) noexcept;
    /// The front job will not be carried out.
    void refuse(jobs& batch, fault why) noexcept;
    /// The front job has failed: kept if what it has to say must not be lost, refused otherwise.
    void put_aside(jobs& batch, std::exception_ptr const& why) noexcept;
    /// The front job's record has older ones waiting: it goes behind them, or, if it need not be done, is refused.
    void queue_behind(jobs& from) noexcept;
    void keep(jobs& from) noexcept;
    void add_kept(jobs& from) noexcept {
        kept_.add(from);
        ++waiting_;
    }
    static void spool(job& j) noexcept;
    [[nodiscard]] bool is_kept(job const& j) const noexcept { return kept_.has(j.record_); }

    connection& db_;
    transactions transactions_;
    std::string const path_;
    store_probe const* const probe_;
    upkeep const care_;

    std::mutex mutex_;
    std::condition_variable wake_;
    jobs queue_;
    std::optional<clock::time_point> stop_at_;

    // Of the thread alone.
    kept_jobs kept_;
    bool stop_seen_ = false;
    bool cares_ = false;  // from the first work on
    clock::time_point care_at_ = never;
    std::exception_ptr last_failure_;

    std::atomic<std::uint64_t> operations_{0};
    std::atomic<std::uint64_t> failures_{0};
    std::atomic<std::uint64_t> waiting_{0};
    std::atomic<std::size_t> unwritten_{0};

    std::thread thread_;  // last: it uses all of the above
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_writer.ipp>
#endif
