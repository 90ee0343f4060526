// SPDX-License-Identifier: BSL-1.0
#pragma once
// The name of one piece of paid work. Two runs of a job that build the same key share one bill.
//
//     coffer::key k{"report", tenant, 42};    // namespace "report", then any number of typed parts

#include <coffer/base/fingerprint.hpp>
#include <coffer/base/number_text.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace coffer::inline COFFER_ABI {
namespace detail {

template <class T>
concept key_integer = std::integral<T> && number<T>;

template <class T>
concept key_part = (std::convertible_to<T const&, std::string_view> && !std::same_as<T, std::nullptr_t>) ||
                   std::same_as<T, bool> || key_integer<T> || std::convertible_to<T const&, std::span<std::byte const>>;

}  // namespace detail

/// A key: a namespace and typed, length-prefixed parts.
///
/// No two different part lists are equal: `{"a", "bc"}` is not `{"ab", "c"}`, and `1` is not `"1"`. Integers of any
/// width and signedness with one value are one part. Parts are text, integers, `bool`, or `std::span<std::byte const>`;
/// a `char` or a floating-point number does not compile, because neither names a thing reliably.
///
/// Stores that write to disk keep an HMAC of it, never its text, so a key may name a customer. It should not hold a
/// prompt: two prompts under one name are what fingerprints tell apart.
///
/// Throws `std::invalid_argument` for an empty namespace. A regular value type; safe to share const across threads.
class key {
public:
    /// A namespace and its parts. Throws `std::invalid_argument` for an empty namespace.
    template <class... Parts>
        requires(detail::key_part<Parts> && ...)
    explicit key(std::string_view ns, Parts const&... parts) : namespace_size_{ns.size()} {
        if (ns.empty())
            throw std::invalid_argument{
                "coffer::key: the first part is the key's namespace and must not be empty, e.g. key{\"report\", id}"};
        append(ns);
        (append(parts), ...);
    }

    // What does not compile says what is missing.
    key() = delete;  // the first part is the key's namespace: key{"report", id}
    template <class First, class... Parts>
        requires(!std::convertible_to<First const&, std::string_view> && !std::derived_from<First, key>)
    explicit key(First const&, Parts const&...) = delete;  // the namespace comes first, as text: key{"report", id}

    /// A key for whatever is asked: equal requests within `scope` are one piece of work, whose answer is shared for `ttl`
    /// after it came and paid for anew afterwards. `scope` says for whom, the tenant above all: nobody outside it is given
    /// the answer.
    ///
    ///     coffer::call call{coffer::key::of_request(coffer::key{"faq", tenant}, 10min)};
    ///
    /// It needs an operation with a fingerprint, and is completed by `once`; nothing is kept under it as it is.
    /// Throws `std::invalid_argument` for a `ttl` that is not positive.
    [[nodiscard]] static key of_request(key scope, std::chrono::nanoseconds ttl);
    /// For a key that `of_request` made: how long an answer is shared.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> ttl() const noexcept { return ttl_; }
    /// This key for one request: the fields of its fingerprint that count become a part of it.
    [[nodiscard]] key with(fingerprint const& print, fingerprint_fields const& which) const;

    /// The key of a step of the job that this key names (see `journal`). No key made of parts is equal to it.
    [[nodiscard]] key step(std::string_view name) const;

    /// The first part.
    [[nodiscard]] std::string_view name_space() const noexcept;

    /// The canonical encoding, equal for equal keys only: per part a type letter, 8 bytes of big-endian length, the bytes.
    [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }

    /// Equal if all parts are, in value and type.
    friend bool operator==(key const& a, key const& b) noexcept { return a.bytes_ == b.bytes_; }
    /// By the bytes of the encoding: an order for maps, and no other sense.
    friend auto operator<=>(key const& a, key const& b) noexcept { return a.bytes_ <=> b.bytes_; }

private:
    static constexpr std::size_t header_size = 9;

    void part(char type, std::string_view bytes);

    template <class T>
    void append(T const& value) {
        if constexpr (std::convertible_to<T const&, std::string_view>) {
            part('s', value);
        } else if constexpr (std::same_as<T, bool>) {
            part('b', value ? "1" : "0");
        } else if constexpr (detail::key_integer<T>) {
            part('i', std::to_string(value));
        } else {
            std::span<std::byte const> const bytes{value};
            part('x', {reinterpret_cast<char const*>(bytes.data()), bytes.size()});
        }
    }

    std::string bytes_;
    std::size_t namespace_size_;
    std::optional<std::chrono::nanoseconds> ttl_;
};

}  // namespace coffer::inline COFFER_ABI

/// @cond
template <>
struct std::hash<coffer::key> {
    std::size_t operator()(coffer::key const& k) const noexcept { return std::hash<std::string_view>{}(k.bytes()); }
};
/// @endcond

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/base/key.ipp>
#endif
