// SPDX-License-Identifier: BSL-1.0
#pragma once
// An operation to which chaos happens, and what it shares with its handle.

#include <coffer/asio.hpp>
#include <coffer/base/answer.hpp>
#include <coffer/base/later.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/attempt.hpp>
#include <coffer/call/call.hpp>
#include <coffer/call/event.hpp>
#include <coffer/call/operation.hpp>
#include <coffer/testing/chaos_plan.hpp>
#include <coffer/testing/virtual_time.hpp>
#include <coffer/time/sleep.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

namespace coffer::inline COFFER_ABI::testing {

/// Says that chaos is wanted where time is real, and money may be.
struct in_real_time_t {
    explicit in_real_time_t() = default;
};
inline constexpr in_real_time_t in_real_time{};  ///< the value to pass

namespace detail {

/// A plan while it is played.
struct chaos_playing {
    explicit chaos_playing(chaos_plan p) : plan{std::move(p)} {
        if (plan.seed()) own.emplace(*plan.seed());
    }
    chaos_plan const plan;
    std::optional<random_source> own;
    std::atomic<std::size_t> sends{0};
};

/// What is done to one send, and the plan that says so.
struct chaos_fate {
    std::shared_ptr<chaos_playing const> from;
    injection const* what = nullptr;
    duration latency{};

    [[nodiscard]] chaos_effect effect() const noexcept { return what != nullptr ? what->effect() : chaos_effect::none; }
    /// Its time was up before anything came.
    [[nodiscard]] fault late() const {
        if (effect() == chaos_effect::hang) return what->why();
        return marked_as_chaos(fault{fault_kind::timed_out, "the latency took all of the attempt's time"});
    }
};

struct chaos_state {
    chaos_state(chaos_plan p, bool real) : real_time{real}, playing{std::make_shared<chaos_playing>(std::move(p))} {}

    void play(chaos_plan p) {
        auto next = std::make_shared<chaos_playing>(std::move(p));
        std::lock_guard const lock{mutex};
        playing.swap(next);
    }
    [[nodiscard]] int count(chaos_effect e) const noexcept { return counts[static_cast<std::size_t>(e)].load(); }

    /// An end that proves that nothing was sent, and no exception: a journal has permitted the send by now, and would have to
    /// take it for a send of which nothing is known.
    [[nodiscard]] std::optional<fault> unmeant(clock const& c) const {
        if (real_time || c.is_virtual()) return std::nullopt;
        return marked_as_chaos(
            fault{fault_kind::permanent,
                  "this call runs in real time, and chaos is for tests in virtual time: take it out of "
                  "the program, or say that you mean it with coffer::testing::in_real_time"}
                .with_code("real_time")
                .with_execution(knowledge::no)
                .with_billing(knowledge::no));
    }
    [[nodiscard]] chaos_fate draw(clock& c) {
        if (!on) return {};
        std::shared_ptr<chaos_playing> now;
        {
            std::lock_guard const lock{mutex};
            now = playing;
        }
        auto const f = now->plan.of(now->sends++, now->own ? *now->own : c.random());
        auto const pause = f.what != nullptr ? f.what->pause() : duration{};
        auto const all = later(time_point{} + f.latency, pause) - time_point{};  // each may be for ever
        return {std::move(now), f.what, all};
    }

    bool const real_time;
    std::atomic<bool> on{true};
    std::array<std::atomic<int>, chaos_effect_count> counts{};

private:
    std::mutex mutex;
    std::shared_ptr<chaos_playing> playing;
};

/// How long a send is kept waiting. `cut`: longer than it has time.
struct chaos_waits {
    bool waits = false;
    bool cut = false;
    time_point until{};
};
[[nodiscard]] inline chaos_waits chaos_wait(chaos_fate const& f, time_point now, time_point deadline) noexcept {
    if (f.effect() == chaos_effect::hang)
        return {true, true, f.what->ignores_deadline() ? time_point::max() : deadline};
    if (f.latency <= duration::zero()) return {};
    auto const until = later(now, f.latency);
    return {true, deadline <= until, std::min(until, deadline)};
}

/// Counts it, and tells whoever watches.
template <class Tell>
void tell_chaos(chaos_state& s, chaos_fate const& f, time_point at, Tell const& tell) {
    auto const one = [&](chaos_effect e, fault const* why, duration delay) {
        ++s.counts[static_cast<std::size_t>(e)];
        tell(event{event_kind::injected, at, {}, 0, why, delay, {}, to_string(e)});
    };
    if (f.latency > duration::zero()) one(chaos_effect::latency, nullptr, f.latency);
    if (f.effect() == chaos_effect::none) return;
    one(f.effect(), f.what->has_fault() ? &f.what->why() : nullptr, {});
}

[[noreturn]] inline void throw_aborted() {
    throw coffer::detail::asio_system_error{make_error_code(asio::error::operation_aborted)};
}
inline void throw_chaos(chaos_fate const& f) {
    if (f.effect() == chaos_effect::exception) std::rethrow_exception(f.what->thrown());
}

/// Stands before the body of an answer that was spoiled; the rest of it is what came.
inline constexpr std::string_view spoiled_mark = "coffer chaos spoiled this answer: ";

/// An end that is no success, whatever the operation's results are like.
template <class Raw>
Raw chaotic_end(fault const& why) {
    if constexpr (coffer::detail::outcome_like<Raw>) return Raw{tl::unexpect, why};
    else throw failure{why};
}

}  // namespace detail

/// Made by `chaos::wrap`. Thread safety: that of `Op`.
template <class Op>
class chaotic {
    template <class... Args>
    using called = operation_traits<Op, Args...>;
    using function = std::remove_cvref_t<decltype(coffer::detail::function_of(std::declval<Op const&>()))>;
    template <class Hook>
    static constexpr bool offered = !coffer::detail::is_absent<Hook>;
    static constexpr bool has_decode =
        offered<decltype(coffer::detail::decode_with(std::declval<Op const&>(), std::declval<answer const&>()))>;

public:
    /// Made by `chaos::wrap`.
    chaotic(std::shared_ptr<detail::chaos_state> s, Op op) : state_{std::move(s)}, op_{std::move(op)} {}

    /// One send: what the plan does to it, around the operation.
    template <class... Args>
        requires(std::invocable<function const&, attempt&, Args&...> || std::invocable<function const&, Args&...>)
    [[nodiscard]] auto operator()(attempt& a, Args&... args) const {
        return run<Args...>(state_, op_, a, args...);
    }

    // What the operation offers.

    /// The operation's.
    template <class... Args>
    [[nodiscard]] auto target(Args const&... args) const
        requires offered<decltype(coffer::detail::target_of(std::declval<Op const&>(), args...))>
    {
        return coffer::detail::target_of(op_, args...);
    }
    /// The operation's.
    template <class... Args>
    [[nodiscard]] auto fingerprint(Args const&... args) const
        requires offered<decltype(coffer::detail::fingerprint_of(std::declval<Op const&>(), args...))>
    {
        return coffer::detail::fingerprint_of(op_, args...);
    }
    /// The operation's.
    template <class... Args>
    [[nodiscard]] auto estimate(Args const&... args) const
        requires offered<decltype(coffer::detail::estimate_of(std::declval<Op const&>(), args...))>
    {
        return coffer::detail::estimate_of(op_, args...);
    }
    /// The operation's; spoiled answers are defective.
    [[nodiscard]] auto decode(answer const& a) const
        requires has_decode
    {
        using result = decltype(coffer::detail::decode_with(op_, a));
        if (a.body.starts_with(detail::spoiled_mark))
            return result{tl::unexpect, marked_as_chaos(fault{fault_kind::defective_answer, "the answer was spoiled"})};
        return coffer::detail::decode_with(op_, a);
    }
    /// The operation's, of the answer as it came; or of its result.
    template <class What>
    [[nodiscard]] auto bill(What const& what) const
        requires offered<decltype(coffer::detail::bill_with(std::declval<Op const&>(), what))>
    {
        if constexpr (std::same_as<What, answer>) {
            if (what.body.starts_with(detail::spoiled_mark)) {
                auto as_it_came = what;
                as_it_came.body.erase(0, detail::spoiled_mark.size());
                return coffer::detail::bill_with(op_, as_it_came);
            }
        }
        return coffer::detail::bill_with(op_, what);
    }
    /// The operation's.
    template <class... Args>
    [[nodiscard]] auto repair(defect const& d, Args&... args) const
        requires offered<decltype(coffer::detail::repair_with(std::declval<Op const&>(), d, args...))>
    {
        return coffer::detail::repair_with(op_, d, args...);
    }
    /// The operation's.
    template <class What>
    [[nodiscard]] auto classify(What const& what) const
        requires offered<decltype(coffer::detail::classify_with(std::declval<Op const&>(), what))>
    {
        return coffer::detail::classify_with(op_, what);
    }

private:
    template <class... Args>
    static auto run(std::shared_ptr<detail::chaos_state> s, Op op, attempt& a, Args&... args)
        -> awaitable<typename called<Args...>::raw_type, typename called<Args...>::executor_type> {
        using raw_type = typename called<Args...>::raw_type;
        using executor_type = typename called<Args...>::executor_type;
        auto const& fn = coffer::detail::function_of(op);
        if (auto const why = s->unmeant(a.clock())) co_return detail::chaotic_end<raw_type>(*why);
        auto const mine = s->draw(a.clock());
        auto const now = a.clock().now();
        auto const end = detail::chaos_wait(mine, now, a.deadline());
        auto const tell = [&](event e) {
            e.attempt = a.number();
            a.tell(e);
        };
        detail::tell_chaos(*s, mine, now, tell);
        if (end.waits) {
            if (co_await wait_until<executor_type>(a.of().service(), end.until) == wake::cancelled)
                detail::throw_aborted();
            if (end.cut) co_return detail::chaotic_end<raw_type>(mine.late());
        }
        detail::throw_chaos(mine);
        if (mine.effect() == chaos_effect::fault) co_return detail::chaotic_end<raw_type>(mine.what->why());

        bool const loses = mine.effect() == chaos_effect::lost_reply;
        try {
            if constexpr (std::is_void_v<raw_type>) {
                if constexpr (called<Args...>::takes_attempt) co_await fn(a, args...);
                else co_await fn(args...);
                if (mine.effect() == chaos_effect::none) co_return;
            } else if constexpr (called<Args...>::takes_attempt) {
                auto raw = co_await fn(a, args...);
                if (!loses) co_return spoiled(mine, std::move(raw));
            } else {
                auto raw = co_await fn(args...);
                if (!loses) co_return spoiled(mine, std::move(raw));
            }
        } catch (misuse const&) {
            throw;
        } catch (std::bad_alloc const&) {
            throw;
        } catch (...) {
            if (!loses) throw;
        }
        if (loses) attempt_access::forget(a);
        co_return detail::chaotic_end<raw_type>(mine.what->why());
    }

    template <class Raw>
    static Raw spoiled(detail::chaos_fate const& f, Raw raw) {
        if (f.effect() != chaos_effect::spoiled_answer) return raw;
        if constexpr (coffer::detail::expected_like<Raw>)
            if (!raw.has_value()) return raw;  // there is no answer
        if constexpr (has_decode) {
            if (f.what->how()) f.what->how()(*raw);
            else raw->body.insert(0, detail::spoiled_mark);
            return raw;
        } else {
            return detail::chaotic_end<Raw>(f.what->why());
        }
    }

    std::shared_ptr<detail::chaos_state> state_;
    Op op_;
};

}  // namespace coffer::inline COFFER_ABI::testing
