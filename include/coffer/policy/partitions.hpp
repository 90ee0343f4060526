// SPDX-License-Identifier: BSL-1.0
#pragma once
// What all copies of one `per_key` share: the gates by name, and how they are found, made and forgotten.

#include <coffer/call/gate.hpp>
#include <coffer/call/order_rules.hpp>
#include <coffer/policy/partition_name.hpp>
#include <coffer/policy/per_key_options.hpp>
#include <coffer/state/keyed_hash.hpp>
#include <coffer/state/partition_table.hpp>
#include <coffer/time/entropy.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::detail {

/// A gate that knows when a new one would do as well.
template <class G>
concept says_idle = requires(G const& g, time_point now) {
    { g.idle(now) } -> std::convertible_to<bool>;
};

/// Any thread. `By` and the factory are called, and gates asked and destroyed, without the lock.
template <gate Gate>
class partitions {
public:
    using table = partition_table<Gate>;
    using partition = typename table::partition;
    using making = std::function<Gate(std::string_view)>;

    template <class By>
    partitions(By b, making f, per_key_options const& o)
        : options_{o}, by_{std::move(b)}, factory_{std::move(f)}, table_{o.max_keys, o.forget_after, secret()} {}
    [[nodiscard]] per_key_options const& options() const noexcept { return options_; }

    /// The partition that an attempt belongs to, held.
    [[nodiscard]] outcome<partition*> of(attempt const& a) {
        if (bound_to_.load(std::memory_order_acquire) != &a.clock()) bind(a);
        std::optional<partition_name> name;
        try {
            name.emplace(by_(a));
        } catch (...) {
            return failed(partition_fault("the function that names the partition"));
        }
        return find_or_make(name->text(), a.now(), options_.when_full);
    }

    [[nodiscard]] outcome<partition*> find_or_make(std::string_view name, time_point at, coffer::when_full full) {
        if (name.size() > longest_partition_name) return failed(name_too_long());
        std::optional<Gate> made;  // destroyed without a lock, if it is too late
        bool beyond = false;
        for (int tries = 0;; ++tries) {
            bool no_room = false;
            {
                std::lock_guard const lock{mutex_};
                if (auto* const known = table_.use(name)) return known;
                if (made) {
                    refuse_copies(*made);
                    if (auto* const added = table_.add(name, *std::move(made), beyond)) return added;
                }
                no_room = table_.full() && !beyond;
            }
            if (no_room && (tries > most_tries || !make_room(at))) {
                if (full == when_full::refuse) return failed(crowded(at));
                name = {}, beyond = true;
                made.reset();
                continue;
            }
            if (made) continue;
            try {
                made.emplace(factory_(name));
            } catch (...) {
                return failed(partition_fault("the factory"));
            }
        }
    }
    /// For who only looks at it.
    [[nodiscard]] partition* look(std::string_view name) {
        std::lock_guard const lock{mutex_};
        return table_.look(name);
    }
    void look_away(partition& p) noexcept {
        std::lock_guard const lock{mutex_};
        table_.look_away(p);
    }
    void release(partition& p, time_point at) noexcept {
        std::lock_guard const lock{mutex_};
        table_.release(p, at);
    }
    [[nodiscard]] std::size_t size() {
        std::lock_guard const lock{mutex_};
        return table_.size();
    }
    /// In their order, and not in that of the table, which is another one in each run.
    [[nodiscard]] std::vector<std::string> names() {
        std::vector<std::string> all;
        {
            std::lock_guard const lock{mutex_};
            all.reserve(table_.size());
            table_.for_each([&](partition const& p) { all.emplace_back(p.name()); });
        }
        std::sort(all.begin(), all.end());
        return all;
    }
    /// Would new ones do as well? Not while one of them is in use, or is not idle; those that cannot say are by time.
    [[nodiscard]] bool idle(time_point at) {
        for (auto const& name : names()) {
            partition* p = nullptr;
            bool rests = false;
            {
                std::lock_guard const lock{mutex_};
                auto const* const known = table_.find(name);
                if (known == nullptr) continue;
                if (!table_.unheld(*known)) return false;
                rests = table_.rested(*known, at);
                p = table_.look(name);
            }
            if constexpr (says_idle<Gate>) rests = is_idle(p->value, at);
            look_away(*p);
            if (!rests) return false;
        }
        return true;
    }
    /// Read where there is no attempt that has read it: by operators, who may come before any clock is known.
    [[nodiscard]] time_point now() const noexcept {
        auto const* const c = bound_to_.load(std::memory_order_acquire);
        return c != nullptr ? c->now() : time_point{};
    }

private:
    // Others may take the room that somebody has made; and so many gates are asked at the most whether they are idle.
    static constexpr int most_tries = 8;
    static constexpr int most_asked = 16;

    /// Who knew it could choose names that all meet in one place of the table.
    [[nodiscard]] static hash_key secret() { return std::bit_cast<hash_key>(entropy<sizeof(hash_key)>()); }

    /// Forgets one partition, if there is one to be forgotten. Gates are asked, and destroyed, without the lock.
    [[nodiscard]] bool make_room(time_point at) {
        for (int asked = 0; asked < most_asked; ++asked) {
            typename table::removed gone;
            {
                std::unique_lock lock{mutex_};
                auto* const p = table_.candidate(at);
                if (p == nullptr) return !table_.full();
                bool idle = true;
                if constexpr (says_idle<Gate>) {
                    lock.unlock();
                    idle = is_idle(p->value, at);
                    lock.lock();
                }
                if (idle) gone = table_.forget(*p);
                else table_.keep(*p);
            }
            if (!gone.empty()) return true;
        }
        return false;
    }
    [[nodiscard]] static bool is_idle(Gate const& g, time_point at) noexcept {
        try {
            return g.idle(at);
        } catch (...) {
            return false;
        }
    }
    [[nodiscard]] fault crowded(time_point at) {
        std::lock_guard const lock{mutex_};
        std::optional<duration> ask_again;
        if (auto const next = table_.next_candidate(); next && *next > at) ask_again = *next - at;
        return no_room_for_partition(table_.size(), ask_again);
    }
    /// Copies of one gate in all partitions would be one partition.
    void refuse_copies(Gate const& made) {
        auto* const other = table_.any();
        if (other == nullptr || state_of(made) == nullptr || state_of(made) != state_of(other->value)) return;
        throw misuse{
            "coffer::per_key: the factory returns copies of one policy, which share its state: make a new one each "
            "time"};
    }
    void bind(attempt const& a) {
        auto const its = a.of().shared_clock();
        std::lock_guard const lock{mutex_};
        if (clock_ != nullptr && clock_ != its)
            throw misuse{
                "coffer::per_key: these partitions were used under another clock before: make them for each clock, "
                "in tests for each context in virtual time"};
        if (clock_ == nullptr) table_.start(a.now());
        clock_ = its;
        bound_to_.store(its.get(), std::memory_order_release);
    }

    per_key_options const options_;
    std::function<partition_name(attempt const&)> const by_;
    making const factory_;
    std::mutex mutex_;
    table table_;
    std::shared_ptr<coffer::clock> clock_;  // a share in it: no other one can come to lie in its place
    std::atomic<coffer::clock const*> bound_to_{nullptr};
};

}  // namespace coffer::inline COFFER_ABI::detail
