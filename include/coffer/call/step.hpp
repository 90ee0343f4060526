// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a layer, or the journal, is given to run: everything inside it.

#include <coffer/asio.hpp>
#include <coffer/base/answer.hpp>
#include <coffer/base/fingerprint.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/call.hpp>
#include <coffer/call/event.hpp>
#include <coffer/call/operation.hpp>
#include <coffer/call/permit_source.hpp>
#include <coffer/call/reader.hpp>
#include <coffer/call/walk.hpp>

#include <concepts>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace coffer::inline COFFER_ABI::detail {

/// The same with a life of its own: shared core, copies of the arguments. What a flight owns.
template <class Core, std::size_t Begin, class... Args>
class detached_step {
public:
    using value_type = typename Core::template called_with<Args&...>::value_type;

    detached_step(std::shared_ptr<Core const> core, Args const&... args) : core_{std::move(core)}, args_{args...} {}

    [[nodiscard]] awaitable<outcome<value_type>> operator()(call& c) {
        return std::apply(
            [&](auto&... args) { return walk<Begin, Core, Args const&...>(core_, c, handed::in, args...); }, args_);
    }
    [[nodiscard]] outcome<value_type> decode(answer const& what, target const& from) const {
        return std::apply(
            [&](auto const&... args) {
                return read_answer<typename Core::template called_with<Args&...>>(*core_, what, from, args...);
            },
            args_);
    }

    /// Can an answer be read by now that could not be used when it came? Only by who goes where it came from: what another
    /// provider's answer looks like to this one says nothing.
    [[nodiscard]] bool reads_anew(answer const& what, target const& from) const {
        if constexpr (!Core::hands_down) {
            auto const fits = [&](auto const&... args) { return fit_of_operation(core_->operation, from, args...); };
            if (std::apply(fits, args_) == fit::no) return false;
        }
        return decode(what, from).has_value();
    }

private:
    std::shared_ptr<Core const> core_;
    std::tuple<Args...> args_;
};

template <class Core, std::size_t Begin, class... Args>
class next_step {
    using called = typename Core::template called_with<Args...>;

public:
    using value_type = typename called::value_type;
    static constexpr bool has_fingerprint = called::has_fingerprint;
    static constexpr bool journalable = called::journalable;
    static constexpr bool copyable = (std::copy_constructible<std::decay_t<Args>> && ...);

    next_step(std::shared_ptr<Core const> core, call const& c, Args&... args) noexcept
        : core_{std::move(core)}, claim_{c.claim()}, args_{args...} {}

    /// Runs everything inside, with the call that the layer was given. May be called any number of times, one after another.
    ///
    /// Throws `misuse` for another call where there is a journal further out: its sends would not be counted.
    [[nodiscard]] awaitable<outcome<value_type>> operator()(call& c) const {
        if (c.claim() != claim_)
            throw misuse{
                "coffer: a layer inside `once` runs `next` with a call of its own, whose sends the journal could not "
                "count: run it with the call that the layer was given"};
        return std::apply(
            [&](auto&... args) { return walk<Begin, Core, decltype(args)...>(core_, c, handed::in, args...); }, args_);
    }

    // For the journal.
    [[nodiscard]] fingerprint print() const {
        return std::apply([&](auto const&... args) { return fingerprint_of(core_->operation, args...); }, args_);
    }
    /// What an answer says that came from there.
    [[nodiscard]] outcome<value_type> decode(answer const& what, target const& from) const {
        return std::apply([&](auto const&... args) { return read_answer<called>(*core_, what, from, args...); }, args_);
    }
    [[nodiscard]] auto detach() const {
        return std::apply(
            [&](auto const&... args) {
                return detached_step<Core, Begin, std::remove_cvref_t<decltype(args)>...>{core_, args...};
            },
            args_);
    }
    void tell(event const& e, call const& c) const noexcept { core_->tell(e, c); }

private:
    std::shared_ptr<Core const> core_;
    permit_source* claim_;
    std::tuple<Args&...> args_;
};

}  // namespace coffer::inline COFFER_ABI::detail
