// SPDX-License-Identifier: BSL-1.0
#pragma once
// The options of `per_key`, and the faults by which it turns away.

#include <coffer/base/fault.hpp>
#include <coffer/call/classify.hpp>
#include <coffer/time/clock.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>

namespace coffer::inline COFFER_ABI {

/// What becomes of a new name when there is no room for its partition.
enum class when_full : std::uint8_t {
    refuse,  ///< `queue_full`: nothing that is counted is forgotten, and nobody is counted twice
    share,   ///< all of them share the partition without a name, until there is room
};

/// Options of `per_key`. All members are trivially destructible, so that it may be written inline anywhere.
struct per_key_options {
    /// So many partitions are kept at once; with `when_full::share` one more.
    std::size_t max_keys = 10'000;
    /// A partition that nobody has used for so long makes room for a new one, if its gate says that it is `idle`, or says
    /// nothing of that. Longer than your own gate remembers anything: what is forgotten begins anew.
    duration forget_after = std::chrono::minutes{10};
    coffer::when_full when_full = coffer::when_full::refuse;  ///< whether those for whom there is no room share one

    /// Throws `std::invalid_argument` for what cannot be meant.
    void check() const;
};

static_assert(std::is_trivially_destructible_v<per_key_options>,
              "or it could not stand in a co_await expression on GCC 12");

namespace detail {

/// In bytes: what a partition keeps of strangers' texts is no more than what it keeps anyway.
inline constexpr std::size_t longest_partition_name = 1024;

[[nodiscard]] fault name_too_long();

/// No partition may be forgotten yet. Another target may be tried meanwhile.
[[nodiscard]] fault no_room_for_partition(std::size_t kept, std::optional<duration> ask_again);

/// What the user's function has thrown, which is being handled: whatever it is, nothing was sent. `misuse` and `bad_alloc` are
/// thrown on; a `failure` says what it wants to say.
[[nodiscard]] fault partition_fault(char const* who);

}  // namespace detail
}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/per_key_options.ipp>
#endif
