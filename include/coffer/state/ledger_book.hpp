// SPDX-License-Identifier: BSL-1.0
#pragma once
// A whole ledger in memory: the accounts, and the reservations that explain them. Time is passed in; no locks.

#include <coffer/base/later.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/state/ledger.hpp>
#include <coffer/state/ledger_accounts.hpp>
#include <coffer/state/ledger_rules.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// The accounts and the reservations that explain them, under the rules of ledger_rules.hpp. One owner, no locks.
class ledger_book {
public:
    /// True only if it is proven: what a dead process holds is given back or presumed spent.
    using owner_is_dead = std::function<bool(std::string const&)>;
    using time_point = std::chrono::system_clock::time_point;  ///< of the wall clock

    /// Of entries that have come to their end, and of accounts whose window has, so many are kept; then the oldest go,
    /// and their sums stay.
    explicit ledger_book(std::size_t most_entries = 100'000) : most_entries_{most_entries} {}

    /// Holds the money in all lines, or says which line has not got it. The same again for an id that is known.
    reserve_verdict reserve(reserve_request const& q, std::string const& owner, ledger_moment at,
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

    /// May its send begin? Not if a scope of it is frozen, nor if its money was given back. One that has begun may.
    [[nodiscard]] outcome<void> may_send(reservation_id const& id) const {
        auto const found = by_id_.find(id);
        if (found == by_id_.end()) return failed(reservation_over());
        auto const& e = *found->second;
        if (e.row.state == reservation_state::sent) return {};
        if (e.row.state != reservation_state::held) return failed(reservation_over());
        for (auto const& line : *e.lines)
            if (auto const frozen = accounts_.frozen_by(line.scope)) return failed(frozen_fault(denied_by(*frozen)));
        return {};
    }
    /// A send of that record and number is permitted. A record that was forgotten and made anew counts its sends from the
    /// beginning: what an earlier one of that number has cost is not this one's business. `mine` is this one's own.
    void begin_send(std::string const& record, int number, reservation_id const* mine) {
        auto const found = by_send_.find({record, number});
        if (found != by_send_.end() && (mine == nullptr || found->second->row.id != *mine)) by_send_.erase(found);
    }
    /// It begins, with the permit of that record and number. (Ask `may_send` first, and tell `begin_send`.)
    void send(reservation_id const& id, std::string const& record, int number, std::chrono::nanoseconds longest,
              ledger_moment at) {
        auto const found = by_id_.find(id);
        if (found == by_id_.end()) return;
        auto& e = *found->second;
        reservation_machine{e.row, e.accounts, at}.send(later(at.now, longest));
        e.row.about.record = record;
        e.row.about.send = number;
        by_send_[{record, number}] = found->second;
    }

    /// Its end: what it has cost, or, if nobody knows, nothing. False if there is no such reservation.
    bool settle(reservation_id const& id, std::optional<money> actual, std::string_view request_id, ledger_moment at) {
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
    /// It is proven not to have been billed.
    bool release(reservation_id const& id, ledger_moment at) {
        auto const found = by_id_.find(id);
        if (found == by_id_.end()) return false;
        give_back(found->second, at);
        return true;
    }
    /// Its owner has let go of it: never sent, it is given back; sent, it is presumed spent.
    bool lapse(reservation_id const& id, ledger_moment at) {
        auto const found = by_id_.find(id);
        if (found == by_id_.end()) return false;
        lapse(found->second, at);
        return true;
    }
    /// The same by the send that it was made for: what its late answer says that it has cost, or that it was not billed.
    void settle_send(std::string const& record, int number, money actual, std::string_view request_id,
                     ledger_moment at) {
        if (auto const found = by_send_.find({record, number}); found != by_send_.end())
            settle(found->second->row.id, actual, request_id, at);
    }
    /// The same, by the journal's number of the send: it is proven that nothing was billed.
    void release_send(std::string const& record, int number, ledger_moment at) {
        if (auto const found = by_send_.find({record, number}); found != by_send_.end()) give_back(found->second, at);
    }

    /// Gives back what was never sent and presumes spent what was, where the owner is gone or the time is over. How
    /// many were given back.
    std::size_t lapse(ledger_moment at, owner_is_dead const& dead) {
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

    /// An operator's own limit, which comes before a declared one; none: that one holds again.
    void set_limit(std::string scope, std::string window_text, std::optional<money> limit) {
        accounts_.set_limit(std::move(scope), std::move(window_text), limit);
    }
    /// From now on nothing is reserved or sent in that scope. How many sends are under way in it.
    std::size_t freeze(std::string scope, std::string reason) {
        auto const under_way = static_cast<std::size_t>(std::count_if(open_.begin(), open_.end(), [&](auto& e) {
            return e.row.state == reservation_state::sent &&
                   std::any_of(e.lines->begin(), e.lines->end(), [&](auto& l) { return is_within(l.scope, scope); });
        }));
        accounts_.freeze(std::move(scope), std::move(reason));
        return under_way;
    }
    /// False if it was not frozen.
    bool thaw(std::string const& scope) { return accounts_.thaw(scope); }

    /// How the accounts of that scope and of those inside it stand, by scope, window and time.
    [[nodiscard]] std::vector<account_status> accounts(std::string_view scope) const {
        return accounts_.status_of(scope);
    }
    /// All reservations that are kept, in the order in which they ended, then the open ones; `each` is given a
    /// `reservation const&` and its lines.
    template <class Each>
    void for_each(Each&& each) const {
        for_each_entry([&](entry const& e) { each(e.row, *e.lines); });
    }
    /// A copy of the reservation; none if it is gone.
    [[nodiscard]] std::optional<reservation> find(reservation_id const& id) const {
        auto const found = by_id_.find(id);
        return found == by_id_.end() ? std::nullopt : std::optional{found->second->row};
    }
    /// Reservations, ended ones included.
    [[nodiscard]] std::size_t size() const noexcept { return by_id_.size(); }

    /// Do the entries, and what is left of those that are gone, add up to the accounts? The names of those that do not.
    [[nodiscard]] std::vector<std::string> audit() const {
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

private:
    /// As a rule a call has few scopes: those need no memory of their own.
    class account_list {
    public:
        void reserve(std::size_t n) {
            if (n > few_.size()) many_.reserve(n);
            in_many_ = n > few_.size();
        }
        void push_back(account* a) {
            if (in_many_) many_.push_back(a);
            else few_[count_] = a;
            ++count_;
        }
        [[nodiscard]] std::size_t size() const noexcept { return count_; }
        [[nodiscard]] account* operator[](std::size_t i) const noexcept { return begin()[i]; }
        [[nodiscard]] account* const* begin() const noexcept { return in_many_ ? many_.data() : few_.data(); }
        [[nodiscard]] account* const* end() const noexcept { return begin() + count_; }

    private:
        std::array<account*, 4> few_{};
        std::vector<account*> many_;
        std::size_t count_ = 0;
        bool in_many_ = false;
    };
    struct entry {
        reservation row;
        std::shared_ptr<ledger_lines const> lines;
        account_list accounts;  // beside the lines; each is a `kept_account`
        bool ended = false;
    };
    using entry_list = std::list<entry>;
    [[nodiscard]] static kept_account& kept(account* a) noexcept { return static_cast<kept_account&>(*a); }
    struct id_hash {
        /// Some make the first half random, some the second.
        std::size_t operator()(reservation_id const& id) const noexcept {
            std::array<std::uint64_t, 2> halves{};
            static_assert(sizeof halves == sizeof id);
            std::memcpy(halves.data(), id.data(), sizeof halves);
            return static_cast<std::size_t>(halves[0] + halves[1] * 0x9e3779b97f4a7c15U);
        }
    };

    template <class Each>
    void for_each_entry(Each const& each) const {
        for (auto const* const list : {&ended_, &open_})
            for (auto const& e : *list) each(e);
    }
    void lapse(entry_list::iterator e, ledger_moment at) {
        reservation_machine m{e->row, e->accounts, at};
        m.lapse();
        if (m.gone()) remove(e);
        else if (m.changed()) ended(e);
    }
    void give_back(entry_list::iterator e, ledger_moment at) {
        reservation_machine m{e->row, e->accounts, at};
        m.release();
        if (m.gone()) remove(e);
    }
    void ended(entry_list::iterator e) {
        if (!std::exchange(e->ended, true)) ended_.splice(ended_.end(), open_, e);
        if (ended_.size() <= most_entries_) return;
        auto const oldest = ended_.begin();  // it goes, its sums stay
        for (std::size_t i = 0; i < oldest->accounts.size(); ++i)
            kept(oldest->accounts[i]).carried += part_of(oldest->row, oldest->row.holds[i]);
        remove(oldest);
    }
    void remove(entry_list::iterator e) {
        for (auto* const a : e->accounts) --kept(a).entries;
        if (e->row.about.send != 0) {
            // A record that is forgotten and made anew counts its sends from the beginning.
            auto const of_send = by_send_.find({e->row.about.record, e->row.about.send});
            if (of_send != by_send_.end() && of_send->second == e) by_send_.erase(of_send);
        }
        by_id_.erase(e->row.id);
        (e->ended ? ended_ : open_).erase(e);
    }

    std::size_t const most_entries_;
    entry_list open_;  // held or sent, by age
    entry_list ended_;  // settled or presumed, oldest end first
    std::unordered_map<reservation_id, entry_list::iterator, id_hash> by_id_;
    std::map<std::pair<std::string, int>, entry_list::iterator> by_send_;
    ledger_accounts accounts_;
    ledger_accounts::found found_;  // for the request at hand
};

}  // namespace coffer::inline COFFER_ABI
