// SPDX-License-Identifier: BSL-1.0
#pragma once
// Who can read an answer that is stored: the operation that goes where the answer came from. With every send a record
// keeps its target, so that the alternatives of a fallback find theirs, in whatever order they stand by then.

#include <coffer/base/answer.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/attempt_log.hpp>
#include <coffer/call/operation.hpp>
#include <coffer/call/send.hpp>

#include <cstdint>
#include <new>
#include <string_view>

namespace coffer::inline COFFER_ABI::detail {

/// How well an operation fits the target that an answer came from.
enum class fit : std::uint8_t {
    no,        ///< it goes elsewhere
    unsaid,    ///< nobody knows where the answer came from: an operator brought it
    provider,  ///< the same provider, another model: what its answers look like is the provider's
    target,    ///< the very same
};

[[nodiscard]] fit fit_of(target const& goes_to, target const& from) noexcept;

/// The same for an operation, which goes nowhere known if it has no target.
template <class Op, class... Args>
[[nodiscard]] fit fit_of_operation(Op const& op, target const& from, Args const&... args) {
    if constexpr (is_absent<decltype(target_of(op, args...))>) {
        return fit_of(target{}, from);
    } else {
        try {
            return fit_of(target_of(op, args...), from);
        } catch (std::bad_alloc const&) {
            throw;
        } catch (...) {  // then it cannot say that the answer is its own, and nothing is lost for that
            return fit::no;
        }
    }
}

inline constexpr std::string_view no_reader_code = "no_reader";

/// An answer that was paid for and that nothing in this pipeline can read. It is kept as it is, and nothing is sent.
[[nodiscard]] fault no_reader(target const& from);
[[nodiscard]] bool is_no_reader(fault const& why) noexcept;

/// What a stored answer says, read by the operation, or by that one of several which fits.
///
/// Where another provider's answer cannot be read, that says nothing of the answer: `no_reader`.
template <class Called, class Core, class... Args>
[[nodiscard]] outcome<typename Called::value_type> read_answer(Core const& core, answer const& what, target const& from,
                                                               Args const&... args) {
    if constexpr (Core::hands_down) {
        return core.operation.read(what, from, args...);
    } else {
        auto value = decode_answer<Called>(core, what);
        if (!value && fit_of_operation(core.operation, from, args...) == fit::no) return failed(no_reader(from));
        return value;
    }
}

}  // namespace coffer::inline COFFER_ABI::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/call/reader.ipp>
#endif
