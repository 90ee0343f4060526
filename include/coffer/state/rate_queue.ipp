// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of rate_queue.hpp.

#include <coffer/state/rate_queue.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE std::size_t rate_queue::waiting(std::string_view name) const noexcept {
    auto const at = tenants_.find(name);
    return at == tenants_.end() ? 0 : at->second.size;
}

COFFER_INLINE void rate_queue::join(rate_waiter& w, std::string_view name, std::uint64_t share) {
    auto at = tenants_.find(name);
    if (at == tenants_.end()) at = tenants_.try_emplace(std::string{name}).first;
    auto& t = at->second;
    if (t.first == nullptr) {
        t.next = {std::max(t.had, clock_) + share, arrivals_ + 1};
        order_.insert(&t);
        t.had = std::max(t.had, clock_);
    }
    w.share_ = share;
    w.number_ = ++arrivals_;
    w.tenant_ = &t;
    w.before_ = t.last;
    (t.last != nullptr ? t.last->behind_ : t.first) = &w;
    t.last = &w;
    t.shares += share;
    ++t.size, ++size_;
    t.all += w.weight_, all_ += w.weight_;
    latest_ = std::max(latest_, t.had + t.shares);
}

COFFER_INLINE void rate_queue::served(rate_waiter& w) noexcept {
    auto& t = *static_cast<tenant*>(w.tenant_);
    t.had += w.share_;
    clock_ = std::max(clock_, t.had);
    unlink(w, t);
}

COFFER_INLINE void rate_queue::leave(rate_waiter& w) noexcept {
    if (w.queued()) unlink(w, *static_cast<tenant*>(w.tenant_));
}

COFFER_INLINE rate_waiter* rate_queue::first() noexcept {
    if (turn_ == nullptr && !order_.empty()) turn_ = (*order_.begin())->first;
    return turn_;
}

COFFER_INLINE rate_weight rate_queue::ahead_of(std::string_view name, std::uint64_t share) const noexcept {
    auto const own = tenants_.find(name);
    tenant const* const of = own != tenants_.end() ? &own->second : nullptr;
    bool const waits = of != nullptr && of->first != nullptr;
    auto const mine = share + (waits ? of->had + of->shares : std::max(of != nullptr ? of->had : 0, clock_));
    if (order_.size() <= (waits ? 1U : 0U) || mine >= latest_) return all_;
    auto sum = waits ? of->all : rate_weight{};
    auto const* const turn = turn_ != nullptr ? static_cast<tenant const*>(turn_->tenant_) : nullptr;
    for (auto const* const t : order_) {
        if (t->next.first > mine) break;
        if (t != of) sum += t->part(mine - t->had);
    }
    if (turn != nullptr && turn != of && turn->next.first > mine) sum += turn_->weight_;
    return sum;
}

COFFER_INLINE rate_weight rate_queue::tenant::part(std::uint64_t more) const noexcept {
    return more >= shares ? all : all.scaled(more, shares);
}

COFFER_INLINE void rate_queue::unlink(rate_waiter& w, tenant& t) noexcept {
    auto place = order_.extract(&t);
    (w.before_ != nullptr ? w.before_->behind_ : t.first) = w.behind_;
    (w.behind_ != nullptr ? w.behind_->before_ : t.last) = w.before_;
    w.before_ = w.behind_ = nullptr;
    w.tenant_ = nullptr;
    if (turn_ == &w) turn_ = nullptr;
    t.shares -= w.share_;
    t.all -= w.weight_, all_ -= w.weight_;
    --t.size, --size_;
    if (t.first == nullptr) return forget();
    t.next = {t.had + t.first->share_, t.first->number_};
    order_.insert(std::move(place));
}

COFFER_INLINE void rate_queue::forget() noexcept {
    if (size_ == 0) {
        tenants_.clear();
        clock_ = latest_ = 0;
    } else if (tenants_.size() > 2 * order_.size() + 8) {
        std::erase_if(tenants_, [this](auto const& t) { return t.second.first == nullptr && t.second.had <= clock_; });
    }
}

}  // namespace coffer::inline COFFER_ABI
