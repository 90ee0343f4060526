// SPDX-License-Identifier: BSL-1.0
#include "preset.hpp"

#include <algorithm>
#include <cstdint>

namespace fleet {

std::vector<preset> usual_presets() {
    return {{"naive", naive_loop}, {"backoff", backoff_loop}, {"coffer", pipeline_options{}}};
}

std::unique_ptr<client> make_client(preset const& how, provider& p, world const& w, int number) {
    if (auto const* const loop = std::get_if<loop_options>(&how.how)) {
        auto const stream = (std::uint64_t{1} << 32) + static_cast<std::uint64_t>(number);
        return std::make_unique<loop_client>(p, w.timeout, *loop, w.seed, stream);
    }
    auto options = std::get<pipeline_options>(how.how);
    options.retry.attempt_timeout = std::min<duration>(options.retry.attempt_timeout, w.timeout);
    return std::make_unique<guarded_client>(p, options);
}

}  // namespace fleet
