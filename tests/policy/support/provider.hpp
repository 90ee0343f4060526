// SPDX-License-Identifier: BSL-1.0
#pragma once
// A provider that does as it is told, remembers every send, and keeps a ledger of its own; and callers that ask it.

#include <coffer/asio.hpp>
#include <coffer/base/answer.hpp>
#include <coffer/base/fingerprint.hpp>
#include <coffer/base/money.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/attempt.hpp>
#include <coffer/call/call.hpp>
#include <coffer/call/guarded.hpp>
#include <coffer/call/operation.hpp>
#include <coffer/time/sleep.hpp>

#include <asio/io_context.hpp>

#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace support {

using namespace std::chrono_literals;

/// A request. Copying it can be made to throw.
struct request {
    explicit request(std::string p = "prompt") : prompt{std::move(p)} {}
    request(request const& other) : prompt{other.prompt}, on_copy{other.on_copy} {
        if (on_copy) on_copy();
    }
    request(request&&) = default;
    request& operator=(request const&) = delete;

    std::string prompt;
    std::function<void()> on_copy;
};

/// One send, as the provider saw it.
struct seen {
    coffer::time_point at;
    std::string prompt;
    int attempt = 0;
    coffer::time_point deadline;
    std::string provider_key;
    std::optional<coffer::time_point> cut_at{};
};

/// Copies share script and memory. Any thread.
class provider {
public:
    using ending = std::function<coffer::outcome<coffer::answer>()>;

    /// What the next send without a step of its own ends with.
    provider() : state_{std::make_shared<state>()} {}

    provider& then(ending e, coffer::duration after = 1s) {
        std::lock_guard const lock{state_->mutex};
        state_->script.push_back({std::move(e), after});
        return *this;
    }
    provider& answer(std::string body, coffer::duration after = 1s) {
        return then([body] { return coffer::answer{body, 200}; }, after);
    }
    provider& fail(coffer::fault f, coffer::duration after = 1s) {
        return then([f]() -> coffer::outcome<coffer::answer> { return coffer::failed(f); }, after);
    }
    provider& fail(coffer::fault_kind k, coffer::duration after = 1s) { return fail(coffer::fault{k}, after); }
    template <class E>
    provider& throws(E e, coffer::duration after = 1s) {
        return then([e]() -> coffer::outcome<coffer::answer> { throw e; }, after);
    }
    /// Nothing comes until it is cut off.
    provider& never() { return then({}, coffer::duration::max()); }
    /// Sends beyond the script.
    provider& otherwise(ending e, coffer::duration after = 1s) {
        state_->otherwise = {std::move(e), after};
        return *this;
    }

    [[nodiscard]] std::vector<seen> sends() const {
        std::lock_guard const lock{state_->mutex};
        return {state_->sends.begin(), state_->sends.end()};
    }
    [[nodiscard]] int count() const { return static_cast<int>(sends().size()); }
    [[nodiscard]] int decoded() const {
        std::lock_guard const lock{state_->mutex};
        return state_->decoded;
    }

    /// Runs where its name says; may throw.
    std::function<void(request const&)>& on_start() { return state_->on_start; }
    std::function<void()>& on_decode() { return state_->on_decode; }
    std::function<void()>& on_fingerprint() { return state_->on_fingerprint; }
    std::function<void()>& on_bill() { return state_->on_bill; }
    std::function<void()>& on_target() { return state_->on_target; }

private:
    struct step {
        ending end;
        coffer::duration after{};
    };
    struct state {
        std::mutex mutex;
        std::deque<step> script;
        step otherwise{[]() -> coffer::outcome<coffer::answer> {
                           return coffer::failed(coffer::fault_kind::not_sent, "the script has come to its end");
                       },
                       0s};
        std::deque<seen> sends;
        int decoded = 0;
        std::function<void(request const&)> on_start;
        std::function<void()> on_decode, on_fingerprint, on_bill, on_target;
    };

    static coffer::awaitable<coffer::outcome<coffer::answer>> run(std::shared_ptr<state> s, std::string prompt,
                                                                  int attempt, coffer::time_point deadline,
                                                                  std::string provider_key) {
        auto const executor = co_await asio::this_coro::executor;
        auto& service = coffer::clock_service::of(executor);
        auto const now = service.clock()->now();
        step mine;
        seen* me = nullptr;
        {
            std::lock_guard const lock{s->mutex};
            mine = s->script.empty() ? s->otherwise : std::move(s->script.front());
            if (!s->script.empty()) s->script.pop_front();
            me = &s->sends.emplace_back(seen{now, std::move(prompt), attempt, deadline, std::move(provider_key)});
        }
        auto const until = mine.after == coffer::duration::max() ? coffer::time_point::max() : now + mine.after;
        auto const woke = mine.after == 0s ? coffer::wake::elapsed : co_await coffer::wait_until(service, until);
        if (woke == coffer::wake::cancelled) {
            std::lock_guard const lock{s->mutex};
            me->cut_at = service.clock()->now();
            co_return coffer::failed(coffer::fault{coffer::fault_kind::cancelled}
                                         .with_execution(coffer::knowledge::maybe)
                                         .with_billing(coffer::knowledge::maybe));
        }
        co_return mine.end();
    }

public:
    /// The operation. Answers that begin with "bad" are defective; with "refused", a refusal of the request, which is billed;
    /// with "busy", an error inside a 200 that was not billed.
    class chat {
    public:
        explicit chat(std::shared_ptr<state> s) : state_{std::move(s)} {}

        coffer::awaitable<coffer::outcome<coffer::answer>> operator()(coffer::attempt& a, request const& r) const {
            if (state_->on_start) state_->on_start(r);
            return run(state_, r.prompt, a.number(), a.deadline(), a.provider_key());
        }
        [[nodiscard]] coffer::target target(request const&) const {
            if (state_->on_target) state_->on_target();
            return {"fake", "model"};
        }
        [[nodiscard]] coffer::fingerprint fingerprint(request const& r) const {
            if (state_->on_fingerprint) state_->on_fingerprint();
            return coffer::fingerprint{}.with("model", "m").with("prompt", r.prompt);
        }
        [[nodiscard]] coffer::outcome<std::string> decode(coffer::answer const& a) const {
            {
                std::lock_guard const lock{state_->mutex};
                ++state_->decoded;
            }
            if (state_->on_decode) state_->on_decode();
            if (a.body.starts_with("bad"))
                return coffer::failed(coffer::fault_kind::defective_answer, "it says " + a.body);
            if (a.body.starts_with("refused"))
                return coffer::failed(coffer::fault{coffer::fault_kind::content_policy, "it refuses"}.with_billing(
                    coffer::knowledge::yes));
            if (a.body.starts_with("busy"))
                return coffer::failed(coffer::fault_kind::overloaded, "an error inside a 200");
            return a.body;
        }
        [[nodiscard]] coffer::billed bill(coffer::answer const&) const {
            if (state_->on_bill) state_->on_bill();
            using namespace coffer::literals;
            return {{}, 0.01_usd};
        }

    private:
        std::shared_ptr<state> state_;
    };

    [[nodiscard]] chat operation() const { return chat{state_}; }

private:
    std::shared_ptr<state> state_;
};

using guarded = coffer::guarded<std::string(request const&)>;

/// What became of one call.
struct asked {
    bool over = false;
    std::optional<coffer::outcome<std::string>> result;
    std::exception_ptr thrown;
    coffer::attempt_log log;
    std::optional<coffer::money> cost;
    coffer::answer_origin origin = coffer::answer_origin::none;
    bool stored = false;
    std::optional<coffer::target> answered_by;
    std::optional<coffer::key> record_key;
    coffer::time_point ended{};
    bool at_home = false;  ///< resumed in its own context

    [[nodiscard]] bool ok() const { return result && result->has_value(); }
    [[nodiscard]] std::string text() const {
        if (ok()) return **result;
        if (result)
            return "fault " + std::string{to_string(result->error().kind())} + ": " +
                   std::string{result->error().message()};
        return thrown ? "exception" : "nothing";
    }
    [[nodiscard]] bool failed(coffer::fault_kind k) const {
        return result && !result->has_value() && result->error().kind() == k;
    }
    [[nodiscard]] coffer::fault const& why() const { return result.value().error(); }
    template <class E>
    [[nodiscard]] bool threw() const {
        if (!thrown) return false;
        try {
            std::rethrow_exception(thrown);
        } catch (E const&) {
            return true;
        } catch (...) {
            return false;
        }
    }
};

/// A call on its way. Copies are handles.
class caller {
public:
    [[nodiscard]] asked const* operator->() const { return &state_->said; }
    [[nodiscard]] asked const& operator*() const { return state_->said; }
    /// In the caller's context, or while nothing runs.
    void cancel() const { state_->signal.emit(asio::cancellation_type::terminal); }

    static caller begin(asio::any_io_executor const& executor, guarded ask, coffer::call c, request r) {
        caller me;
        asio::co_spawn(executor, run(std::move(ask), std::move(c), std::move(r), me.state_),
                       asio::bind_cancellation_slot(me.state_->signal.slot(), keeper{me.state_}));
        return me;
    }

private:
    struct state {
        asked said;
        asio::cancellation_signal signal;
    };
    struct keeper {
        std::shared_ptr<state> kept;
        void operator()(std::exception_ptr const&) const {}
    };

    static coffer::awaitable<void> run(guarded ask, coffer::call c, request r, std::shared_ptr<state> s) {
        auto const executor = co_await asio::this_coro::executor;
        auto& said = s->said;
        try {
            auto result = co_await ask.try_call(c, r);
            said.result.emplace(std::move(result));
        } catch (...) {
            said.thrown = std::current_exception();
        }
        if (auto const* const home = executor.target<asio::io_context::executor_type>())
            said.at_home = home->running_in_this_thread();
        said.log = c.log();
        said.cost = c.cost();
        said.origin = c.origin();
        said.stored = c.stored();
        said.answered_by = c.answered_by();
        if (c.keyed()) said.record_key = c.record_key();
        said.ended = coffer::clock_service::of(executor).clock()->now();
        said.over = true;
    }

    std::shared_ptr<state> state_ = std::make_shared<state>();
};

}  // namespace support
