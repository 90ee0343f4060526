// SPDX-License-Identifier: BSL-1.0
#pragma once
// Alarms that ring before the invoice comes: looked for in a ledger, kept until they are delivered.
//
//     coffer::alarms watch{db, {.tell = {coffer::on_alarm([](coffer::alarm_report const& a) { std::cerr << a.sentence << '\n'; })}}};
//     asio::co_spawn(context, watch.run(), asio::detached);   // beside everything else, until the context stops
//     co_await watch.look();                                  // or once, at the end of a short job

#include <coffer/asio.hpp>
#include <coffer/base/fault.hpp>
#include <coffer/base/later.hpp>
#include <coffer/base/on_use.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/state/alarm_watch.hpp>
#include <coffer/store/ledger.hpp>
#include <coffer/store/store.hpp>
#include <coffer/time/clock.hpp>
#include <coffer/time/clock_service.hpp>
#include <coffer/time/completion.hpp>
#include <coffer/time/sleep.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// Tells somebody of an alarm. It has done so when it returns; if it throws, or does not end within half a minute (then it
/// is cancelled), it is asked again later. It may be told the same alarm (the same `id`) twice. It outlives neither what it
/// refers to nor is it interrupted if it does not let itself be cancelled: what it needs, it should own.
using alarm_sink = std::function<awaitable<void>(alarm_report const&)>;

/// A sink made of a function `void(alarm_report const&)`: an observer that writes it into the log, say.
template <class Fn>
    requires std::invocable<Fn const&, alarm_report const&>
[[nodiscard]] alarm_sink on_alarm(Fn fn) {
    return [fn = std::move(fn)](alarm_report const& a) -> awaitable<void> {
        fn(a);
        co_return;
    };
}

/// Options of `alarms`: who is told, of what, and how often it is looked. `check()` throws `std::invalid_argument`.
struct alarms_options {
    std::vector<alarm_sink> tell;  ///< each of them is told of each alarm
    alarm_watch watch{};  ///< the rules, and what freezes a scope
    duration every = std::chrono::seconds{15};  ///< between two looks of `run`
    duration first_pause = std::chrono::seconds{5};  ///< after a sink has failed; doubled each time, up to 10 minutes
    /// Told what went wrong, in full: a sink's exception, a store that cannot be reached. For a log; from any thread.
    std::function<void(std::string const&)> on_trouble{};

    /// Throws `std::invalid_argument` for what cannot be meant.
    void check() const;
};

/// Looks for alarms in a ledger and delivers them.
///
/// What rings is in the ledger before anybody is told, and stays there until every sink was: so in a file it survives
/// the process, and any process that looks delivers it, at least once. Several processes may look at one file: each alarm
/// is delivered by one of them as a rule, by two if one was stopped or killed while it did so.
///
/// A handle; any thread. Sinks run on a strand of the executor where `run` or `look` was awaited, one after another.
class alarms {
public:
    /// Throws `std::invalid_argument` for options that cannot be meant.
    alarms(ledger const& where, alarms_options options);
    /// With the ledger of that store. Throws `misuse` if it keeps none.
    alarms(store const& where, alarms_options options);

    /// Looks once and delivers what is due; how many alarms were delivered to all sinks. A sink's failure is no error: it is
    /// asked again by a later look. Throws `failure` (`store_unavailable`).
    template <class = on_use>
    [[nodiscard]] awaitable<std::size_t> look() const {
        return look_once(shared_);
    }

    /// Looks every `options.every`, for good, also while alarms are being told. While the store cannot be reached it goes on
    /// trying, and tells `on_trouble`. Ends by cancellation, or by an exception that is a mistake of the program.
    template <class = on_use>
    [[nodiscard]] awaitable<void> run() const {
        return look_for_good(shared_);
    }

private:
    struct shared {
        shared(std::shared_ptr<ledger_backend> where, alarms_options o);

        std::shared_ptr<ledger_backend> backend;
        alarms_options const options;
        std::mutex mutex;
        std::map<std::string, std::vector<bool>> told;  // which sinks know an alarm that others do not know yet
    };
    using shared_ptr = std::shared_ptr<shared>;

    static constexpr auto longest_telling = std::chrono::seconds{30};  // of one sink
    static constexpr auto longest_pause = std::chrono::minutes{10};
    static constexpr std::size_t longest_trouble = 300;
    static constexpr std::size_t most_told = 10'000;

    template <class = on_use>
    static awaitable<void> look_for_good(shared_ptr s) {
        for (;;) {
            try {
                auto one = look_once(s);
                (void)co_await std::move(one);
            } catch (failure const& f) {
                if (f.fault().kind() != fault_kind::store_unavailable) throw;
                report(*s, f.what());
            }
            auto pause = sleep_for(s->options.every);
            (void)co_await std::move(pause);
        }
    }

    template <class = on_use>
    static awaitable<std::size_t> look_once(shared_ptr s) {
        auto const executor = co_await asio::this_coro::executor;
        auto const clock = clock_service::of(executor).clock();
        // A sink that fails is asked once in a look, however many alarms are due: it must keep no other from being told.
        std::vector<bool> down(s->options.tell.size());
        auto const lease = longest_telling * static_cast<int>(down.size() + 1);
        auto search_at = clock->now();
        for (std::size_t delivered = 0;;) {
            // Also in between: telling may take long, and a scope may have to be frozen.
            if (clock->now() >= search_at) {
                search_at = later(clock->now(), s->options.every);
                auto search = detail::submitted<std::size_t>(
                    s->backend, [s](ledger_backend& b) { return b.look_for_alarms(s->options.watch); });
                (void)co_await std::move(search);
            }
            auto taking = detail::submitted<std::vector<kept_alarm>>(
                s->backend, [lease](ledger_backend& b) { return b.take_alarms(1, lease); });
            auto const due = co_await std::move(taking);
            if (due.empty()) co_return delivered;
            auto telling = tell_all(s, due.front().what, &down);
            auto const trouble = co_await std::move(telling);
            auto noting = note(s, due.front(), trouble);
            co_await std::move(noting);
            delivered += trouble.empty() ? 1U : 0U;
        }
    }

    /// Asks every sink that has not been told yet; why one of them was not, or nothing. `down`: those that have failed.
    template <class = on_use>
    static awaitable<std::string> tell_all(shared_ptr s, alarm_report what, std::vector<bool>* down) {
        std::string trouble;
        for (std::size_t i = 0; i < s->options.tell.size(); ++i) {
            if (knows(*s, what.id, i)) continue;
            if ((*down)[i]) {
                if (trouble.empty()) trouble = "a sink has just failed with another alarm";
                continue;
            }
            auto telling = tell_one(s, i, what);
            auto const failed = co_await std::move(telling);
            if (!failed) {
                note_told(*s, what.id, i);
                continue;
            }
            (*down)[i] = true;
            trouble = trouble_of(*s, failed);
        }
        if (trouble.size() > longest_trouble) trouble.resize(longest_trouble);
        if (trouble.empty()) forget(*s, what.id);
        co_return trouble;
    }
    /// Runs a sink for as long as it may take; why it has not told, or null. What does not end in time is cancelled and left
    /// to itself.
    template <class = on_use>
    static awaitable<std::exception_ptr> tell_one(shared_ptr s, std::size_t sink, alarm_report what) {
        auto const executor = co_await asio::this_coro::executor;
        auto& service = clock_service::of(executor);
        completion<std::exception_ptr> const done;
        auto const leave = std::make_shared<asio::cancellation_signal>();
        asio::any_io_executor const strand = asio::make_strand(executor);  // a signal and what it cancels need one
        // A sink that is left to itself still refers to itself and to the alarm.
        auto const kept = std::make_shared<alarm_report const>(std::move(what));
        auto ended = [done, s, leave, kept](std::exception_ptr const& thrown) { done.set(thrown); };
        try {
            asio::co_spawn(strand, s->options.tell[sink](*kept),
                           asio::bind_cancellation_slot(leave->slot(), std::move(ended)));
        } catch (...) {
            done.set(std::current_exception());
        }
        (void)co_await done.wait(service, later(service.clock()->now(), longest_telling));
        if (auto const* const thrown = done.get()) co_return *thrown;
        asio::post(strand, [leave] { leave->emit(asio::cancellation_type::terminal); });
        co_return std::make_exception_ptr(
            failure{fault{fault_kind::timed_out, "a sink did not end within half a minute"}});
    }
    /// What is written down of a sink's failure. What exceptions of others say may be confidential, a URL perhaps.
    [[nodiscard]] static std::string trouble_of(shared const& s, std::exception_ptr const& failed);
    static void report(shared const& s, std::string const& trouble);
    template <class = on_use>
    static awaitable<void> note(shared_ptr s, kept_alarm a, std::string trouble) {
        auto noting = detail::submitted<void>(s->backend, [s, a = std::move(a), trouble](ledger_backend& b) {
            if (trouble.empty()) return b.alarm_delivered(a.what.id);
            return b.alarm_failed(a.what.id, trouble, pause_after(*s, a.tries + 1));
        });
        co_await std::move(noting);
    }
    [[nodiscard]] static duration pause_after(shared const& s, int tries);

    [[nodiscard]] static bool knows(shared& s, std::string const& id, std::size_t sink);
    static void note_told(shared& s, std::string const& id, std::size_t sink);
    static void forget(shared& s, std::string const& id);

    shared_ptr shared_;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/alarms.ipp>
#endif
