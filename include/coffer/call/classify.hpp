// SPDX-License-Identifier: BSL-1.0
#pragma once
// What an exception says about a send. Errors of the network are told apart by what they prove; any other exception is
// permanent unless a rule of the user says otherwise, because blind retries are the disease.

#include <coffer/asio.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/call.hpp>

#include <exception>
#include <system_error>

namespace coffer::inline COFFER_ABI {

/// The built-in rules for `std::system_error`, and with Boost.Asio for `boost::system::system_error`.
///
/// Refused or unreachable before a connection, and names that do not resolve: not sent. Reset, broken, timed out, ended:
/// ambiguous, since the request may have been read. `operation_aborted`: aborted. Others: permanent.
[[nodiscard]] fault_kind classify_error(std::error_code const& reported) noexcept;

/// A fault for an exception that an operation threw; the exception is kept as its cause. `misuse` and `bad_alloc` are
/// not faults and are thrown on.
[[nodiscard]] fault classify_exception(std::exception_ptr const& thrown);

namespace detail {

/// An exception before the operation began: whatever it is, nothing was sent.
[[nodiscard]] fault unsent_fault(std::exception_ptr const& thrown);

}  // namespace detail

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/call/classify.ipp>
#endif
