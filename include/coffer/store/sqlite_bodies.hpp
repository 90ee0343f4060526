// SPDX-License-Identifier: BSL-1.0
#pragma once
// The one place where bodies of answers become bytes in the file and back.

#include <coffer/crypto/key_ring.hpp>
#include <coffer/store/sqlite_fault.hpp>  // put

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
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
    [[nodiscard]] std::optional<std::string> seal(std::string_view body, body_place const& where) const {
        if (!keys_) return std::nullopt;
        return keys_->seal(body, bound_to(where));
    }
    /// Throws `std::runtime_error`, which says what to do, for what cannot be read.
    [[nodiscard]] std::string read(std::int64_t form, std::string_view bytes, body_place const& where) const {
        if (form == static_cast<std::int64_t>(body_form::as_it_came)) return std::string{bytes};
        if (form != static_cast<std::int64_t>(body_form::sealed))
            throw std::runtime_error{"an answer is stored in a way that this coffer does not know; update it"};
        auto const name = crypto::key_ring::name_in(bytes);
        auto const answer = "the stored answer to send " + std::to_string(where.send) + " of a record ";
        if (!name)
            throw std::runtime_error{answer +
                                     "was changed or damaged: it does not begin with the name of a key; "
                                     "restore the store, with its .secret, from a backup"};
        if (!keys_ || !keys_->knows(*name))
            throw std::runtime_error{"a paid answer is encrypted under the key \"" + std::string{*name} +
                                     "\", which this program was not given; add it to sqlite::options::body_keys (the "
                                     "command: --body-key). Nothing is sent again meanwhile"};
        auto body = keys_->open(bytes, bound_to(where));
        if (!body)
            throw std::runtime_error{answer + "cannot be decrypted: either the key \"" + std::string{*name} +
                                     "\" that this program was given is not the one of that name, or the answer was "
                                     "changed or damaged (then restore the store, with its .secret, from a backup)"};
        return *std::move(body);
    }
    /// Is that how bodies are stored now?
    [[nodiscard]] bool is_current(std::int64_t form, std::string_view bytes) const {
        if (!keys_) return form == static_cast<std::int64_t>(body_form::as_it_came);
        return form == static_cast<std::int64_t>(body_form::sealed) &&
               crypto::key_ring::name_in(bytes) == std::string_view{keys_->current()};
    }

private:
    [[nodiscard]] static std::string bound_to(body_place const& where) {
        std::string text;
        put(text, std::string_view{"coffer answer"});
        put(text, where.digest);
        put(text, std::int64_t{where.send});
        return text;
    }

    std::shared_ptr<crypto::key_ring const> keys_;
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
