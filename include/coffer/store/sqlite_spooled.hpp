// SPDX-License-Identifier: BSL-1.0
#pragma once
// A paid answer as a file of its own: the bytes, and what the file's name says.

#include <coffer/base/answer.hpp>
#include <coffer/base/fingerprint.hpp>
#include <coffer/state/record.hpp>
#include <coffer/store/record_text.hpp>
#include <coffer/store/sqlite_bodies.hpp>
#include <coffer/store/sqlite_fault.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// A paid answer and where it belongs.
struct spooled_answer {
    record_id record;
    claim_id claim{};
    int send = 0;
    std::optional<fingerprint> print;  ///< as the store keeps it; needed if the record is gone
    shared_answer what;
    std::chrono::nanoseconds cached_for{};  ///< of what was asked for as cached; zero: it was not
};

// In a file: texts as in sqlite_fault.hpp. Version, namespace, digest, claim, send, how long it is cached in ns, the
// fingerprint's version (-1: none) and bytes, status, request id, cost (empty: unknown), the usage's buckets (empty:
// unknown; twelve, and eight in the two first versions), body, "end".
inline constexpr std::int64_t first_spool_version = 1;
inline constexpr std::int64_t first_sealed_spool_version = 2;
inline constexpr std::int64_t spool_version = 3;
inline constexpr std::int64_t sealed_spool_version = 4;  // the body is sealed, see sqlite_bodies.hpp

/// How many of the usage's buckets stand in a file of that version; none: there is no such version.
[[nodiscard]] constexpr std::size_t spooled_buckets(std::int64_t version) noexcept {
    if (version == first_spool_version || version == first_sealed_spool_version) return 8;
    return version == spool_version || version == sealed_spool_version ? usage_buckets.size() : 0;
}

[[nodiscard]] std::string encode(spooled_answer const& a, body_codec const& bodies = body_codec{nullptr});

/// Was it written down to the end? Cheaper than `decode_spooled`, and needs no key.
[[nodiscard]] bool is_whole_spooled(std::string_view bytes) noexcept;

/// Nothing for bytes that this coffer did not write. Throws `std::runtime_error`, as `body_codec::read` does, for a body
/// that cannot be read.
[[nodiscard]] std::optional<spooled_answer> decode_spooled(std::string_view bytes,
                                                           body_codec const& bodies = body_codec{nullptr});

/// Such a file by its name, `<boot>-<process>-<digest>-<send>.answer`: who may touch it and what it belongs to is seen
/// without opening it. While it is written, `.draft` follows.
struct spool_file {
    std::filesystem::path path;
    std::string owner;
    std::string digest;
    bool is_draft = false;
};

inline constexpr std::string_view spool_suffix = ".answer";
inline constexpr std::string_view draft_suffix = ".draft";

[[nodiscard]] std::string spool_name(std::string_view owner, spooled_answer const& a);
/// Nothing for a file of another name; also for one that was set aside.
[[nodiscard]] std::optional<spool_file> spool_file_at(std::filesystem::path path);

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_spooled.ipp>
#endif
