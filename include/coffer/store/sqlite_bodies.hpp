// SPDX-License-Identifier: BSL-1.0
#pragma once
// The one place where bodies of answers become bytes in the file and back.

#include <coffer/crypto/key_ring.hpp>
#include <coffer/store/sqlite_fault.hpp>  // put

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// Where a body belongs. Sealed into it, so that it cannot be passed off as another send's or another record's.
struct body_place {
    std::string_view digest;  ///< of the record's key
    int send = 0;
};

/// What stands in `answers.codec`.
enum class body_form : std::int64_t {
    as_it_came = 0,
    sealed = 1,  ///< by a `crypto::key_ring`: length and name of the key, nonce, AES-256-GCM ciphertext, tag
};

class body_codec {
public:
    explicit body_codec(std::shared_ptr<crypto::key_ring const> keys) : keys_{std::move(keys)} {}

    /// The body as it is to be stored; nothing where it is stored as it came.
    [[nodiscard]] std::optional<std::string> seal(std::string_view body, body_place const& where) const;
    /// Throws `std::runtime_error`, which says what to do, for what cannot be read.
    [[nodiscard]] std::string read(std::int64_t form, std::string_view bytes, body_place const& where) const;
    /// Is that how bodies are stored now?
    [[nodiscard]] bool is_current(std::int64_t form, std::string_view bytes) const;

private:
    [[nodiscard]] static std::string bound_to(body_place const& where);

    std::shared_ptr<crypto::key_ring const> keys_;
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_bodies.ipp>
#endif
