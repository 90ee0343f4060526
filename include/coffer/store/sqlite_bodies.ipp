// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_bodies.hpp.

#include <coffer/store/sqlite_bodies.hpp>

#include <stdexcept>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE std::optional<std::string> body_codec::seal(std::string_view body, body_place const& where) const {
    if (!keys_) return std::nullopt;
    return keys_->seal(body, bound_to(where));
}

COFFER_INLINE std::string body_codec::read(std::int64_t form, std::string_view bytes, body_place const& where) const {
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

COFFER_INLINE bool body_codec::is_current(std::int64_t form, std::string_view bytes) const {
    if (!keys_) return form == static_cast<std::int64_t>(body_form::as_it_came);
    return form == static_cast<std::int64_t>(body_form::sealed) &&
           crypto::key_ring::name_in(bytes) == std::string_view{keys_->current()};
}

COFFER_INLINE std::string body_codec::bound_to(body_place const& where) {
    std::string text;
    put(text, std::string_view{"coffer answer"});
    put(text, where.digest);
    put(text, std::int64_t{where.send});
    return text;
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
