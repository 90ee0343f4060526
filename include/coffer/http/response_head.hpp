// SPDX-License-Identifier: BSL-1.0
#pragma once
// Puts a response's head together, line by line as it comes: status lines, fields, 1xx responses before the final one,
// trailers after the body. A pure machine: no I/O, no third party.

#include <coffer/http/request.hpp>
#include <coffer/http/response.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace coffer::inline COFFER_ABI::http {

/// What a response's head says, as far as it has come.
class response_head {
public:
    /// With that limit, in bytes, for all its lines together.
    explicit response_head(std::size_t limit = default_max_header_bytes) noexcept : limit_{limit} {}

    /// One line with or without its line end. False once all lines together are over the limit; nothing of that line
    /// is kept.
    [[nodiscard]] bool feed(std::string_view line);

    /// The final status, 0 before its line came.
    [[nodiscard]] int status() const noexcept { return status_ >= 200 ? status_ : 0; }
    /// The final response's head has come to its end.
    [[nodiscard]] bool complete() const noexcept { return ended_ && status_ >= 200; }
    /// Of the last status line.
    [[nodiscard]] http::version version() const noexcept { return version_; }
    /// Of the final response, and trailers.
    [[nodiscard]] header_list const& headers() const noexcept { return headers_; }
    /// They are gone from here then.
    [[nodiscard]] header_list take_headers() noexcept { return std::move(headers_); }

    /// The declared length of the body, if it is declared and can be read.
    [[nodiscard]] std::optional<std::uint64_t> content_length() const noexcept;

    /// Nothing but the end of the connection marks the end of the body (RFC 9112 §6.3).
    [[nodiscard]] bool body_ends_with_connection(std::string_view method) const noexcept;

private:
    void begin(std::string_view line);

    void field(std::string_view line);

    std::size_t limit_;
    std::size_t used_ = 0;
    int status_ = 0;
    bool ended_ = false;
    http::version version_ = http::version::unknown;
    header_list headers_;
};

}  // namespace coffer::inline COFFER_ABI::http

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/http/response_head.ipp>
#endif
