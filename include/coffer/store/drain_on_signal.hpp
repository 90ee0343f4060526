// SPDX-License-Identifier: BSL-1.0
#pragma once
// A process that is told to end, by SIGTERM or Ctrl-C, brings home what it has paid for and then ends.
//
//     asio::co_spawn(io, coffer::drain_on_signal(db, 30s), [&io](std::exception_ptr, coffer::drain_report) { io.stop(); });

#include <coffer/asio.hpp>
#include <coffer/base/on_use.hpp>
#include <coffer/store/drain.hpp>

#include COFFER_ASIO_HEADER(bind_executor.hpp)
#include COFFER_ASIO_HEADER(signal_set.hpp)

#include <csignal>
#include <exception>
#include <memory>
#include <system_error>
#include <utility>

namespace coffer::inline COFFER_ABI {

namespace detail {

struct drain_end {
    std::exception_ptr thrown;
    drain_report report;
};

}  // namespace detail

/// Waits for SIGTERM or SIGINT, then drains the store for at most `within`; a second signal ends the waiting.
///
/// While it waits for a signal, the context's `run()` does not return: emit a cancellation on the slot that it was spawned
/// with when the program has nothing more to do, or stop the context. Orchestrators kill after a grace period (Kubernetes:
/// 30 s by default): `within` should be shorter. Other handlers of these signals in the process still run, if they are
/// Asio's. Cancelled later, it stops waiting and returns what is left undone. Throws `std::system_error` if the signals
/// cannot be waited for, and `operation_aborted` when it is cancelled before one came.
template <class = on_use>
awaitable<drain_report> drain_on_signal(store s, duration within) {
    auto const executor = co_await asio::this_coro::executor;
    asio::signal_set signals{executor, SIGTERM, SIGINT};
    co_await signals.async_wait(asio::use_awaitable);

    // The drain on a strand, on which alone it may be told to stop waiting.
    auto const enough = std::make_shared<asio::cancellation_signal>();
    auto const strand = asio::make_strand(executor);
    completion<detail::drain_end> drained;
    auto const ended = [drained, enough](std::exception_ptr thrown, drain_report report) {
        drained.set({std::move(thrown), std::move(report)});
    };
    asio::co_spawn(strand, drain(std::move(s), within), asio::bind_cancellation_slot(enough->slot(), ended));
    signals.async_wait(asio::bind_executor(strand, [enough](detail::asio_error_code error, int) {
        if (!error) enough->emit(asio::cancellation_type::terminal);
    }));
    auto& service = clock_service::of(executor);
    if (co_await drained.wait(service, time_point::max()) == wake::cancelled) {
        // What is left undone has to be told all the same.
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        asio::post(strand, [enough] { enough->emit(asio::cancellation_type::terminal); });
        co_await drained.wait(service, time_point::max());
    }
    if (drained.get()->thrown) std::rethrow_exception(drained.get()->thrown);
    co_return drained.get()->report;
}

}  // namespace coffer::inline COFFER_ABI
