// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a timeout runs: a branch of the call, on a strand of its own, that owns everything it touches, and the one who waits
// for it, who goes on when it has ended, or shortly after it was stopped, whether it has heard of that or not.

#include <coffer/asio.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/call.hpp>
#include <coffer/call/call_access.hpp>
#include <coffer/call/forked_call.hpp>
#include <coffer/state/timeout_rule.hpp>
#include <coffer/time/clock_service.hpp>
#include <coffer/time/wait.hpp>

#include COFFER_ASIO_HEADER(io_context.hpp)
#include COFFER_ASIO_HEADER(thread_pool.hpp)

#include <algorithm>
#include <concepts>
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

namespace coffer::inline COFFER_ABI::detail {

/// A strand on `executor`. One that stands on the context's own type of executor is small enough for Asio to hand on without
/// allocating each time. A template only so that it is compiled where it is needed.
template <class Executor>
[[nodiscard]] asio::any_io_executor strand_on(Executor const& executor) {
    if (auto const* const io = executor.template target<asio::io_context::executor_type>())
        return asio::make_strand(*io);
    if (auto const* const pool = executor.template target<asio::thread_pool::executor_type>())
        return asio::make_strand(*pool);
    return asio::make_strand(executor);
}

/// Everything inside a timeout, once. On its strand while it runs, then the caller's, as far as it has ended.
template <class Step>
class timed_branch {
public:
    using value_type = typename Step::value_type;

    timed_branch(call& c, Step step, time_point until)
        : step_{std::move(step)}, own_{call_access::fork(c)}, turns_{std::max(most_turns >> forked_call::depth(c), 2)} {
        forked_call::begin(own_, c, until);
    }
    timed_branch(timed_branch const&) = delete;
    timed_branch& operator=(timed_branch const&) = delete;

    // On the strand ------------------------------------------------------------------------------------------------------

    [[nodiscard]] asio::cancellation_slot cancellation() noexcept { return signal_.slot(); }
    [[nodiscard]] int turns() const noexcept { return turns_; }
    [[nodiscard]] bool over() const noexcept { return over_; }

    /// Asio makes up a value beside an exception if it can; else a frame of our own stands between them.
    static constexpr bool spawns_itself = std::default_initializable<outcome<value_type>>;
    [[nodiscard]] auto work() {
        if constexpr (spawns_itself) return step_(own_);
        else return keep(*this);
    }
    void ended(std::exception_ptr const& thrown, outcome<value_type>&& result) {
        if (!thrown) result_.emplace(std::move(result));
        ended(thrown);
    }
    void ended(std::exception_ptr const& thrown) {
        if (!result_ && !thrown_) thrown_ = thrown;  // it was cancelled before it began
        over_ = true;
    }
    /// Who it was is written down before anybody hears of it.
    void stop(stopped_by who) {
        if (over_) return;
        who_ = who;
        forked_call::close(own_);
        signal_.emit(asio::cancellation_type::terminal);
    }
    void leave() {
        left_ =
            forked_call::left(own_, own_.clock().now(), fault{fault_kind::timed_out, "left behind: it did not end"});
    }

    // For the caller, when it goes on ------------------------------------------------------------------------------------

    [[nodiscard]] stopped_by who() const noexcept { return who_; }
    /// It did not end: only `report` may be asked then.
    [[nodiscard]] bool left_behind() const noexcept { return left_.has_value(); }
    [[nodiscard]] forked_call::report report() { return left_ ? *std::move(left_) : forked_call::ended(own_); }
    [[nodiscard]] std::exception_ptr const& thrown() const noexcept { return thrown_; }
    [[nodiscard]] std::optional<outcome<value_type>>& result() noexcept { return result_; }

private:
    static awaitable<void> keep(timed_branch& self) {
        try {
            self.result_.emplace(co_await self.step_(self.own_));
        } catch (...) {
            self.thrown_ = std::current_exception();
        }
    }

    static constexpr int most_turns = 16;  // half as many for a branch of a branch, which needs some to end by itself

    Step step_;
    call own_;
    int const turns_;
    asio::cancellation_signal signal_;
    bool over_ = false;
    stopped_by who_ = stopped_by::nobody;
    std::optional<outcome<value_type>> result_;
    std::exception_ptr thrown_;
    std::optional<forked_call::report> left_;
};

/// The caller's wait for a branch: ends when that has ended, when the time is up, or when the caller leaves.
///
/// Whoever stops the branch does so on its strand: writes down who it is, cancels, and looks at what becomes of it. What the
/// branch makes of that it may say within a few turns of the strand, which take no time; then it is left behind, and
/// ends, settles and is heard of by observers whenever it does.
template <class Step>
class branch_wait final : public pending_wait {
    using branch = timed_branch<Step>;
    using handler_type = typename asio::async_result<asio::use_awaitable_t<>, void()>::handler_type;

public:
    template <class Handler>
    branch_wait(std::shared_ptr<wait_registry> registry, std::shared_ptr<branch> b, Handler&& handler)
        : pending_wait{std::move(registry)} {
        asio::any_io_executor const executor = asio::get_associated_executor(handler);
        waiting_.emplace(std::forward<Handler>(handler), executor, std::move(b));
    }

    /// Sets it off; `handler()` is posted to its executor at the end. `limit`: whose time `until` is.
    template <class Handler>
    static void run(std::shared_ptr<branch> b, call const& c, time_point until, stopped_by limit, Handler&& handler) {
        auto slot = asio::get_associated_cancellation_slot(handler);
        auto const wait = std::make_shared<branch_wait>(c.service().waits(), b, std::forward<Handler>(handler));
        wait->limit_ = limit;
        if (slot.is_connected()) {
            auto leave = [weak = std::weak_ptr<pending_wait>{wait}](asio::cancellation_type type) {
                if (type == asio::cancellation_type::none) return;
                if (auto const pending = weak.lock()) pending->finish(wake::cancelled);
            };
            slot.assign(std::move(leave));
        }
        asio::any_io_executor const strand = wait->waiting_->strand;
        auto& clock = c.clock();
        auto const listens = b->cancellation();
        auto work = b->work();
        asio::co_spawn(strand, std::move(work), asio::bind_cancellation_slot(listens, at_end{std::move(b), wait}));
        // As soon as the wait has begun another thread may go on with the caller: the beginning comes last.
        (void)clock.begin_wait(wait, until);
    }

private:
    /// Everything that refers to the context, gone when the wait has ended: the caller is resumed once, or destroyed.
    struct waiting {
        template <class Handler>
        waiting(Handler&& h, asio::any_io_executor const& e, std::shared_ptr<branch> b)
            : handler{std::forward<Handler>(h)}, executor{e}, strand{strand_on(e)}, what{std::move(b)} {}

        void go_on() {
            asio::post(executor, [mine = std::move(handler)]() mutable { std::move(mine)(); });
        }

        handler_type handler;
        asio::any_io_executor executor;  // until the branch's coroutine has ended, that keeps run() from returning
        asio::any_io_executor strand;
        std::shared_ptr<branch> what;
    };

    /// Stops the branch, gives it its turns, and lets the caller go on.
    struct stopper {
        void operator()() {
            auto& b = *caller.what;
            if (!std::exchange(begun, true)) b.stop(who);
            if (!b.over() && turns-- > 0) {
                auto const strand = caller.strand;
                asio::post(strand, std::move(*this));
                return;
            }
            if (!b.over()) b.leave();
            caller.go_on();
        }

        waiting caller;
        stopped_by who;
        int turns;
        bool begun = false;
    };

    /// Keeps the branch, and with it the signal that its coroutine listens to, until that coroutine has ended.
    struct at_end {
        void operator()(std::exception_ptr const& thrown) const {
            what->ended(thrown);
            wait->finish(wake::notified);
        }
        void operator()(std::exception_ptr const& thrown, outcome<typename branch::value_type> result) const {
            what->ended(thrown, std::move(result));
            wait->finish(wake::notified);
        }
        std::shared_ptr<branch> what;
        std::shared_ptr<branch_wait> wait;
    };

    void resume(wake why) noexcept override {
        if (why == wake::notified) {
            waiting_->go_on();
        } else {
            auto const strand = waiting_->strand;
            auto const turns = waiting_->what->turns();
            auto const who = why == wake::cancelled ? stopped_by::caller : limit_;
            asio::post(strand, stopper{*std::move(waiting_), who, turns});
        }
        waiting_.reset();
    }
    void discard() noexcept override { waiting_.reset(); }

    std::optional<waiting> waiting_;
    stopped_by limit_ = stopped_by::timeout;
};

/// Runs a branch for the coroutine that awaits. A function object of plain values: GCC 12 destroys capturing closures twice
/// when they are temporaries of a co_await expression.
template <class Step>
struct run_branch {
    std::shared_ptr<timed_branch<Step>> const* branch;
    call const* of;
    time_point until;
    stopped_by limit;
    template <class Handler>
    void operator()(Handler&& handler) const {
        branch_wait<Step>::run(*branch, *of, until, limit, std::forward<Handler>(handler));
    }
};

}  // namespace coffer::inline COFFER_ABI::detail

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
