// SPDX-License-Identifier: BSL-1.0
#pragma once
// SQLite's errors in words: what happened, to which file, and what to do about it.

#include <coffer/base/fault.hpp>
#include <coffer/crypto/aead.hpp>
#include <coffer/store/sqlite_connection.hpp>

#include <exception>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace coffer::inline COFFER_ABI::sqlite::detail {

struct explanation {
    char const* what;
    char const* remedy;
};

[[nodiscard]] explanation explain(int code) noexcept;

/// One sentence about a failure of the store at `path`.
[[nodiscard]] std::string describe(std::string const& path, error const& e);

/// What `fn` returns; SQLite's errors in words, behind `what_failed`. Throws `std::runtime_error` for these.
template <class Fn>
std::invoke_result_t<Fn&> in_words(std::string const& path, std::string const& what_failed, Fn&& fn) {
    try {
        return fn();
    } catch (error const& e) {
        throw std::runtime_error{"coffer::sqlite: " + what_failed + describe(path, e)};
    }
}

/// The fault for an operation that a failure kept from happening. Never throws; at worst it is without words.
[[nodiscard]] fault unavailable(std::string const& path, std::exception_ptr const& why) noexcept;

/// Can trying again ever help? (A body over SQLite's limit stays over it; nearly all else can be mended from outside.)
[[nodiscard]] bool may_pass(std::exception_ptr const& why) noexcept;

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_failure.ipp>
#endif
