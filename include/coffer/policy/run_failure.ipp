// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of run_failure.hpp.

#include <coffer/policy/run_failure.hpp>

#include <cstdlib>

namespace coffer::inline COFFER_ABI {

namespace detail {

COFFER_INLINE std::string digest_of_message(std::string_view message) {
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

COFFER_INLINE std::string name_of(std::type_info const& type) {
    int status = 0;
    std::unique_ptr<char, void (*)(void*)> const name{abi::__cxa_demangle(type.name(), nullptr, nullptr, &status),
                                                      std::free};
    return status == 0 ? name.get() : type.name();
}

}  // namespace detail

COFFER_INLINE run_failure failure_of(fault const& why, std::string_view step) {
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

COFFER_INLINE std::exception_ptr first_of(std::exception_ptr thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (asio::multiple_exceptions const& several) {
        return several.first_exception();
    } catch (...) {
        return thrown;
    }
}

}  // namespace coffer::inline COFFER_ABI
