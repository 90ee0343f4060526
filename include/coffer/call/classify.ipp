// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of classify.hpp.

#include <coffer/call/classify.hpp>

#include <new>
#include <string>
#include <utility>

namespace coffer::inline COFFER_ABI {

namespace detail {

/// What is known of an exception. Where that is nothing, the code says that `describe(fn).classify(...)` could.
[[nodiscard]] COFFER_INLINE fault thrown_fault(fault_kind kind, std::string what, std::exception_ptr const& thrown) {
    fault f{kind, std::move(what)};
    if (kind == fault_kind::permanent) f.with_code("no_rule");
    return std::move(f.with_cause(thrown));
}

}  // namespace detail

COFFER_INLINE fault_kind classify_error(std::error_code const& reported) noexcept {
    // Standalone Asio has a system category of its own, which knows no error conditions: the numbers are the system's.
    std::error_category const& of_asio = asio::error::get_system_category();
    std::error_category const& hosts = asio::error::get_netdb_category();
    std::error_category const& services = asio::error::get_addrinfo_category();
    std::error_category const& others = asio::error::get_misc_category();
    auto const code =
        reported.category() == of_asio ? std::error_code{reported.value(), std::system_category()} : reported;
    if (code == std::errc::operation_canceled) return fault_kind::aborted;
    if (code.category() == hosts || code.category() == services) return fault_kind::not_sent;
    if (code.category() == others)
        return code.value() == asio::error::eof ? fault_kind::ambiguous : fault_kind::permanent;
    for (auto const unsent :
         {std::errc::connection_refused, std::errc::host_unreachable, std::errc::network_unreachable,
          std::errc::network_down, std::errc::address_not_available})
        if (code == unsent) return fault_kind::not_sent;
    for (auto const unsure : {std::errc::connection_reset, std::errc::connection_aborted, std::errc::broken_pipe,
                              std::errc::timed_out, std::errc::not_connected, std::errc::network_reset})
        if (code == unsure) return fault_kind::ambiguous;
    return fault_kind::permanent;
}

COFFER_INLINE fault classify_exception(std::exception_ptr const& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (misuse const&) {
        throw;
    } catch (std::bad_alloc const&) {
        throw;
    } catch (failure const& nested) {
        return nested.fault();
    } catch (std::system_error const& error) {
        return detail::thrown_fault(classify_error(error.code()), error.what(), thrown);
    } catch (detail::boost_system_error const& error) {
        return detail::thrown_fault(classify_error(error.code()), error.what(), thrown);
    } catch (std::exception const& error) {
        return detail::thrown_fault(fault_kind::permanent, error.what(), thrown);
    } catch (...) {
        return detail::thrown_fault(fault_kind::permanent, "an exception of unknown type", thrown);
    }
}

namespace detail {

COFFER_INLINE fault unsent_fault(std::exception_ptr const& thrown) {
    return classify_exception(thrown).with_execution(knowledge::no).with_billing(knowledge::no);
}

}  // namespace detail

}  // namespace coffer::inline COFFER_ABI
