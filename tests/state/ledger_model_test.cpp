// SPDX-License-Identifier: BSL-1.0
// The ledger's book against an oracle that shares no code with it and is naive on purpose: a flat list of reservations,
// which it adds up from the beginning at each step.

#include <coffer/state/ledger_book.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "support/seeds.hpp"

namespace ledger_model_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using support::dice;

using instant = std::int64_t;  // seconds

/// A window as the oracle has it: a length of time from the epoch, or for ever, or the last so many seconds.
struct frame {
    window real;
    instant length;  // 0: for ever
    bool rolls = false;

    [[nodiscard]] instant bucket() const { return (length + 59) / 60; }
    /// Does what was reserved at `then` count against a reservation at `now`?
    [[nodiscard]] bool counts(instant then, instant now) const {
        if (length == 0) return true;
        if (!rolls) return then / length == now / length;
        auto const start = then / bucket() * bucket();
        return start + bucket() + length > now && start <= now + length;
    }
};

struct line {
    std::string scope;
    std::size_t frame;
    std::int64_t limit;  // in nano-dollars; the largest: none
    bool hard;
};

struct item {
    int id;
    std::string state;  // held, sent, settled, presumed
    std::optional<std::int64_t> bound;
    std::int64_t expected;
    std::int64_t actual = 0;
    std::string owner;
    instant until;
    instant booked;  // by the wall clock
    std::vector<line> lines;

    [[nodiscard]] std::int64_t held_for(line const& l) const { return l.hard ? bound.value_or(expected) : expected; }
    [[nodiscard]] std::int64_t committed(line const& l) const { return state == "settled" ? actual : held_for(l); }
    [[nodiscard]] bool open() const { return state == "held" || state == "sent"; }
};

constexpr auto none = std::numeric_limits<std::int64_t>::max();

struct world {
    explicit world(std::uint64_t seed) : draw{seed}, book{most_entries} {}

    dice draw;
    // Where the clock is set back by days, what entries explained that are gone would be missed one day.
    bool const steps_back = draw.one_in(2);
    std::size_t const most_entries = steps_back ? 1000 : 20;
    ledger_book book;
    std::vector<frame> frames{
        {lifetime, 0}, {hourly, 3600}, {daily, 86'400}, {rolling(60s), 60, true}, {rolling(1h), 3600, true}};
    std::vector<std::string> scopes{"a", "a/b", "a/b/c", "ab", "d"};
    instant now = 1'000'000;
    instant wall = 1'800'000'000;
    std::vector<item> items;  // in the order in which they were made
    std::vector<int> ends;  // those that are settled or presumed, in the order in which they ended
    std::set<int> forgotten;  // of those: they stay in the sums, and nobody can change them
    std::map<std::pair<std::string, std::size_t>, std::int64_t> set;
    std::set<std::string> frozen;
    std::set<std::string> dead;
    int next = 0;
    int admitted = 0, refused = 0;

    [[nodiscard]] ledger_moment at() const {
        return {std::chrono::steady_clock::time_point{std::chrono::seconds{now}},
                std::chrono::system_clock::time_point{std::chrono::seconds{wall}}};
    }
    [[nodiscard]] static reservation_id id_of(int n) {
        reservation_id id{};
        for (std::size_t i = 0; i < 4; ++i) id[8 + i] = static_cast<std::uint8_t>(n >> (8 * i));
        return id;
    }
    [[nodiscard]] ledger_book::owner_is_dead is_dead() const {
        return [this](std::string const& owner) { return dead.contains(owner); };
    }
    [[nodiscard]] static bool within(std::string const& scope, std::string const& named) {
        return named.empty() || (scope + "/").rfind(named + "/", 0) == 0;
    }
    [[nodiscard]] bool is_frozen(std::string const& scope) const {
        return std::any_of(frozen.begin(), frozen.end(), [&](auto& f) { return within(scope, f); });
    }
    [[nodiscard]] std::int64_t limit_of(line const& l) const {
        auto const own = set.find({l.scope, l.frame});
        return own == set.end() ? l.limit : own->second;
    }
    /// Of all that counts in that scope and window now.
    [[nodiscard]] std::int64_t committed(std::string const& scope, std::size_t f) const {
        std::int64_t sum = 0;
        for (auto const& i : items)
            for (auto const& l : i.lines)
                if (l.scope == scope && l.frame == f && frames[f].counts(i.booked, wall)) sum += i.committed(l);
        return sum;
    }
    [[nodiscard]] bool holds_any(line const& at_line) const {
        for (auto const& i : items)
            for (auto const& l : i.lines)
                if (l.scope == at_line.scope && l.frame == at_line.frame && i.open() && i.held_for(l) > 0 &&
                    frames[l.frame].counts(i.booked, wall))
                    return true;
        return false;
    }
    [[nodiscard]] line const* first_without(item const& wanted) const {
        for (auto const& l : wanted.lines) {
            auto const limit = limit_of(l);
            bool const known = wanted.bound || !l.hard || limit == none;
            auto const sum = committed(l.scope, l.frame);
            if (is_frozen(l.scope) || !known || (limit != none && sum + wanted.held_for(l) > limit)) return &l;
        }
        return nullptr;
    }
    void end(item& i, std::string state) {
        if (i.open()) ends.push_back(i.id);
        i.state = std::move(state);
        std::vector<int> there;
        for (auto const id : ends)
            if (!forgotten.contains(id)) there.push_back(id);
        for (std::size_t n = 0; n + most_entries < there.size(); ++n) forgotten.insert(there[n]);
    }
    void drop(int id) {
        std::erase_if(items, [&](auto const& i) { return i.id == id; });
        std::erase(ends, id);
    }
    void lapse(int id) {
        auto& i = *find(id);
        if (i.state == "held") drop(id);
        else if (i.state == "sent") end(i, "presumed");
    }
    bool lapse_all() {
        bool back = false;
        std::vector<int> over;
        for (auto const& i : items)
            if (i.open() && (now >= i.until || dead.contains(i.owner))) over.push_back(i.id);
        for (auto const id : over) {
            back = back || find(id)->state == "held";
            lapse(id);
        }
        return back;
    }
    [[nodiscard]] item* find(int id) {
        auto const at = std::find_if(items.begin(), items.end(), [&](auto& i) { return i.id == id; });
        return at == items.end() || forgotten.contains(id) ? nullptr : &*at;
    }

    void reserve() {
        item i{.id = ++next,
               .state = draw.one_in(2) ? "sent" : "held",
               .bound = draw.one_in(10) ? std::nullopt : std::optional{draw.below<std::int64_t>(60)},
               .expected = draw.below<std::int64_t>(20),
               .owner = "p" + std::to_string(draw.below(4)),
               .until = 0,
               .booked = wall,
               .lines = {}};
        i.until = now + (i.state == "sent" ? 600 : 300);
        auto const count = 1 + draw.below(3);
        for (int n = 0; n < count; ++n) {
            line const l{scopes[draw.below(scopes.size())], draw.below(frames.size()),
                         draw.one_in(8) ? none : 100 + draw.below<std::int64_t>(2) * 50, !draw.one_in(4)};
            bool const again = std::any_of(i.lines.begin(), i.lines.end(),
                                           [&](auto& o) { return o.scope == l.scope && o.frame == l.frame; });
            if (!again) i.lines.push_back(l);
        }
        auto lines = std::make_shared<ledger_lines>();
        for (auto const& l : i.lines)
            lines->emplace_back(l.scope, frames[l.frame].real, money::from_nano(l.limit),
                                l.hard ? limit_kind::hard : limit_kind::soft);
        reserve_request q;
        q.id = id_of(i.id);
        q.lines = lines;
        if (i.bound) q.bound = money::from_nano(*i.bound);
        q.expected = money::from_nano(i.expected);
        q.sent = i.state == "sent";
        q.held_for = 300s;
        q.longest = 600s;
        auto const said = book.reserve(q, i.owner, at(), is_dead());

        auto const* without = first_without(i);
        // Whose time is over is asked only where that can bring money back.
        bool const look = without != nullptr && !is_frozen(without->scope) && holds_any(*without);
        if (look && lapse_all()) without = first_without(i);
        ASSERT_EQ(std::holds_alternative<reserved>(said), without == nullptr);
        if (without == nullptr) {
            ++admitted;
            items.push_back(i);
            return;
        }
        ++refused;
        auto const& d = std::get<budget_denial>(said);
        ASSERT_EQ(d.frozen, is_frozen(without->scope));
        if (d.frozen) return;
        ASSERT_EQ(d.scope, without->scope);
        ASSERT_EQ(d.window_text, frames[without->frame].real.text());
        auto const limit = limit_of(*without);
        ASSERT_EQ(d.limit.nano(), limit);
        ASSERT_EQ(d.free.nano(), std::max<std::int64_t>(limit - committed(without->scope, without->frame), 0));
        // By time alone there is room when it says so, and not a second before.
        if (!d.until) return;
        auto const then = std::chrono::floor<std::chrono::seconds>(*d.until).time_since_epoch().count();
        ASSERT_GT(then, wall);
        auto const before = std::exchange(wall, then);
        ASSERT_LE(committed(without->scope, without->frame) + i.held_for(*without), limit);
        wall = then - 1;
        ASSERT_GT(committed(without->scope, without->frame) + i.held_for(*without), limit);
        wall = before;
    }
    void change() {
        if (next == 0) return;
        auto const id = 1 + draw.below(next);
        auto const key = id_of(id);
        auto* const i = find(id);
        switch (draw.below(6)) {
            case 0: {
                bool const may =
                    i != nullptr && (i->state == "sent" ||
                                     (i->state == "held" && std::none_of(i->lines.begin(), i->lines.end(),
                                                                         [&](auto& l) { return is_frozen(l.scope); })));
                ASSERT_EQ(book.may_send(key).has_value(), may);
                if (!may) return;
                book.send(key, "r", id, 600s, at());
                if (i->state == "held") i->until = now + 600;
                i->state = "sent";
                return;
            }
            case 1:
            case 2: {
                auto const cost =
                    draw.below<std::int64_t>(draw.one_in(20) ? 100 : 1 + (i != nullptr ? i->bound.value_or(30) : 30));
                ASSERT_EQ(book.settle(key, money::from_nano(cost), "", at()), i != nullptr);
                if (i == nullptr) return;
                i->actual = cost;
                return end(*i, "settled");
            }
            case 3:
                ASSERT_EQ(book.settle(key, std::nullopt, "", at()), i != nullptr);
                if (i != nullptr && i->state != "settled") end(*i, "presumed");
                return;
            case 4:
                ASSERT_EQ(book.release(key, at()), i != nullptr);
                if (i == nullptr) return;
                if (i->state == "settled") i->actual = 0;
                else drop(id);
                return;
            default:
                ASSERT_EQ(book.lapse(key, at()), i != nullptr);
                if (i != nullptr) lapse(id);
        }
    }
    void surroundings() {
        auto const& scope = scopes[draw.below(scopes.size())];
        switch (draw.below(12)) {
            case 0: {
                auto const f = draw.below(frames.size());
                auto const limit = draw.one_in(2) ? std::nullopt : std::optional{draw.below<std::int64_t>(300)};
                book.set_limit(scope, frames[f].real.text(),
                               limit ? std::optional{money::from_nano(*limit)} : std::nullopt);
                if (limit) set[{scope, f}] = *limit;
                else set.erase({scope, f});
                return;
            }
            case 1: {
                auto const name = draw.one_in(6) ? std::string{} : scope;
                std::size_t under_way = 0;
                for (auto const& i : items)
                    under_way += i.state == "sent" && std::any_of(i.lines.begin(), i.lines.end(),
                                                                  [&](auto& l) { return within(l.scope, name); });
                ASSERT_EQ(book.freeze(name, ""), under_way);
                frozen.insert(name);
                return;
            }
            case 2:
            case 3:
            case 4:
                while (!frozen.empty()) {
                    ASSERT_TRUE(book.thaw(*frozen.begin()));
                    frozen.erase(frozen.begin());
                }
                return;
            case 5: dead.insert("p" + std::to_string(draw.below(4))); return;
            case 6: dead.clear(); return;
            case 7: wall += draw.below<instant>(4) * 900; return;
            case 8: wall -= steps_back ? draw.below<instant>(4) * 900 : 0; return;
            case 9: wall += (steps_back && draw.one_in(2) ? -1 : 1) * draw.below<instant>(100'000); return;
            default: pass(draw.below<instant>(400));
        }
    }
    void pass(instant seconds) { now += seconds, wall += seconds; }

    /// Every account of the book is what the flat list says.
    void compare() {
        std::map<std::tuple<std::string, std::string, instant>, account> sums;
        std::set<std::tuple<std::string, std::string, instant>> needed;
        for (auto const& i : items)
            for (auto const& l : i.lines) {
                auto const& f = frames[l.frame];
                auto const length = f.rolls ? f.bucket() : f.length;
                std::tuple const name{l.scope, f.real.text(), length == 0 ? 0 : i.booked / length * length};
                auto& sum = sums[name];
                if (!forgotten.contains(i.id) || f.counts(i.booked, wall)) needed.insert(name);
                auto const amount = money::from_nano(i.committed(l));
                if (i.state == "settled") {
                    sum.settled += amount;
                    if (l.hard && i.bound && i.actual > *i.bound) sum.overrun += money::from_nano(i.actual - *i.bound);
                } else if (i.state == "presumed") {
                    sum.presumed += amount;
                    sum.unpriced += i.bound ? 0 : 1;
                } else {
                    sum.held += amount;
                }
            }
        for (auto const& s : book.accounts("")) {
            auto const start = std::chrono::floor<std::chrono::seconds>(s.start).time_since_epoch().count();
            auto const known = sums.find({s.scope, s.window, start});
            ASSERT_EQ(s.money_in, known == sums.end() ? account{} : known->second) << s.scope << " " << s.window;
            if (known != sums.end()) sums.erase(known);
        }
        for (auto const& [name, sum] : sums)
            ASSERT_TRUE(sum == account{} || !needed.contains(name)) << "missing: " << std::get<0>(name);
        ASSERT_TRUE(book.audit().empty());
    }
};

TEST(ledger_model, the_book_agrees_with_a_flat_list_at_every_step) {
    long admitted = 0, refused = 0;
    for (auto const seed : support::each_seed(support::seeds(25))) {
        world w{seed};
        for (int step = 0; step < 150 && !testing::Test::HasFatalFailure(); ++step) {
            auto const what = w.draw.below(10);
            if (what < 4) w.reserve();
            else if (what < 8) w.change();
            else w.surroundings();
            if (step % 4 == 3 && !testing::Test::HasFatalFailure()) w.compare();
        }
        admitted += w.admitted;
        refused += w.refused;
    }
    if (support::replaying()) return;
    EXPECT_GT(admitted, 10 * static_cast<long>(support::seeds(25)));
    EXPECT_GT(refused, 3 * static_cast<long>(support::seeds(25)));
}

// What the limit is for, without the book's notion of buckets: in no stretch of that length, wherever it begins, is more
// committed than the limit. The clock is set forward and back; no cost goes beyond its bound.
TEST(ledger_model, no_stretch_of_a_rolling_window_ever_holds_more_than_the_limit) {
    for (auto const seed : support::each_seed(support::seeds(25))) {
        dice draw{seed};
        bool const steps_back = draw.one_in(2);  // by more than what is gone is kept for
        ledger_book book{steps_back ? 1000U : 10U};
        auto const length = std::array<instant, 3>{60, 3600, 7 * 86'400 + 13}[draw.below(3U)];
        constexpr std::int64_t limit = 100;
        auto const lines = std::make_shared<ledger_lines const>(
            ledger_lines{{"team", rolling(std::chrono::seconds{length}), money::from_nano(limit)}});
        struct booked {
            instant at;
            std::int64_t amount;
        };
        std::map<int, booked> all;
        instant wall = 1'800'000'000;
        int admitted = 0;
        for (int id = 1; id <= 200; ++id) {
            auto const step = draw.below<instant>(length / 8 + 1);
            wall += steps_back && draw.one_in(4) ? -3 * step : step;
            if (steps_back && draw.one_in(30)) wall += (draw.one_in(2) ? 3 : -3) * length;
            ledger_moment const at{{}, std::chrono::system_clock::time_point{std::chrono::seconds{wall}}};
            reserve_request q;
            q.id = world::id_of(id);
            q.lines = lines;
            auto const amount = 1 + draw.below<std::int64_t>(40);
            q.bound = money::from_nano(amount);
            q.sent = true;
            q.longest = 1h;
            if (std::holds_alternative<reserved>(book.reserve(q, "me", at, {}))) {
                ++admitted;
                all[id] = {wall, amount};
            }
            if (auto const other = 1 + draw.below(id); all.contains(other) && draw.one_in(2)) {
                auto const cost = draw.below(all[other].amount + 1);
                if (book.settle(world::id_of(other), money::from_nano(cost), "", at)) all[other].amount = cost;
            }
            for (auto const& [first, from] : all) {
                if (from.at + length <= wall || from.at > wall) continue;  // nothing is new in it
                std::int64_t sum = 0;
                for (auto const& [n, b] : all) sum += b.at >= from.at && b.at < from.at + length ? b.amount : 0;
                ASSERT_LE(sum, limit) << "in the " << length << " s from " << from.at;
            }
        }
        EXPECT_GT(admitted, 10) << "refusing everything would pass too";
    }
}

}  // namespace
}  // namespace ledger_model_test
