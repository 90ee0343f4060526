// SPDX-License-Identifier: BSL-1.0
#pragma once
// One gate for each tenant, model or whatever a name can be found for: declared once, made when it is needed.
//
//     coffer::per_key const pace{coffer::by_tag("tenant"), [] { return coffer::rate_limit{{.requests_per_minute = 60}}; }};
//     coffer::per_key const health{coffer::by_model(), [] { return coffer::circuit_breaker{}; }, {.max_keys = 100}};
//     auto ask = coffer::pipeline{coffer::retry{}, health, pace}.wrap(openai.chat);
//     pace.for_each([](std::string_view tenant, coffer::rate_limit const& l) { … });

#include <coffer/call/composition.hpp>
#include <coffer/call/gate.hpp>
#include <coffer/call/layer.hpp>
#include <coffer/policy/partition_name.hpp>
#include <coffer/policy/partitions.hpp>
#include <coffer/policy/per_key_options.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace coffer::inline COFFER_ABI {
namespace detail {

template <class F>
auto made_by(F const& f) {
    if constexpr (std::invocable<F const&, std::string_view>) return f(std::string_view{});
    else return f();
}
template <class F>
concept makes_gates = requires(F const& f) {
    { made_by(f) } -> gate;
};

template <class F>
concept makes_layers = requires(F const& f) {
    { made_by(f) } -> layer;
};

template <class By>
concept names_partitions = std::is_invocable_r_v<partition_name, By const&, attempt const&>;

/// The gate that a factory makes, or what is wrong with it.
template <class By, class Factory>
struct gate_of {
    static_assert(
        names_partitions<By>,
        "coffer::per_key: the first argument names the partition of an attempt: by_tag, by_model, or a function of a "
        "coffer::attempt const& that returns a string");
    static_assert(
        !makes_layers<Factory>,
        "coffer::per_key: the second argument makes a layer (like `timeout` or `once`), and per_key takes "
        "gates: circuit_breaker, rate_limit, bulkhead, retry, budget, or one of yours. Put the layer itself into the "
        "pipeline; if its settings go by a name, write a layer that reads the name of the call");
    static_assert(makes_gates<Factory> || makes_layers<Factory>,
                  "coffer::per_key: the second argument makes a gate for each name: write [] { return "
                  "coffer::circuit_breaker{}; } and not coffer::circuit_breaker{}, whose copies would share one state");
    static auto made() {
        if constexpr (makes_gates<Factory>)
            return std::type_identity<decltype(made_by(std::declval<Factory const&>()))>{};
        else return std::type_identity<void>{};
    }
    using type = typename decltype(made())::type;
};

}  // namespace detail

/// A gate made of gates: each attempt goes through the one that `by` names, and through no other.
///
/// `by` gives a text for an `attempt const&` (`by_tag`, `by_provider`, `by_model`, `by_target`, or a function that returns
/// something like a string); the empty text names a partition like any other. `factory` makes the gate of a new name,
/// from nothing or from the name; it is called without any lock, for one name perhaps by several threads at once, of which
/// all but one gate are dropped. If one of them throws, nothing is sent: the fault is `permanent`, or what a thrown `failure` says.
///
/// At most `max_keys` partitions are kept. A new name takes the room of the one that has been unused for longest, if that is at
/// least `forget_after`, no attempt is in it or waits in it, and its gate does not say (`bool idle(time_point) const`) that
/// it still remembers something. Otherwise the attempt is refused (`queue_full`, code `max_keys`) or, with `when_full::share`,
/// goes through the partition without a name. No name is ever said in a fault or an event. One of more than 1024 bytes is
/// refused (`permanent`, code `name_too_long`).
///
/// Waiting, tickets and traits are those of the gate. A handle: copies share all partitions. Any thread, any number of contexts
/// under one clock (`misuse` otherwise).
template <gate Gate>
class per_key {
    using shared = detail::partitions<Gate>;
    using partition = typename shared::partition;

public:
    static constexpr policy_traits traits = traits_of<Gate>();  ///< the gate's own

    /// Throws `std::invalid_argument` for options that cannot be meant.
    template <detail::names_partitions By, detail::makes_gates Factory>
    per_key(By by, Factory factory, per_key_options options = {})
        : shared_{std::make_shared<shared>(std::move(by), maker(std::move(factory)), (options.check(), options))} {}
    per_key(per_key const&) = default;  // and no moves: a handle that was moved from is one, too
    per_key& operator=(per_key const&) = default;

    /// The gate's own ticket, and the partition, which stays as long as it lives.
    class ticket {
    public:
        /// Made by `try_enter`.
        ticket(shared& s, partition& p) noexcept : shared_{&s}, partition_{&p} {}
        ticket(ticket const&) = delete;
        ticket& operator=(ticket const&) = delete;
        ~ticket() {
            inner_.reset();
            shared_->release(*partition_, over_ ? *over_ : shared_->now());
        }

        /// Settles the gate's ticket, and says what that says.
        verdict settle(attempt_end const& end, attempt& a) noexcept {
            auto const said = inner_->settle(end, a);
            over_ = said.asks_again() ? std::nullopt : std::optional{end.at};
            return said;
        }

    private:
        friend class per_key;
        shared* shared_;
        partition* partition_;
        std::optional<time_point> over_;
        slot<typename Gate::ticket> inner_;
    };

    /// Finds or makes the partition, and asks its gate. Refuses by itself where no gate can be had.
    [[nodiscard]] admission try_enter(attempt& a, slot<ticket>& s) const {
        auto const found = shared_->of(a);
        if (!found) return admission::refused(found.error());
        auto& t = s.emplace(*shared_, **found);
        auto said = t.partition_->value.try_enter(a, t.inner_);
        if (!said.is_in() && !said.must_wait()) {
            t.over_ = a.now();
            s.reset();
        }
        return said;
    }
    /// Waits as the partition's gate does.
    [[nodiscard]] awaitable<outcome<void>> enter(attempt& a, slot<ticket>& s) const
        requires waiting_gate<Gate>
    {
        return s->partition_->value.enter(a, s->inner_);
    }

    // For operators. No observer is told.

    /// A partition's gate, which is not forgotten as long as this lives: `pace.at("acme")->waiting()`.
    class held {
    public:
        /// The other one holds nothing from then on.
        held(held&& other) noexcept
            : shared_{std::move(other.shared_)},
              partition_{std::exchange(other.partition_, nullptr)},
              used_{other.used_} {}
        held& operator=(held&&) = delete;
        ~held() {
            if (partition_ == nullptr) return;
            if (used_) shared_->release(*partition_, shared_->now());
            else shared_->look_away(*partition_);
        }
        /// False: there is no such partition.
        [[nodiscard]] explicit operator bool() const noexcept { return partition_ != nullptr; }
        /// Only if there is one.
        [[nodiscard]] Gate const& operator*() const noexcept { return partition_->value; }
        /// Only if there is one.
        [[nodiscard]] Gate const* operator->() const noexcept { return &partition_->value; }
        /// The partition's, as `by` gave it.
        [[nodiscard]] std::string_view name() const noexcept { return partition_->name(); }

    private:
        friend class per_key;
        held(std::shared_ptr<shared> s, partition* p, bool used) noexcept
            : shared_{std::move(s)}, partition_{p}, used_{used} {}
        std::shared_ptr<shared> shared_;
        partition* partition_;
        bool used_;
    };

    /// The gate of that name, if there is one by now. To look at it is not to use it: it is forgotten as soon as otherwise.
    [[nodiscard]] held find(std::string_view name) const { return held{shared_, shared_->look(name), false}; }
    /// The same, made if there is none, and used. Throws `failure` if there is no room (and never gives another name's gate), or
    /// if the factory threw.
    [[nodiscard]] held at(std::string_view name) const {
        return held{shared_, value_or_throw(shared_->find_or_make(name, shared_->now(), when_full::refuse)), true};
    }
    /// Would a new one do as well? All its gates would, or have not been used for `forget_after` where they cannot say; and
    /// nobody is in one of them, or holds one.
    [[nodiscard]] bool idle(time_point now) const { return shared_->idle(now); }
    /// How many there are.
    [[nodiscard]] std::size_t size() const { return shared_->size(); }
    /// `f(std::string_view name, Gate const&)` for each that there is now, by name, without any lock; as with `find`.
    template <class F>
    void for_each(F f) const {
        for (auto const& name : shared_->names())
            if (auto const one = find(name)) f(one.name(), *one);
    }

    /// What `to_string` and `<<` print: of what it makes partitions, and how many there are. No names of theirs.
    void describe(composition& to) const {
        auto const& o = shared_->options();
        per_key_options const usual;
        to.name("per_key").with(detail::type_name<Gate>());
        to.with_other("max_keys", o.max_keys, usual.max_keys)
            .with_other("forget_after", o.forget_after, usual.forget_after);
        if (o.when_full == when_full::share) to.with("shares when full");
        to.now("partitions: " + std::to_string(size()));
    }

    /// What copies have in common.
    [[nodiscard]] void const* state() const noexcept { return shared_.get(); }

private:
    template <class Factory>
    [[nodiscard]] static typename shared::making maker(Factory f) {
        if constexpr (std::invocable<Factory const&, std::string_view>) return typename shared::making{std::move(f)};
        else return typename shared::making{[f = std::move(f)](std::string_view) { return f(); }};
    }

    std::shared_ptr<shared> shared_;
};

/// `per_key{by, factory}` takes the type of gate that the factory makes.
template <class By, class Factory>
per_key(By, Factory, per_key_options = {}) -> per_key<typename detail::gate_of<By, Factory>::type>;

}  // namespace coffer::inline COFFER_ABI
