// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a scope has spent, by hour or by minute, for as long as an alarm looks back. Pure, of a fixed size.
//
//     coffer::spend_history hours;
//     hours.add(settled_at, cost);                             // late settles and corrections, which may be negative, too
//     coffer::money day = hours.sum(hours.cell_of(now), 24);   // the hour of now and the 23 before it
//     std::string column = hours.bytes();                      // and back: spend_history::parse

#include <coffer/base/money.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI {

/// Amounts by cells of time, each `Step` long and counted from the epoch: the last `Cells` of them up to the newest that
/// something was added to. What is older is forgotten. A time far in the future would make it forget everything, so the
/// time passed in is one that can be trusted.
///
/// Sums saturate. Not synchronised.
template <class Step, std::size_t Cells>
class spend_cells {
public:
    using time_point = std::chrono::system_clock::time_point;  ///< of the wall clock
    using cell = std::int64_t;  ///< its number, counted from the epoch

    static constexpr std::size_t size = Cells;  ///< in cells

    /// The cell that contains `t`.
    [[nodiscard]] static cell cell_of(time_point t) noexcept {
        return static_cast<cell>(std::chrono::floor<Step>(t).time_since_epoch().count());
    }
    /// Its first instant.
    [[nodiscard]] static time_point start_of(cell c) noexcept { return time_point{Step{c}}; }

    /// Nothing was ever added.
    [[nodiscard]] bool empty() const noexcept { return first_ > newest_; }
    /// The cell of the earliest addition ever, also if it is forgotten; not for an empty one.
    [[nodiscard]] cell first() const noexcept { return first_; }
    /// To which something was added; not for an empty one.
    [[nodiscard]] cell newest() const noexcept { return newest_; }
    /// That is still kept; not for an empty one.
    [[nodiscard]] cell oldest() const noexcept { return std::max(first_, newest_ - span + 1); }

    /// Adds to the cell of `t`; a negative amount is a correction. What is older than all cells is dropped.
    void add(time_point t, money amount) noexcept { add(cell_of(t), amount); }

    /// The amount of one cell; zero for those that are forgotten or have not come.
    [[nodiscard]] money at(cell c) const noexcept {
        return empty() || c < oldest() || c > newest_ ? money{} : amounts_[place(c)];
    }
    /// Of `cells` cells, of which `last` is the last.
    [[nodiscard]] money sum(cell last, cell cells) const noexcept {
        money total;
        for (auto c = last - cells + 1; c <= last; ++c) total += at(c);
        return total;
    }

    /// Adds what another one holds, of the same scope but of other spending: of another process, say.
    void merge(spend_cells const& other) noexcept {
        if (other.empty()) return;
        for (auto c = other.oldest(); c <= other.newest_; ++c) add(c, other.at(c));
        first_ = std::min(first_, other.first_);
    }

    /// A compact form: some bytes for each cell with an amount, and for each gap between such cells.
    [[nodiscard]] std::string bytes() const;
    /// Reads `bytes()`; nothing if these are other bytes, or of cells of another length or number.
    [[nodiscard]] static std::optional<spend_cells> parse(std::string_view bytes);

    /// By what they hold: what is forgotten does not count.
    friend bool operator==(spend_cells const& a, spend_cells const& b) noexcept {
        if (a.empty() || b.empty()) return a.empty() == b.empty();
        if (a.first_ != b.first_ || a.newest_ != b.newest_) return false;
        for (auto c = a.oldest(); c <= a.newest_; ++c)
            if (a.at(c) != b.at(c)) return false;
        return true;
    }

private:
    static constexpr cell span = static_cast<cell>(Cells);
    static constexpr cell farthest = cell{1} << 40;  // cells from the epoch; a wall clock's minutes and hours need less
    static constexpr std::string_view version = "\1";

    [[nodiscard]] static std::size_t place(cell c) noexcept {
        return static_cast<std::size_t>((c % span + span) % span);  // cells before 1970 are negative
    }
    void add(cell c, money amount) noexcept {
        if (empty()) {
            first_ = newest_ = c;
            amounts_[place(c)] = amount;
            return;
        }
        if (c <= newest_ - span) return;
        // Before the oldest that was added to, nothing has been written into the places of their cells.
        for (auto fresh = std::max(newest_ + 1, c - span + 1); fresh <= c; ++fresh) amounts_[place(fresh)] = {};
        for (auto fresh = c; fresh < oldest(); ++fresh) amounts_[place(fresh)] = {};
        newest_ = std::max(newest_, c);
        first_ = std::min(first_, c);
        amounts_[place(c)] += amount;
    }

    cell first_ = 1;
    cell newest_ = 0;
    std::array<money, Cells> amounts_{};
};

/// Five weeks of hours: four to compare with, and the present one.
using spend_history = spend_cells<std::chrono::hours, std::size_t{5} * 7 * 24>;
/// The minutes of the last six hours and of the present one, for burn rates.
using spend_trail = spend_cells<std::chrono::minutes, std::size_t{6} * 60 + 1>;

namespace detail {

// Seven bits a byte, the lowest first; the highest bit says that more follow.
void put_number(std::string& out, std::uint64_t n);
// Small numbers of either sign are short.
void put_signed(std::string& out, std::int64_t n);

std::optional<std::uint64_t> take_number(std::string_view& in);
std::optional<std::int64_t> take_signed(std::string_view& in);

}  // namespace detail

// Version, the length of a cell in seconds, how many, the first, the newest; then by turns how many cells are zero and the
// amount of the next, up to the newest.
template <class Step, std::size_t Cells>
std::string spend_cells<Step, Cells>::bytes() const {
    std::string out{version};
    detail::put_number(out, static_cast<std::uint64_t>(std::chrono::seconds{Step{1}}.count()));
    detail::put_number(out, Cells);
    if (empty()) return out;
    detail::put_signed(out, first_);
    detail::put_signed(out, newest_);
    std::uint64_t zeros = 0;
    for (auto c = oldest(); c <= newest_; ++c) {
        if (at(c) == money{}) {
            ++zeros;
            continue;
        }
        detail::put_number(out, zeros);
        detail::put_signed(out, at(c).nano());
        zeros = 0;
    }
    return out;
}

template <class Step, std::size_t Cells>
std::optional<spend_cells<Step, Cells>> spend_cells<Step, Cells>::parse(std::string_view in) {
    if (!in.starts_with(version)) return {};
    in.remove_prefix(version.size());
    if (detail::take_number(in) != static_cast<std::uint64_t>(std::chrono::seconds{Step{1}}.count())) return {};
    if (detail::take_number(in) != std::uint64_t{Cells}) return {};
    spend_cells cells;
    if (in.empty()) return cells;
    auto const first = detail::take_signed(in);
    auto const newest = detail::take_signed(in);
    if (!first || !newest || *first > *newest || *first < -farthest || *newest > farthest) return {};
    cells.first_ = *first;
    cells.newest_ = *newest;
    for (auto c = cells.oldest(); !in.empty(); ++c) {
        auto const zeros = detail::take_number(in);
        auto const amount = detail::take_signed(in);
        if (!zeros || !amount || *amount == 0 || *zeros > Cells) return {};
        c += static_cast<cell>(*zeros);
        if (c > *newest) return {};
        cells.amounts_[place(c)] = money::from_nano(*amount);
    }
    return cells;
}

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/spend_history.ipp>
#endif
