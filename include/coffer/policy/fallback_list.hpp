// SPDX-License-Identifier: BSL-1.0
#pragma once
// The alternatives of a fallback, or of a hedge, each with its type or as many as a vector holds, by number.

#include <coffer/base/answer.hpp>
#include <coffer/base/codec.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/call.hpp>
#include <coffer/call/core.hpp>
#include <coffer/call/order_rules.hpp>
#include <coffer/call/reader.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::detail {

/// Several types, each standing where the program has it.
template <class... Alternatives>
class fallback_list {
public:
    using first = std::tuple_element_t<0, std::tuple<Alternatives...>>;
    static constexpr bool one = sizeof...(Alternatives) == 1;
    /// Does it hold for each type?
    template <template <class> class Holds>
    static constexpr bool each = (Holds<Alternatives>::value && ...);

    explicit fallback_list(Alternatives... all) : all_{std::move(all)...} {}

    [[nodiscard]] std::size_t size() const noexcept { return sizeof...(Alternatives); }
    [[nodiscard]] first const& first_one() const noexcept { return std::get<0>(all_); }
    /// What `fn` gives for the alternative number `i`: the same type for all of them.
    template <class Fn>
    [[nodiscard]] auto at(std::size_t i, Fn const& fn) const {
        std::optional<std::invoke_result_t<Fn const&, first const&>> given;
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (void)((I == i && (given.emplace(fn(std::get<I>(all_))), true)) || ...);
        }(std::index_sequence_for<Alternatives...>{});
        return *std::move(given);
    }

private:
    std::tuple<Alternatives...> all_;
};

/// As many of one type as the configuration says.
template <class Alternative>
class fallback_list<std::vector<Alternative>> {
public:
    using first = Alternative;
    static constexpr bool one = false;  // as far as the type says
    template <template <class> class Holds>
    static constexpr bool each = Holds<Alternative>::value;

    explicit fallback_list(std::vector<Alternative> all) : all_{std::move(all)} {}

    [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
    [[nodiscard]] first const& first_one() const noexcept { return all_.front(); }
    template <class Fn>
    [[nodiscard]] auto at(std::size_t i, Fn const& fn) const {
        return fn(all_[i]);
    }

private:
    std::vector<Alternative> all_;
};

template <class Alternative>
struct is_wrapped : std::bool_constant<nested_pipeline<Alternative>> {};

template <class Alternative>
[[nodiscard]] consteval contents declared_order() {
    if constexpr (requires { Alternative::order; }) return Alternative::order;
    else return {};
}
template <class Alternative>
struct has_no_journal : std::bool_constant<!declared_order<Alternative>().journal> {};
template <class Alternative>
struct has_no_hedge : std::bool_constant<!declared_order<Alternative>().hedges> {};
/// What a fallback of them contains, as far as their types tell. It makes several sends out of one itself.
template <class... Alternatives>
[[nodiscard]] consteval contents merged_orders() {
    contents all{.multiplies_sends = true};
    ((all = merged(all, declared_order<Alternatives>())), ...);
    return all;
}

/// How an alternative is called with lvalues of `Args...`.
template <class... Args>
struct alternative_for {
    template <class Alternative>
    struct has_target : std::bool_constant<Alternative::template has_target<Args...>> {};
    template <class Alternative>
    struct journalable : std::bool_constant<Alternative::template journalable<Args...>> {};
    template <class First>
    struct like {
        template <class Alternative>
        struct first
            : std::is_same<typename shape<Alternative, Args...>::returned, typename shape<First, Args...>::returned> {};
    };
};

template <class Alternative>
struct can_decode
    : std::bool_constant<
          !is_absent<decltype(decode_with(std::declval<Alternative const&>(), std::declval<answer const&>()))>> {};

// What alternatives are together, for the pipeline around them: the same for all who choose among some.

/// What is in them, besides `own`.
template <class List>
[[nodiscard]] contents contents_of_all(List const& all, contents own) {
    for (std::size_t i = 0; i < all.size(); ++i)
        own = merged(own, all.at(i, [](auto const& a) { return a.contains(); }));
    return own;
}
/// The best fit of them all.
template <class List, class... Args>
[[nodiscard]] fit best_fit(List const& all, target const& from, Args const&... args) {
    auto best = fit::no;
    for (std::size_t i = 0; i < all.size(); ++i)
        best = std::max(best, all.at(i, [&](auto const& a) { return a.fits(from, args...); }));
    return best;
}
/// A stored answer, read by those that fit best, in their order, until one can.
template <class List, class... Args>
[[nodiscard]] auto read_by_best(List const& all, answer const& what, target const& from, Args const&... args) {
    using value_type = typename shape<typename List::first, Args const...>::value_type;
    std::optional<outcome<value_type>> said;
    auto const best = best_fit(all, from, args...);
    for (std::size_t i = 0; best != fit::no && i < all.size() && !(said && *said); ++i) {
        if (all.at(i, [&](auto const& a) { return a.fits(from, args...); }) != best) continue;
        auto one = all.at(i, [&](auto const& a) -> outcome<value_type> { return a.read(what, from, args...); });
        if (one || !said) said.emplace(std::move(one));
    }
    if (!said) said.emplace(failed(no_reader(from)));
    return *std::move(said);
}
/// The first one that can read it, where nobody says where the answer came from.
template <class List>
[[nodiscard]] auto decode_by_any(List const& all, answer const& what) {
    auto const by = [&](std::size_t i) { return all.at(i, [&](auto const& a) { return decode_with(a, what); }); };
    auto said = by(0);
    for (std::size_t i = 1; !said && i < all.size(); ++i)
        if (auto other = by(i)) said = std::move(other);
    return said;
}

}  // namespace coffer::inline COFFER_ABI::detail
