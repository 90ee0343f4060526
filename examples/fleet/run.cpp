// SPDX-License-Identifier: BSL-1.0
#include "run.hpp"

#include <coffer/coffer.hpp>
#include <coffer/testing/virtual_time.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <memory>
#include <vector>

namespace fleet {
namespace {

/// A run while it is under way.
struct stage {
    stage(world const& w, preset const& how)
        : given{w}, time{io, w.seed}, start{time.now()}, asked{w, start, left.requests} {
        for (int i = 0; i < w.clients; ++i) clients.push_back(make_client(how, asked, w, i));
    }

    world const& given;
    coffer::asio::io_context io;
    coffer::testing::virtual_time time;
    coffer::time_point start;
    records left;
    provider asked;
    std::vector<std::unique_ptr<client>> clients;

    [[nodiscard]] duration now() const { return time.now() - start; }
};

void rethrow(std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
}

coffer::awaitable<void> one_call(stage* s, client* by, request r) {
    auto const answer = co_await by->ask(r, s->time.now() + s->given.deadline);
    auto& record = s->left.calls[r.call];
    record.ended = s->now();
    record.answer = answer;
}

request drawn(draws& chance) {
    auto const drawn = chance.lognormal(world::median_answer, world::answer_sigma);
    auto const work = std::clamp<duration>(drawn, world::shortest_answer, world::longest_answer);
    // Prices as of a large model: $2.50 for a million tokens in, $10 out.
    auto const in = 500 + static_cast<std::int64_t>(2500 * chance.unit());
    auto const out = static_cast<std::int64_t>(std::chrono::duration<double>{work}.count() * world::tokens_per_second);
    return {.work = work, .price = coffer::money::from_nano(in * 2'500 + out * 10'000)};
}

/// The calls of one client: at random moments, however many are still under way.
coffer::awaitable<void> traffic(stage* s, std::size_t number) {
    auto const executor = co_await coffer::asio::this_coro::executor;
    auto& service = coffer::clock_service::of(executor);
    draws chance{s->given.seed, 1 + number};
    auto const mean = draws::scaled(1min, 1 / s->given.rate);
    for (auto t = chance.exponential(mean); t < s->given.story.whole(); t += chance.exponential(mean)) {
        auto r = drawn(chance);
        co_await coffer::wait_until(service, s->start + t);
        r.call = s->left.calls.size();
        s->left.calls.push_back({.asked = t});
        coffer::asio::co_spawn(executor, one_call(s, s->clients[number].get(), r), rethrow);
    }
}

}  // namespace

records run(world const& w, preset const& how) {
    stage s{w, how};
    for (std::size_t i = 0; i < s.clients.size(); ++i) coffer::asio::co_spawn(s.io, traffic(&s, i), rethrow);
    s.time.run();
    return std::move(s.left);
}

}  // namespace fleet
