// SPDX-License-Identifier: BSL-1.0
#pragma once
// A provider that charges, and says before how much that may be at the most; it keeps the true bill.

#include <coffer/asio.hpp>
#include <coffer/base/answer.hpp>
#include <coffer/base/fingerprint.hpp>
#include <coffer/base/money.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/attempt.hpp>
#include <coffer/call/describe.hpp>
#include <coffer/call/operation.hpp>
#include <coffer/time/sleep.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "policy/support/provider.hpp"

namespace support {

using namespace coffer::literals;

/// What comes of one send.
struct priced_end {
    coffer::money charged = 0.10_usd;  ///< really
    bool told = true;                  ///< does the answer say so?
    std::optional<coffer::fault> why{};  ///< instead of an answer
    coffer::duration after = 1s;
    std::string body = "answer";
};

/// One send, as the provider saw it.
struct priced_send {
    coffer::wall_time_point at;
    coffer::money charged;
    std::optional<std::int64_t> output_limit;
};

/// Copies share script and bill. For one thread.
class priced_provider {
public:
    priced_provider() : state_{std::make_shared<state>()} {}

    /// The upper bound that it gives for a request.
    [[nodiscard]] coffer::estimate& estimate() const { return state_->estimate; }
    priced_provider const& bound(coffer::money m) const {
        state_->estimate = {};
        state_->estimate.cost = m;
        return *this;
    }
    priced_provider const& then(priced_end e) const {
        state_->script.push_back(std::move(e));
        return *this;
    }
    /// Sends beyond the script; by default each costs $0.10 and takes a second.
    void otherwise(std::function<priced_end()> e) const { state_->otherwise = std::move(e); }
    /// Runs when a send begins.
    std::function<void()>& on_send() const { return state_->on_send; }

    [[nodiscard]] std::vector<priced_send> const& bill() const { return state_->bill; }
    /// How often it was asked what makes requests the same.
    [[nodiscard]] int fingerprints() const { return state_->fingerprints; }
    [[nodiscard]] int count() const { return static_cast<int>(state_->bill.size()); }
    [[nodiscard]] coffer::money charged() const {
        coffer::money sum;
        for (auto const& s : state_->bill) sum += s.charged;
        return sum;
    }

private:
    struct state {
        coffer::estimate estimate{.cost = 0.10_usd};
        std::deque<priced_end> script;
        std::function<priced_end()> otherwise = [] { return priced_end{}; };
        std::function<void()> on_send;
        std::vector<priced_send> bill;
        int fingerprints = 0;
    };

    static coffer::awaitable<coffer::outcome<coffer::answer>> run(std::shared_ptr<state> s,
                                                                  std::optional<std::int64_t> output_limit) {
        auto const executor = co_await asio::this_coro::executor;
        auto& service = coffer::clock_service::of(executor);
        if (s->on_send) s->on_send();
        priced_end mine;
        if (s->script.empty()) {
            mine = s->otherwise();
        } else {
            mine = std::move(s->script.front());
            s->script.pop_front();
        }
        s->bill.push_back({service.clock()->wall_now(), mine.charged, output_limit});
        if (mine.after > coffer::duration{}) {
            auto const until = coffer::later(service.clock()->now(), mine.after);
            auto const woke = co_await coffer::wait_until(service, until);
            if (woke == coffer::wake::cancelled)
                co_return coffer::failed(coffer::fault{coffer::fault_kind::cancelled}
                                             .with_execution(coffer::knowledge::maybe)
                                             .with_billing(coffer::knowledge::maybe));
        }
        if (mine.why) co_return coffer::failed(*mine.why);
        coffer::answer reply{mine.body, 200};
        reply.request_id = "req_" + std::to_string(s->bill.size());
        if (mine.told) reply.cost = mine.charged;
        co_return reply;
    }

public:
    /// The operation. Answers that begin with "bad" are defective, with "busy" an error that was not billed.
    class chat {
    public:
        explicit chat(std::shared_ptr<state> s) : state_{std::move(s)} {}

        coffer::awaitable<coffer::outcome<coffer::answer>> operator()(coffer::attempt& a, request const&) const {
            return run(state_, a.output_limit());
        }
        [[nodiscard]] coffer::target target(request const&) const { return {"fake", "model"}; }
        [[nodiscard]] coffer::fingerprint fingerprint(request const& r) const {
            ++state_->fingerprints;
            return coffer::fingerprint{}.with("prompt", r.prompt);
        }
        [[nodiscard]] coffer::estimate estimate(request const&) const { return state_->estimate; }
        [[nodiscard]] coffer::outcome<std::string> decode(coffer::answer const& a) const {
            if (a.body.starts_with("bad")) return coffer::failed(coffer::fault_kind::defective_answer, "bad");
            if (a.body.starts_with("busy")) return coffer::failed(coffer::fault_kind::overloaded, "busy");
            return a.body;
        }

    private:
        std::shared_ptr<state> state_;
    };
    [[nodiscard]] chat operation() const { return chat{state_}; }

private:
    std::shared_ptr<state> state_;
};

/// The account of a scope, all its parts added up.
inline coffer::account account_of(coffer::ledger_backend& ledger, std::string const& scope) {
    coffer::account sum;
    auto const all = ledger.accounts(scope);
    for (auto const& s : **all.get())
        if (s.scope == scope) sum += s.money_in;
    return sum;
}

}  // namespace support
