// SPDX-License-Identifier: BSL-1.0
#pragma once
// One thread per file that carries out what was submitted, in order: what has queued up shares one commit, and what
// follows a send is tried until it succeeds.

#include <coffer/store/probe.hpp>
#include <coffer/store/sqlite_connection.hpp>
#include <coffer/store/sqlite_failure.hpp>
#include <coffer/time/clock.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace coffer::inline v0::sqlite::detail {

/// What may become of a job that the file refuses.
enum class urgency : std::uint8_t {
    read,    ///< changes nothing; done without the write lock if that cannot be had
    before,  ///< nothing was sent yet: fails at once
    after,   ///< a send was permitted: kept, and tried again
};

/// One submitted operation.
class job {
public:
    job(urgency u, std::optional<store_step> step, std::string record, outside_work held)
        : urgency_{u}, step_{step}, record_{std::move(record)}, held_{std::move(held)} {}
    job(job const&) = delete;
    job& operator=(job const&) = delete;
    virtual ~job() = default;

    /// Carries it out within a transaction, and keeps what came of it. May be called again after a rollback.
    virtual void carry_out() = 0;
    /// Tells what came of it.
    virtual void tell() noexcept = 0;
    virtual void refuse(fault why) noexcept = 0;

private:
    friend class writer;
    urgency urgency_;
    std::optional<store_step> step_;
    std::string record_;  ///< digest; jobs of one record stay in order
    std::optional<outside_work> held_;
};

/// Numbers for the curious.
struct counters {
    std::uint64_t operations = 0;  ///< carried out and told
    std::uint64_t commits = 0;     ///< transactions that wrote something: one sync of the disk each
    std::uint64_t failures = 0;    ///< transactions that failed
    std::uint64_t waiting = 0;     ///< operations that follow a send and are still tried
};

class writer {
public:
    using jobs = std::list<std::unique_ptr<job>>;

    writer(connection& db, std::string path, store_probe const* probe)
        : db_{db}, path_{std::move(path)}, probe_{probe}, thread_{[this] { work(); }} {}
    writer(writer const&) = delete;
    writer& operator=(writer const&) = delete;

    /// Carries out what is queued, tries for `patience` what the file refuses, and ends the thread.
    void stop(std::chrono::steady_clock::duration patience) {
        {
            std::lock_guard const lock{mutex_};
            stop_at_ = std::chrono::steady_clock::now() + patience;
        }
        wake_.notify_one();
        if (thread_.joinable()) thread_.join();
    }
    /// For a process that was forked off, in which the thread does not exist.
    void forget() noexcept { thread_.detach(); }

    /// Any thread. Never waits for the file.
    void submit(std::unique_ptr<job> j) {
        jobs one;
        one.push_back(std::move(j));
        {
            std::lock_guard const lock{mutex_};
            queue_.splice(queue_.end(), one);
        }
        wake_.notify_one();
    }

    [[nodiscard]] counters count() const noexcept {
        return {operations_.load(), commits_.load(), failures_.load(), waiting_.load()};
    }

private:
    using clock = std::chrono::steady_clock;
    static constexpr auto first_delay = std::chrono::milliseconds{50};
    static constexpr auto last_delay = std::chrono::milliseconds{2000};

    void work() noexcept {
        for (bool stopping = false; !stopping;) {
            jobs fresh;
            {
                std::unique_lock lock{mutex_};
                auto const something = [this] { return !queue_.empty() || stop_at_; };
                if (kept_.empty()) wake_.wait(lock, something);
                else wake_.wait_until(lock, stop_at_ ? std::min(*stop_at_, retry_at_) : retry_at_, [&] {
                    return !queue_.empty() || (stop_at_ && clock::now() >= *stop_at_);
                });
                fresh.splice(fresh.end(), queue_);
                stopping = stop_at_ && fresh.empty() && (kept_.empty() || clock::now() >= *stop_at_);
            }
            take(fresh);
        }
        for (auto const& j : kept_)
            j->refuse(fault{fault_kind::store_unavailable, "the store was closed before it could write this"});
        waiting_ = 0;
    }

    /// Fresh jobs of a record that has older ones waiting go behind them, or, if they need not be done, are refused.
    void take(jobs& fresh) noexcept {
        bool const asked_for = std::any_of(fresh.begin(), fresh.end(), [&](auto& j) { return is_kept(*j); });
        if (!kept_.empty() && (asked_for || clock::now() >= retry_at_)) retry();
        jobs ready;
        while (!fresh.empty()) {
            auto& j = *fresh.front();
            if (j.urgency_ == urgency::read || !is_kept(j)) ready.splice(ready.end(), fresh, fresh.begin());
            else if (j.urgency_ == urgency::after) keep(fresh, fresh.begin());
            else {
                j.refuse(unavailable(path_, last_failure_));
                fresh.pop_front();
            }
        }
        if (ready.empty()) return;
        bool const works = run(ready);
        if (works && !kept_.empty()) retry_at_ = std::min(retry_at_, clock::now() + first_delay);
    }

    void retry() noexcept {
        jobs again;
        again.splice(again.end(), kept_);
        waiting_ = 0;
        run(again);
        if (kept_.empty()) delay_ = first_delay;
        else {
            retry_at_ = clock::now() + delay_;
            delay_ = std::min(2 * delay_, std::chrono::milliseconds{last_delay});
        }
    }

    /// All in one transaction; if that fails at one of them, each in its own. True if the file could be written.
    bool run(jobs& batch) noexcept {
        try {
            begin();
        } catch (...) {
            // The same would happen to each.
            auto const why = std::current_exception();
            while (!batch.empty()) {
                if (batch.front()->urgency_ == urgency::read) run_one(batch, "BEGIN");
                else put_aside(batch, why);
            }
            return false;
        }
        try {
            for (auto const& j : batch) carry_out(*j);
            commit();
        } catch (...) {
            db_.roll_back();
            if (batch.size() == 1) return put_aside(batch, std::current_exception()), false;
            bool works = true;
            while (!batch.empty()) works = run_one(batch, "BEGIN IMMEDIATE") && works;
            return works;
        }
        while (!batch.empty()) tell(batch);
        return true;
    }

    bool run_one(jobs& batch, char const* how) noexcept {
        auto& j = *batch.front();
        if (is_kept(j) && j.urgency_ != urgency::read) return put_aside(batch, last_failure_), false;
        try {
            begin(how);
            carry_out(j);
            commit();
        } catch (...) {
            db_.roll_back();
            return put_aside(batch, std::current_exception()), false;
        }
        return tell(batch), true;
    }

    void begin(char const* how = "BEGIN IMMEDIATE") {
        changes_before_ = sqlite3_total_changes(db_.get());
        db_.run(how);
    }
    void commit() {
        db_.run("COMMIT");
        if (sqlite3_total_changes(db_.get()) != changes_before_) ++commits_;
    }
    void carry_out(job& j) const {
        announce(j, edge::before);
        j.carry_out();
    }
    void announce(job const& j, edge e) const {
        if (j.step_ && probe_ != nullptr && *probe_) (*probe_)(*j.step_, e);
    }

    void tell(jobs& batch) noexcept {
        auto& j = *batch.front();
        announce(j, edge::after);
        ++operations_;
        j.tell();
        batch.pop_front();
    }
    void put_aside(jobs& batch, std::exception_ptr const& why) noexcept {
        ++failures_;
        last_failure_ = why;
        auto& j = *batch.front();
        if (j.urgency_ == urgency::after && may_pass(why)) return keep(batch, batch.begin());
        j.refuse(unavailable(path_, why));
        batch.pop_front();
    }
    void keep(jobs& from, jobs::iterator j) noexcept {
        (*j)->held_.reset();  // who knows how long; virtual time must not stand still for it
        if (kept_.empty()) retry_at_ = clock::now() + delay_;
        kept_.splice(kept_.end(), from, j);
        ++waiting_;
    }
    [[nodiscard]] bool is_kept(job const& j) const noexcept {
        return std::any_of(kept_.begin(), kept_.end(), [&](auto& k) { return k->record_ == j.record_; });
    }

    connection& db_;
    std::string const path_;
    store_probe const* const probe_;

    std::mutex mutex_;
    std::condition_variable wake_;
    jobs queue_;
    std::optional<clock::time_point> stop_at_;

    // Of the thread alone.
    jobs kept_;
    clock::time_point retry_at_{};
    std::chrono::milliseconds delay_ = first_delay;
    std::exception_ptr last_failure_;
    int changes_before_ = 0;

    std::atomic<std::uint64_t> operations_{0};
    std::atomic<std::uint64_t> commits_{0};
    std::atomic<std::uint64_t> failures_{0};
    std::atomic<std::uint64_t> waiting_{0};

    std::thread thread_;  // last: it uses all of the above
};

}  // namespace coffer::inline v0::sqlite::detail
