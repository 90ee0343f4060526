// SPDX-License-Identifier: BSL-1.0
#pragma once
// An operation of somebody else's: it keeps to deadlines and listens to cancellations, or does not.

#include <coffer/asio.hpp>
#include <coffer/call/attempt.hpp>
#include <coffer/call/guarded.hpp>
#include <coffer/time/sleep.hpp>

#include <asio/cancellation_state.hpp>
#include <asio/error.hpp>
#include <asio/this_coro.hpp>

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace support {

using namespace std::chrono_literals;

/// How an operation takes it.
enum class manners : std::uint8_t {
    polite,     ///< ends at the attempt's deadline by itself, as `timed_out`; cancelled, throws `operation_aborted`
    listens,    ///< does not look at the deadline; cancelled, throws `operation_aborted`
    honest,     ///< cancelled, says that nothing was sent
    generous,   ///< cancelled, gives its answer
    slow,       ///< cancelled, takes another second before it throws
    deaf,       ///< goes on, and answers
    deaf_throws ///< goes on, and throws in the end
};

struct foreign_send {
    int attempt = 0;
    coffer::time_point at{};
    coffer::time_point deadline{};
    coffer::duration timeout{};
    std::string provider_key;
    bool cancelled = false;
    std::optional<coffer::time_point> ended{};
    std::string prompt_at_end{};
};

/// Copies share script and memory. Any thread.
class foreign {
public:
    foreign& then(manners how, coffer::duration takes, std::optional<coffer::fault> why = {}) {
        std::lock_guard const lock{state_->mutex};
        state_->script.push_back({how, takes, std::move(why)});
        return *this;
    }
    /// What sends beyond the script do.
    foreign& otherwise(manners how, coffer::duration takes, std::optional<coffer::fault> why = {}) {
        state_->otherwise = {how, takes, std::move(why)};
        return *this;
    }
    [[nodiscard]] std::vector<foreign_send> sends() const {
        std::lock_guard const lock{state_->mutex};
        return {state_->sends.begin(), state_->sends.end()};
    }
    [[nodiscard]] int count() const { return static_cast<int>(sends().size()); }
    [[nodiscard]] int running() const {
        int n = 0;
        for (auto const& s : sends()) n += s.ended ? 0 : 1;
        return n;
    }

    [[nodiscard]] coffer::target target(std::string const&) const { return {"foreign", "model"}; }
    [[nodiscard]] coffer::fingerprint fingerprint(std::string const& prompt) const {
        return coffer::fingerprint{}.with("prompt", prompt);
    }
    [[nodiscard]] coffer::awaitable<coffer::outcome<std::string>> operator()(coffer::attempt& a,
                                                                             std::string const& prompt) const {
        return run(state_, a, prompt);
    }

private:
    struct step {
        manners how = manners::listens;
        coffer::duration takes = 0s;
        std::optional<coffer::fault> why;
    };
    struct state {
        std::mutex mutex;
        std::deque<step> script;
        step otherwise;
        std::deque<foreign_send> sends;
    };

    // It goes on using what it was given by reference: the attempt until its first wait, the prompt to its end.
    static coffer::awaitable<coffer::outcome<std::string>> run(std::shared_ptr<state> s, coffer::attempt& a,
                                                               std::string const& prompt) {
        auto& service = a.of().service();
        auto const now = a.clock().now();
        step mine;
        foreign_send* me = nullptr;
        {
            auto const key = a.provider_key();
            std::lock_guard const lock{s->mutex};
            mine = s->otherwise;
            if (!s->script.empty()) mine = std::move(s->script.front()), s->script.pop_front();
            me = &s->sends.emplace_back(foreign_send{a.number(), now, a.deadline(), a.timeout(), key});
        }
        bool const deaf = mine.how == manners::deaf || mine.how == manners::deaf_throws;
        if (deaf) {
            co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
            co_await asio::this_coro::throw_if_cancelled(false);
        }
        auto const whole = coffer::later(now, mine.takes);
        bool const cut = mine.how == manners::polite && a.deadline() < whole;
        auto woke = coffer::wake::elapsed;
        if (cut || mine.takes > 0s) woke = co_await coffer::wait_until(service, cut ? a.deadline() : whole);
        bool const left = woke == coffer::wake::cancelled;
        if (left && mine.how == manners::slow) {
            co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
            co_await coffer::wait_until(service, coffer::later(service.clock()->now(), 1s));
        }
        {
            std::lock_guard const lock{s->mutex};
            me->cancelled = left;
            me->ended = service.clock()->now();
            me->prompt_at_end = prompt;
        }
        if (left && mine.how == manners::honest) co_return coffer::failed(coffer::fault_kind::not_sent);
        if (left && mine.how != manners::generous)
            throw std::system_error{make_error_code(asio::error::operation_aborted)};
        if (mine.how == manners::deaf_throws) throw std::runtime_error{"late"};
        if (cut) co_return coffer::failed(coffer::fault_kind::timed_out, "the attempt's time was up");
        if (mine.why) co_return coffer::failed(*mine.why);
        co_return "answer to " + prompt;
    }

    std::shared_ptr<state> state_ = std::make_shared<state>();
};

using asks_foreign = coffer::guarded<std::string(std::string const&)>;

}  // namespace support
