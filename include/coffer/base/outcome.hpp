// SPDX-License-Identifier: BSL-1.0
#pragma once
// Errors are values inside coffer; an exception is made once, at the public edge, and only for who asks for one.

#include <coffer/base/fault.hpp>

#include <tl/expected.hpp>

#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace coffer::inline COFFER_ABI {

/// A T, or why there is none.
template <class T>
using outcome = tl::expected<T, fault>;

/// An outcome's error, from a fault: `return failed(fault{...});`
[[nodiscard]] tl::unexpected<fault> failed(fault f);
/// The same of a fault that has nothing to add to its kind.
[[nodiscard]] inline tl::unexpected<fault> failed(fault_kind kind) { return failed(fault{kind}); }
/// The same with a message for people: no credentials, no prompts.
[[nodiscard]] tl::unexpected<fault> failed(fault_kind kind, std::string message);

/// What a throwing call throws. If the operation ended with an exception of its own, that one is nested
/// (`std::rethrow_if_nested`).
///
///     try {
///         reply = co_await ask(call, request);
///     } catch (coffer::failure const& f) {
///         if (f.fault().kind() == coffer::fault_kind::over_budget) ...
///     }
///
/// `what()` is the fault as one line, without credentials and prompts. Copying it may throw `std::bad_alloc`.
class failure : public std::runtime_error {
public:
    /// With the fault as its text. Nests nothing: `throw_failure` does.
    explicit failure(class fault f);
    /// All that is known; valid as long as the exception.
    [[nodiscard]] class fault const& fault() const noexcept { return fault_; }

private:
    static std::string text(class fault const& f);
    class fault fault_;
};

/// Throws `failure`, with the fault's cause nested in it.
[[noreturn]] void throw_failure(fault f);

/// The value, or `failure` thrown.
template <class T>
T value_or_throw(outcome<T>&& result) {
    if (!result) throw_failure(std::move(result).error());
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/base/outcome.ipp>
#endif
