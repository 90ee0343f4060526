// SPDX-License-Identifier: BSL-1.0
#pragma once
// A bounded number of things by name, each of which may be in use: the least recently used one goes first, and never one
// that somebody holds. Pure.

#include <coffer/base/later.hpp>
#include <coffer/state/keyed_hash.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace coffer::inline COFFER_ABI {

/// Values of which at most `most` are kept, and forgotten no sooner than `forget_after` after their last use.
///
/// Who uses one holds it until it releases it. What nobody holds stands in line to be forgotten, the longest unused first;
/// what turned out to be still needed stands in a second line, and is asked about again when the first one has nothing. All
/// steps take constant time, whatever the names are: they are hashed with a key. Not safe for use by several threads at once; addresses of partitions stay valid.
template <class Value>
class partition_table {
public:
    using time_point = std::chrono::steady_clock::time_point;  ///< of the monotonic clock
    using duration = std::chrono::nanoseconds;  ///< whatever unit it is given in

    /// A value with its name. Its address stays while anybody holds or looks at it.
    class partition {
    public:
        /// Made by the table.
        explicit partition(Value&& v) : value{std::move(v)} {}
        partition(partition const&) = delete;
        partition& operator=(partition const&) = delete;

        /// Valid as long as the partition.
        [[nodiscard]] std::string_view name() const noexcept { return *name_; }
        /// So many hold it.
        [[nodiscard]] std::size_t uses() const noexcept { return uses_; }

        Value value;  ///< what is kept under the name

    private:
        friend class partition_table;
        std::string const* name_ = nullptr;
        std::size_t uses_ = 0;
        std::size_t looks_ = 0;
        time_point unused_since_{};
        partition* before_ = nullptr;
        partition* after_ = nullptr;
        bool needed_ = false;  // stands in the second line
        bool asked_about_ = false;  // as a candidate, and nobody has held it since
    };

private:
    struct hash {
        using is_transparent = void;
        // Not noexcept: then the library keeps what it has hashed, and does not do so again for each neighbour.
        std::size_t operator()(std::string_view text) const { return static_cast<std::size_t>(keyed_hash(text, key)); }
        hash_key key;
    };
    using map = std::unordered_map<std::string, partition, hash, std::equal_to<>>;

public:
    /// What was taken out, to be destroyed where nothing is locked.
    using removed = typename map::node_type;

    /// `key`: a secret, where names come from strangers.
    partition_table(std::size_t most, duration forget_after, hash_key const& key = {})
        : most_{most}, forget_after_{forget_after}, all_{0, hash{key}} {}

    /// Partitions, those that nobody holds included.
    [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
    /// A new one takes another's room.
    [[nodiscard]] bool full() const noexcept { return all_.size() >= most_; }

    /// Holds the one of that name; null if there is none.
    [[nodiscard]] partition* use(std::string_view name) {
        auto const at = all_.find(name);
        return at == all_.end() ? nullptr : &hold(at->second);
    }
    /// Neither holds it nor counts as a use; null if there is none.
    [[nodiscard]] partition const* find(std::string_view name) const {
        auto const at = all_.find(name);
        return at == all_.end() ? nullptr : &at->second;
    }
    /// The same for who only looks at it: it is not forgotten meanwhile, and afterwards has been unused for as long as before.
    [[nodiscard]] partition* look(std::string_view name) {
        auto const at = all_.find(name);
        if (at == all_.end()) return nullptr;
        ++at->second.looks_;
        at->second.asked_about_ = false;
        return &at->second;
    }
    /// Once for each look.
    void look_away(partition& p) noexcept { --p.looks_; }
    /// A new one, held; null, and `v` as it was, if there is no room. `beyond`: though there is none.
    [[nodiscard]] partition* add(std::string_view name, Value&& v, bool beyond = false) {
        if (full() && !beyond) return nullptr;
        auto const [at, is_new] = all_.try_emplace(std::string{name}, std::move(v));
        at->second.name_ = &at->first;
        return is_new ? &hold(at->second) : nullptr;
    }
    /// It is held once more.
    partition& hold(partition& p) noexcept {
        if (p.uses_++ == 0) lines_[p.needed_].leave(p);
        p.asked_about_ = false;
        return p;
    }
    /// Once for each hold. Unheld, it is the last in line to be forgotten.
    void release(partition& p, time_point now) noexcept {
        newest_ = std::max(newest_, now);  // clocks that several threads have read come a little out of order
        p.unused_since_ = newest_;
        if (--p.uses_ == 0) stand(p, false);
    }

    // Making room: `candidate`, then for it either `forget` or `keep`.

    /// Holds the one that has been unused for longest, if that is long enough; null if there is none.
    [[nodiscard]] partition* candidate(time_point now) noexcept {
        for (bool const needed : {false, true}) {
            auto* p = lines_[needed].first;
            for (int passed = 0; p != nullptr && p->looks_ > 0 && passed < most_passed; ++passed) p = p->after_;
            if (p == nullptr || p->looks_ > 0 || !rested(*p, now)) continue;
            hold(*p).asked_about_ = true;
            return p;
        }
        return nullptr;
    }
    /// Takes it out, unless somebody else has held it meanwhile: then it is let go of, and stays.
    [[nodiscard]] removed forget(partition& p) noexcept {
        if (p.asked_about_) return all_.extract(all_.find(p.name()));
        keep(p);
        return {};
    }
    /// It is still needed: lets go of it.
    void keep(partition& p) noexcept {
        if (--p.uses_ == 0) stand(p, p.asked_about_);
    }
    /// Nobody holds it or looks at it.
    [[nodiscard]] bool unheld(partition const& p) const noexcept { return p.uses_ == 0 && p.looks_ == 0; }
    /// It has been unused for long enough to be forgotten.
    [[nodiscard]] bool rested(partition const& p, time_point now) const noexcept {
        return now - p.unused_since_ >= forget_after_;
    }
    /// So many nobody holds.
    [[nodiscard]] std::size_t unused() const noexcept { return lines_[false].size + lines_[true].size; }
    /// When there may be a candidate, if nothing is used meanwhile; none if all are held.
    [[nodiscard]] std::optional<time_point> next_candidate() const noexcept {
        std::optional<time_point> when;
        for (auto const& l : lines_)
            if (l.first != nullptr)
                when = std::min(when.value_or(time_point::max()), later(l.first->unused_since_, forget_after_));
        return when;
    }

    /// Time begins: what was released before that counts from now.
    void start(time_point now) noexcept {
        newest_ = now;
        for (auto& l : lines_)
            for (auto* p = l.first; p != nullptr; p = p->after_) p->unused_since_ = now;
    }

    /// `f(partition const&)`, in no order.
    template <class F>
    void for_each(F const& f) const {
        for (auto const& entry : all_) f(entry.second);
    }
    /// Any one of them; null if there is none.
    [[nodiscard]] partition* any() noexcept { return all_.empty() ? nullptr : &all_.begin()->second; }

private:
    /// Those that nobody holds.
    struct line {
        partition* first = nullptr;
        partition* last = nullptr;
        std::size_t size = 0;

        void join(partition& p) noexcept {
            p.before_ = last;
            p.after_ = nullptr;
            (last != nullptr ? last->after_ : first) = &p;
            last = &p;
            ++size;
        }
        void leave(partition& p) noexcept {
            if (&p != first && p.before_ == nullptr) return;  // new: it stands in none yet
            (p.before_ != nullptr ? p.before_->after_ : first) = p.after_;
            (p.after_ != nullptr ? p.after_->before_ : last) = p.before_;
            p.before_ = p.after_ = nullptr;
            --size;
        }
    };

    void stand(partition& p, bool needed) noexcept {
        p.needed_ = needed;
        lines_[needed].join(p);
    }

    static constexpr int most_passed = 16;  // few are looked at, at a time

    std::size_t const most_;
    duration const forget_after_;
    map all_;
    line lines_[2];  // unused; looked at, and needed all the same
    time_point newest_{};
};

}  // namespace coffer::inline COFFER_ABI
