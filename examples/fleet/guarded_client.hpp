// SPDX-License-Identifier: BSL-1.0
#pragma once
// A client with coffer: a pipeline of its own, made once.

#include "client.hpp"

#include <coffer/coffer.hpp>

#include <optional>

namespace fleet {

/// What stands in a pipeline. The defaults are coffer's.
struct pipeline_options {
    coffer::retry_options retry{};
    std::optional<coffer::retry_quota_options> quota = coffer::retry_quota_options{};  ///< none: unlimited
    std::optional<coffer::circuit_breaker_options> breaker = coffer::circuit_breaker_options{};  ///< none: left out
    coffer::rate_limit_options limits{};  ///< without limits it does what the provider asks
};

class guarded_client final : public client {
public:
    /// Throws `std::invalid_argument` for options that cannot be meant.
    guarded_client(provider& p, pipeline_options const& o);

    coffer::awaitable<std::optional<std::size_t>> ask(request r, coffer::time_point deadline) override;

private:
    coffer::guarded<int(request const&)> ask_;
};

}  // namespace fleet
