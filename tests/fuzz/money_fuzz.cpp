// SPDX-License-Identifier: BSL-1.0
// Amounts: sums that saturate, costs that are rounded up once, and their text. Input: numbers of eight bytes each.
#include <coffer/base/money.hpp>

#include <charconv>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

#include "fuzz/fuzz.hpp"

using coffer::money;
using fuzz::require;

namespace {

__extension__ using wide = __int128;

/// The amount that a text names, read by other means than it was written.
wide read(std::string const& text) {
    bool const negative = text.front() == '-';
    wide value = 0;
    std::size_t decimals = 0;
    bool point = false;
    for (char const c : text.substr(negative ? 1 : 0)) {
        if (c == '.') {
            require(!point, "an amount has one point");
            point = true;
            continue;
        }
        require(c >= '0' && c <= '9', "an amount is digits");
        value = value * 10 + (c - '0');
        if (point) ++decimals;
    }
    require(decimals == 9, "an amount has nine decimals");
    return negative ? -value : value;
}

wide bounded(wide v) {
    constexpr wide top = std::numeric_limits<std::int64_t>::max();
    constexpr wide bottom = std::numeric_limits<std::int64_t>::min();
    return v > top ? top : v < bottom ? bottom : v;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    money sum;
    coffer::cost_sum cost;
    wide sum_oracle = 0;
    wide cost_oracle = 0;
    bool exact = true;  // as long as the oracle itself does not overflow
    std::int64_t before = 0;
    for (std::size_t i = 0; i + 8 <= size; i += 8) {
        std::int64_t n = 0;
        std::memcpy(&n, data + i, 8);
        auto const m = money::from_nano(n);
        require(read(m.to_string()) == n, "an amount's text is the amount");
        require((m < money{}) == (n < 0), "amounts are ordered as numbers are");
        sum += m;
        sum_oracle = bounded(sum_oracle + n);
        require(sum.nano() == sum_oracle, "sums saturate");
        require((sum - m).nano() == bounded(sum_oracle - n), "and differences");

        cost.add(before, coffer::token_price::from_pico(n));
        wide const product = wide{before} * n;
        exact = exact && !__builtin_add_overflow(cost_oracle, product, &cost_oracle);
        before = n;
        if (!exact) continue;
        wide const rounded = cost_oracle / 1000 + (cost_oracle % 1000 > 0 ? 1 : 0);
        require(cost.round_up().nano() == bounded(rounded), "a cost is rounded up once");
    }
    return 0;
}
