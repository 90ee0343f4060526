// SPDX-License-Identifier: BSL-1.0
#pragma once
// What may go wrong does, in tests: around an operation it is a bad provider, in a pipeline a bad neighbour.
//
//     coffer::testing::chaos const weather{coffer::testing::chaos_plan{}.sometimes(0.3, injection::loses_reply())};
//     auto const ask = coffer::pipeline{coffer::once{db}, coffer::retry{}}.wrap(weather.wrap(openai.chat));
//     …
//     weather.off();                                         // and when all is calm again, what was paid for is there

#include <coffer/asio.hpp>
#include <coffer/call/attempt.hpp>
#include <coffer/call/call.hpp>
#include <coffer/call/core.hpp>
#include <coffer/call/event.hpp>
#include <coffer/call/gate.hpp>
#include <coffer/call/operation.hpp>
#include <coffer/testing/chaos_plan.hpp>
#include <coffer/testing/chaotic.hpp>
#include <coffer/time/sleep.hpp>

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace coffer::inline COFFER_ABI::testing {

/// Does to sends what a plan says. A handle: copies share the plan, which may be changed while calls run. Any thread.
///
/// `wrap(op)` makes an operation that offers what `op` offers; inside all policies, it is the provider that fails: gates learn
/// of it, and a journal has permitted the send before. As a layer in a pipeline it does the same to everything inside it, up
/// to the call's deadline. Cancelled while it waits it throws `operation_aborted`, as an Asio operation does.
///
/// Each thing that it does is told to the pipeline's observers (`event_kind::injected`, the effect as `reason`), and its faults have
/// the code `chaos`. One seed is one run: chance is that of the clock, unless the plan has its own.
///
/// It is for tests: a call that runs in any but virtual time sends nothing and ends as `permanent` (code `chaos:real_time`,
/// executed no, billed no), also while it is switched off, unless it was made with `in_real_time`.
class chaos {
public:
    static constexpr policy_traits traits{};  ///< it may stand anywhere

    /// Nothing, until a plan is played.
    chaos() : chaos{chaos_plan{}} {}
    /// Plays `plan`, in virtual time only. Throws `std::invalid_argument` for one that cannot be meant.
    explicit chaos(chaos_plan plan) : state_{std::make_shared<detail::chaos_state>(std::move(plan), false)} {}
    /// Also where money is real. You mean it.
    chaos(chaos_plan plan, in_real_time_t) : state_{std::make_shared<detail::chaos_state>(std::move(plan), true)} {}
    chaos(chaos const&) = default;  // and no moves: a handle that was moved from is one, too
    chaos& operator=(chaos const&) = default;

    /// From now on another plan, from its beginning. What is under way goes on as it began.
    void play(chaos_plan plan) const { state_->play(std::move(plan)); }
    /// Sends go through, and the plan stands still.
    void off() const noexcept { state_->on = false; }
    /// The plan goes on where it stood.
    void on() const noexcept { state_->on = true; }

    /// How often it has done that; a test that has met no chaos has shown nothing.
    [[nodiscard]] int injected(chaos_effect e) const noexcept { return state_->count(e); }
    /// All of it.
    [[nodiscard]] int injected() const noexcept {
        int sum = 0;
        for (std::size_t i = 1; i < chaos_effect_count; ++i) sum += state_->count(static_cast<chaos_effect>(i));
        return sum;
    }

    /// The operation in bad weather: target, fingerprint, estimate, decode, bill, repair and classify are those of `op`, which is copied.
    template <class Op>
    [[nodiscard]] auto wrap(Op&& op) const {
        static_assert(
            !coffer::detail::nested_pipeline<std::decay_t<Op>>,
            "coffer: chaos wraps an operation, inside all policies; around a pipeline it is a layer of the outer one: "
            "pipeline{chaos}.wrap(inner)");
        return chaotic<std::decay_t<Op>>{state_, std::forward<Op>(op)};
    }

    /// As a layer.
    template <class Next>
    [[nodiscard]] awaitable<outcome<typename Next::value_type>> operator()(call& c, Next next) const {
        return around(state_, c, std::move(next));
    }

private:
    template <class Next>
    static awaitable<outcome<typename Next::value_type>> around(std::shared_ptr<detail::chaos_state> s, call& c,
                                                                Next next) {
        using result_type = outcome<typename Next::value_type>;
        auto const tell = [&](event e) {
            e.attempt = c.attempts();
            if constexpr (requires { next.tell(e, c); }) next.tell(e, c);
        };
        if (auto const why = s->unmeant(c.clock())) co_return failed(*why);
        auto const mine = s->draw(c.clock());
        auto const end = detail::chaos_wait(mine, c.clock().now(), c.deadline());
        detail::tell_chaos(*s, mine, c.clock().now(), tell);
        if (end.waits) {
            if (co_await wait_until(c.service(), end.until) == wake::cancelled) detail::throw_aborted();
            if (end.cut) co_return failed(mine.late());
        }
        detail::throw_chaos(mine);
        if (mine.effect() == chaos_effect::fault) co_return failed(mine.what->why());
        result_type result = co_await next(c);
        bool const lost = mine.effect() == chaos_effect::lost_reply;
        if (lost || (mine.effect() == chaos_effect::spoiled_answer && result)) co_return failed(mine.what->why());
        co_return result;
    }

    std::shared_ptr<detail::chaos_state> state_;
};

}  // namespace coffer::inline COFFER_ABI::testing
