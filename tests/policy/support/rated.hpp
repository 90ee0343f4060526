// SPDX-License-Identifier: BSL-1.0
#pragma once
// A provider with rate limits: it says before how much a request may take, and afterwards what it took and what is left.

#include <coffer/asio.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/base/rate_facts.hpp>
#include <coffer/base/usage.hpp>
#include <coffer/call/attempt.hpp>
#include <coffer/call/describe.hpp>
#include <coffer/time/sleep.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "policy/support/provider.hpp"

namespace support {

inline coffer::usage used(std::int64_t input, std::int64_t output) {
    coffer::usage u;
    u.input_fresh = input;
    u.output = output;
    return u;
}

/// What comes of one send.
struct rated_end {
    std::optional<coffer::usage> used{};
    std::optional<coffer::fault> why{};  ///< instead of an answer
    coffer::rate_facts said{};
    coffer::duration after = 1s;
};

struct rated_send {
    coffer::time_point at;
    std::string name;
};

/// A request is "name input output": who asks, and how many tokens that may take; without numbers nobody knows. Copies share
/// script and memory. Any thread.
class rated_provider {
public:
    rated_provider() : state_{std::make_shared<state>()} {}

    rated_provider const& then(rated_end e) const {
        std::lock_guard const lock{state_->mutex};
        state_->script.push_back(std::move(e));
        return *this;
    }
    rated_provider const& fails(coffer::fault f, coffer::duration after = 1s) const {
        return then({.why = std::move(f), .after = after});
    }
    /// Sends beyond the script; by default each takes a second, and does not say what it used.
    void otherwise(std::function<rated_end(std::string const& name)> e) const { state_->otherwise = std::move(e); }

    [[nodiscard]] std::vector<rated_send> sends() const {
        std::lock_guard const lock{state_->mutex};
        return state_->sends;
    }
    [[nodiscard]] int count() const { return static_cast<int>(sends().size()); }
    /// Who was served, in order: "a b c".
    [[nodiscard]] std::string order() const {
        std::string text;
        for (auto const& s : sends()) text += (text.empty() ? "" : " ") + s.name;
        return text;
    }
    /// When, in whole milliseconds after `start`.
    [[nodiscard]] std::vector<std::int64_t> times(coffer::time_point start) const {
        std::vector<std::int64_t> all;
        for (auto const& s : sends()) all.push_back((s.at - start) / 1ms);
        return all;
    }

private:
    struct state {
        std::mutex mutex;
        std::deque<rated_end> script;
        std::function<rated_end(std::string const&)> otherwise = [](std::string const&) { return rated_end{}; };
        std::vector<rated_send> sends;
    };

    static coffer::awaitable<coffer::outcome<std::string>> run(std::shared_ptr<state> s, coffer::attempt& a,
                                                               std::string name) {
        auto const executor = co_await asio::this_coro::executor;
        auto& service = coffer::clock_service::of(executor);
        rated_end mine;
        {
            std::lock_guard const lock{s->mutex};
            s->sends.push_back({service.clock()->now(), name});
            if (s->script.empty()) {
                mine = s->otherwise(name);
            } else {
                mine = std::move(s->script.front());
                s->script.pop_front();
            }
        }
        if (mine.after > coffer::duration{}) {
            auto const until = coffer::later(service.clock()->now(), mine.after);
            if (co_await coffer::wait_until(service, until) == coffer::wake::cancelled)
                co_return coffer::failed(coffer::fault{coffer::fault_kind::cancelled}
                                             .with_execution(coffer::knowledge::maybe)
                                             .with_billing(coffer::knowledge::maybe));
        }
        if (mine.used) a.report(*mine.used);
        if (mine.said.any()) a.report_rate(mine.said);
        if (mine.why) co_return coffer::failed(*mine.why);
        co_return name;
    }

public:
    class chat {
    public:
        explicit chat(std::shared_ptr<state> s) : state_{std::move(s)} {}

        coffer::awaitable<coffer::outcome<std::string>> operator()(coffer::attempt& a, request const& r) const {
            return run(state_, a, r.prompt.substr(0, r.prompt.find(' ')));
        }
        [[nodiscard]] coffer::estimate estimate(request const& r) const {
            std::istringstream text{r.prompt};
            std::string name;
            coffer::estimate e;
            text >> name >> e.input_tokens >> e.output_tokens;
            return e;
        }

    private:
        std::shared_ptr<state> state_;
    };
    [[nodiscard]] chat operation() const { return chat{state_}; }

private:
    std::shared_ptr<state> state_;
};

}  // namespace support
