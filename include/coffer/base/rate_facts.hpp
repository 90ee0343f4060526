// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a provider says of its own rate limits, whatever its headers are called.

#include <coffer/config.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace coffer::inline COFFER_ABI {

/// What a rate limit counts.
enum class rate_measure : std::uint8_t {
    requests,  ///< of any size
    input_tokens,  ///< of prompts
    output_tokens,  ///< of answers
    tokens,  ///< both
};

inline constexpr std::size_t rate_measure_count = 4;  ///< how many measures there are

/// One limit as it stood when the provider let the request in, or turned it down.
struct rate_fact {
    std::int64_t remaining = -1;  ///< so much was left; negative: it does not say
    std::int64_t limit = -1;      ///< of so much; negative: it does not say
    /// After so long, counted from then, all of it is there again.
    std::optional<std::chrono::nanoseconds> reset{};

    /// False: the response said nothing of this one.
    [[nodiscard]] bool known() const noexcept { return remaining >= 0; }
    friend bool operator==(rate_fact const&, rate_fact const&) noexcept = default;
};

/// All that one response says, by measure.
class rate_facts {
public:
    /// What it says of one measure.
    [[nodiscard]] rate_fact const& operator[](rate_measure m) const noexcept {
        return of_[static_cast<std::size_t>(m)];
    }
    /// The same, to be filled in.
    [[nodiscard]] rate_fact& operator[](rate_measure m) noexcept { return of_[static_cast<std::size_t>(m)]; }
    /// False: the response said nothing at all.
    [[nodiscard]] bool any() const noexcept;

private:
    std::array<rate_fact, rate_measure_count> of_{};
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/base/rate_facts.ipp>
#endif
