// SPDX-License-Identifier: BSL-1.0
#pragma once
// The path of a call through one segment of a pipeline: gates in order, then what is inside them.
//
// One coroutine for all gates of a segment: entering and settling are folds in plain functions, and only a gate that
// must wait costs a frame of its own. A layer, or the journal, ends a segment; `next_step` begins the one inside it.

#include <coffer/asio.hpp>
#include <coffer/call/attempt.hpp>
#include <coffer/call/call.hpp>
#include <coffer/call/classify.hpp>
#include <coffer/call/event.hpp>
#include <coffer/call/gate.hpp>
#include <coffer/call/layer.hpp>
#include <coffer/call/send.hpp>
#include <coffer/time/sleep.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

// GCC 12 takes every closure in a coroutine's frame for one of an anonymous namespace and warns in whoever includes this.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

namespace coffer::inline v0::detail {

/// The gates of one segment of a pipeline, `Begin` to (not including) `End`, and their tickets.
template <class Policies, std::size_t Begin, std::size_t End>
class gate_row;

template <class... Policies, std::size_t Begin, std::size_t End>
class gate_row<std::tuple<Policies...>, Begin, End> {
    template <std::size_t I>
    using gate_at = std::tuple_element_t<Begin + I, std::tuple<Policies...>>;
    template <std::size_t... I>
    static std::tuple<slot<typename gate_at<I>::ticket>...> slots_for(std::index_sequence<I...>);

public:
    static constexpr std::size_t size = End - Begin;
    using indices = std::make_index_sequence<size>;
    /// May any of the gates ask an attempt to wait?
    static constexpr bool waits = []<std::size_t... I>(std::index_sequence<I...>) {
        return (waiting_gate<gate_at<I>> || ...);
    }(indices{});

    explicit gate_row(std::tuple<Policies...> const& policies) noexcept : policies_{policies} {}

    /// Enters gates from the first not entered yet. True when all are entered; false at a refusal or a wait.
    bool enter(attempt& a) {
        return [&]<std::size_t... I>(std::index_sequence<I...>) { return (enter_one<I>(a) && ...); }(indices{});
    }
    [[nodiscard]] std::optional<fault>& refusal() noexcept { return refusal_; }

    /// Awaits the gate that asked to wait. Its frame is the price of waiting.
    awaitable<void> wait(attempt& a) {
        std::optional<awaitable<void>> wait;
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (void)((I == entered_ && (wait.emplace(wait_one<I>(a)), true)) || ...);
        }(indices{});
        return *std::move(wait);
    }

    /// Settles entered gates from the innermost outwards, until one asks for another attempt: that one keeps its ticket
    /// and stays entered, as do those further out.
    verdict settle(attempt_end const& end, attempt& a) noexcept {
        verdict v = verdict::done();
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (void)(settle_one<size - 1 - I>(end, a, v) && ...);
        }(indices{});
        return v;
    }

private:
    template <std::size_t I>
    bool enter_one(attempt& a) {
        if (I < entered_) return true;
        auto said = std::get<Begin + I>(policies_).try_enter(a, std::get<I>(slots_));
        if (said.is_in()) {
            entered_ = I + 1;
            return true;
        }
        if (!said.must_wait()) refusal_.emplace(std::move(said).why());
        return false;
    }

    template <std::size_t I>
    awaitable<void> wait_one(attempt& a) {
        if constexpr (waiting_gate<gate_at<I>>) {
            auto entered = co_await std::get<Begin + I>(policies_).enter(a, std::get<I>(slots_));
            if (entered) entered_ = I + 1;
            else refusal_.emplace(std::move(entered).error());
        } else {
            throw misuse{"coffer: a gate asked an attempt to wait but has no enter()"};
            co_return;
        }
    }

    template <std::size_t I>
    bool settle_one(attempt_end const& end, attempt& a, verdict& v) noexcept {
        if (I >= entered_) return true;
        auto& held = std::get<I>(slots_);
        auto const said = held->settle(end, a);
        if (said.asks_again() && end.what == attempt_end::kind::failed) {
            v = said;
            return false;
        }
        if (v.stop() == stop_reason::none) v = verdict::done(said.stop());
        held.reset();
        entered_ = I;
        return true;
    }

    std::tuple<Policies...> const& policies_;
    decltype(slots_for(indices{})) slots_;
    std::size_t entered_ = 0;
    std::optional<fault> refusal_;
};

/// The end of the segment that begins at `Begin`: the first policy that is not a gate.
template <class Policies, std::size_t Begin>
[[nodiscard]] consteval std::size_t segment_end() {
    if constexpr (Begin == std::tuple_size_v<Policies>) return Begin;
    else if constexpr (gate<std::tuple_element_t<Begin, Policies>>) return segment_end<Policies, Begin + 1>();
    else return Begin;
}

/// What a layer, or the journal, is given to run: everything inside it.
template <class Core, std::size_t Begin, class... Args>
class next_step;

/// Is this the outermost pipeline of the request, or is the call handed down to one inside?
enum class handed : bool { in, down };

/// Turns a failure of a cancelled call into `cancelled`, keeping what is known of the provider's side.
inline void as_cancelled(fault& why, bool attempted) {
    if (why.kind() == fault_kind::cancelled) return;
    auto cancelled = fault{fault_kind::cancelled, "the caller left"}.with_cause(why.cause());
    if (attempted) cancelled.with_execution(why.execution()).with_billing(why.billing());
    why = std::move(cancelled);
}

/// Did nothing inside reach the provider, as far as its end tells? Then gates further out give back what they hold.
[[nodiscard]] inline bool refused_inside(fault const& why) noexcept {
    return why.kind() >= fault_kind::circuit_open && why.execution() == knowledge::no && why.billing() == knowledge::no;
}

/// An exception before the operation began: whatever it is, nothing was sent.
[[nodiscard]] inline fault unsent_fault(std::exception_ptr const& thrown) {
    return classify_exception(thrown).with_execution(knowledge::no).with_billing(knowledge::no);
}

/// Walks one call through the segment that begins at `Begin`. `Args` are references, or values that the frame holds.
template <std::size_t Begin, class Core, class... Args>
auto walk(std::shared_ptr<Core const> core, call& c, handed how, Args... args)
    -> awaitable<outcome<typename Core::template called_with<Args...>::value_type>,
                 typename Core::template called_with<Args...>::executor_type> {
    using called = typename Core::template called_with<Args...>;
    using policies = typename Core::policies_type;
    using value_type = typename called::value_type;
    using executor_type = typename called::executor_type;
    // A flight runs on a strand, hence only operations on the general executor can be under a journal.
    constexpr bool journalable = !Core::hands_down && std::same_as<executor_type, asio::any_io_executor>;
    constexpr auto end = segment_end<policies, Begin>();
    constexpr bool sends = end == std::tuple_size_v<policies>;
    constexpr bool attempts = sends && !Core::hands_down;  // the attempt is made here, and not further in
    using row = gate_row<policies, Begin, end>;
    static_assert(std::same_as<executor_type, asio::any_io_executor> || (sends && !row::waits),
                  "coffer: layers, and policies that may wait, run on asio::any_io_executor: let the operation return "
                  "asio::awaitable<T> without an executor type of its own");

    auto const executor = co_await asio::this_coro::executor;
    call_access::scope const scope{c, executor, Begin > 0 || how == handed::down};
    attempt a{c};
    row gates{core->policies};
    std::optional<outcome<value_type>> result;

    // The outermost walk has just read the clock.
    for (auto now = Begin == 0 && how == handed::in ? c.began() : c.clock().now();; now = c.clock().now()) {
        attempt_access::begin(a, now);
        result.reset();
        std::exception_ptr thrown;

        // In through the gates.
        bool in = false;
        for (;;) {
            if (c.deadline() <= a.now()) {
                result.emplace(failed(fault_kind::deadline_exceeded, "the call's deadline has passed"));
                break;
            }
            bool waits = false;
            try {
                if constexpr (attempts) core->aim(a, args...);
                in = gates.enter(a);
                waits = !in && !gates.refusal();
                if constexpr (row::waits) {
                    if (waits) co_await gates.wait(a);
                } else if (waits) {
                    throw misuse{"coffer: a gate asked an attempt to wait but has no enter()"};
                }
            } catch (...) {
                thrown = std::current_exception();
            }
            if (thrown) result.emplace(failed(unsent_fault(std::exchange(thrown, nullptr))));
            if (gates.refusal()) result.emplace(failed(*std::exchange(gates.refusal(), std::nullopt)));
            if constexpr (row::waits) {
                if (waits) {
                    attempt_access::waited(a, c.clock().now());
                    // A grant may have raced the caller's leaving: it is given back then.
                    auto const cancellation = co_await asio::this_coro::cancellation_state;
                    if (!result && cancellation.cancelled() != asio::cancellation_type::none)
                        result.emplace(failed(fault_kind::cancelled, "the caller left"));
                    if (!result) continue;
                }
            }
            break;
        }

        // What is inside them.
        if constexpr (attempts) {
            sender<Core, called> send{*core, a};
            if constexpr (journalable) {
                if (in && c.claim() != nullptr) {
                    try {
                        auto const permit = co_await c.claim()->permit(a);
                        if (permit) send.permitted(*permit);
                        else result.emplace(failed(permit.error()));
                    } catch (...) {
                        thrown = std::current_exception();
                    }
                    if (thrown) result.emplace(failed(unsent_fault(std::exchange(thrown, nullptr))));
                    in = !result;
                }
            }
            if (in) {
                send.begin();
                // The operation is called in the expression that awaits it: what its parameters were converted to lives
                // as long as it runs.
                try {
                    if constexpr (std::is_void_v<typename called::raw_type>) {
                        if constexpr (called::takes_attempt) co_await function_of(core->operation)(a, args...);
                        else co_await function_of(core->operation)(args...);
                        result.emplace(send.succeeded());
                    } else if constexpr (called::takes_attempt) {
                        auto raw = co_await function_of(core->operation)(a, args...);
                        result.emplace(send.judge(std::move(raw)));
                    } else {
                        auto raw = co_await function_of(core->operation)(args...);
                        result.emplace(send.judge(std::move(raw)));
                    }
                } catch (...) {
                    thrown = std::current_exception();
                }
                if (thrown) result.emplace(failed(send.thrown(thrown)));
                if constexpr (journalable) {
                    // Only the send was cut off, by its time limit: the flight itself goes on.
                    if (c.claim() != nullptr && c.claim()->take_cut())
                        co_await asio::this_coro::reset_cancellation_state();
                }
            }
        } else if (in) {
            call_access::limit_scope const limit{c, attempt_access::limit(a)};
            try {
                if constexpr (sends) {
                    result.emplace(co_await core->operation.descend(c, args...));
                } else {
                    result.emplace(
                        co_await std::get<end>(core->policies)(c, next_step<Core, end + 1, Args...>{core, args...}));
                }
            } catch (...) {
                thrown = std::current_exception();
            }
            if (thrown) result.emplace(failed(classify_exception(thrown)));
        }

        // How it ended.
        attempt_end ended{};
        ended.at = c.clock().now();
        bool cancelled = false;
        if (!*result) {
            auto const cancellation = co_await asio::this_coro::cancellation_state;
            cancelled = cancellation.cancelled() != asio::cancellation_type::none;
            if (cancelled) as_cancelled(result->error(), in);
            bool const attempted = in && (attempts || !refused_inside(result->error()));
            ended.what = attempted ? attempt_end::kind::failed : attempt_end::kind::not_attempted;
            ended.why = &result->error();
        }
        if (!in) core->tell({event_kind::attempt_refused, ended.at, {}, c.attempts() + 1, ended.why, {}, {}}, c);
        else if constexpr (attempts) core->record(a, ended);

        // Out through them, until one asks for another attempt.
        auto const said = gates.settle(ended, a);
        if (!said.asks_again()) {
            if (!*result && result->error().stop() == stop_reason::none) result->error().with_stop(said.stop());
            co_return std::move(*result);
        }
        auto const again_at = call_access::later(ended.at, said.delay());
        bool const late = again_at >= c.deadline();  // whatever the gate has checked
        if (!cancelled && !late) {
            core->tell({event_kind::retry_scheduled, ended.at, {}, c.attempts(), ended.why, said.delay(), {}}, c);
            auto const woke = co_await wait_until<executor_type>(c.service(), again_at);
            auto const cancellation = co_await asio::this_coro::cancellation_state;
            cancelled = woke == wake::cancelled || cancellation.cancelled() != asio::cancellation_type::none;
            if (cancelled) as_cancelled(result->error(), true);
        }
        if (cancelled || late) {
            if (late && !cancelled) result->error().with_stop(stop_reason::deadline);
            ended.what = attempt_end::kind::not_attempted;
            (void)gates.settle(ended, a);
            co_return std::move(*result);
        }
        call_access::add_wait(c, said.delay(), said.reason());
    }
}

/// The same with a life of its own: shared core, copies of the arguments. What a flight owns.
template <class Core, std::size_t Begin, class... Args>
class detached_step {
public:
    using value_type = typename Core::template called_with<Args&...>::value_type;

    detached_step(std::shared_ptr<Core const> core, Args const&... args) : core_{std::move(core)}, args_{args...} {}

    [[nodiscard]] awaitable<outcome<value_type>> operator()(call& c) {
        return std::apply(
            [&](auto&... args) { return walk<Begin, Core, Args const&...>(core_, c, handed::in, args...); }, args_);
    }
    [[nodiscard]] outcome<value_type> decode(answer const& what) const {
        return decode_answer<typename Core::template called_with<Args&...>>(*core_, what);
    }

private:
    std::shared_ptr<Core const> core_;
    std::tuple<Args...> args_;
};

template <class Core, std::size_t Begin, class... Args>
class next_step {
    using called = typename Core::template called_with<Args...>;

public:
    using value_type = typename called::value_type;
    static constexpr bool has_fingerprint = called::has_fingerprint;
    static constexpr bool journalable = called::journalable;
    static constexpr bool copyable = (std::copy_constructible<std::decay_t<Args>> && ...);

    next_step(std::shared_ptr<Core const> core, Args&... args) noexcept : core_{std::move(core)}, args_{args...} {}

    /// Runs everything inside. May be called any number of times, one after another or at once with calls of their own.
    [[nodiscard]] awaitable<outcome<value_type>> operator()(call& c) const {
        return std::apply(
            [&](auto&... args) { return walk<Begin, Core, decltype(args)...>(core_, c, handed::in, args...); }, args_);
    }

    // For the journal.
    [[nodiscard]] fingerprint print() const {
        return std::apply([&](auto const&... args) { return fingerprint_of(core_->operation, args...); }, args_);
    }
    [[nodiscard]] outcome<value_type> decode(answer const& what) const { return decode_answer<called>(*core_, what); }
    [[nodiscard]] auto detach() const {
        return std::apply(
            [&](auto const&... args) {
                return detached_step<Core, Begin, std::remove_cvref_t<decltype(args)>...>{core_, args...};
            },
            args_);
    }
    void tell(event const& e, call const& c) const noexcept { core_->tell(e, c); }

private:
    std::shared_ptr<Core const> core_;
    std::tuple<Args&...> args_;
};

}  // namespace coffer::inline v0::detail

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#pragma GCC diagnostic pop
#endif
