// SPDX-License-Identifier: BSL-1.0
#pragma once
// A whole ledger in memory: the accounts, and the reservations that explain them. Time is passed in; no locks.

#include <coffer/base/later.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/state/ledger.hpp>
#include <coffer/state/ledger_accounts.hpp>
#include <coffer/state/ledger_rules.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
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
                            owner_is_dead const& dead);

    /// May its send begin? Not if a scope of it is frozen, nor if its money was given back. One that has begun may.
    [[nodiscard]] outcome<void> may_send(reservation_id const& id) const;
    /// A send of that record and number is permitted. A record that was forgotten and made anew counts its sends from the
    /// beginning: what an earlier one of that number has cost is not this one's business. `mine` is this one's own.
    void begin_send(std::string const& record, int number, reservation_id const* mine);
    /// It begins, with the permit of that record and number. (Ask `may_send` first, and tell `begin_send`.)
    void send(reservation_id const& id, std::string const& record, int number, std::chrono::nanoseconds longest,
              ledger_moment at);

    /// Its end: what it has cost, or, if nobody knows, nothing. False if there is no such reservation.
    bool settle(reservation_id const& id, std::optional<money> actual, std::string_view request_id, ledger_moment at);
    /// It is proven not to have been billed.
    bool release(reservation_id const& id, ledger_moment at);
    /// Its owner has let go of it: never sent, it is given back; sent, it is presumed spent.
    bool lapse(reservation_id const& id, ledger_moment at);
    /// The same by the send that it was made for: what its late answer says that it has cost, or that it was not billed.
    void settle_send(std::string const& record, int number, money actual, std::string_view request_id,
                     ledger_moment at);
    /// The same, by the journal's number of the send: it is proven that nothing was billed.
    void release_send(std::string const& record, int number, ledger_moment at);

    /// Gives back what was never sent and presumes spent what was, where the owner is gone or the time is over. How
    /// many were given back.
    std::size_t lapse(ledger_moment at, owner_is_dead const& dead);

    /// An operator's own limit, which comes before a declared one; none: that one holds again.
    void set_limit(std::string scope, std::string window_text, std::optional<money> limit);
    /// From now on nothing is reserved or sent in that scope. How many sends are under way in it.
    std::size_t freeze(std::string scope, std::string reason);
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
    [[nodiscard]] std::optional<reservation> find(reservation_id const& id) const;
    /// Reservations, ended ones included.
    [[nodiscard]] std::size_t size() const noexcept { return by_id_.size(); }

    /// Do the entries, and what is left of those that are gone, add up to the accounts? The names of those that do not.
    [[nodiscard]] std::vector<std::string> audit() const;

private:
    /// As a rule a call has few scopes: those need no memory of their own.
    class account_list {
    public:
        void reserve(std::size_t n);
        void push_back(account* a);
        [[nodiscard]] std::size_t size() const noexcept { return count_; }
        [[nodiscard]] account* operator[](std::size_t i) const noexcept { return begin()[i]; }
        [[nodiscard]] account* const* begin() const noexcept;
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
        std::size_t operator()(reservation_id const& id) const noexcept;
    };

    template <class Each>
    void for_each_entry(Each const& each) const {
        for (auto const* const list : {&ended_, &open_})
            for (auto const& e : *list) each(e);
    }
    void lapse(entry_list::iterator e, ledger_moment at);
    void give_back(entry_list::iterator e, ledger_moment at);
    void ended(entry_list::iterator e);
    void remove(entry_list::iterator e);

    std::size_t const most_entries_;
    entry_list open_;  // held or sent, by age
    entry_list ended_;  // settled or presumed, oldest end first
    std::unordered_map<reservation_id, entry_list::iterator, id_hash> by_id_;
    std::map<std::pair<std::string, int>, entry_list::iterator> by_send_;
    ledger_accounts accounts_;
    ledger_accounts::found found_;  // for the request at hand
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/ledger_book.ipp>
#endif
