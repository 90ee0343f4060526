// SPDX-License-Identifier: BSL-1.0
#pragma once
// Faults and fingerprints as bytes in a column. Kinds are stored by name: numbers of an enumeration move, names do not.

#include <coffer/base/fault.hpp>
#include <coffer/base/fingerprint.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI::sqlite::detail {

// All of it is a sequence of texts, each as `<length>:<bytes>`; a reader ignores texts that it does not know.

void put(std::string& to, std::string_view text);
void put(std::string& to, std::int64_t number);

/// Takes texts off the front; empty ones where there are none.
class text_reader {
public:
    explicit text_reader(std::string_view from) noexcept : rest_{from} {}
    [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
    std::string_view text() noexcept;
    std::int64_t number() noexcept;

private:
    std::string_view rest_;
};

/// Version, kind, execution, billing, stop, status, hint in ns (-1: none), message, code, request id, fields.
/// The exception behind a fault does not outlive its process.
[[nodiscard]] std::string encode(fault const& f);

[[nodiscard]] fault decode_fault(std::string_view bytes);

[[nodiscard]] std::string encode(fingerprint const& print);

[[nodiscard]] fingerprint decode_fingerprint(std::uint32_t version, std::string_view bytes);

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_fault.ipp>
#endif
