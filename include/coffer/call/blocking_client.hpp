// SPDX-License-Identifier: BSL-1.0
#pragma once
// Calls from programs without coroutines and without a context: a thread of its own runs them, and the caller's waits.

#include <coffer/asio.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/call.hpp>

#include COFFER_ASIO_HEADER(executor_work_guard.hpp)
#include COFFER_ASIO_HEADER(io_context.hpp)

#include <concepts>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

// GCC takes every closure in a coroutine's frame for one of an anonymous namespace and warns in whoever includes this.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

namespace coffer::inline COFFER_ABI {

/// A context and the thread that runs it, for programs that block.
///
///     coffer::blocking_client client;                                    // one for the program
///     llm::openai openai{coffer::http::client{client.executor()}, llm::api_key_from_env()};
///     auto const ask = coffer::pipeline{coffer::retry{}}.wrap(openai.chat);
///     llm::reply const reply = client.run(ask, call, request);           // blocks; throws coffer::failure
///
/// Any number of threads may call at once; none of them has to be the one that made it. A caller that waits cannot be
/// interrupted: the call's deadline ends its wait. All calls run on the one thread, so what is wrapped must not block it.
/// The destructor waits until everything is done that was begun here: also a send that is paid for and that nobody waits
/// for any more (five minutes, by default). What was made with its executor must not outlive it.
class blocking_client {
public:
    /// Throws `std::system_error` if there is no thread to be had.
    blocking_client();
    blocking_client(blocking_client const&) = delete;
    blocking_client& operator=(blocking_client const&) = delete;
    ~blocking_client() {
        work_.reset();
        thread_.join();
    }

    /// For transports and clients whose work shall run here. Any thread.
    [[nodiscard]] asio::any_io_executor executor() noexcept { return io_.get_executor(); }

    /// Makes a call and waits for its end. Throws `failure`, `misuse` and `std::bad_alloc`; `misuse` also in the client's own
    /// thread, which would wait for itself.
    template <class Ask, class... Args>
    auto run(Ask const& ask, call& c, Args const&... args) {
        return value_or_throw(try_run(ask, c, args...));
    }
    /// The same with a call that nobody looks at afterwards.
    template <class Ask, class... Args>
    auto run(Ask const& ask, call&& c, Args const&... args) {
        return run(ask, c, args...);
    }
    /// The same, and gives an outcome.
    template <class Ask, class... Args>
    auto try_run(Ask const& ask, call& c, Args const&... args) {
        return wait_for(ask.try_call(c, args...));
    }
    /// The same with a call that nobody looks at afterwards.
    template <class Ask, class... Args>
    auto try_run(Ask const& ask, call&& c, Args const&... args) {
        return try_run(ask, c, args...);
    }
    /// For whoever forgets the call: a message.
    template <class Ask, class First, class... Args>
        requires(!std::derived_from<First, call>)
    void run(Ask const&, First const&, Args const&...) {
        static_assert(std::same_as<First, call>,
                      "coffer: after the handle comes the call: client.run(ask, coffer::call{key, 2min}, args...)");
    }
    /// For whoever forgets the call: a message.
    template <class Ask, class First, class... Args>
        requires(!std::derived_from<First, call>)
    void try_run(Ask const&, First const&, Args const&...) {
        static_assert(std::same_as<First, call>,
                      "coffer: after the handle comes the call: client.try_run(ask, coffer::call{key, 2min}, args...)");
    }
    /// Runs any coroutine and waits for its result: `client.wait_for(db.acknowledge(key))`. What it throws is thrown here.
    template <class T>
    T wait_for(awaitable<T> running) {
        if (std::this_thread::get_id() == thread_.get_id())
            throw misuse{"coffer::blocking_client: its own thread would wait for itself; use co_await there"};
        std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> result;
        auto const ended = std::make_shared<std::promise<void>>();
        auto done = ended->get_future();
        asio::co_spawn(io_, keep(std::move(running), result), [ended](std::exception_ptr const& thrown) {
            if (thrown) ended->set_exception(thrown);
            else ended->set_value();
        });
        done.get();
        if constexpr (!std::is_void_v<T>) return *std::move(result);
    }

private:
    template <class T, class Result>
    static awaitable<void> keep(awaitable<T> running, Result& result) {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(running);
            result.emplace(true);
        } else {
            auto value = co_await std::move(running);
            result.emplace(std::move(value));
        }
    }

    asio::io_context io_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
    std::thread thread_;
};

}  // namespace coffer::inline COFFER_ABI

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/call/blocking_client.ipp>
#endif
