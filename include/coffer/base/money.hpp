// SPDX-License-Identifier: BSL-1.0
#pragma once
// Money without floating point: ledgers count nano-dollars, prices are pico-dollars per token.
//
//     using namespace coffer::literals;
//     coffer::money limit = 0.10_usd;                          // exactly 100'000'000 nano-dollars
//     coffer::token_price p = 0.15_usd_per_mtok;               // exactly 150'000 pico-dollars per token

#include <coffer/config.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI {
namespace detail {

__extension__ using wide_int = __int128;
__extension__ using wide_uint = unsigned __int128;

constexpr std::int64_t saturate(wide_int v) noexcept {
    constexpr wide_int top = std::numeric_limits<std::int64_t>::max();
    constexpr wide_int bottom = std::numeric_limits<std::int64_t>::min();
    return static_cast<std::int64_t>(v > top ? top : v < bottom ? bottom : v);
}

}  // namespace detail

/// An amount in nano-US-dollars (10^-9 USD), 64 bits: about 9.2 billion dollars either way.
///
/// Sums saturate instead of wrapping, so an absurd amount stays absurd and a limit still refuses it.
class money {
public:
    constexpr money() noexcept = default;
    /// A billionth of a dollar each.
    [[nodiscard]] static constexpr money from_nano(std::int64_t nano) noexcept { return money{nano}; }
    /// Dollars as people write them, `12.5`: decimal digits with at most nine places. None for anything else, such as a sign or an
    /// exponent, and for more than `max()`.
    [[nodiscard]] static std::optional<money> parse(std::string_view dollars) noexcept;
    /// The largest amount.
    [[nodiscard]] static constexpr money max() noexcept { return money{std::numeric_limits<std::int64_t>::max()}; }
    /// In billionths of a dollar.
    [[nodiscard]] constexpr std::int64_t nano() const noexcept { return nano_; }

    /// Saturates.
    constexpr money& operator+=(money other) noexcept { return *this = *this + other; }
    /// Saturates.
    constexpr money& operator-=(money other) noexcept { return *this = *this - other; }
    /// Saturates.
    friend constexpr money operator+(money a, money b) noexcept {
        std::int64_t sum = 0;
        return __builtin_add_overflow(a.nano_, b.nano_, &sum) ? beyond(b.nano_ > 0) : money{sum};
    }
    /// Saturates.
    friend constexpr money operator-(money a, money b) noexcept {
        std::int64_t rest = 0;
        return __builtin_sub_overflow(a.nano_, b.nano_, &rest) ? beyond(b.nano_ < 0) : money{rest};
    }
    friend constexpr auto operator<=>(money, money) noexcept = default;

    /// Dollars with nine decimals, e.g. `0.000150000`.
    [[nodiscard]] std::string to_string() const;
    /// `$0.100000000`: a dollar sign, and all nine decimal places.
    friend std::ostream& operator<<(std::ostream& out, money m) { return out << "$" << m.to_string(); }

    static constexpr std::int64_t nano_per_usd = 1'000'000'000;  ///< how many there are to the dollar

private:
    explicit constexpr money(std::int64_t nano) noexcept : nano_{nano} {}
    /// What is too large or too small.
    [[nodiscard]] static constexpr money beyond(bool above) noexcept {
        return money{above ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min()};
    }
    std::int64_t nano_ = 0;
};

/// A price in pico-US-dollars (10^-12 USD) per token: the public lists' smallest steps are exact in it.
class token_price {
public:
    constexpr token_price() noexcept = default;
    /// A millionth of a millionth of a dollar each.
    [[nodiscard]] static constexpr token_price from_pico(std::int64_t pico) noexcept { return token_price{pico}; }
    /// In millionths of a millionth of a dollar.
    [[nodiscard]] constexpr std::int64_t pico() const noexcept { return pico_; }
    friend constexpr auto operator<=>(token_price, token_price) noexcept = default;

private:
    explicit constexpr token_price(std::int64_t pico) noexcept : pico_{pico} {}
    std::int64_t pico_ = 0;
};

/// Adds up tokens times prices, and fees, in pico-dollars and rounds up **once**, at the end.
class cost_sum {
public:
    /// So many tokens at this price each. Saturates.
    constexpr cost_sum& add(std::int64_t tokens, token_price price) noexcept {
        return add(detail::wide_int{tokens} * price.pico());  // fits: 63 bits times 63 bits
    }
    /// So many of what has a fee each.
    constexpr cost_sum& add(std::int64_t units, money fee) noexcept {
        auto const nano = detail::wide_int{units} * fee.nano();
        constexpr auto fits = most / pico_per_nano;
        return add(nano > fits ? most : nano < -fits ? -most : nano * pico_per_nano);
    }
    /// The sum in nano-dollars, rounded up: a bound stays one.
    [[nodiscard]] constexpr money round_up() const noexcept {
        auto const quotient = pico_ / pico_per_nano;
        return money::from_nano(detail::saturate(quotient + (pico_ % pico_per_nano > 0 ? 1 : 0)));
    }

private:
    constexpr cost_sum& add(detail::wide_int pico) noexcept {
        if (pico > 0 && pico_ > most - pico) pico_ = most;
        else if (pico < 0 && pico_ < -most - pico) pico_ = -most;
        else pico_ += pico;
        return *this;
    }
    static constexpr std::int64_t pico_per_nano = 1000;
    static constexpr detail::wide_int most = static_cast<detail::wide_int>(~detail::wide_uint{0} >> 1);
    detail::wide_int pico_ = 0;
};

namespace detail {

/// Reads `12'345.678` as an integer of `decimals` decimal places; anything inexact does not compile.
template <std::size_t Decimals, char... Chars>
consteval std::int64_t exact_decimal() {
    constexpr char text[] = {Chars...};
    wide_int value = 0;
    std::size_t places = 0;
    bool point = false;
    for (char c : text) {
        if (c == '\'') continue;
        if (c == '.') {
            point = true;
            continue;
        }
        if (c < '0' || c > '9') throw std::invalid_argument{"write the amount in plain decimal digits, e.g. 0.10_usd"};
        if (point && ++places > Decimals) {
            if (c != '0') throw std::invalid_argument{"the amount is finer than its unit and would have to be rounded"};
            continue;
        }
        value = value * 10 + (c - '0');
        if (value > std::numeric_limits<std::int64_t>::max()) throw std::overflow_error{"the amount is too large"};
    }
    for (; places < Decimals; ++places) value *= 10;
    if (value > std::numeric_limits<std::int64_t>::max()) throw std::overflow_error{"the amount is too large"};
    return static_cast<std::int64_t>(value);
}

}  // namespace detail

namespace literals {

/// Dollars, exact to the nano-dollar: `25_usd`, `0.10_usd`. A finer amount does not compile.
template <char... Chars>
consteval money operator""_usd() {
    return money::from_nano(detail::exact_decimal<9, Chars...>());
}

/// Dollars per million tokens, as price lists quote them, exact to the pico-dollar per token.
template <char... Chars>
consteval token_price operator""_usd_per_mtok() {
    return token_price::from_pico(detail::exact_decimal<6, Chars...>());
}

}  // namespace literals
}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/base/money.ipp>
#endif
