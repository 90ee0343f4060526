// SPDX-License-Identifier: BSL-1.0
#include "process/executioner.hpp"

#include <signal.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>

namespace provider_sim {
namespace {

constexpr std::chrono::seconds patience{5};
constexpr std::chrono::milliseconds between_looks{1};
constexpr auto too_long = "still there after 5 s";

asio::awaitable<void> continue_after(process target, milliseconds delay) {
    asio::steady_timer timer{co_await asio::this_coro::executor, delay};
    co_await timer.async_wait(asio::use_awaitable);
    target.signal(SIGCONT);
}

}  // namespace

executioner::executioner(std::optional<kill_order> order, std::optional<process> target, std::string why_no_target)
    : order_{order}, target_{target}, why_no_target_{std::move(why_no_target)} {}

asio::awaitable<void> executioner::hold() {
    if (target_ && target_->signal(SIGSTOP)) co_await wait_until(&process::stopped);
}

asio::awaitable<void> executioner::strike() {
    if (!target_) {
        result_ = why_no_target_;
        co_return;
    }
    bool const kill = order_->signal == kill_signal::kill;
    if (!target_->signal(kill ? SIGKILL : SIGSTOP)) {
        result_ = "already gone";
        co_return;
    }
    co_await wait_until(kill ? &process::gone : &process::stopped);
    result_ = target_->gone() ? "gone" : target_->stopped() && !kill ? "stopped" : too_long;
    if (!order_->cont_after) co_return;
    auto const executor = co_await asio::this_coro::executor;
    continue_later(executor);
}

// Until that, or the end of the process, or the end of our patience.
asio::awaitable<void> executioner::wait_until(bool (process::*state)() const) {
    asio::steady_timer timer{co_await asio::this_coro::executor};
    auto const deadline = std::chrono::steady_clock::now() + patience;
    while (!((*target_).*state)() && !target_->gone() && std::chrono::steady_clock::now() < deadline) {
        timer.expires_after(between_looks);
        co_await timer.async_wait(asio::use_awaitable);
    }
}

void executioner::continue_later(asio::any_io_executor const& executor) const {
    asio::co_spawn(executor, continue_after(*target_, *order_->cont_after), asio::detached);
}

record executioner::report() const {
    if (!order_) return nullptr;
    return {{"moment", word_of(moment_words, order_->moment)},
            {"signal", word_of(signal_words, order_->signal)},
            {"pid", target_ ? record(target_->pid()) : record(nullptr)},
            {"result", result_.empty() ? record(nullptr) : record(result_)}};
}

}  // namespace provider_sim
