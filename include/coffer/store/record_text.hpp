// SPDX-License-Identifier: BSL-1.0
#pragma once
// A record's name as text, for tools and logs: `namespace:0a1b…`. The digest is a store's, and tells nothing of the key.
// And states by their names.

#include <coffer/state/record.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI {

/// The namespace, a colon, the digest in hexadecimal.
[[nodiscard]] std::string to_text(record_id const& id);

/// The reverse; none for text that `to_text` does not make.
[[nodiscard]] std::optional<record_id> record_id_from_text(std::string_view text);

/// A word for a shell: as it is, or in quotes if it holds anything that a shell would read otherwise.
[[nodiscard]] std::string shell_word(std::string_view text);

/// The state of that name, of which `last` is the last; nothing for any other text.
template <class State>
[[nodiscard]] constexpr std::optional<State> state_from_text(std::string_view name, State last) noexcept {
    for (int i = 0; i <= static_cast<int>(last); ++i)
        if (to_string(static_cast<State>(i)) == name) return static_cast<State>(i);
    return std::nullopt;
}

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/record_text.ipp>
#endif
