// SPDX-License-Identifier: BSL-1.0
#include "provider.hpp"

#include <coffer/time/clock_service.hpp>
#include <coffer/time/sleep.hpp>

#include <algorithm>

namespace fleet {

coffer::awaitable<reply> provider::ask(request r, coffer::time_point hangs_up) {
    auto const executor = co_await coffer::asio::this_coro::executor;
    auto& service = coffer::clock_service::of(executor);
    auto const now = service.borrowed_clock().now() - start_;
    auto const index = ledger_.size();
    ledger_.push_back({.call = r.call, .arrived = now});

    auto decided = decide(r, now);
    decided.told.entry = index;
    bool const heard = decided.at && start_ + *decided.at < hangs_up;
    auto const until = heard ? *decided.at : hangs_up - start_;
    if (!heard) {
        decided.told = {status::timed_out, index};
        if (decided.what == fate::answered) decided.what = fate::unheard;
    }
    bool const executed = decided.what == fate::answered || decided.what == fate::unheard || decided.what == fate::lost;
    ledger_[index].ended = until;
    ledger_[index].what = decided.what;
    if (executed) ledger_[index].billed = r.price;
    co_await coffer::wait_until(service, start_ + until);
    co_return decided.told;
}

provider::plan provider::decide(request const& r, duration now) {
    auto const is = world_.story.at(now);
    if (is.down) {
        free_at_ = {};
        begin_at_.clear();
        return {fate::refused, {status::unavailable}, now + network()};
    }
    if (auto const wait = over_limit(now, is)) return {fate::limited, {status::too_many, 0, *wait}, now + network()};
    return execute(r, now, is);
}

/// Turned away or not, a request counts.
std::optional<duration> provider::over_limit(duration now, condition const& is) {
    auto const minute = now / 1min;
    if (minute != minute_) minute_ = minute, this_minute_ = 0;
    if (++this_minute_ <= is.limit * world_.requests_per_minute()) return std::nullopt;
    return std::chrono::ceil<std::chrono::seconds>((minute + 1) * 1min - now);
}

provider::plan provider::execute(request const& r, duration now, condition const& is) {
    auto const places = static_cast<std::size_t>(world_.concurrency());
    while (!begin_at_.empty() && begin_at_.front() <= now) begin_at_.pop_front();
    bool const busy = free_at_.size() >= places && free_at_.top() > now;
    if (busy && begin_at_.size() >= static_cast<std::size_t>(world_.waiting()))
        return {fate::refused, {status::unavailable}, now + network()};

    auto begins = now;
    if (free_at_.size() >= places) {
        begins = std::max(now, free_at_.top());
        free_at_.pop();
    }
    auto const ends = begins + draws::scaled(r.work, is.slower);
    free_at_.push(ends);
    if (begins > now) begin_at_.push_back(begins);

    bool const silent_or_500 = draws_.unit() < is.lost;
    bool const silent = draws_.unit() < 0.5;
    auto const told_at = ends + network();
    auto const& story = world_.story;
    if (story.row().then.down && now < story.begins() && ends >= story.begins())
        return {fate::cut, {status::reset}, story.begins() + network()};
    if (!silent_or_500) return {fate::answered, {status::ok}, told_at};
    if (silent) return {fate::lost, {status::timed_out}, std::nullopt};
    return {fate::lost, {status::server_error}, told_at};
}

}  // namespace fleet
