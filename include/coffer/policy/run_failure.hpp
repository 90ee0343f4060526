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
#include <cstdlib>
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
[[nodiscard]] inline std::string digest_of_message(std::string_view message) {
    auto const is_digit = [](char c) { return c >= '0' && c <= '9'; };
    auto const is_of_word = [&](char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a
    auto const take = [&](std::string_view text) {
        for (char const c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    };
    for (std::size_t at = 0; at < message.size();) {
        bool numbered = false;
        auto end = at;
        for (; end < message.size() && is_of_word(message[end]); ++end) numbered = numbered || is_digit(message[end]);
        if (end == at) ++end;
        take(numbered ? std::string_view{"0"} : message.substr(at, end - at));
        at = end;
    }
    std::string hex;
    for (int shift = 60; shift >= 0; shift -= 4) hex += "0123456789abcdef"[(hash >> shift) & 15U];
    return hex;
}

[[nodiscard]] inline std::string name_of(std::type_info const& type) {
    int status = 0;
    std::unique_ptr<char, void (*)(void*)> const name{abi::__cxa_demangle(type.name(), nullptr, nullptr, &status),
                                                      std::free};
    return status == 0 ? name.get() : type.name();
}

}  // namespace detail

/// The failure that a fault is, at `step` (empty: at none). One that a later run may be spared (see `disposition`) passes.
/// So does one that is not the job's own: no money left, or a key that waits for an operator. But a preflight that fails is a failure of the job, at whichever step it was made: somebody may have to mend something.
[[nodiscard]] inline run_failure failure_of(fault const& why, std::string_view step) {
    run_failure f{std::string{to_string(why.kind())}};
    if (why.status() != 0) f.signature += ", status " + std::to_string(why.status());
    if (!why.code().empty()) f.signature += ", code " + std::string{why.code()};
    if (why.cause()) f.signature += ", message " + detail::digest_of_message(why.message());
    bool const of_run = why.kind() == fault_kind::preflight_failed;
    if (!step.empty() && !of_run) f.signature += ", at " + std::string{step};
    // Money that is spent comes back with the window, or an operator gives more; an unresolved key is in an operator's list
    // already. Neither cause is the job's, and neither costs anything.
    bool const waits = why.kind() == fault_kind::over_budget || why.kind() == fault_kind::unresolved;
    f.passing = (waits || disposition(why).action == queue_action::retry_after) && !of_run;
    f.unbilled = f.passing && (why.billing() == knowledge::no || why.kind() == fault_kind::unresolved);
    return f;
}

/// Of several exceptions that steps run at the same time have ended with, the first.
[[nodiscard]] inline std::exception_ptr first_of(std::exception_ptr thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (asio::multiple_exceptions const& several) {
        return several.first_exception();
    } catch (...) {
        return thrown;
    }
}

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
