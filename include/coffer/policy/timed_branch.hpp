// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a timeout runs: a branch of the call, on a strand of its own, that owns everything it touches, and the one who waits
// for it, who goes on when it has ended, or shortly after it was stopped, whether it has heard of that or not.

#include <coffer/asio.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/branch.hpp>
#include <coffer/call/call.hpp>
#include <coffer/state/timeout_rule.hpp>
#include <coffer/time/clock_service.hpp>
#include <coffer/time/wait.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

// GCC takes every closure in a coroutine's frame for one of an anonymous namespace and warns in whoever includes this;
// and where it inlines Asio's allocation of frames, but not the deallocation, it takes the two for no pair.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace coffer::inline v0::detail {

/// Everything inside a timeout, once. A wait: it ends when what is inside has ended, when the time is up, or when the caller
/// leaves, and is registered, timed and destroyed as all waits are.
///
/// Everything but the end of the wait happens on the strand: who stops it is written down there, it is cancelled there, and it
/// is looked at there. What it makes of a cancellation it may still say within a few turns of the strand, which take no
/// time; then it is left behind, and ends, settles and is heard of by observers whenever it does.
template <class Step>
class timed_branch final : public pending_wait {
public:
    using value_type = typename Step::value_type;

    timed_branch(call& c, time_point until, stopped_by limit)
        : pending_wait{c.service().waits()},
          own_{call_branch::of(c, until)},
          clock_{c.clock()},
          until_{until},
          limit_{limit},
          turns_{std::max(most_turns >> call_branch::depth(c), 2)} {}

    /// Sets `step` off; `handler()` is posted to its executor at the end.
    template <class Handler>
    void run(Step&& step, Handler&& handler) {
        auto const self = std::static_pointer_cast<timed_branch>(shared_from_this());
        auto slot = asio::get_associated_cancellation_slot(handler);
        asio::any_io_executor const executor = asio::get_associated_executor(handler);
        strand_ = asio::make_strand(executor);
        caller_.emplace(std::forward<Handler>(handler), executor);
        if (slot.is_connected()) {
            auto leave = [weak = std::weak_ptr<pending_wait>{self}](asio::cancellation_type type) {
                if (type == asio::cancellation_type::none) return;
                if (auto const pending = weak.lock()) pending->finish(wake::cancelled);
            };
            slot.assign(std::move(leave));
        }
        asio::co_spawn(strand_, work(self, std::move(step)), asio::bind_cancellation_slot(signal_.slot(), at_end{self}));
        // As soon as the wait has begun another thread may go on with the caller: the beginning comes last.
        (void)clock_.begin_wait(self, until_);
    }

    // For the caller, when it goes on ----------------------------------------------------------------------------------

    [[nodiscard]] stopped_by who() const noexcept { return who_; }
    /// It did not end: only `report` may be asked then.
    [[nodiscard]] bool left_behind() const noexcept { return left_.has_value(); }
    [[nodiscard]] call_branch::report report() { return left_ ? *std::move(left_) : call_branch::ended(own_); }
    [[nodiscard]] std::exception_ptr const& thrown() const noexcept { return thrown_; }
    [[nodiscard]] std::optional<outcome<value_type>>& result() noexcept { return result_; }

private:
    using handler_type = typename asio::async_result<asio::use_awaitable_t<>, void()>::handler_type;
    static constexpr int most_turns = 16;  // half as many for a branch of a branch, which needs some to end by itself

    /// Who waits: resumed once, or destroyed with the context.
    struct caller {
        template <class Handler>
        caller(Handler&& h, asio::any_io_executor const& e)
            : handler{std::forward<Handler>(h)}, executor{asio::prefer(e, asio::execution::outstanding_work.tracked)} {}

        void go_on() && {
            asio::post(executor, [handler = std::move(handler), executor = executor]() mutable {
                executor = {};
                std::move(handler)();
            });
        }

        handler_type handler;
        asio::any_io_executor executor;  // keeps the context's run() from returning
    };

    /// Stops the branch, gives it its turns, and lets the caller go on. Always on the strand.
    struct stopper {
        void operator()() {
            auto& b = *branch;
            if (!std::exchange(begun, true)) b.stop(who);
            if (!b.over_ && turns-- > 0) {
                auto const strand = b.strand_;
                asio::post(strand, std::move(*this));
                return;
            }
            if (!b.over_) b.leave();
            std::move(waiting).go_on();
        }

        std::shared_ptr<timed_branch> branch;
        caller waiting;
        stopped_by who;
        int turns;
        bool begun = false;
    };

    /// Keeps the branch, and with it the signal that its coroutine listens to, until that coroutine has ended.
    struct at_end {
        void operator()(std::exception_ptr const& thrown) const { branch->ended(thrown); }
        std::shared_ptr<timed_branch> branch;
    };

    static awaitable<void> work(std::shared_ptr<timed_branch> self, Step step) {
        try {
            self->result_.emplace(co_await step(self->own_));
        } catch (...) {
            self->thrown_ = std::current_exception();
        }
    }

    void ended(std::exception_ptr const& thrown) {
        if (!result_ && !thrown_) thrown_ = thrown;  // it was cancelled before it began
        over_ = true;
        finish(wake::notified);
    }
    void stop(stopped_by who) {
        if (over_) return;
        who_ = who;
        signal_.emit(asio::cancellation_type::terminal);
    }
    void leave() {
        left_ = call_branch::left(own_, clock_.now(), fault{fault_kind::timed_out, "left behind: it did not end"});
    }

    void resume(wake why) noexcept override {
        auto waiting = *std::move(caller_);
        caller_.reset();
        if (why == wake::notified) return std::move(waiting).go_on();
        auto self = std::static_pointer_cast<timed_branch>(shared_from_this());
        auto const who = why == wake::cancelled ? stopped_by::caller : limit_;
        asio::post(strand_, stopper{std::move(self), std::move(waiting), who, turns_});
    }
    void discard() noexcept override { caller_.reset(); }

    call own_;
    coffer::clock& clock_;  // of the context, and used only while that runs
    time_point const until_;
    stopped_by const limit_;
    int const turns_;
    std::optional<caller> caller_;
    asio::any_io_executor strand_;
    asio::cancellation_signal signal_;

    // On the strand; then the caller's, as far as it has ended.
    bool over_ = false;
    stopped_by who_ = stopped_by::nobody;
    std::optional<outcome<value_type>> result_;
    std::exception_ptr thrown_;
    std::optional<call_branch::report> left_;
};

/// Runs a branch for the coroutine that awaits. A function object of plain pointers: GCC 12 destroys capturing closures twice
/// when they are temporaries of a co_await expression.
template <class Step>
struct run_branch {
    timed_branch<Step>* branch;
    Step* step;
    template <class Handler>
    void operator()(Handler&& handler) const {
        branch->run(std::move(*step), std::forward<Handler>(handler));
    }
};

}  // namespace coffer::inline v0::detail

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
