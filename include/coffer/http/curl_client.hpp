// SPDX-License-Identifier: BSL-1.0
#pragma once
// Sends HTTP requests through libcurl, each at most once, and says of every failure what it proves.
//
//     coffer::http::client client{io.get_executor()};
//     coffer::http::request r{"POST", "https://api.example.com/v1/chat", json};
//     r.headers.set("Content-Type", "application/json");
//     auto const answer = co_await client.send(std::move(r), clock.now() + 5min);   // outcome<response>
//     if (answer) use(answer->status, answer->body);
//     else        log(answer.error());                                              // kind, executed?, billed?

#include <coffer/asio.hpp>
#include <coffer/base/on_use.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/http/curl_engine.hpp>
#include <coffer/http/curl_options.hpp>
#include <coffer/http/curl_transfer.hpp>
#include <coffer/http/curl_url.hpp>
#include <coffer/http/request.hpp>
#include <coffer/http/request_check.hpp>
#include <coffer/http/response.hpp>
#include <coffer/http/transport.hpp>
#include <coffer/time/clock_service.hpp>
#include <coffer/time/sleep.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace coffer::inline COFFER_ABI::http {

namespace curl {

/// One transfer as the waiting coroutine holds it. Whatever becomes of the coroutine, nothing of the transfer stays.
class ride {
public:
    ride(std::shared_ptr<engine> e, std::shared_ptr<transfer> t) noexcept;
    ride(ride const&) = delete;
    ride& operator=(ride const&) = delete;
    ~ride();

    [[nodiscard]] wait_list& waits() noexcept { return transfer_->waits(); }
    /// Ends the ride, after the wait ended so. An answer that is there is taken, late as it may be: it was paid for.
    [[nodiscard]] outcome<response> end(wake why);

private:
    std::shared_ptr<engine> engine_;
    std::shared_ptr<transfer> transfer_;
};

}  // namespace curl

/// Counters since the client was made.
struct client_stats {
    std::uint64_t transfers = 0;  ///< started
    std::uint64_t connections = 0;  ///< sockets opened, lost races between two addresses included
    std::uint64_t resends_prevented = 0;  ///< times libcurl was about to send a request again by itself
    std::uint64_t spins = 0;  ///< times sockets were ready and libcurl did nothing, so that we slowed down
    std::uint64_t rebuilds = 0;  ///< times libcurl's multi handle failed and was replaced
    std::uint64_t socket_changes = 0;  ///< calls to epoll_ctl; a request on a kept connection makes none
};

/// A transport over libcurl, with its connections. Copies are handles of the same one: make one for the program, or one for
/// each set of options.
///
/// **Outcome, cancellation, deadline.** Those of `http::transport`: any status is a success, a fault says what it proves,
/// the coroutine that is cancelled resumes with a value, and no request is sent a second time.
/// **Lifetime.** A running transfer goes on when the last handle is gone. When the context of the executor is destroyed,
/// running transfers end with `aborted`, and later ones at once. While nothing runs, the context's `run()` may return.
/// **Thread safety.** All members from any thread, `send` awaited on any executor of any context; the work is done on a
/// strand of the executor given here.
class client {
public:
    /// Throws `std::system_error` or `std::runtime_error` if there are no descriptors, no memory or no usable libcurl, and
    /// `std::invalid_argument` for options that make no sense together.
    explicit client(asio::any_io_executor const& executor, client_options const& options = {})
        : engine_{curl::engine::make(executor, options)} {}

    /// Sends `r` and brings back the whole response; the contract is that of `http::transport`.
    ///
    /// The environment's proxies are not used, redirects are not followed, compression is not asked for.
    template <class = on_use>
    [[nodiscard]] awaitable<outcome<response>> send(request r, time_point deadline) const {
        return run(engine_, std::make_shared<curl::transfer>(std::move(r)), deadline);
    }

    /// As they are now; read one after the other while transfers run.
    [[nodiscard]] client_stats stats() const noexcept;

private:
    // Exactly one suspension: after the first cancellation Asio throws at the next one. And a small frame, for thousands
    // of them wait at a time.
    template <class = on_use>
    static awaitable<outcome<response>> run(std::shared_ptr<curl::engine> engine,
                                            std::shared_ptr<curl::transfer> transfer, time_point deadline) {
        auto const executor = co_await asio::this_coro::executor;
        auto const cancellation = co_await asio::this_coro::cancellation_state;
        bool const cancelled = cancellation.cancelled() != asio::cancellation_type::none;
        if (!begin(*engine, transfer, executor, cancelled, deadline)) co_return transfer->take_result();
        curl::ride ride{std::move(engine), std::move(transfer)};
        auto const why = co_await wait_until(clock_service::of(executor), deadline, &ride.waits());
        co_return ride.end(why);
    }

    /// Hands the transfer over to the engine. False if it is refused: its result says why.
    static bool begin(curl::engine& engine, std::shared_ptr<curl::transfer> const& transfer,
                      asio::any_io_executor const& executor, bool cancelled, time_point deadline);

    std::shared_ptr<curl::engine> engine_;
};

static_assert(transport<client>);

}  // namespace coffer::inline COFFER_ABI::http

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/http/curl_client.ipp>
#endif
