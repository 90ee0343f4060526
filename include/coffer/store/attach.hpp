// SPDX-License-Identifier: BSL-1.0
#pragma once
// Looking for an answer without ever paying for one: for whoever did not start the work and only wants its result.
//
//     // A web handler that answered 202 some time ago:
//     auto found = co_await coffer::attach(db, coffer::key{"report", tenant, title}, openai.chat, 10s);
//     if (found) respond(200, found->text);
//     else if (found.error().kind() == coffer::fault_kind::in_progress) respond(202);

#include <coffer/asio.hpp>
#include <coffer/base/codec.hpp>
#include <coffer/base/on_use.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/operation.hpp>
#include <coffer/call/send.hpp>
#include <coffer/store/flight_table.hpp>
#include <coffer/store/store.hpp>
#include <coffer/time/sleep.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <optional>
#include <utility>

namespace coffer::inline COFFER_ABI {
namespace detail {

/// What a record says to somebody who only looks: its answer, why there is none, or nothing while that may change.
[[nodiscard]] std::optional<outcome<shared_answer>> told_by(record const& r);

/// What a flight says once it has landed; nothing if another one follows, or if it says something of its callers (their
/// time was up, they left) and not of the key.
[[nodiscard]] std::optional<outcome<shared_answer>> told_by(landing const& how);

[[nodiscard]] fault still_nothing(bool at_work);

/// How `decode_answer` is told what it decodes for.
template <class R, bool HasDecode>
struct attached {
    using value_type = R;
    static constexpr bool has_decode = HasDecode;
};
template <class Op>
struct decoder {
    Op operation;
};
struct no_operation {};

}  // namespace detail

/// The raw answer under `k`, waited for as long as `within`; zero looks once.
///
/// Never sends, never claims, keeps nobody else's work alive and changes nothing. Work in this process is watched; another
/// process's is looked for in the store, every 20 to 250 ms.
///
/// Faults: `in_progress` if there is no answer in time (also if nothing is known of the key: somebody may be about to begin),
/// the fault that the work ended with, `unresolved`, `already_done`, `result_expired`, `store_unavailable`, `cancelled`.
/// Throws `misuse` for a key made with `key::of_request`: use the call's `record_key()`. Thread safety: any thread.
template <std::same_as<on_use> = on_use>
awaitable<outcome<shared_answer>> attach(store s, key k, duration within) {
    using namespace std::chrono_literals;
    auto const executor = co_await asio::this_coro::executor;
    auto& service = clock_service::of(executor);
    auto const clock = service.clock();
    auto& backend = *s.backend();
    backend.bind(clock);
    auto const id = named_by(backend, k);
    auto const until = coffer::later(clock->now(), within);

    for (duration poll = 20ms;; poll = std::min<duration>(2 * poll, 250ms)) {
        if (auto const here = backend.flights().board(id, [](flight&) { return true; })) {
            auto const woke = co_await here->landed().wait(service, until);
            if (woke == wake::cancelled) co_return failed(fault_kind::cancelled, "left while waiting for an answer");
            if (auto const* const how = here->landed().get()) {
                if (auto told = detail::told_by(*how)) co_return *std::move(told);
            } else if (auto const paid = here->accepted()) {
                co_return paid->what;  // it is not stored yet
            } else {
                co_return failed(detail::still_nothing(true));
            }
        }
        auto const looked_up = backend.peek(id);
        if (co_await looked_up.wait(service, time_point::max()) == wake::cancelled)
            co_return failed(fault_kind::cancelled, "left while the store was looked into");
        auto const& found = *looked_up.get();
        if (!found) co_return failed(found.error());
        bool at_work = false;
        if (*found != nullptr) {
            if (auto told = detail::told_by(**found)) co_return *std::move(told);
            at_work = (*found)->held;
        }
        auto const now = clock->now();
        if (now >= until) co_return failed(detail::still_nothing(at_work));
        if (co_await wait_until(service, std::min(until, coffer::later(now, poll))) == wake::cancelled)
            co_return failed(fault_kind::cancelled, "left while waiting for an answer");
    }
}

/// The same, decoded as `operation` (a copy of it) decodes: `openai.chat`, or what `describe(fn).decode(...)` gave.
template <class Op>
    requires(
        !detail::is_absent<decltype(detail::decode_with(std::declval<Op const&>(), std::declval<answer const&>()))>)
auto attach(store s, key k, Op operation, duration within) -> awaitable<
    outcome<typename decltype(detail::decode_with(operation, std::declval<answer const&>()))::value_type>> {
    using value_type = typename decltype(detail::decode_with(operation, std::declval<answer const&>()))::value_type;
    detail::decoder<Op> const decoder{std::move(operation)};
    auto found = co_await attach(std::move(s), std::move(k), within);
    if (!found) co_return failed(std::move(found).error());
    co_return detail::decode_answer<detail::attached<value_type, true>>(decoder, **found);
}

/// The same for a result that was kept by its `codec`: `attach<std::string>(db, key, 10s)`.
template <encodable R>
awaitable<outcome<R>> attach(store s, key k, duration within) {
    auto found = co_await attach(std::move(s), std::move(k), within);
    if (!found) co_return failed(std::move(found).error());
    co_return detail::decode_answer<detail::attached<R, false>>(detail::decoder<detail::no_operation>{}, **found);
}

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/attach.ipp>
#endif
