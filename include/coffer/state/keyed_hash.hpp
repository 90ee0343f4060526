// SPDX-License-Identifier: BSL-1.0
#pragma once
// A hash that nobody can foresee who does not know its key. Pure.
//
// SipHash (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012), with one round for each word and three at the
// end, as for the tables of Python and Rust: whoever chooses the names cannot choose which of them meet in one bucket.

#include <coffer/config.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace coffer::inline COFFER_ABI {

/// Two words of it.
struct hash_key {
    std::uint64_t first = 0;  ///< random, of one process or table
    std::uint64_t second = 0;  ///< random as well
};

namespace detail {

class sip_state {
public:
    explicit constexpr sip_state(hash_key const& k) noexcept
        : v_{k.first ^ 0x736f6d6570736575U, k.second ^ 0x646f72616e646f6dU, k.first ^ 0x6c7967656e657261U,
             k.second ^ 0x7465646279746573U} {}

    template <int Rounds>
    constexpr void take(std::uint64_t word) noexcept {
        v_[3] ^= word;
        for (int i = 0; i < Rounds; ++i) round();
        v_[0] ^= word;
    }
    template <int Rounds>
    [[nodiscard]] constexpr std::uint64_t end() noexcept {
        v_[2] ^= 0xffU;
        for (int i = 0; i < Rounds; ++i) round();
        return v_[0] ^ v_[1] ^ v_[2] ^ v_[3];
    }

private:
    constexpr void round() noexcept {
        mix(0, 1, 13);
        v_[0] = std::rotl(v_[0], 32);
        mix(2, 3, 16);
        mix(0, 3, 21);
        mix(2, 1, 17);
        v_[2] = std::rotl(v_[2], 32);
    }
    constexpr void mix(std::size_t a, std::size_t b, int by) noexcept {
        v_[a] += v_[b];
        v_[b] = std::rotl(v_[b], by) ^ v_[a];
    }
    std::array<std::uint64_t, 4> v_;
};

}  // namespace detail

/// The same on every machine. `Each` rounds for a word, `Last` at the end.
template <int Each = 1, int Last = 3>
[[nodiscard]] constexpr std::uint64_t keyed_hash(std::string_view text, hash_key const& key) noexcept {
    detail::sip_state state{key};
    auto const word = [&](std::size_t at, std::size_t bytes) {
        std::uint64_t w = 0;
        for (std::size_t i = 0; i < bytes; ++i) w |= std::uint64_t{static_cast<unsigned char>(text[at + i])} << (8 * i);
        return w;
    };
    std::size_t at = 0;
    for (; text.size() - at >= 8; at += 8) state.take<Each>(word(at, 8));
    state.take<Each>(word(at, text.size() - at) | std::uint64_t{text.size() & 0xffU} << 56);
    return state.end<Last>();
}

}  // namespace coffer::inline COFFER_ABI
