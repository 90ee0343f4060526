// SPDX-License-Identifier: BSL-1.0
#pragma once
// Tokens of one answer, counted as OpenAI counts: `cached` is part of `in_tok`, `reasoning` is part of `out_tok`.

#include <cstdint>

namespace provider_sim {

struct usage {
    std::int64_t in_tok = 0;
    std::int64_t cached = 0;
    std::int64_t out_tok = 0;
    std::int64_t reasoning = 0;
    std::int64_t searches = 0;  // web searches by the provider: calls, not tokens

    friend bool operator==(usage const&, usage const&) = default;
};

}  // namespace provider_sim
