// SPDX-License-Identifier: BSL-1.0
#pragma once
// Who waits for a rate limit, and whose turn it is. Pure.
//
// Of one tenant strictly in the order in which they came. Between tenants by self-clocked fair queueing (Golestani, "A
// Self-Clocked Fair Queueing Scheme for Broadband Applications", 1994): whoever will have had least of the whole with what he
// asks for goes first. Who was away has saved nothing up, and as the clock goes on with everybody who is served, ever new
// tenants keep no old one waiting for ever.

#include <coffer/state/rate.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace coffer::inline COFFER_ABI {

class rate_queue;

/// One who waits. Has its place, and must stay where it is, until it leaves.
class rate_waiter {
public:
    rate_waiter() = default;
    rate_waiter(rate_waiter const&) = delete;
    rate_waiter& operator=(rate_waiter const&) = delete;
    /// From `join` until it leaves.
    [[nodiscard]] bool queued() const noexcept { return tenant_ != nullptr; }
    /// What it wants to take.
    [[nodiscard]] rate_weight const& weight() const noexcept { return weight_; }

protected:
    ~rate_waiter() = default;
    /// Before it joins: in the line it is fixed.
    void set_weight(rate_weight const& w) noexcept { weight_ = w; }

private:
    friend class rate_queue;
    rate_weight weight_;
    std::uint64_t share_ = 0;  // of the whole, see rate_bucket::share
    std::uint64_t number_ = 0;  // in the order of arrival
    void* tenant_ = nullptr;
    rate_waiter* before_ = nullptr;
    rate_waiter* behind_ = nullptr;
};

/// All who wait. Whose turn it is keeps his turn until he leaves, whoever comes: nobody is overtaken once he is at the front.
class rate_queue {
public:
    rate_queue() = default;
    rate_queue(rate_queue const&) = delete;
    rate_queue& operator=(rate_queue const&) = delete;

    /// Nobody waits.
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// So many wait, of all tenants.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// So many wait of that tenant.
    [[nodiscard]] std::size_t waiting(std::string_view name) const noexcept;

    /// At the end of the tenant's line. May throw `std::bad_alloc`, and has changed nothing then.
    void join(rate_waiter& w, std::string_view name, std::uint64_t share);
    /// It has got what it waited for.
    void served(rate_waiter& w) noexcept;
    /// It goes without: nobody is the worse for its having been there.
    void leave(rate_waiter& w) noexcept;

    /// Whose turn it is; null if nobody waits.
    [[nodiscard]] rate_waiter* first() noexcept;

    /// All of them, each tenant's in their order: `visit(waiter, ahead)`, where `ahead` is what `visit` has added up in this
    /// tenant's line.
    template <class Visit>
    void each(Visit const& visit) const {
        for (auto const& [name, t] : tenants_) {
            rate_weight ahead;
            for (auto* w = t.first; w != nullptr; w = w->behind_) visit(*w, ahead);
        }
    }

    /// What those take who would come before a newcomer of that tenant, as they stand now: of a tenant part of whose line would,
    /// as if all who wait there took the same for their share. One look at each tenant, at the most.
    [[nodiscard]] rate_weight ahead_of(std::string_view name, std::uint64_t share) const noexcept;

private:
    struct tenant {
        rate_waiter* first = nullptr;
        rate_waiter* last = nullptr;
        std::size_t size = 0;
        std::uint64_t had = 0;  // of the whole so far, since nobody waited
        std::uint64_t shares = 0;  // of all who wait
        rate_weight all;
        std::pair<std::uint64_t, std::uint64_t> next;  // what it will have had with its first one; who came when

        /// So much of its line is served when it has had `more`, taken evenly.
        [[nodiscard]] rate_weight part(std::uint64_t more) const noexcept;
    };
    struct by_turn {
        bool operator()(tenant const* a, tenant const* b) const noexcept { return a->next < b->next; }
    };

    void unlink(rate_waiter& w, tenant& t) noexcept;
    /// Of tenants that do not wait only what they have had more than others is of interest.
    void forget() noexcept;

    std::map<std::string, tenant, std::less<>> tenants_;
    std::set<tenant*, by_turn> order_;  // those with somebody waiting
    rate_waiter* turn_ = nullptr;
    std::size_t size_ = 0;
    std::uint64_t clock_ = 0;  // what the last one who was served has had
    std::uint64_t latest_ = 0;  // nobody who waits will have had more
    std::uint64_t arrivals_ = 0;
    rate_weight all_;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/rate_queue.ipp>
#endif
