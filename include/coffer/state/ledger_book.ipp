// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of ledger_book.hpp.

#include <coffer/state/ledger_book.hpp>

#include <algorithm>
#include <cstring>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE reserve_verdict ledger_book::reserve(reserve_request const& q, std::string const& owner, ledger_moment at,
                                                   owner_is_dead const& dead) {
    if (by_id_.contains(q.id)) return reserved{};
    accounts_.forget_old(at.wall);
    accounts_.look_up(*q.lines, at.wall, found_);
    auto denied = accounts_.refusal(q, found_, at.wall);
    if (denied && !denied->frozen && denied->held > money{} && lapse(at, dead) > 0)
        denied = accounts_.refusal(q, found_, at.wall);
    if (denied) return *std::move(denied);

        // What may fail comes first: the reservation stands whole or not at all.
    entry_list made(1);
    auto& e = made.front();
    e.row = reservation_for(q, owner, at);
    e.lines = q.lines;
    e.accounts.reserve(q.lines->size());
    for (std::size_t i = 0; i < q.lines->size(); ++i)
        e.accounts.push_back(&accounts_.account_at((*q.lines)[i], found_[i], at.wall));
    by_id_.emplace(q.id, made.begin());
    open_.splice(open_.end(), made);
    for (auto* const a : e.accounts) ++kept(a).entries;
    reservation_machine{e.row, e.accounts, at}.hold();
    return reserved{};
}

COFFER_INLINE outcome<void> ledger_book::may_send(reservation_id const& id) const {
    auto const found = by_id_.find(id);
    if (found == by_id_.end()) return failed(reservation_over());
    auto const& e = *found->second;
    if (e.row.state == reservation_state::sent) return {};
    if (e.row.state != reservation_state::held) return failed(reservation_over());
    for (auto const& line : *e.lines)
        if (auto const frozen = accounts_.frozen_by(line.scope)) return failed(frozen_fault(denied_by(*frozen)));
    return {};
}

COFFER_INLINE void ledger_book::begin_send(std::string const& record, int number, reservation_id const* mine) {
    auto const found = by_send_.find({record, number});
    if (found != by_send_.end() && (mine == nullptr || found->second->row.id != *mine)) by_send_.erase(found);
}

COFFER_INLINE void ledger_book::send(reservation_id const& id, std::string const& record, int number,
                                     std::chrono::nanoseconds longest, ledger_moment at) {
    auto const found = by_id_.find(id);
    if (found == by_id_.end()) return;
    auto& e = *found->second;
    reservation_machine{e.row, e.accounts, at}.send(later(at.now, longest));
    e.row.about.record = record;
    e.row.about.send = number;
    by_send_[{record, number}] = found->second;
}

COFFER_INLINE bool ledger_book::settle(reservation_id const& id, std::optional<money> actual,
                                       std::string_view request_id, ledger_moment at) {
    auto const found = by_id_.find(id);
    if (found == by_id_.end()) return false;
    auto& e = *found->second;
    if (!request_id.empty()) e.row.about.request_id = request_id;
    reservation_machine m{e.row, e.accounts, at};
    if (actual) m.settle(*actual);
    else m.presume();
    ended(found->second);
    return true;
}

COFFER_INLINE bool ledger_book::release(reservation_id const& id, ledger_moment at) {
    auto const found = by_id_.find(id);
    if (found == by_id_.end()) return false;
    give_back(found->second, at);
    return true;
}

COFFER_INLINE bool ledger_book::lapse(reservation_id const& id, ledger_moment at) {
    auto const found = by_id_.find(id);
    if (found == by_id_.end()) return false;
    lapse(found->second, at);
    return true;
}

COFFER_INLINE void ledger_book::settle_send(std::string const& record, int number, money actual,
                                            std::string_view request_id, ledger_moment at) {
    if (auto const found = by_send_.find({record, number}); found != by_send_.end())
        settle(found->second->row.id, actual, request_id, at);
}

COFFER_INLINE void ledger_book::release_send(std::string const& record, int number, ledger_moment at) {
    if (auto const found = by_send_.find({record, number}); found != by_send_.end()) give_back(found->second, at);
}

COFFER_INLINE std::size_t ledger_book::lapse(ledger_moment at, owner_is_dead const& dead) {
    std::size_t given_back = 0;
    for (auto next = open_.begin(); next != open_.end();) {
        auto const here = next++;
        auto const& r = here->row;
        if (at.now < r.until && !(dead && dead(r.owner))) continue;
        given_back += r.state == reservation_state::held ? 1 : 0;
        lapse(here, at);
    }
    return given_back;
}

COFFER_INLINE void ledger_book::set_limit(std::string scope, std::string window_text, std::optional<money> limit) {
    accounts_.set_limit(std::move(scope), std::move(window_text), limit);
}

COFFER_INLINE std::size_t ledger_book::freeze(std::string scope, std::string reason) {
    auto const under_way = static_cast<std::size_t>(std::count_if(open_.begin(), open_.end(), [&](auto& e) {
        return e.row.state == reservation_state::sent &&
               std::any_of(e.lines->begin(), e.lines->end(), [&](auto& l) { return is_within(l.scope, scope); });
    }));
    accounts_.freeze(std::move(scope), std::move(reason));
    return under_way;
}

COFFER_INLINE std::optional<reservation> ledger_book::find(reservation_id const& id) const {
    auto const found = by_id_.find(id);
    return found == by_id_.end() ? std::nullopt : std::optional{found->second->row};
}

COFFER_INLINE std::vector<std::string> ledger_book::audit() const {
    std::map<account const*, account> sums;
    for_each_entry([&](entry const& e) {
        for (std::size_t i = 0; i < e.accounts.size(); ++i) sums[e.accounts[i]] += part_of(e.row, e.row.holds[i]);
    });
    std::vector<std::string> wrong;
    accounts_.for_each([&](ledger_accounts::series const& s, time_point, kept_account const& a) {
        auto sum = a.carried;
        sum += sums[&a];
        if (!(sum == a)) wrong.push_back(s.scope + " " + s.window_text);
    });
    return wrong;
}

COFFER_INLINE void ledger_book::account_list::reserve(std::size_t n) {
    if (n > few_.size()) many_.reserve(n);
    in_many_ = n > few_.size();
}

COFFER_INLINE void ledger_book::account_list::push_back(account* a) {
    if (in_many_) many_.push_back(a);
    else few_[count_] = a;
    ++count_;
}

COFFER_INLINE account* const* ledger_book::account_list::begin() const noexcept {
    return in_many_ ? many_.data() : few_.data();
}

COFFER_INLINE std::size_t ledger_book::id_hash::operator()(reservation_id const& id) const noexcept {
    std::array<std::uint64_t, 2> halves{};
    static_assert(sizeof halves == sizeof id);
    std::memcpy(halves.data(), id.data(), sizeof halves);
    return static_cast<std::size_t>(halves[0] + halves[1] * 0x9e3779b97f4a7c15U);
}

COFFER_INLINE void ledger_book::lapse(entry_list::iterator e, ledger_moment at) {
    reservation_machine m{e->row, e->accounts, at};
    m.lapse();
    if (m.gone()) remove(e);
    else if (m.changed()) ended(e);
}

COFFER_INLINE void ledger_book::give_back(entry_list::iterator e, ledger_moment at) {
    reservation_machine m{e->row, e->accounts, at};
    m.release();
    if (m.gone()) remove(e);
}

COFFER_INLINE void ledger_book::ended(entry_list::iterator e) {
    if (!std::exchange(e->ended, true)) ended_.splice(ended_.end(), open_, e);
    if (ended_.size() <= most_entries_) return;
    auto const oldest = ended_.begin();  // it goes, its sums stay
    for (std::size_t i = 0; i < oldest->accounts.size(); ++i)
        kept(oldest->accounts[i]).carried += part_of(oldest->row, oldest->row.holds[i]);
    remove(oldest);
}

COFFER_INLINE void ledger_book::remove(entry_list::iterator e) {
    for (auto* const a : e->accounts) --kept(a).entries;
    if (e->row.about.send != 0) {
        // A record that is forgotten and made anew counts its sends from the beginning.
        auto const of_send = by_send_.find({e->row.about.record, e->row.about.send});
        if (of_send != by_send_.end() && of_send->second == e) by_send_.erase(of_send);
    }
    by_id_.erase(e->row.id);
    (e->ended ? ended_ : open_).erase(e);
}

}  // namespace coffer::inline COFFER_ABI
