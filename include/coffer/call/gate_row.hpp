// SPDX-License-Identifier: BSL-1.0
#pragma once
// The gates of one segment of a pipeline: entering and settling are folds in plain functions, and only a gate that must
// wait costs a frame of its own.

#include <coffer/asio.hpp>
#include <coffer/call/attempt.hpp>
#include <coffer/call/call.hpp>
#include <coffer/call/gate.hpp>

#include <cstddef>
#include <optional>
#include <tuple>
#include <utility>

// GCC takes every closure in a coroutine's frame for one of an anonymous namespace and warns in whoever includes this.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

namespace coffer::inline COFFER_ABI::detail {

/// The gates of one segment of a pipeline, `Begin` to (not including) `End`, and their tickets.
template <class Policies, std::size_t Begin, std::size_t End>
class gate_row;

template <class... Policies, std::size_t Begin, std::size_t End>
class gate_row<std::tuple<Policies...>, Begin, End> {
    template <std::size_t I>
    using gate_at = std::tuple_element_t<Begin + I, std::tuple<Policies...>>;
    template <std::size_t... I>
    static std::tuple<slot<typename gate_at<I>::ticket>...> slots_for(std::index_sequence<I...>);

public:
    static constexpr std::size_t size = End - Begin;
    using indices = std::make_index_sequence<size>;
    /// May any of the gates ask an attempt to wait?
    static constexpr bool waits = []<std::size_t... I>(std::index_sequence<I...>) {
        return (waiting_gate<gate_at<I>> || ...);
    }(indices{});

    /// Does any of them want to know what the request may consume?
    static constexpr bool estimates = []<std::size_t... I>(std::index_sequence<I...>) {
        return (traits_of<gate_at<I>>().estimates || ...);
    }(indices{});

    explicit gate_row(std::tuple<Policies...> const& policies) noexcept : policies_{policies} {}

    /// Enters gates from the first not entered yet. True when all are entered; false at a refusal or a wait.
    bool enter(attempt& a) {
        return [&]<std::size_t... I>(std::index_sequence<I...>) { return (enter_one<I>(a) && ...); }(indices{});
    }
    [[nodiscard]] bool refused() const noexcept { return refusal_.has_value(); }
    [[nodiscard]] fault take_refusal() noexcept {
        fault why = *std::move(refusal_);
        refusal_.reset();
        return why;
    }

    /// Awaits the gate that asked to wait. Its frame is the price of waiting.
    awaitable<void> wait(attempt& a) {
        std::optional<awaitable<void>> wait;
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (void)((I == entered_ && (wait.emplace(wait_one<I>(a)), true)) || ...);
        }(indices{});
        return *std::move(wait);
    }

    /// Settles entered gates from the innermost outwards, until one asks for another attempt: that one keeps its ticket
    /// and stays entered, as do those further out.
    ///
    /// `before` is how the last attempt ended that was made, if the one that was asked for then has come to nothing: the
    /// gates further out than the one that asked have been told of neither, and to them that end is the last one.
    verdict settle(attempt_end const& end, attempt& a, attempt_end const* before = nullptr) noexcept {
        verdict v = verdict::done();
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (void)(settle_one<size - 1 - I>(end, a, before, v) && ...);
        }(indices{});
        return v;
    }

private:
    template <std::size_t I>
    bool enter_one(attempt& a) {
        if (I < entered_) return true;
        auto said = std::get<Begin + I>(policies_).try_enter(a, std::get<I>(slots_));
        if (said.is_in()) {
            entered_ = I + 1;
            return true;
        }
        if (!said.must_wait()) refusal_.emplace(std::move(said).why());
        return false;
    }

    template <std::size_t I>
    awaitable<void> wait_one(attempt& a) {
        if constexpr (waiting_gate<gate_at<I>>) {
            auto entered = co_await std::get<Begin + I>(policies_).enter(a, std::get<I>(slots_));
            if (entered) entered_ = I + 1;
            else refusal_.emplace(std::move(entered).error());
        } else {
            throw misuse{"coffer: a gate asked an attempt to wait but has no enter()"};
            co_return;
        }
    }

    template <std::size_t I>
    bool settle_one(attempt_end const& end, attempt& a, attempt_end const* before, verdict& v) noexcept {
        if (I >= entered_) return true;
        auto& held = std::get<I>(slots_);
        bool const of_before = before != nullptr && I < asked_;
        auto said = held->settle(of_before ? *before : end, a);
        if (of_before && said.asks_again()) said = held->settle(end, a);  // nothing will come of that either
        if (said.asks_again() && end.what == attempt_end::kind::failed) {
            v = said;
            asked_ = I;
            return false;
        }
        if (!of_before && v.stop() == stop_reason::none) v = verdict::done(said.stop());
        held.reset();
        entered_ = I;
        return true;
    }

    std::tuple<Policies...> const& policies_;
    decltype(slots_for(indices{})) slots_;
    std::size_t entered_ = 0;
    std::size_t asked_ = 0;  // the gate that asked for the attempt under way
    std::optional<fault> refusal_;
};

/// The end of the segment that begins at `Begin`: the first policy that is not a gate.
template <class Policies, std::size_t Begin>
[[nodiscard]] consteval std::size_t segment_end() {
    if constexpr (Begin == std::tuple_size_v<Policies>) return Begin;
    else if constexpr (gate<std::tuple_element_t<Begin, Policies>>) return segment_end<Policies, Begin + 1>();
    else return Begin;
}

}  // namespace coffer::inline COFFER_ABI::detail

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
