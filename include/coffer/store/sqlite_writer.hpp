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

#include <algorithm>
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
#include <utility>

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
           upkeep care = {})
        : db_{db},
          transactions_{db, records},
          path_{std::move(path)},
          probe_{probe},
          care_{std::move(care)},
          kept_{most_kept},
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

    /// Will the thread end before long? Then nothing is begun that another process can do.
    [[nodiscard]] bool is_stopping() {
        std::lock_guard const lock{mutex_};
        return stop_at_.has_value();
    }

    /// What follows a send and is not durable yet.
    [[nodiscard]] std::size_t unwritten() const noexcept { return unwritten_; }
    [[nodiscard]] counters count() const noexcept {
        return {operations_.load(), transactions_.commits(), failures_.load(), waiting_.load()};
    }

private:
    using clock = std::chrono::steady_clock;
    static constexpr std::size_t most_read_back = std::size_t{8} << 20;  // into memory at once
    static constexpr auto first_care = std::chrono::milliseconds{1000};
    static constexpr auto more_care = std::chrono::milliseconds{100};
    static constexpr auto never = clock::time_point::max();

    void work() noexcept {
        for (bool stopping = false; !stopping;) {
            jobs fresh;
            {
                std::unique_lock lock{mutex_};
                auto const called = [this] { return !queue_.empty() || (stop_at_ && !stop_seen_); };
                auto until = kept_.retry_at();
                if (stop_at_) until = std::min(until, *stop_at_);
                else until = std::min(until, care_at_);
                if (until == never) wake_.wait(lock, called);
                else wake_.wait_until(lock, until, called);
                fresh.splice(fresh.end(), queue_);
                if (stop_at_ && !stop_seen_) {
                    stop_seen_ = true;
                    kept_.retry_now();
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
        for (auto left = kept_.take(); !left.empty();)
            refuse(left, fault{fault_kind::store_unavailable, "the store was closed before it could write this"});
        waiting_ = 0;
    }

    /// Fresh jobs of a record that has older ones waiting go behind them.
    void take(jobs& fresh) noexcept {
        bool const asked_for = std::any_of(fresh.begin(), fresh.end(), [&](auto& j) { return is_kept(*j); });
        if (!kept_.empty() && (asked_for || clock::now() >= kept_.retry_at())) retry();
        jobs ready;
        while (!fresh.empty()) {
            auto& j = *fresh.front();
            if (j.urgency_ == urgency::read || !is_kept(j)) ready.splice(ready.end(), fresh, fresh.begin());
            else queue_behind(fresh);
        }
        if (!ready.empty() && run(ready) == went::well) kept_.retry_soon();
    }

    /// Some at a time: what stands on disk all fits there, but not in memory.
    void retry() noexcept {
        auto again = kept_.take();
        waiting_ = 0;
        while (!again.empty()) {
            jobs some;
            for (std::size_t bytes = 0; !again.empty();) {
                auto& j = *again.front();
                if (!some.empty() && bytes + j.on_disk_ > most_read_back) break;
                bytes += j.on_disk_;
                if (is_kept(j)) queue_behind(again);
                else some.splice(some.end(), again, again.begin());
            }
            auto const how = some.empty() ? went::well : run(some);
            while (how == went::nowhere && !again.empty()) add_kept(again);
        }
        kept_.tried();
    }

    enum class went : std::uint8_t {
        well,
        partly,  // something failed
        nowhere,  // no transaction could be begun
    };

    /// All in one transaction; if that fails at one of them, each in its own.
    went run(jobs& batch) noexcept {
        // Who only reads does not wait for the write lock.
        if (std::all_of(batch.begin(), batch.end(), [](auto& j) { return j->urgency_ == urgency::read; })) {
            bool works = true;
            while (!batch.empty()) works = read_one(batch) && works;
            return works ? went::well : went::partly;
        }
        try {
            transactions_.begin();
        } catch (...) {
            // The same would happen to each.
            auto const why = std::current_exception();
            failed();
            while (!batch.empty()) {
                if (batch.front()->urgency_ == urgency::read) read_one(batch);
                else put_aside(batch, why);
            }
            return went::nowhere;
        }
        try {
            for (auto const& j : batch) carry_out(*j);
            transactions_.commit();
        } catch (...) {
            failed();
            if (batch.size() == 1) {
                put_aside(batch, std::current_exception());
                return went::partly;
            }
            bool works = true;
            while (!batch.empty()) works = run_one(batch) && works;
            return works ? went::well : went::partly;
        }
        while (!batch.empty()) tell(batch);
        return went::well;
    }
    /// The front job in a transaction of its own.
    bool run_one(jobs& batch) noexcept {
        auto& j = *batch.front();
        if (j.urgency_ == urgency::read) return read_one(batch);
        if (is_kept(j)) return queue_behind(batch), false;
        try {
            transactions_.begin();
            carry_out(j);
            transactions_.commit();
        } catch (...) {
            failed();
            return put_aside(batch, std::current_exception()), false;
        }
        return tell(batch), true;
    }
    /// Reading needs no lock that another process could hold.
    bool read_one(jobs& batch) noexcept {
        try {
            transactions_.begin_reading();
            carry_out(*batch.front());
            transactions_.end_reading();
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
                transactions_.begin();
                if (care_.some()) pause = std::min(pause, more_care);
                transactions_.commit();
            }
        } catch (...) {
            transactions_.roll_back();
        }
        db_.set_patience(patience);
        care_at_ = later(clock::now(), pause);
    }

    void failed() noexcept {
        ++failures_;
        transactions_.roll_back();
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
        if (batch.front()->urgency_ != urgency::after) return refuse(batch, unavailable(path_, why));
        spool(*batch.front());
        if (may_pass(why)) keep(batch);
        else refuse(batch, unavailable(path_, why));
    }
    /// The front job's record has older ones waiting: it goes behind them, or, if it need not be done, is refused.
    void queue_behind(jobs& from) noexcept {
        if (from.front()->urgency_ != urgency::after) return refuse(from, unavailable(path_, last_failure_));
        spool(*from.front());
        keep(from);
    }
    void keep(jobs& from) noexcept {
        if (kept_.has_room_for(*from.front())) add_kept(from);
        else refuse(from, unavailable(path_, last_failure_).with_code("spool_full"));
    }
    void add_kept(jobs& from) noexcept {
        kept_.add(from);
        ++waiting_;
    }
    static void spool(job& j) noexcept {
        if (j.spool()) j.on_disk_ += std::exchange(j.in_memory_, 0);
    }
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
