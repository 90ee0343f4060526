// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_writer.hpp.

#include <coffer/store/sqlite_writer.hpp>

#include <algorithm>
#include <utility>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE writer::writer(connection& db, working_set& records, std::string path, store_probe const* probe,
                             std::size_t most_kept, upkeep care)
    : db_{db},
      transactions_{db, records},
      path_{std::move(path)},
      probe_{probe},
      care_{std::move(care)},
      kept_{most_kept},
      thread_{[this] { work(); }} {}

COFFER_INLINE void writer::stop(std::chrono::milliseconds patience) {
    {
        std::lock_guard const lock{mutex_};
        stop_at_ = later(clock::now(), patience);
        db_.give_up_by(*stop_at_);
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
}

COFFER_INLINE void writer::submit(std::unique_ptr<job> j) {
    if (j->urgency_ == urgency::after) ++unwritten_;
    jobs one;
    one.push_back(std::move(j));
    {
        std::lock_guard const lock{mutex_};
        queue_.splice(queue_.end(), one);
    }
    wake_.notify_one();
}

COFFER_INLINE bool writer::is_stopping() {
    std::lock_guard const lock{mutex_};
    return stop_at_.has_value();
}

COFFER_INLINE counters writer::count() const noexcept {
    return {operations_.load(), transactions_.commits(), failures_.load(), waiting_.load()};
}

COFFER_INLINE void writer::work() noexcept {
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

COFFER_INLINE void writer::take(jobs& fresh) noexcept {
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

COFFER_INLINE void writer::retry() noexcept {
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

COFFER_INLINE writer::went writer::run(jobs& batch) noexcept {
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

COFFER_INLINE bool writer::run_one(jobs& batch) noexcept {
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

COFFER_INLINE bool writer::read_one(jobs& batch) noexcept {
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

COFFER_INLINE void writer::take_care() noexcept {
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

COFFER_INLINE void writer::carry_out(job& j) const {
    announce(j, edge::before);
    j.carry_out();
}

COFFER_INLINE void writer::announce(job const& j, edge e) const {
    if (j.step_ && probe_ != nullptr && *probe_) (*probe_)(*j.step_, e);
}

COFFER_INLINE void writer::tell(jobs& batch) noexcept {
    auto& j = *batch.front();
    announce(j, edge::after);
    ++operations_;
    if (j.urgency_ == urgency::after) --unwritten_;
    j.tell();
    batch.pop_front();
}

COFFER_INLINE void writer::refuse(jobs& batch, fault why) noexcept {
    if (batch.front()->urgency_ == urgency::after) --unwritten_;
    batch.front()->refuse(std::move(why));
    batch.pop_front();
}

COFFER_INLINE void writer::put_aside(jobs& batch, std::exception_ptr const& why) noexcept {
    last_failure_ = why;
    if (batch.front()->urgency_ != urgency::after) return refuse(batch, unavailable(path_, why));
    spool(*batch.front());
    if (may_pass(why)) keep(batch);
    else refuse(batch, unavailable(path_, why));
}

COFFER_INLINE void writer::queue_behind(jobs& from) noexcept {
    if (from.front()->urgency_ != urgency::after) return refuse(from, unavailable(path_, last_failure_));
    spool(*from.front());
    keep(from);
}

COFFER_INLINE void writer::keep(jobs& from) noexcept {
    if (kept_.has_room_for(*from.front())) add_kept(from);
    else refuse(from, unavailable(path_, last_failure_).with_code("spool_full"));
}

COFFER_INLINE void writer::spool(job& j) noexcept {
    if (j.spool()) j.on_disk_ += std::exchange(j.in_memory_, 0);
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
