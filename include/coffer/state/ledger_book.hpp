// SPDX-License-Identifier: BSL-1.0
#pragma once
// A whole ledger in memory: accounts by scope and window, the reservations that explain them, limits and freezes. Time
// is passed in; no locks.

#include <coffer/base/later.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/state/ledger.hpp>
#include <coffer/state/ledger_rules.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace coffer::inline v0 {

class ledger_book {
public:
    using owner_is_dead = std::function<bool(std::string const&)>;
    using time_point = std::chrono::system_clock::time_point;

    /// Of entries that have come to their end, and of accounts whose window has, so many are kept; then the oldest go,
    /// and their sums stay.
    explicit ledger_book(std::size_t most_entries = 100'000) : most_entries_{most_entries} {}

    /// Holds the money in all lines, or says which line has not got it. The same again for an id that is known.
    reserve_verdict reserve(reserve_request const& q, std::string const& owner, ledger_moment at,
                            owner_is_dead const& dead) {
        if (by_id_.contains(q.id)) return reserved{};
        auto denied = refusal(q, at);
        if (denied && !denied->frozen && denied->held > money{} && lapse(at, dead) > 0) denied = refusal(q, at);
        if (denied) return *std::move(denied);

        auto const stored = open_.insert(open_.end(), entry{});
        auto& r = stored->row;
        r.id = q.id;
        r.state = q.sent ? reservation_state::sent : reservation_state::held;
        r.bound = q.bound;
        r.owner = owner;
        r.until = later(at.now, q.sent ? q.longest : q.held_for);
        r.created = at.wall;
        r.about = q.about;
        stored->lines = q.lines;
        r.holds.reserve(q.lines->size());
        stored->accounts.reserve(q.lines->size());
        for (auto const& line : *q.lines) {
            auto& node = account_of(line, at.wall);
            ++node.entries;
            r.holds.push_back({amount_of(q, line), line.kind});
            stored->accounts.push_back(&node.money_in);
            stored->nodes.push_back(&node);
        }
        by_id_.emplace(q.id, stored);
        reservation_machine{r, stored->accounts, at}.hold();
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
            if (is_frozen(line.scope)) return failed(frozen_fault(line.scope));
        return {};
    }
    /// It begins, with the permit of that record and number. (Ask `may_send` first.)
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

    void set_limit(std::string scope, std::string window_text, std::optional<money> limit) {
        auto const key = std::pair{std::move(scope), std::move(window_text)};
        if (limit) limits_[key] = *limit;
        else limits_.erase(key);
    }
    /// From now on nothing is reserved or sent in that scope. How many sends are under way in it.
    std::size_t freeze(std::string scope, std::string reason) {
        auto const under_way = static_cast<std::size_t>(std::count_if(open_.begin(), open_.end(), [&](auto& e) {
            return e.row.state == reservation_state::sent &&
                   std::any_of(e.lines->begin(), e.lines->end(), [&](auto& l) { return is_within(l.scope, scope); });
        }));
        frozen_[std::move(scope)] = std::move(reason);
        return under_way;
    }
    /// False if it was not frozen.
    bool thaw(std::string const& scope) { return frozen_.erase(scope) != 0; }

    /// The accounts of a scope in the windows of that text, by start.
    [[nodiscard]] std::vector<account_status> accounts(std::string_view scope) const {
        std::vector<account_status> found;
        for (auto const& [name, s] : series_) {
            if (!is_within(s.scope, scope)) continue;
            for (auto const& [start, node] : s.parts) {
                account_status status;
                status.scope = s.scope;
                status.window = s.window_text;
                status.start = start;
                status.end = node.end;
                status.money_in = node.money_in;
                auto const limit = limit_of(s.scope, s.window_text, s.limit);
                if (limit != money::max()) status.limit = limit;
                status.frozen = is_frozen(s.scope);
                found.push_back(std::move(status));
            }
        }
        return found;
    }
    /// All reservations that are kept, in the order in which they ended, then the open ones; `each` is given a
    /// `reservation const&` and its lines.
    template <class Each>
    void for_each(Each&& each) const {
        for (auto const* const list : {&ended_, &open_})
            for (auto const& e : *list) each(e.row, *e.lines);
    }
    [[nodiscard]] std::optional<reservation> find(reservation_id const& id) const {
        auto const found = by_id_.find(id);
        return found == by_id_.end() ? std::nullopt : std::optional{found->second->row};
    }
    [[nodiscard]] std::size_t size() const noexcept { return by_id_.size(); }

    /// Do the entries, and what is left of those that are gone, add up to the accounts? The names of those that do not.
    [[nodiscard]] std::vector<std::string> audit() const {
        std::map<account_node const*, account> sums;
        for (auto const* const list : {&ended_, &open_})
            for (auto const& e : *list)
                for (std::size_t i = 0; i < e.nodes.size(); ++i) sums[e.nodes[i]] += part_of(e.row, e.row.holds[i]);
        std::vector<std::string> wrong;
        for (auto const& [name, s] : series_)
            for (auto const& [start, node] : s.parts) {
                auto sum = node.carried;
                sum += sums[&node];
                if (!(sum == node.money_in)) wrong.push_back(s.scope + " " + s.window_text);
            }
        return wrong;
    }

private:
    struct account_node {
        account money_in;
        account carried;  // of it: what entries explained that are gone
        time_point end{};
        std::size_t entries = 0;  // that refer to it
    };
    /// The accounts of one scope under one kind of window.
    struct series {
        std::string scope;
        std::string window_text;
        money limit;  // as last declared
        std::map<time_point, account_node> parts;
    };
    struct entry {
        reservation row;
        std::shared_ptr<ledger_lines const> lines;
        std::vector<account*> accounts;
        std::vector<account_node*> nodes;
        bool ended = false;
    };
    using entry_list = std::list<entry>;
    struct id_hash {
        std::size_t operator()(reservation_id const& id) const noexcept {
            std::size_t h = 0;
            std::memcpy(&h, id.data(), sizeof h);
            return h;
        }
    };

    static constexpr auto windows_kept = std::chrono::hours{24 * 40};

    [[nodiscard]] static money amount_of(reserve_request const& q, ledger_line const& line) noexcept {
        return line.kind == limit_kind::hard ? q.bound.value_or(q.expected) : q.expected;
    }
    [[nodiscard]] money limit_of(std::string const& scope, std::string const& window_text, money declared) const {
        if (limits_.empty()) return declared;
        auto const set = limits_.find(std::pair{scope, window_text});
        return set == limits_.end() ? declared : set->second;
    }
    [[nodiscard]] bool is_frozen(std::string_view scope) const {
        return std::any_of(frozen_.begin(), frozen_.end(), [&](auto const& f) { return is_within(scope, f.first); });
    }
    [[nodiscard]] series& series_of(ledger_line const& line) {
        key_.assign(line.scope).push_back('\0');
        key_ += line.window_text;
        auto found = series_.find(key_);
        if (found == series_.end()) {
            found = series_.emplace(key_, series{}).first;
            found->second.scope = line.scope;
            found->second.window_text = line.window_text;
        }
        found->second.limit = line.limit;
        return found->second;
    }
    [[nodiscard]] account_node& account_of(ledger_line const& line, time_point wall) {
        auto& s = series_of(line);
        auto const span = line.window.span_at(wall);
        auto const [at, added] = s.parts.try_emplace(span.start);
        if (added) {
            at->second.end = span.end;
            forget_windows(s, wall);
        }
        return at->second;
    }
    static void forget_windows(series& s, time_point wall) {
        std::erase_if(s.parts, [&](auto const& part) {
            auto const& n = part.second;
            return n.entries == 0 && n.end < wall && wall - n.end > windows_kept;
        });
    }

    /// The first line that does not have the money.
    [[nodiscard]] std::optional<budget_denial> refusal(reserve_request const& q, ledger_moment at) {
        for (auto const& line : *q.lines) {
            budget_denial d;
            d.frozen = is_frozen(line.scope);
            auto const& s = series_of(line);
            auto const limit = limit_of(line.scope, line.window_text, line.limit);
            auto const needed = amount_of(q, line);
            account counting;
            if (line.window.kind() == window_kind::rolling) {
                for (auto const& [start, node] : s.parts)
                    if (line.window.counts(start, at.wall)) counting += node.money_in;
            } else if (auto const part = s.parts.find(line.window.span_at(at.wall).start); part != s.parts.end()) {
                counting = part->second.money_in;
            }
            // An operator may have set a limit where the program has none, and did not need to know a bound.
            bool const bounded = q.bound || line.kind == limit_kind::soft || limit == money::max();
            if (!d.frozen && bounded && fits(counting.committed(), needed, limit)) continue;
            d.scope = line.scope;
            d.window = line.window.describe(line.window.span_at(at.wall).start);
            d.window_text = line.window_text;
            d.limit = limit;
            d.needed = bounded ? needed : money::max();
            d.free = left_of(limit, counting.committed());
            d.held = counting.held;
            d.until = relief(s, line, needed, limit, counting.committed(), at.wall);
            return d;
        }
        return std::nullopt;
    }
    /// When the window has room for `needed` by time alone.
    [[nodiscard]] static std::optional<time_point> relief(series const& s, ledger_line const& line, money needed,
                                                          money limit, money committed, time_point wall) {
        if (needed > limit) return std::nullopt;
        if (line.window.kind() != window_kind::rolling) {
            auto const end = line.window.span_at(wall).end;
            return end == time_point::max() ? std::nullopt : std::optional{end};
        }
        for (auto const& [start, node] : s.parts) {
            if (!line.window.counts(start, wall)) continue;
            committed -= node.money_in.committed();
            if (fits(committed, needed, limit)) return line.window.leaves_at(start);
        }
        return std::nullopt;
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
        for (std::size_t i = 0; i < oldest->nodes.size(); ++i)
            oldest->nodes[i]->carried += part_of(oldest->row, oldest->row.holds[i]);
        remove(oldest);
    }
    void remove(entry_list::iterator e) {
        for (auto* const n : e->nodes) --n->entries;
        if (e->row.about.send != 0) by_send_.erase({e->row.about.record, e->row.about.send});
        by_id_.erase(e->row.id);
        (e->ended ? ended_ : open_).erase(e);
    }

    std::size_t const most_entries_;
    entry_list open_;  // held or sent, by age
    entry_list ended_;  // settled or presumed, oldest end first
    std::unordered_map<reservation_id, entry_list::iterator, id_hash> by_id_;
    std::map<std::pair<std::string, int>, entry_list::iterator> by_send_;
    std::unordered_map<std::string, series> series_;
    std::map<std::pair<std::string, std::string>, money> limits_;
    std::map<std::string, std::string> frozen_;
    std::string key_;
};

}  // namespace coffer::inline v0
