// SPDX-License-Identifier: BSL-1.0
#pragma once
// Carries out a rule's kill order on the client's process, at the moment the rule names, and waits until it shows:
// what the simulator does next, it does with a client that is really dead, or really stopped.

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <optional>
#include <string>

#include "base/json.hpp"
#include "faults/fault.hpp"
#include "process/process.hpp"

namespace provider_sim {

class executioner {
public:
    /// No order: nothing ever happens. An order without a target is reported, not ignored: see report().
    executioner(std::optional<kill_order> order, std::optional<process> target, std::string why_no_target);

    [[nodiscard]] bool waits_for(kill_moment moment) const noexcept { return order_ && order_->moment == moment; }

    /// Stops the client before its last byte is written, so that it cannot act on them before it is killed.
    asio::awaitable<void> hold();

    /// The moment has come.
    asio::awaitable<void> strike();

    /// {"moment", "signal", "pid", "result"}, or null if there is no order. The result is "gone", "stopped", "already
    /// gone", "still there after 5 s", the reason why nobody could be signalled, or null if the moment never came.
    [[nodiscard]] record report() const;
    [[nodiscard]] bool struck() const noexcept { return !result_.empty(); }

private:
    asio::awaitable<void> wait_until(bool (process::*state)() const);
    void continue_later(asio::any_io_executor const& executor) const;

    std::optional<kill_order> order_;
    std::optional<process> target_;
    std::string why_no_target_;
    std::string result_;
};

}  // namespace provider_sim
