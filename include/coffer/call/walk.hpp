// SPDX-License-Identifier: BSL-1.0
#pragma once
// The path of a call through one segment of a pipeline: gates in order, then what is inside them.
//
// One coroutine for all gates of a segment. A layer, or the journal, ends a segment; `next_step` begins the one inside it.

#include <coffer/asio.hpp>
#include <coffer/call/attempt.hpp>
#include <coffer/call/call.hpp>
#include <coffer/call/call_access.hpp>
#include <coffer/call/classify.hpp>
#include <coffer/call/event.hpp>
#include <coffer/call/gate_row.hpp>
#include <coffer/call/send.hpp>
#include <coffer/time/sleep.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

// GCC takes every closure in a coroutine's frame for one of an anonymous namespace and warns in whoever includes this.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

namespace coffer::inline COFFER_ABI::detail {

/// What a layer, or the journal, is given to run: everything inside it.
template <class Core, std::size_t Begin, class... Args>
class next_step;

/// Is this the outermost pipeline of the request, or is the call handed down to one inside?
enum class handed : bool { in, down };

/// Turns a failure of a cancelled call into `cancelled`, keeping what is known of the provider's side.
void as_cancelled(fault& why, bool attempted);

/// An attempt that came to nothing after one that was made: what is known of that one stays true of the call.
void at_least_as_billed(fault& why, fault const& before);

/// Did nothing inside reach the provider, as far as its end tells? Then gates further out give back what they hold. A time
/// that was up before anything was tried says nothing of the provider.
[[nodiscard]] bool refused_inside(fault const& why, bool tried) noexcept;

/// An operation with `repair` may be called with other arguments than those that the walk was given, which live in the call.
template <class Called, class Core, class... With>
auto ask_operation(Core const& core, attempt& a, With&... with)
    -> awaitable<typename Called::raw_type, typename Called::executor_type> {
    if constexpr (Called::takes_attempt) co_return co_await function_of(core.operation)(a, with...);
    else co_return co_await function_of(core.operation)(with...);
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
    attempt a{c, &core->watch};
    row gates{core->policies};
    std::optional<outcome<value_type>> result;
    std::unique_ptr<ended_before const> before;

    // The outermost walk has just read the clock.
    for (auto now = Begin == 0 && how == handed::in ? c.began() : c.clock().now();; now = c.clock().now()) {
        attempt_access::begin(a, now);
        if constexpr (called::has_repair)
            if (c.repaired()) attempt_access::forget_request(a);
        [[maybe_unused]] int const made_before = c.attempts();
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
                // Also for gates with a layer between them and the operation.
                if constexpr (!Core::hands_down) core->aim(a, args...);
                if constexpr (!Core::hands_down && row::estimates) core->size_up(a, args...);
                in = gates.enter(a);
                waits = !in && !gates.refused();
                if constexpr (row::waits) {
                    if (waits) co_await gates.wait(a);
                } else if (waits) {
                    throw misuse{"coffer: a gate asked an attempt to wait but has no enter()"};
                }
            } catch (...) {
                thrown = std::current_exception();
            }
            if (thrown) result.emplace(failed(unsent_fault(std::exchange(thrown, nullptr))));
            if (gates.refused()) result.emplace(tl::unexpect, gates.take_refusal());
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
                    if constexpr (!called::journalable)  // seen only here if the pipeline stands behind `guarded`
                        throw misuse{
                            "coffer: `once` cannot write results of this type down: specialise coffer::codec<R>, or "
                            "give the operation a decode (describe(fn).decode(...)); nothing was sent"};
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
            if (in && call_access::branch_of(c) != nullptr) {
                try {
                    if (!call_access::admit(c, a.target(), a.now()))
                        result.emplace(failed(fault_kind::cancelled, "the caller left"));
                } catch (...) {
                    thrown = std::current_exception();
                }
                if (thrown) result.emplace(failed(unsent_fault(std::exchange(thrown, nullptr))));
                in = !result;
            }
            if (in) {
                send.begin();
                // The operation is called in the expression that awaits it: what its parameters were converted to lives
                // as long as it runs.
                try {
                    if constexpr (called::has_repair) {
                        auto* const changed = core->template repaired<Args...>(a);
                        auto const ask = [&](auto&... with) { return ask_operation<called>(*core, a, with...); };
                        auto running = changed != nullptr ? std::apply(ask, *changed) : ask(args...);
                        auto raw = co_await std::move(running);
                        result.emplace(send.judge(std::move(raw)));
                    } else if constexpr (std::is_void_v<typename called::raw_type>) {
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
                if constexpr (called::has_repair)
                    if (!*result) core->repair(a, result->error(), send.rejected(), args...);
                if constexpr (journalable) {
                    // Only the send was cut off, by its time limit: the flight itself goes on.
                    if (c.claim() != nullptr && c.claim()->take_cut(attempt_access::send(a)))
                        co_await asio::this_coro::reset_cancellation_state();
                }
            }
        } else if (in) {
            call_access::allowed_scope const inside{c, attempt_access::allowed(a)};
            try {
                if constexpr (sends) {
                    result.emplace(co_await core->operation.descend(c, args...));
                } else {
                    result.emplace(
                        co_await std::get<end>(core->policies)(c, next_step<Core, end + 1, Args...>{core, c, args...}));
                }
            } catch (...) {
                thrown = std::current_exception();
            }
            if (thrown) result.emplace(failed(classify_exception(thrown)));
        }

        // How it ended.
        attempt_end ended{};
        // A refusal takes no time, but a journal may.
        ended.at = in || c.claim() != nullptr ? c.clock().now() : a.now();
        bool cancelled = false;
        if (!*result) {
            auto const cancellation = co_await asio::this_coro::cancellation_state;
            cancelled = cancellation.cancelled() != asio::cancellation_type::none;
            if (cancelled) as_cancelled(result->error(), in);
            bool const attempted = in && (attempts || !refused_inside(result->error(), c.attempts() > made_before));
            ended.what = attempted ? attempt_end::kind::failed : attempt_end::kind::not_attempted;
            ended.why = &result->error();
        }
        if constexpr (!attempts) {
            if (in && c.attempts() > made_before && !c.log().empty()) {
                auto const& last = c.log().back();
                attempt_access::made_inside(a, last, !Core::hands_down);
                if constexpr (!Core::hands_down) {
                    ended.used = last.usage ? &*last.usage : nullptr;
                    ended.cost = last.cost;
                }
            }
        }
        bool const made = ended.what != attempt_end::kind::not_attempted;
        if (before && !made) at_least_as_billed(result->error(), *before->end().why);
        if constexpr (attempts)
            if (in) attempt_access::record(a, ended);
        if (!in && core->watched())
            core->tell({event_kind::attempt_refused, ended.at, {}, c.attempts() + 1, ended.why, {}, {}}, c);

        // Out through them, until one asks for another attempt.
        auto const said = gates.settle(ended, a, before && !made ? &before->end() : nullptr);
        if (!said.asks_again()) {
            if (said.stop() != stop_reason::none && !*result && result->error().stop() == stop_reason::none)
                result->error().with_stop(said.stop());
            co_return std::move(*result);
        }
        before = std::make_unique<ended_before const>(ended);
        auto const again_at = later(ended.at, said.delay());
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
            (void)gates.settle(ended, a, &before->end());
            co_return std::move(*result);
        }
        call_access::add_wait(c, said.delay(), said.reason());
    }
}

}  // namespace coffer::inline COFFER_ABI::detail

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/call/walk.ipp>
#endif
