// SPDX-License-Identifier: BSL-1.0
#pragma once
// Names of scopes that are filled in from the call: `team/{team}/user/{user}`, `model/{model}`.

#include <coffer/call/attempt.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// A scope's name with places for `{provider}`, `{model}`, `{namespace}` (of the call's key), and the call's tags by
/// name. A call without such a tag is accounted under `-`: the limit holds for all of those together. Of a tag's value the
/// first 100 bytes count.
class scope_pattern {
public:
    /// Throws `std::invalid_argument` for an empty name, empty parts between slashes, unbalanced braces, control
    /// characters, or more than 200 bytes.
    explicit scope_pattern(std::string_view const whole);

    /// Is it the same for every call?
    [[nodiscard]] bool is_fixed() const noexcept;

    /// The scope of an attempt's call. What tags put into it is escaped, so that no tag can name another's scope.
    [[nodiscard]] std::string of(attempt const& a) const;

private:
    struct piece {
        std::string text;
        std::string name;  // of what follows it; empty: nothing does
    };

    [[nodiscard]] static std::string_view value_of(std::string_view name, attempt const& a);
    /// A value is one part of a scope: it cannot reach into another one.
    [[nodiscard]] static std::string escaped(std::string_view value);
    [[nodiscard]] static std::string printable(std::string_view text);

    std::vector<piece> pieces_;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/scope_pattern.ipp>
#endif
