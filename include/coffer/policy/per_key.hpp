// SPDX-License-Identifier: BSL-1.0
#pragma once
// One gate for each tenant, model or whatever a name can be found for: declared once, made when it is needed.
//
//     coffer::per_key const pace{coffer::by_tag("tenant"), [] { return coffer::rate_limit{{.requests_per_minute = 60}}; }};
//     coffer::per_key const health{coffer::by_model(), [] { return coffer::circuit_breaker{}; }, {.max_keys = 100}};
//     auto ask = coffer::pipeline{coffer::retry{}, health, pace}.wrap(openai.chat);
//     pace.for_each([](std::string_view tenant, coffer::rate_limit const& l) { … });

#include <coffer/call/gate.hpp>
#include <coffer/call/order_rules.hpp>
#include <coffer/policy/partition_name.hpp>
#include <coffer/policy/per_key_options.hpp>
#include <coffer/state/partition_table.hpp>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace coffer::inline v0 {
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

template <class By>
concept names_partitions = std::is_invocable_r_v<partition_name, By const&, attempt const&>;

/// The gate that a factory makes, or what is wrong with it.
template <class By, class Factory>
struct gate_of {
    static_assert(
        names_partitions<By>,
        "coffer::per_key: the first argument names the partition of an attempt: by_tag, by_model, or a function of a "
        "coffer::attempt const& that returns a string");
    static_assert(makes_gates<Factory>,
                  "coffer::per_key: the second argument makes a gate for each name: write [] { return "
                  "coffer::circuit_breaker{}; } and not coffer::circuit_breaker{}, whose copies would share one state");
    static auto made() {
        if constexpr (makes_gates<Factory>)
            return std::type_identity<decltype(made_by(std::declval<Factory const&>()))>{};
        else return std::type_identity<void>{};
    }
    using type = typename decltype(made())::type;
};

/// A gate that knows when a new one would do as well.
template <class G>
concept says_idle = requires(G const& g, time_point now) {
    { g.idle(now) } -> std::convertible_to<bool>;
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
/// goes through the partition without a name. No name is ever said in a fault or an event.
///
/// Waiting, tickets and traits are those of the gate. A handle: copies share all partitions. Any thread, any number of contexts
/// under one clock (`misuse` otherwise).
template <gate Gate>
class per_key {
    struct shared;
    using table = partition_table<Gate>;
    using partition = typename table::partition;

public:
    static constexpr policy_traits traits = traits_of<Gate>();

    /// Throws `std::invalid_argument` for options that cannot be meant.
    template <detail::names_partitions By, detail::makes_gates Factory>
    per_key(By by, Factory factory, per_key_options options = {})
        : shared_{std::make_shared<shared>(std::move(by), maker(std::move(factory)), (options.check(), options))} {}

    /// The gate's own ticket, and the partition, which stays as long as it lives.
    class ticket {
    public:
        ticket(shared& s, partition& p) noexcept : shared_{&s}, partition_{&p} {}
        ticket(ticket const&) = delete;
        ticket& operator=(ticket const&) = delete;
        ~ticket() {
            inner_.reset();
            shared_->release(*partition_, over_ ? *over_ : shared_->now());
        }

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

    [[nodiscard]] admission try_enter(attempt& a, slot<ticket>& s) const {
        auto const found = shared_->of(a);
        if (!found) return admission::refused(found.error());
        auto& t = s.emplace(*shared_, **found);
        auto said = t.partition_->value.try_enter(a, t.inner_);
        if (!said.is_in() && !said.must_wait()) s.reset();
        return said;
    }
    [[nodiscard]] awaitable<outcome<void>> enter(attempt& a, slot<ticket>& s) const
        requires waiting_gate<Gate>
    {
        return s->partition_->value.enter(a, s->inner_);
    }

    // For operators. No observer is told.

    /// A partition's gate, which is not forgotten as long as this lives: `pace.at("acme")->waiting()`.
    class held {
    public:
        held(held&& other) noexcept
            : shared_{std::move(other.shared_)}, partition_{std::exchange(other.partition_, nullptr)} {}
        held& operator=(held&&) = delete;
        ~held() {
            if (partition_ != nullptr) shared_->release(*partition_, shared_->now());
        }
        [[nodiscard]] explicit operator bool() const noexcept { return partition_ != nullptr; }
        [[nodiscard]] Gate const& operator*() const noexcept { return partition_->value; }
        [[nodiscard]] Gate const* operator->() const noexcept { return &partition_->value; }
        [[nodiscard]] std::string_view name() const noexcept { return partition_->name(); }

    private:
        friend class per_key;
        held(std::shared_ptr<shared> s, partition* p) noexcept : shared_{std::move(s)}, partition_{p} {}
        std::shared_ptr<shared> shared_;
        partition* partition_;
    };

    /// The gate of that name, if there is one by now.
    [[nodiscard]] held find(std::string_view name) const { return held{shared_, shared_->find(name)}; }
    /// The same, made if there is none. Throws `failure` if there is no room (never another name's gate), or the factory threw.
    [[nodiscard]] held at(std::string_view name) const {
        return held{shared_, value_or_throw(shared_->find_or_make(name, shared_->now(), when_full::refuse))};
    }
    /// How many there are.
    [[nodiscard]] std::size_t size() const { return shared_->size(); }
    /// `f(std::string_view name, Gate const&)` for each that there is now, in no order, without any lock.
    template <class F>
    void for_each(F f) const {
        for (auto* const p : shared_->all()) {
            held const one{shared_, p};
            f(one.name(), *one);
        }
    }

    /// What copies have in common.
    [[nodiscard]] void const* state() const noexcept { return shared_.get(); }

private:
    using making = std::function<Gate(std::string_view)>;

    template <class Factory>
    [[nodiscard]] static making maker(Factory f) {
        if constexpr (std::invocable<Factory const&, std::string_view>) return making{std::move(f)};
        else return making{[f = std::move(f)](std::string_view) { return f(); }};
    }

    struct shared {
        template <class By>
        shared(By b, making f, per_key_options const& o)
            : options{o}, by{std::move(b)}, factory{std::move(f)}, partitions{o.max_keys, o.forget_after} {}

        /// The partition that an attempt belongs to, held.
        [[nodiscard]] outcome<partition*> of(attempt const& a) {
            if (bound_to.load(std::memory_order_acquire) != &a.clock()) bind(a);
            std::optional<partition_name> name;
            try {
                name.emplace(by(a));
            } catch (...) {
                return failed(detail::partition_fault("the function that names the partition"));
            }
            return find_or_make(name->text(), a.now(), options.when_full);
        }

        [[nodiscard]] outcome<partition*> find_or_make(std::string_view name, time_point at, coffer::when_full full) {
            std::optional<Gate> made;  // destroyed without a lock, if it is too late
            bool beyond = false;
            for (int tries = 0;; ++tries) {
                bool no_room = false;
                {
                    std::lock_guard const lock{mutex};
                    if (auto* const known = partitions.use(name)) return known;
                    if (made) {
                        refuse_copies(*made);
                        if (auto* const added = partitions.add(name, *std::move(made), beyond)) return added;
                    }
                    no_room = partitions.full() && !beyond;
                }
                if (no_room && (tries > most_tries || !make_room(at))) {
                    if (full == when_full::refuse) return failed(crowded(at));
                    name = {}, beyond = true;
                    made.reset();
                    continue;
                }
                if (made) continue;
                try {
                    made.emplace(factory(name));
                } catch (...) {
                    return failed(detail::partition_fault("the factory"));
                }
            }
        }
        [[nodiscard]] partition* find(std::string_view name) {
            std::lock_guard const lock{mutex};
            return partitions.use(name);
        }
        void release(partition& p, time_point at) noexcept {
            std::lock_guard const lock{mutex};
            partitions.release(p, at);
        }
        [[nodiscard]] std::size_t size() {
            std::lock_guard const lock{mutex};
            return partitions.size();
        }
        [[nodiscard]] std::vector<partition*> all() {
            std::vector<partition*> each;
            std::lock_guard const lock{mutex};
            each.reserve(partitions.size());
            partitions.for_each([&](partition& p) { each.push_back(&partitions.hold(p)); });
            return each;
        }
        /// Read where there is no attempt that has read it: by operators, who may come before any clock is known.
        [[nodiscard]] time_point now() const noexcept {
            auto const* const c = bound_to.load(std::memory_order_acquire);
            return c != nullptr ? c->now() : time_point{};
        }

    private:
        // Others may take the room that somebody has made; and so many gates are asked at the most whether they are idle.
        static constexpr int most_tries = 8;
        static constexpr int most_asked = 16;

        /// Forgets one partition, if there is one to be forgotten. Gates are asked, and destroyed, without the lock.
        [[nodiscard]] bool make_room(time_point at) {
            for (int asked = 0; asked < most_asked; ++asked) {
                typename table::removed gone;
                {
                    std::unique_lock lock{mutex};
                    auto* const p = partitions.candidate(at);
                    if (p == nullptr) return !partitions.full();
                    bool idle = true;
                    if constexpr (detail::says_idle<Gate>) {
                        lock.unlock();
                        idle = says_idle(p->value, at);
                        lock.lock();
                    }
                    if (idle) gone = partitions.forget(*p);
                    else partitions.keep(*p);
                }
                if (!gone.empty()) return true;
            }
            return false;
        }
        [[nodiscard]] static bool says_idle(Gate const& g, time_point at) noexcept {
            try {
                return g.idle(at);
            } catch (...) {
                return false;
            }
        }
        [[nodiscard]] fault crowded(time_point at) {
            std::lock_guard const lock{mutex};
            std::optional<duration> ask_again;
            if (auto const next = partitions.next_candidate(); next && *next > at) ask_again = *next - at;
            return detail::no_room_for_partition(partitions.size(), ask_again);
        }
        /// Copies of one gate in all partitions would be one partition.
        void refuse_copies(Gate const& made) {
            auto* const other = partitions.any();
            if (other == nullptr || detail::state_of(made) == nullptr ||
                detail::state_of(made) != detail::state_of(other->value))
                return;
            throw misuse{
                "coffer::per_key: the factory returns copies of one policy, which share its state: make a new one in "
                "it "
                "each time"};
        }
        void bind(attempt const& a) {
            auto const its = a.of().shared_clock();
            std::lock_guard const lock{mutex};
            if (clock != nullptr && clock != its)
                throw misuse{
                    "coffer::per_key: these partitions were used under another clock before: make them for each clock, "
                    "in tests for each context in virtual time"};
            if (clock == nullptr) partitions.start(a.now());
            clock = its;
            bound_to.store(its.get(), std::memory_order_release);
        }

        per_key_options const options;
        std::function<partition_name(attempt const&)> const by;
        making const factory;
        std::mutex mutex;
        table partitions;
        std::shared_ptr<coffer::clock> clock;  // a share in it: no other one can come to lie in its place
        std::atomic<coffer::clock const*> bound_to{nullptr};
    };

    std::shared_ptr<shared> shared_;
};

template <class By, class Factory>
per_key(By, Factory, per_key_options = {}) -> per_key<typename detail::gate_of<By, Factory>::type>;

}  // namespace coffer::inline v0
