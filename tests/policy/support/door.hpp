// SPDX-License-Identifier: BSL-1.0
#pragma once
// A gate with a door: attempts wait before it while it is shut.

#include <coffer/asio.hpp>
#include <coffer/call/gate.hpp>
#include <coffer/time/sleep.hpp>

#include <functional>
#include <memory>
#include <utility>

namespace support {

/// Copies share one door. For one thread.
class door {
    struct state {
        bool open = true;
        std::shared_ptr<coffer::wait_list> opened = std::make_shared<coffer::wait_list>();
        int waiting = 0;
        int inside = 0;
        int abandoned = 0;
        std::function<void()> on_try;
    };
    /// Counts while it lives.
    class counted {
    public:
        explicit counted(int& n) noexcept : n_{n} { ++n_; }
        counted(counted const&) = delete;
        counted& operator=(counted const&) = delete;
        ~counted() { --n_; }

    private:
        int& n_;
    };

public:
    door() : state_{std::make_shared<state>()} {}

    class ticket {
    public:
        explicit ticket(std::shared_ptr<state> s) noexcept : state_{std::move(s)} { ++state_->inside; }
        ticket(ticket const&) = delete;
        ticket& operator=(ticket const&) = delete;
        ~ticket() {
            --state_->inside;
            if (!settled_) ++state_->abandoned;
        }
        coffer::verdict settle(coffer::attempt_end const&, coffer::attempt&) noexcept {
            settled_ = true;
            return coffer::verdict::done();
        }

    private:
        std::shared_ptr<state> state_;
        bool settled_ = false;
    };

    [[nodiscard]] coffer::admission try_enter(coffer::attempt&, coffer::slot<ticket>& s) const {
        if (state_->on_try) state_->on_try();
        if (!state_->open) return coffer::admission::wait();
        s.emplace(state_);
        return coffer::admission::in();
    }
    [[nodiscard]] coffer::awaitable<coffer::outcome<void>> enter(coffer::attempt& a, coffer::slot<ticket>& s) const {
        return wait(state_, a.of().deadline(), s);
    }

    void shut() const {
        state_->open = false;
        state_->opened = std::make_shared<coffer::wait_list>();
    }
    void open() const {
        state_->open = true;
        state_->opened->notify_all();
    }
    [[nodiscard]] int waiting() const { return state_->waiting; }
    [[nodiscard]] int inside() const { return state_->inside; }
    [[nodiscard]] int abandoned() const { return state_->abandoned; }
    /// Runs when an attempt tries the door; may throw.
    [[nodiscard]] std::function<void()>& on_try() const { return state_->on_try; }

private:
    static coffer::awaitable<coffer::outcome<void>> wait(std::shared_ptr<state> self, coffer::time_point until,
                                                         coffer::slot<ticket>& s) {
        auto const executor = co_await asio::this_coro::executor;
        counted const here{self->waiting};
        auto const list = self->opened;
        auto const woke = co_await coffer::wait_until(coffer::clock_service::of(executor), until, list.get());
        if (woke == coffer::wake::elapsed) co_return coffer::failed(coffer::fault_kind::deadline_exceeded);
        if (woke == coffer::wake::cancelled) co_return coffer::failed(coffer::fault_kind::cancelled);
        s.emplace(self);
        co_return coffer::outcome<void>{};
    }

    std::shared_ptr<state> state_;
};

}  // namespace support
