// SPDX-License-Identifier: BSL-1.0
#pragma once
// A limit in time around whatever is inside, also where that does not listen.
//
//     auto ask = coffer::pipeline{coffer::retry{}, coffer::timeout{30s}}.wrap(foreign);        // each attempt
//     auto ask = coffer::pipeline{coffer::timeout{2min}, coffer::retry{}}.wrap(openai.chat);   // all of them together

#include <coffer/asio.hpp>
#include <coffer/base/defaults.hpp>
#include <coffer/base/later.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/call.hpp>
#include <coffer/call/call_access.hpp>
#include <coffer/call/classify.hpp>
#include <coffer/call/composition.hpp>
#include <coffer/call/forked_call.hpp>
#include <coffer/policy/timed_branch.hpp>
#include <coffer/state/timeout_rule.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

// GCC takes every closure in a coroutine's frame for one of an anonymous namespace and warns in whoever includes this.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

namespace coffer::inline COFFER_ABI {

/// A layer: what is inside has `limit`, or until the call's deadline if that comes first.
///
/// **Effects.** Everything inside is told that the call ends then: waits, sleeps, nested pipelines, and the `deadline()` of
/// every attempt, so that a transport which keeps to it ends by itself. What is still running when the time is up is
/// cancelled, may say within the same moment what it knows, and is left behind if it does not: it owns copies of the
/// arguments, which have to be copyable, and sends nothing more. What it brings later is settled by the policies inside and
/// seen by observers, but not by the call. An answer that comes at the last moment is an answer.
///
/// **Outcome.** `timed_out` with the code `timeout`, and the message says whose: the one with this name. `deadline_exceeded`
/// if it was the call's. Execution and billing: what is known of the attempts inside, `maybe` of one that was left behind, and
/// `no` where none was made. The attempt's own timeout (`timed_out`, no code) and an operation that aborts itself
/// (`aborted`) are faults of the inside and passed on.
///
/// **The journal.** Inside `once` nothing is left behind and no permitted send is cut off: waits and sleeps end in time, no send
/// begins later, and each has at most `limit` of its own, so that all may take twice as long. Outside `once` callers leave in
/// time and the permitted send goes on without them; the call's own deadline does the same.
///
/// **Cancellation** stops what is inside in the same way and ends as `cancelled`. **Thread safety:** any thread. Costs a
/// strand and a coroutine for each run; nothing inside `once`. Throws `std::invalid_argument` for a limit that is not positive.
class timeout {
public:
    /// `limit` in any unit, fractions too; one that is too long for nanoseconds is for ever.
    template <class Rep, class Period>
    explicit timeout(std::chrono::duration<Rep, Period> limit, std::string name = {})
        : limit_{saturated(limit)}, name_{std::move(name)} {
        if (limit_ <= duration::zero())
            throw std::invalid_argument{
                "coffer::timeout: the limit must be longer than zero; to have none, leave it out"};
    }
    timeout(timeout const&) = default;  // and no moves: a handle that was moved from is one, too
    timeout& operator=(timeout const&) = default;

    /// What `to_string` and `<<` print.
    void describe(composition& to) const;

    /// A layer's coroutine: runs what is inside, and gives what it gives or the fault of a time that is up.
    template <class Next>
    awaitable<outcome<typename Next::value_type>> operator()(call& c, Next next) const {
        static_assert(
            Next::copyable,
            "coffer: an operation that does not end in time is left behind by `timeout` and needs copies of the "
            "arguments: make them copyable, or pass std::shared_ptr");
        auto const until = later(c.clock().now(), limit_);
        bool const own = until < c.deadline();
        if (c.claim() != nullptr) {
            auto inside = c.allowed();
            inside.attempt_timeout = std::min(limit_, inside.timeout());
            call_access::allowed_scope const attempts{c, inside};
            call_access::until_scope const all{c, std::min(until, call_access::inside_until(c))};
            auto const logged_before = c.log().size();
            auto running = next(c);
            auto result = co_await std::move(running);
            if (!result) {
                auto const known = forked_call::of_provider(c.log(), logged_before);
                timeout_facts const facts{
                    .ended = &result.error(), .execution = known.execution, .billing = known.billing, .own = own};
                result = failed(said(facts, until, c));
            }
            co_return result;
        }

        auto const cancellation = co_await asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != asio::cancellation_type::none)
            co_return failed(fault_kind::cancelled, "the caller left");
        if (c.deadline() <= c.clock().now())
            co_return failed(fault_kind::deadline_exceeded, "the call's deadline has passed");

        using step_type = decltype(next.detach());
        auto const ends = std::min(until, c.deadline());
        std::shared_ptr<detail::timed_branch<step_type>> branch;
        std::exception_ptr thrown;
        try {
            branch = std::make_shared<detail::timed_branch<step_type>>(c, next.detach(), ends);
        } catch (...) {  // by an argument that cannot be copied now, as a rule
            thrown = std::current_exception();
        }
        if (thrown) co_return failed(detail::unsent_fault(thrown));
        int const made_before = c.attempts();
        call_access::fork_scope const unheard{c};
        co_await asio::async_initiate<asio::use_awaitable_t<> const, void()>(
            detail::run_branch<step_type>{&branch, &c, ends, own ? stopped_by::timeout : stopped_by::deadline},
            asio::use_awaitable_t<>{});

        auto report = branch->report();
        auto const known = forked_call::of_provider(report.log);
        timeout_facts facts{.who = branch->who(), .execution = known.execution, .billing = known.billing, .own = own};
        std::optional<fault> inside;
        if (!branch->left_behind() && branch->thrown()) {
            inside.emplace(classify_exception(branch->thrown()));  // throws on what is no fault
            if (report.attempts == made_before) inside->with_execution(knowledge::no).with_billing(knowledge::no);
        } else if (!branch->left_behind() && !*branch->result()) {
            inside.emplace(std::move(branch->result()->error()));
        }
        forked_call::join(c, std::move(report));
        if (!branch->left_behind() && !inside) co_return *std::move(branch->result());
        if (inside) facts.ended = &*inside;
        co_return failed(said(facts, until, c));
    }

private:
    [[nodiscard]] fault said(timeout_facts facts, time_point until, call const& c) const;

    duration limit_;
    std::string name_;
};

}  // namespace coffer::inline COFFER_ABI

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/timeout.ipp>
#endif
