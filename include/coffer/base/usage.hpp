// SPDX-License-Identifier: BSL-1.0
#pragma once
// What one answer consumed, in buckets that do not overlap, so that each has one price.

#include <coffer/config.hpp>

#include <array>
#include <cstdint>

namespace coffer::inline COFFER_ABI {

/// Tokens of one answer, and calls of tools that ran at the provider. Buckets are disjoint; only `reasoning` is a part of
/// another one (`output`).
///
/// Providers count differently (one's prompt total includes cached tokens, another's does not): whoever reads a
/// provider's reply sorts its numbers into these buckets once, and everything above can simply add up.
struct usage {
    std::int64_t input_fresh = 0;  ///< prompt tokens neither read from nor written to a cache
    std::int64_t input_cache_read = 0;  ///< prompt tokens read from the provider's cache
    std::int64_t input_cache_write_5m = 0;  ///< prompt tokens written to a cache that lives minutes
    std::int64_t input_cache_write_1h = 0;  ///< prompt tokens written to a cache that lives an hour
    std::int64_t input_audio = 0;  ///< audio in the prompt
    std::int64_t output = 0;  ///< generated text, reasoning included
    std::int64_t output_audio = 0;  ///< generated audio
    std::int64_t reasoning = 0;  ///< of `output`: tokens the model thought and did not show
    std::int64_t input_image = 0;  ///< images in the prompt, where the provider counts them apart
    std::int64_t output_image = 0;  ///< generated images, where the provider counts them apart
    std::int64_t web_searches = 0;  ///< calls, not tokens
    std::int64_t tool_calls = 0;  ///< calls of whatever else ran at the provider; not those of functions

    /// All prompt tokens: what limits of input are counted in.
    [[nodiscard]] constexpr std::int64_t input() const noexcept {
        return input_fresh + input_cache_read + input_cache_write_5m + input_cache_write_1h + input_audio + input_image;
    }
    friend constexpr bool operator==(usage const&, usage const&) noexcept = default;
};

/// All buckets, for whoever writes them down. What was written keeps its place: new ones come at the end.
inline constexpr std::array<std::int64_t usage::*, 12> usage_buckets{
    &usage::input_fresh, &usage::input_cache_read, &usage::input_cache_write_5m, &usage::input_cache_write_1h,
    &usage::input_audio, &usage::output,           &usage::output_audio,         &usage::reasoning,
    &usage::input_image, &usage::output_image,     &usage::web_searches,         &usage::tool_calls};

}  // namespace coffer::inline COFFER_ABI
