// SPDX-License-Identifier: BSL-1.0
#include "guarded_client.hpp"

#include <utility>

namespace fleet {
namespace {

/// What the provider's replies mean, as `llm::openai` reads those of the real one.
coffer::fault fault_of(reply const& r) {
    using enum coffer::fault_kind;
    switch (r.what) {
        case status::too_many: return coffer::fault{throttled}.with_retry_after(r.retry_after.value_or(0s));
        case status::unavailable: return coffer::fault{overloaded};
        case status::timed_out: return coffer::fault{timed_out};
        default: return coffer::fault{ambiguous};
    }
}

struct operation {
    coffer::awaitable<coffer::outcome<int>> operator()(coffer::attempt& a, request const& r) const {
        auto const got = co_await asked->ask(r, a.deadline());
        if (got.what != status::ok) co_return coffer::failed(fault_of(got));
        co_return static_cast<int>(got.entry);
    }
    provider* asked;
};

coffer::guarded<int(request const&)> wrapped(provider& p, pipeline_options const& o) {
    coffer::retry_quota const quota = o.quota ? coffer::retry_quota{*o.quota} : coffer::retry_quota::unlimited();
    coffer::retry const again{o.retry, quota};
    coffer::rate_limit const pace{o.limits};
    if (!o.breaker) return coffer::pipeline{again, pace}.wrap(operation{&p});
    return coffer::pipeline{again, coffer::circuit_breaker{*o.breaker}, pace}.wrap(operation{&p});
}

}  // namespace

guarded_client::guarded_client(provider& p, pipeline_options const& o) : ask_{wrapped(p, o)} {}

coffer::awaitable<std::optional<std::size_t>> guarded_client::ask(request r, coffer::time_point deadline) {
    auto const executor = co_await coffer::asio::this_coro::executor;
    auto const left = deadline - coffer::clock_service::of(executor).borrowed_clock().now();
    auto c = coffer::call::unkeyed(left);
    auto const got = co_await ask_.try_call(c, r);
    if (!got) co_return std::nullopt;
    co_return static_cast<std::size_t>(*got);
}

}  // namespace fleet
