// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of outcome.hpp.

#include <coffer/base/outcome.hpp>

#include <exception>
#include <sstream>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE tl::unexpected<fault> failed(fault f) { return tl::unexpected<fault>{std::move(f)}; }

COFFER_INLINE tl::unexpected<fault> failed(fault_kind kind, std::string message) {
    return failed(fault{kind, std::move(message)});
}

COFFER_INLINE failure::failure(class fault f) : std::runtime_error{text(f)}, fault_{std::move(f)} {}

COFFER_INLINE std::string failure::text(class fault const& f) {
    std::ostringstream out;
    out << "coffer: " << f;
    return out.str();
}

COFFER_INLINE void throw_failure(fault f) {
    if (auto const cause = f.cause()) {
        try {
            std::rethrow_exception(cause);
        } catch (...) {
            std::throw_with_nested(failure{std::move(f)});
        }
    }
    throw failure{std::move(f)};
}

}  // namespace coffer::inline COFFER_ABI
