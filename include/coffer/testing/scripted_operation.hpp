// SPDX-License-Identifier: BSL-1.0
#pragma once
// An operation that plays a script, and a provider that counts: what was sent, and what was billed for it.
//
//     coffer::testing::scripted_operation<std::string> provider;
//     provider.fails(coffer::fault_kind::overloaded).after(2s)      // first send
//             .fails(coffer::fault_kind::ambiguous).billed(true)    // second: executed and paid, the answer lost
//             .gives("hello").after(20s).costing(0.01_usd);         // third
//     auto ask = coffer::pipeline{coffer::retry{{.max_sends = 3}}}.wrap(provider);
//     …
//     EXPECT_EQ(provider.sends(), 3);
//     EXPECT_EQ(provider.bills(), 2);

#include <coffer/asio.hpp>
#include <coffer/base/money.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/attempt.hpp>
#include <coffer/call/call.hpp>
#include <coffer/time/sleep.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace coffer::inline COFFER_ABI::testing {

/// What one send looked like from the provider's side.
struct scripted_send {
    int attempt = 0;               ///< the call's number of the attempt
    time_point at{};               ///< when it began
    time_point deadline{};         ///< what it was told
    std::string provider_key;      ///< what an Idempotency-Key header would have said
    bool billed = false;           ///< the provider took money for it
    std::optional<time_point> ended;  ///< none: it is still running, or its coroutine was destroyed
    bool cancelled = false;        ///< it was cancelled from outside before its end
};

/// An operation of any arguments with result R. Each send plays the next step of the script.
///
/// A send takes its step's time by the clock of its context, but no longer than the attempt's deadline, at which it ends
/// as `timed_out`, as coffer's own transport does; `stubborn` steps ignore the deadline. Cancelled, it throws
/// `operation_aborted`, as an Asio operation does. What the provider bills it bills when the send begins: nobody's leaving
/// changes that. A send beyond the script throws `misuse`, which no policy swallows, so that the test fails.
///
/// Copies share script and counts. Any thread.
template <class R>
class scripted_operation {
    using stored = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

public:
    scripted_operation() = default;

    // The script: each of these appends a step …

    /// The send succeeds. The provider bills it.
    scripted_operation& gives(stored value)
        requires(!std::is_void_v<R>)
    {
        return step([&](step_data& s) { s.value.emplace(std::move(value)); }, true);
    }
    /// The same for an operation without a result.
    scripted_operation& succeeds()
        requires std::is_void_v<R>
    {
        return step([](step_data& s) { s.value.emplace(); }, true);
    }
    /// The send fails. The provider bills it unless the fault says that it does not.
    scripted_operation& fails(fault why) {
        bool const bills = why.billing() != knowledge::no;
        return step([&](step_data& s) { s.why.emplace(std::move(why)); }, bills);
    }
    /// The send fails so; billed as the fault table says of that kind.
    scripted_operation& fails(fault_kind kind) { return fails(fault{kind}); }
    /// The send throws `e`. The provider bills it.
    template <class E>
    scripted_operation& throws(E e) {
        return step([&](step_data& s) { s.thrown = std::make_exception_ptr(std::move(e)); }, true);
    }
    /// The send never ends by itself. The provider bills it.
    scripted_operation& never() {
        return step([](step_data& s) { s.takes = duration::max(); }, true);
    }

    // … and each of these says more about the last one.

    /// How long it takes.
    scripted_operation& after(duration d) {
        return last([&](step_data& s) { s.takes = d; });
    }
    /// Does the provider bill it?
    scripted_operation& billed(bool yes) {
        return last([&](step_data& s) { s.bills = yes; });
    }
    /// What it costs, reported to the attempt when the send ends.
    scripted_operation& costing(money cost) {
        return last([&](step_data& s) { s.cost = cost; });
    }
    /// It goes on beyond the attempt's deadline.
    scripted_operation& stubborn() {
        return last([](step_data& s) { s.stubborn = true; });
    }
    /// It is played so often; 0: for ever.
    scripted_operation& times(int n)
        requires std::copy_constructible<stored>
    {
        return last([&](step_data& s) { s.left = n == 0 ? -1 : n; });
    }

    // What happened.

    /// Sends that have begun: the provider saw the request.
    [[nodiscard]] int sends() const {
        std::lock_guard const lock{state_->mutex};
        return static_cast<int>(state_->sends.size());
    }
    /// Sends that the provider has billed.
    [[nodiscard]] int bills() const {
        std::lock_guard const lock{state_->mutex};
        return static_cast<int>(
            std::count_if(state_->sends.begin(), state_->sends.end(), [](scripted_send const& s) { return s.billed; }));
    }
    /// What it has taken for them, as far as the script names costs.
    [[nodiscard]] money billed_amount() const {
        std::lock_guard const lock{state_->mutex};
        return state_->amount;
    }
    /// Sends that are running at this moment.
    [[nodiscard]] int in_flight() const {
        std::lock_guard const lock{state_->mutex};
        return state_->in_flight;
    }
    /// The most sends that were ever running at once.
    [[nodiscard]] int most_in_flight() const {
        std::lock_guard const lock{state_->mutex};
        return state_->most_in_flight;
    }
    /// Every send, in order.
    [[nodiscard]] std::vector<scripted_send> seen() const {
        std::lock_guard const lock{state_->mutex};
        return state_->sends;
    }
    /// Has every step been played as often as it was to be?
    [[nodiscard]] bool finished() const {
        std::lock_guard const lock{state_->mutex};
        return state_->next == state_->steps.size() || state_->steps[state_->next].left < 0;
    }

    /// The operation.
    template <class... Args>
    [[nodiscard]] awaitable<outcome<R>> operator()(attempt& a, Args const&...) const {
        return play(state_, a);
    }

private:
    struct step_data {
        std::optional<stored> value;
        std::optional<fault> why;
        std::exception_ptr thrown;
        duration takes{};
        bool bills = true;
        bool stubborn = false;
        std::optional<money> cost;
        int left = 1;  // negative: for ever
    };

    struct state {
        std::mutex mutex;
        std::vector<step_data> steps;
        std::size_t next = 0;
        std::vector<scripted_send> sends;
        money amount;
        int in_flight = 0;
        int most_in_flight = 0;
    };

    /// A send while it runs; counts itself out however its coroutine goes.
    class running_send {
    public:
        running_send(std::shared_ptr<state> s, attempt const& a) : state_{std::move(s)} {
            auto const key = a.provider_key();
            std::lock_guard const lock{state_->mutex};
            if (state_->next == state_->steps.size())
                throw misuse{"coffer::testing::scripted_operation: the script has " +
                             std::to_string(state_->sends.size()) + " sends, and this is one more"};
            auto& s_now = state_->steps[state_->next];
            take(s_now);
            if (s_now.left > 0 && --s_now.left == 0) ++state_->next;
            index_ = state_->sends.size();
            auto& send = state_->sends.emplace_back();
            send.attempt = a.number();
            send.at = a.clock().now();
            send.deadline = a.deadline();
            send.provider_key = key;
            send.billed = playing_.bills;
            if (playing_.bills && playing_.cost) state_->amount += *playing_.cost;
            state_->most_in_flight = std::max(state_->most_in_flight, ++state_->in_flight);
        }
        running_send(running_send const&) = delete;
        running_send& operator=(running_send const&) = delete;
        ~running_send() {
            std::lock_guard const lock{state_->mutex};
            --state_->in_flight;
        }

        [[nodiscard]] step_data& playing() noexcept { return playing_; }
        void ended(time_point at, bool cancelled) {
            std::lock_guard const lock{state_->mutex};
            state_->sends[index_].ended = at;
            state_->sends[index_].cancelled = cancelled;
        }

    private:
        void take(step_data& from) {
            if constexpr (std::copy_constructible<stored>) {
                playing_ = from;
            } else {  // such a step is played once
                playing_.value = std::move(from.value);
                playing_.why = from.why, playing_.thrown = from.thrown, playing_.takes = from.takes;
                playing_.bills = from.bills, playing_.stubborn = from.stubborn, playing_.cost = from.cost;
            }
        }

        std::shared_ptr<state> state_;
        std::size_t index_ = 0;
        step_data playing_;
    };

    template <class Fill>
    scripted_operation& step(Fill const& fill, bool bills) {
        std::lock_guard const lock{state_->mutex};
        auto& s = state_->steps.emplace_back();
        s.bills = bills;
        fill(s);
        return *this;
    }
    template <class Change>
    scripted_operation& last(Change const& change) {
        std::lock_guard const lock{state_->mutex};
        if (state_->steps.empty())
            throw misuse{"coffer::testing::scripted_operation: there is no step yet that this could be said of"};
        change(state_->steps.back());
        return *this;
    }

    static awaitable<outcome<R>> play(std::shared_ptr<state> s, attempt& a) {
        running_send send{std::move(s), a};
        auto& now_playing = send.playing();
        auto& service = a.of().service();
        auto const whole = later(a.clock().now(), now_playing.takes);
        bool const cut = !now_playing.stubborn && a.deadline() < whole;
        auto woke = wake::elapsed;
        if (now_playing.takes > duration::zero() || cut)
            woke = co_await wait_until(service, cut ? a.deadline() : whole);
        send.ended(a.clock().now(), woke == wake::cancelled);
        if (woke == wake::cancelled)
            throw coffer::detail::asio_system_error{make_error_code(asio::error::operation_aborted)};
        if (now_playing.cost) a.report_cost(*now_playing.cost);
        if (cut) co_return failed(fault_kind::timed_out, "the attempt's time was up");
        if (now_playing.thrown) std::rethrow_exception(now_playing.thrown);
        if (now_playing.why) co_return failed(*std::move(now_playing.why));
        if constexpr (std::is_void_v<R>) co_return outcome<void>{};
        else co_return outcome<R>{*std::move(now_playing.value)};
    }

    std::shared_ptr<state> state_ = std::make_shared<state>();
};

}  // namespace coffer::inline COFFER_ABI::testing
