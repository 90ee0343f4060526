// SPDX-License-Identifier: BSL-1.0
#pragma once
// A transport that answers from a script, in real or virtual time, and remembers what it was asked to send.
//
//     coffer::testing::scripted_transport fake;
//     fake.answer(http::response{200, R"({"ok":true})"}, 2s)
//         .fail(coffer::fault{coffer::fault_kind::ambiguous})
//         .stall();                                              // nothing comes: the deadline or a cancellation ends it
//     llm::openai_client llm{fake, key};                         // copies share the script

#include <coffer/asio.hpp>
#include <coffer/base/on_use.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/http/request.hpp>
#include <coffer/http/request_check.hpp>
#include <coffer/http/response.hpp>
#include <coffer/http/transport.hpp>
#include <coffer/time/clock_service.hpp>
#include <coffer/time/sleep.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::testing {

/// Answers the n-th request with the n-th step of its script, or by a function. Copies share script and record. Any
/// thread.
///
/// It keeps the contract of `http::transport`: a request refused by `http::check` is no step and not recorded as sent;
/// a cancellation or a deadline before `connect` has passed is proven unsent, after it is not.
class scripted_transport {
public:
    /// Gives each request its response, or a fault.
    using responder = std::function<outcome<http::response>(http::request const&)>;

    scripted_transport() : state_{std::make_shared<state>()} {}

    /// The next request gets `r`, `after` it was sent.
    scripted_transport& answer(http::response r, duration after = {}) { return then(std::move(r), after); }
    /// The next request ends with `f`. A fault whose execution is `no` counts as not sent.
    scripted_transport& fail(fault f, duration after = {}) { return then(failed(std::move(f)), after); }
    /// The next request is sent, and nothing comes back.
    scripted_transport& stall() { return then(failed(fault_kind::timed_out), duration::max()); }
    /// Requests beyond the script are answered by `f`, which sees each; without it they are `not_sent`.
    scripted_transport& otherwise(responder f, duration after = {}) {
        std::lock_guard const lock{state_->mutex};
        state_->otherwise = std::move(f);
        state_->otherwise_after = after;
        return *this;
    }
    /// How long connecting takes from now on, before anything is sent.
    scripted_transport& connect(duration d) {
        std::lock_guard const lock{state_->mutex};
        state_->connect = d;
        return *this;
    }

    /// The requests that may have reached the other side, in order.
    [[nodiscard]] std::vector<http::request> sent() const {
        std::lock_guard const lock{state_->mutex};
        std::vector<http::request> requests;
        for (auto const& e : state_->entries)
            if (e.sent) requests.push_back(e.request);
        return requests;
    }
    /// Steps that no request has taken yet.
    [[nodiscard]] std::size_t steps_left() const {
        std::lock_guard const lock{state_->mutex};
        return state_->steps.size();
    }

    /// Plays the next step. See `http::transport` for what is kept to.
    template <class = on_use>
    [[nodiscard]] awaitable<outcome<http::response>> send(http::request r, time_point deadline) const {
        return run(state_, std::move(r), deadline);
    }

private:
    struct step {
        outcome<http::response> result;
        duration after;
    };
    struct entry {
        http::request request;
        bool sent;
    };
    struct state {
        std::mutex mutex;
        std::deque<step> steps;
        responder otherwise;
        duration otherwise_after{};
        duration connect{};
        std::deque<entry> entries;  // in the order of the calls
    };

    scripted_transport& then(outcome<http::response> result, duration after) {
        std::lock_guard const lock{state_->mutex};
        state_->steps.push_back({std::move(result), after});
        return *this;
    }

    static step next(state& s, http::request const& r) {
        responder f;
        duration after{};
        {
            std::lock_guard const lock{s.mutex};
            if (!s.steps.empty()) {
                auto taken = std::move(s.steps.front());
                s.steps.pop_front();
                return taken;
            }
            f = s.otherwise;
            after = s.otherwise_after;
        }
        if (!f) return {failed(fault_kind::not_sent, "the script has come to its end"), {}};
        return {f(r), after};
    }

    template <class = on_use>
    static awaitable<outcome<http::response>> run(std::shared_ptr<state> s, http::request r, time_point deadline) {
        auto const executor = co_await asio::this_coro::executor;
        auto const cancellation = co_await asio::this_coro::cancellation_state;
        auto& service = clock_service::of(executor);
        auto const began = service.clock()->now();
        if (cancellation.cancelled() != asio::cancellation_type::none) co_return failed(fault_kind::cancelled);
        if (deadline <= began) co_return failed(fault_kind::deadline_exceeded);
        if (auto wrong = http::check(r)) co_return failed(*std::move(wrong));

        auto step = next(*s, r);
        bool const fails_unsent = !step.result && step.result.error().execution() == knowledge::no;
        auto const leaves = later(began, connect_time(*s));
        auto const ends = later(leaves, step.after);
        entry& recorded = record(*s, std::move(r), !fails_unsent && leaves < deadline);
        auto const why = co_await wait_until(service, std::min(ends, deadline));
        if (why != wake::cancelled && ends <= deadline) co_return std::move(step.result);

        bool const sent = leaves < deadline && service.clock()->now() >= leaves;
        if (!sent) withdraw(*s, recorded);
        auto const kind = why == wake::cancelled ? fault_kind::cancelled
                          : sent                 ? fault_kind::timed_out
                                                 : fault_kind::not_sent;
        auto const known = sent ? knowledge::maybe : knowledge::no;
        co_return failed(fault{kind}.with_execution(known).with_billing(known));
    }

    static duration connect_time(state& s) {
        std::lock_guard const lock{s.mutex};
        return s.connect;
    }
    static entry& record(state& s, http::request&& r, bool sent) {
        std::lock_guard const lock{s.mutex};
        return s.entries.emplace_back(entry{std::move(r), sent});
    }
    static void withdraw(state& s, entry& e) {
        std::lock_guard const lock{s.mutex};
        e.sent = false;
    }

    std::shared_ptr<state> state_;
};

static_assert(http::transport<scripted_transport>);

}  // namespace coffer::inline COFFER_ABI::testing
