// SPDX-License-Identifier: BSL-1.0
#pragma once
// Runs what a test awaits, and brings its result out of the coroutine.

#include <coffer/asio.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/http/curl_client.hpp>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

namespace coffer::inline COFFER_ABI::http::tests {

using namespace std::chrono_literals;
using result = outcome<response>;

[[nodiscard]] inline time_point in(duration d) { return std::chrono::steady_clock::now() + d; }

/// A request as a program of ours would send it. The canary must be seen by the server and by nobody else.
inline constexpr char canary[] = "sk-canary-3f9a";
[[nodiscard]] inline request post(std::string url, std::string body = R"({"model":"m"})") {
    request r{"POST", std::move(url), std::move(body)};
    r.headers.set("Content-Type", "application/json");
    r.headers.set("Authorization", std::string{"Bearer "} + canary);
    return r;
}

/// One send that runs on an executor. Must outlive its end.
class sending {
public:
    sending(asio::any_io_executor const& executor, client c, request r, time_point deadline) {
        asio::co_spawn(
            executor, run(std::move(c), std::move(r), deadline),
            asio::bind_cancellation_slot(stop_.slot(), [this](std::exception_ptr e, std::optional<result> got) {
                thrown_ = e;
                result_ = std::move(got);
            }));
    }
    sending(sending const&) = delete;
    sending& operator=(sending const&) = delete;

    /// On the executor's thread.
    void cancel(asio::cancellation_type type = asio::cancellation_type::terminal) { stop_.emit(type); }
    [[nodiscard]] bool ended() const noexcept { return result_.has_value() || thrown_ != nullptr; }
    [[nodiscard]] bool threw() const noexcept { return thrown_ != nullptr; }
    [[nodiscard]] result const& get() const { return result_.value(); }
    [[nodiscard]] fault const& error() const { return result_.value().error(); }

private:
    // An outcome has no default constructor, which co_spawn asks of a result.
    static awaitable<std::optional<result>> run(client c, request r, time_point deadline) {
        std::optional<result> got;
        got.emplace(co_await c.send(std::move(r), deadline));
        co_return got;
    }

    asio::cancellation_signal stop_;
    std::exception_ptr thrown_;
    std::optional<result> result_;
};

/// Sends and runs the context until it is done.
[[nodiscard]] inline result send(asio::io_context& io, client const& c, request r, time_point deadline = in(20s)) {
    sending s{io.get_executor(), c, std::move(r), deadline};
    io.restart();
    io.run();
    if (!s.ended()) return failed(fault_kind::permanent, "the send did not end");
    return s.get();
}

/// A context that a thread of its own runs.
class running_context {
public:
    running_context() : thread_{[this] { io_.run(); }} {}
    running_context(running_context const&) = delete;
    running_context& operator=(running_context const&) = delete;
    ~running_context() {
        work_.reset();
        thread_.join();
    }
    /// Does not wait for what is under way.
    void stop() { io_.stop(); }
    [[nodiscard]] asio::io_context::executor_type executor() noexcept { return io_.get_executor(); }

private:
    asio::io_context io_;
    asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
    std::thread thread_;
};

/// The whole fault as people see it.
[[nodiscard]] inline std::string text(fault const& f) {
    std::ostringstream out;
    out << f;
    return out.str();
}

}  // namespace coffer::inline COFFER_ABI::http::tests
