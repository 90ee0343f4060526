// SPDX-License-Identifier: BSL-1.0
#pragma once
// A few values and how they are combined, as one value of a fixed size: `a + b | c` without types that grow.

#include <coffer/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace coffer::inline COFFER_ABI::detail {

/// How two values are combined.
enum class joint : std::uint8_t { sum, either, both };

/// Up to `Most` leaves under operators, kept in postfix order. Trivially destructible if a leaf is.
template <class Leaf, std::size_t Most>
class small_expression {
public:
    static constexpr std::size_t most = Most;

    explicit constexpr small_expression(Leaf const& only) : leaves_{only}, count_{1}, length_{1} {}

    /// Throws `std::length_error` beyond `Most` leaves.
    [[nodiscard]] static constexpr small_expression join(joint how, small_expression const& a,
                                                         small_expression const& b) {
        if (a.count_ + b.count_ > Most)
            throw std::length_error{"coffer: too many parts are combined here; 4 are the most"};
        auto all = a;
        for (std::size_t i = 0; i < b.count_; ++i) all.leaves_[all.count_ + i] = b.leaves_[i];
        for (std::size_t i = 0; i < b.length_; ++i) {
            auto const step = b.program_[i];
            all.program_[all.length_++] = static_cast<std::uint8_t>(step < Most ? step + a.count_ : step);
        }
        all.count_ = static_cast<std::uint8_t>(a.count_ + b.count_);
        all.program_[all.length_++] = static_cast<std::uint8_t>(Most + static_cast<std::size_t>(how));
        return all;
    }

    [[nodiscard]] constexpr std::size_t size() const noexcept { return count_; }
    [[nodiscard]] constexpr Leaf const& operator[](std::size_t i) const noexcept { return leaves_[i]; }

    /// `of(i)` gives the value of a leaf, `combine(how, a, b)` that of two.
    template <class Value, class OfLeaf, class Combine>
    [[nodiscard]] constexpr Value evaluate(OfLeaf const& of, Combine const& combine) const {
        std::array<Value, Most> values{};
        std::size_t top = 0;
        for (std::size_t i = 0; i < length_; ++i) {
            auto const step = program_[i];
            if (step < Most) {
                values[top++] = of(static_cast<std::size_t>(step));
            } else {
                --top;
                values[top - 1] = combine(static_cast<joint>(step - Most), values[top - 1], values[top]);
            }
        }
        return values[0];
    }

private:
    std::array<Leaf, Most> leaves_;
    std::array<std::uint8_t, 2 * Most - 1> program_{};  // below Most: a leaf; then the operators
    std::uint8_t count_;
    std::uint8_t length_;
};

}  // namespace coffer::inline COFFER_ABI::detail
