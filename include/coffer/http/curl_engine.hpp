// SPDX-License-Identifier: BSL-1.0
#pragma once
// Drives a libcurl multi handle on a strand: starts transfers, tells libcurl what became ready, takes what has ended.
//
// While nothing runs, nothing is waited for, so that `run()` of an idle context returns.

#include <coffer/http/curl_multi.hpp>
#include <coffer/http/curl_service.hpp>
#include <coffer/http/curl_sigpipe.hpp>
#include <coffer/http/curl_transfer.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace coffer::inline COFFER_ABI::http::curl {

/// Shared by the client's handles and by every coroutine that waits for a transfer, which so keeps it alive.
class engine final : public engine_base, public std::enable_shared_from_this<engine> {
public:
    /// Throws `std::system_error` when descriptors run out, `std::runtime_error` when libcurl cannot be used.
    [[nodiscard]] static std::shared_ptr<engine> make(asio::any_io_executor const& executor,
                                                      client_options const& options);
    ~engine() override { depart(); }

    /// Begins a transfer. False when the engine's context is gone. Any thread.
    [[nodiscard]] bool submit(std::shared_ptr<transfer> t);
    /// Ends a transfer that was left, and closes its connection. Any thread.
    void withdraw(std::shared_ptr<transfer> t);

    [[nodiscard]] asio::execution_context const* context() const noexcept { return context_; }
    [[nodiscard]] url_cache& urls() noexcept { return urls_; }
    [[nodiscard]] counters const& count() const noexcept { return count_; }

private:
    struct command {
        std::shared_ptr<curl::transfer> transfer;
        bool begin;
    };
    /// All that belongs to the context.
    struct active {
        active(asio::any_io_executor const& executor, settings const& s, counters& count);
        asio::strand<asio::any_io_executor> strand;
        curl::multi multi;
        easy_pool idle;
        std::optional<asio::steady_timer> slow_down;
    };
    static constexpr int rounds_at_once = 8;        // of timers that are due at once, before others get their turn
    static constexpr int idle_wakes_allowed = 256;  // in a row, before it is called spinning
    static constexpr std::chrono::milliseconds spin_pause{5};

    engine(asio::any_io_executor const& executor, client_options const& options);

    [[nodiscard]] easy_handle make_easy() noexcept;

    bool enqueue(command c);
    /// With the mutex.
    void schedule();

    // From here on: on the strand.

    void work_off_inbox();

    void start(std::shared_ptr<transfer> t);

    /// Takes a transfer out of libcurl. One that has not ended has its connection closed.
    void end(transfer& t);

    /// Does all that can be done now, then waits for more.
    void settle();

    void take_ended();

    void wait();
    void stop_waiting();
    void woken();

    /// An upload calls nobody back: before spinning is assumed, ask whether anything went out.
    [[nodiscard]] bool moved_bytes() noexcept;

    /// The multi handle failed as a whole: every transfer ends with what is known of it.
    void rebuild();

    COFFER_INLINE void close() noexcept override;

    settings const settings_;
    asio::execution_context const* const context_;

    url_cache urls_;

    std::mutex mutex_;
    std::vector<command> inbox_;
    bool scheduled_ = false;
    bool closed_ = false;

    counters count_;
    std::optional<active> active_;
    std::vector<std::shared_ptr<transfer>> transfers_;
    bool waiting_ = false;
    bool tls_ = false;  // there may be TLS connections
    int idle_wakes_ = 0;
    curl_off_t uploaded_ = 0;
};

}  // namespace coffer::inline COFFER_ABI::http::curl

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/http/curl_engine.ipp>
#endif
