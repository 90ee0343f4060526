// SPDX-License-Identifier: BSL-1.0
#pragma once
// One thread per file that carries out what was submitted, in order: what has queued up shares one commit, and what
// follows a send is tried until it succeeds.

#include <coffer/base/later.hpp>
#include <coffer/store/probe.hpp>
#include <coffer/store/sqlite_connection.hpp>
#include <coffer/store/sqlite_failure.hpp>
#include <coffer/store/sqlite_job.hpp>
#include <coffer/store/sqlite_working_set.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace coffer::inline v0::sqlite::detail {

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
    using jobs = std::list<std::unique_ptr<job>>;

    /// `most_kept`: bytes of answers that may wait in memory for the file to work again.
    writer(connection& db, working_set& records, std::string path, store_probe const* probe, std::size_t most_kept,
           upkeep care = {})
        : db_{db},
          records_{records},
          path_{std::move(path)},
          probe_{probe},
          most_kept_{most_kept},
          care_{std::move(care)},
          thread_{[this] { work(); }} {}
    writer(writer const&) = delete;
    writer& operator=(writer const&) = delete;

    /// Carries out what is queued, tries for `patience` what the file refuses, and ends the thread.
    void stop(std::chrono::milliseconds patience) {
        {
            std::lock_guard const lock{mutex_};
            stop_at_ = later(clock::now(), patience);
            db_.give_up_by(*stop_at_);
        }
        wake_.notify_one();
        if (thread_.joinable()) thread_.join();
    }
    /// Any thread. Never waits for the file.
    void submit(std::unique_ptr<job> j) {
        if (j->urgency_ == urgency::after) ++unwritten_;
        jobs one;
        one.push_back(std::move(j));
        {
            std::lock_guard const lock{mutex_};
            queue_.splice(queue_.end(), one);
        }
        wake_.notify_one();
    }

    /// What follows a send and is not durable yet.
    [[nodiscard]] std::size_t unwritten() const noexcept { return unwritten_; }
    [[nodiscard]] counters count() const noexcept {
        return {operations_.load(), commits_.load(), failures_.load(), waiting_.load()};
    }

private:
    using clock = std::chrono::steady_clock;
    static constexpr auto first_delay = std::chrono::milliseconds{50};
    static constexpr auto last_delay = std::chrono::milliseconds{2000};
    static constexpr auto first_care = std::chrono::milliseconds{1000};
    static constexpr auto more_care = std::chrono::milliseconds{100};
    static constexpr auto never = clock::time_point::max();

    void work() noexcept {
        for (bool stopping = false; !stopping;) {
            jobs fresh;
            {
                std::unique_lock lock{mutex_};
                auto const called = [this] { return !queue_.empty() || (stop_at_ && !stop_seen_); };
                auto until = kept_.empty() && !stop_seen_ ? never : retry_at_;
                if (stop_at_) until = std::min(until, *stop_at_);
                else until = std::min(until, care_at_);
                if (until == never) wake_.wait(lock, called);
                else wake_.wait_until(lock, until, called);
                fresh.splice(fresh.end(), queue_);
                if (stop_at_ && !stop_seen_) {
                    stop_seen_ = true;
                    retry_at_ = clock::now();
                }
            }
            // Work has come, so there is a clock; a while later it is time to look after the file.
            if (!cares_ && !fresh.empty() && care_.every.count() > 0) {
                cares_ = true;
                care_at_ = clock::now() + std::min(care_.every, first_care);
            }
            take(fresh);
            if (!stop_seen_ && clock::now() >= care_at_) take_care();
            std::lock_guard const lock{mutex_};
            stopping = stop_at_ && queue_.empty() && (kept_.empty() || clock::now() >= *stop_at_);
        }
        while (!kept_.empty()) {
            refuse(kept_, fault{fault_kind::store_unavailable, "the store was closed before it could write this"});
        }
        waiting_ = 0;
    }

    /// Fresh jobs of a record that has older ones waiting go behind them.
    void take(jobs& fresh) noexcept {
        bool const asked_for = std::any_of(fresh.begin(), fresh.end(), [&](auto& j) { return is_kept(*j); });
        if (!kept_.empty() && (asked_for || clock::now() >= retry_at_)) retry();
        jobs ready;
        while (!fresh.empty()) {
            auto& j = *fresh.front();
            if (j.urgency_ == urgency::read || !is_kept(j)) ready.splice(ready.end(), fresh, fresh.begin());
            else queue_behind(fresh);
        }
        if (ready.empty()) return;
        bool const works = run(ready);
        if (works && !kept_.empty()) retry_at_ = std::min(retry_at_, clock::now() + first_delay);
    }

    void retry() noexcept {
        jobs again;
        again.splice(again.end(), kept_);
        waiting_ = 0;
        kept_bytes_ = 0;
        run(again);
        if (kept_.empty()) delay_ = first_delay;
        else {
            retry_at_ = clock::now() + delay_;
            delay_ = std::min(2 * delay_, std::chrono::milliseconds{last_delay});
        }
    }

    /// All in one transaction; if that fails at one of them, each in its own. True if the file could be written.
    bool run(jobs& batch) noexcept {
        // Who only reads does not wait for the write lock.
        if (std::all_of(batch.begin(), batch.end(), [](auto& j) { return j->urgency_ == urgency::read; })) {
            bool works = true;
            while (!batch.empty()) works = read_one(batch) && works;
            return works;
        }
        try {
            begin();
        } catch (...) {
            // The same would happen to each.
            auto const why = std::current_exception();
            failed();
            while (!batch.empty()) {
                if (batch.front()->urgency_ == urgency::read) read_one(batch);
                else put_aside(batch, why);
            }
            return false;
        }
        try {
            for (auto const& j : batch) carry_out(*j);
            commit();
        } catch (...) {
            failed();
            if (batch.size() == 1) return put_aside(batch, std::current_exception()), false;
            bool works = true;
            while (!batch.empty()) works = run_one(batch) && works;
            return works;
        }
        while (!batch.empty()) tell(batch);
        return true;
    }
    /// The front job in a transaction of its own.
    bool run_one(jobs& batch) noexcept {
        auto& j = *batch.front();
        if (j.urgency_ == urgency::read) return read_one(batch);
        if (is_kept(j)) return queue_behind(batch), false;
        try {
            begin();
            carry_out(j);
            commit();
        } catch (...) {
            failed();
            return put_aside(batch, std::current_exception()), false;
        }
        return tell(batch), true;
    }
    /// Reading needs no lock that another process could hold.
    bool read_one(jobs& batch) noexcept {
        try {
            db_.check_place();
            begin_reading_.run();
            carry_out(*batch.front());
            commit_.run();
        } catch (...) {
            failed();
            return put_aside(batch, std::current_exception()), false;
        }
        return tell(batch), true;
    }

    /// Nobody waits for this: it waits for nobody, and what fails is left for the next time.
    void take_care() noexcept {
        auto const patience = db_.set_patience(std::chrono::milliseconds{0});
        auto pause = care_.every;
        try {
            if (care_.is_due()) {
                begin();
                if (care_.some()) pause = std::min(pause, more_care);
                commit();
            }
        } catch (...) {
            db_.roll_back();
            records_.forget();
        }
        db_.set_patience(patience);
        care_at_ = later(clock::now(), pause);
    }

    void begin() {
        db_.check_place();
        begin_writing_.run();
        changes_before_ = sqlite3_total_changes(db_.get());
        records_.began();
    }
    void commit() {
        records_.ending();
        commit_.run();
        records_.ended();
        if (sqlite3_total_changes(db_.get()) != changes_before_) ++commits_;
    }
    void failed() noexcept {
        ++failures_;
        db_.roll_back();
        records_.forget();
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
        if (j.urgency_ == urgency::after) --unwritten_;
        j.tell();
        batch.pop_front();
    }
    /// The front job will not be carried out.
    void refuse(jobs& batch, fault why) noexcept {
        if (batch.front()->urgency_ == urgency::after) --unwritten_;
        batch.front()->refuse(std::move(why));
        batch.pop_front();
    }
    /// The front job has failed: kept if what it has to say must not be lost, refused otherwise.
    void put_aside(jobs& batch, std::exception_ptr const& why) noexcept {
        last_failure_ = why;
        auto& j = *batch.front();
        if (j.urgency_ == urgency::after) j.spool();
        bool const keepable = j.urgency_ == urgency::after && may_pass(why);
        if (keepable && kept_bytes_ + j.size_ <= most_kept_) return keep(batch, batch.begin());
        auto f = unavailable(path_, why);
        if (keepable) f.with_code("spool_full");
        refuse(batch, std::move(f));
    }
    /// The front job's record has older ones waiting: it goes behind them, or, if it need not be done, is refused.
    void queue_behind(jobs& from) noexcept {
        auto& j = *from.front();
        if (j.urgency_ == urgency::after) {
            j.spool();
            return keep(from, from.begin());
        }
        refuse(from, unavailable(path_, last_failure_));
    }
    void keep(jobs& from, jobs::iterator at) noexcept {
        auto& j = **at;
        j.held_.reset();  // who knows how long; virtual time must not stand still for it
        if (kept_.empty()) retry_at_ = clock::now() + delay_;
        kept_.splice(kept_.end(), from, at);
        kept_bytes_ += j.size_;
        ++waiting_;
    }
    [[nodiscard]] bool is_kept(job const& j) const noexcept {
        return std::any_of(kept_.begin(), kept_.end(), [&](auto& k) { return k->record_ == j.record_; });
    }

    connection& db_;
    working_set& records_;
    std::string const path_;
    store_probe const* const probe_;
    std::size_t const most_kept_;
    upkeep const care_;

    std::mutex mutex_;
    std::condition_variable wake_;
    jobs queue_;
    std::optional<clock::time_point> stop_at_;

    // Of the thread alone.
    statement begin_writing_{db_, "BEGIN IMMEDIATE"};
    statement begin_reading_{db_, "BEGIN"};
    statement commit_{db_, "COMMIT"};
    jobs kept_;
    std::size_t kept_bytes_ = 0;
    bool stop_seen_ = false;
    bool cares_ = false;  // from the first work on
    clock::time_point care_at_ = never;
    clock::time_point retry_at_{};
    std::chrono::milliseconds delay_ = first_delay;
    std::exception_ptr last_failure_;
    int changes_before_ = 0;

    std::atomic<std::uint64_t> operations_{0};
    std::atomic<std::uint64_t> commits_{0};
    std::atomic<std::uint64_t> failures_{0};
    std::atomic<std::uint64_t> waiting_{0};
    std::atomic<std::size_t> unwritten_{0};

    std::thread thread_;  // last: it uses all of the above
};

}  // namespace coffer::inline v0::sqlite::detail
