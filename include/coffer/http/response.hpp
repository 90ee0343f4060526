// SPDX-License-Identifier: BSL-1.0
#pragma once
// An HTTP response as a value: whole, or it would not be one.

#include <coffer/http/headers.hpp>

#include <cstdint>
#include <string>

namespace coffer::inline COFFER_ABI::http {

/// Which version of HTTP a response came in.
enum class version : std::uint8_t { unknown, http1_0, http1_1, http2, http3 };

/// A complete response of any status. Thread safety: as a `std::string`.
class response {
public:
    response() = default;
    /// As a test makes it.
    explicit response(int code, std::string content = {});

    int status = 0;  ///< of the final response; 0: none
    http::version version = http::version::unknown;  ///< as the status line says
    header_list headers;  ///< and, after them, trailers
    std::string body;  ///< decoded from chunks; whole
    /// Neither a length nor chunks said where the body ends: the connection was closed, and that was taken for the end.
    /// A body that was cut looks the same, so whoever reads it must find the end in the body itself.
    bool body_terminated_by_close = false;
};

}  // namespace coffer::inline COFFER_ABI::http

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/http/response.ipp>
#endif
