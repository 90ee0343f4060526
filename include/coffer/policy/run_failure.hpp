// SPDX-License-Identifier: BSL-1.0
#pragma once
// How a run failed, in words that are equal for failures of one cause.

#include <coffer/asio.hpp>
#include <coffer/base/disposition.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/classify.hpp>
#include <coffer/state/run.hpp>

#include COFFER_ASIO_HEADER(multiple_exceptions.hpp)

#include <cxxabi.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <typeinfo>

namespace coffer::inline COFFER_ABI {
namespace detail {

/// A digest of a message in which every word with a digit in it (a number, an address, an id) counts as the same. Of the
/// message itself nothing is kept: it is somebody else's, and may say anything.
[[nodiscard]] std::string digest_of_message(std::string_view message);

[[nodiscard]] std::string name_of(std::type_info const& type);

}  // namespace detail

/// The failure that a fault is, at `step` (empty: at none). One that a later run may be spared (see `disposition`) passes.
/// So does one that is not the job's own: no money left, or a key that waits for an operator. But a preflight that fails is a failure of the job, at whichever step it was made: somebody may have to mend something.
[[nodiscard]] run_failure failure_of(fault const& why, std::string_view step);

/// Of several exceptions that steps run at the same time have ended with, the first.
[[nodiscard]] std::exception_ptr first_of(std::exception_ptr thrown);

/// The failure that an exception out of a job's body is: its type, and a digest of its message. That of a `failure` is its
/// fault's, at the step that `step_of(fault)` says.
template <class StepOf>
[[nodiscard]] run_failure failure_of(std::exception_ptr const& thrown, StepOf const& step_of) {
    auto const told = [](char const* message) {
        return run_failure{detail::name_of(*abi::__cxa_current_exception_type()) + ", message " +
                           detail::digest_of_message(message)};
    };
    auto const of_system = [&](std::error_code const& code, char const* message) {
        auto f = told(message);
        f.passing = classify_error(code) == fault_kind::aborted;  // somebody cancelled it
        return f;
    };
    try {
        std::rethrow_exception(first_of(thrown));
    } catch (failure const& f) {
        return failure_of(f.fault(), step_of(f.fault()));
    } catch (std::system_error const& e) {
        return of_system(e.code(), e.what());
    } catch (detail::boost_system_error const& e) {
        return of_system(e.code(), e.what());
    } catch (std::exception const& e) {
        return told(e.what());
    } catch (...) {
        return run_failure{"an exception of unknown type"};
    }
}

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/run_failure.ipp>
#endif
