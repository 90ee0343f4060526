// SPDX-License-Identifier: BSL-1.0
#pragma once
// A record, two workers who want it, and what their provider has billed; and by what one such world differs from another.

#include "state/record_desk.hpp"
#include "state/record_mutants.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace coffer_test {

/// What somebody did; nobody in particular if there is no letter.
struct deed {
    char who = 0;
    char const* what = "";
};

/// Where a worker is in its work.
enum class at { idle, claimed, permitted, answered, timed_out, turned_away, stored };

struct worker {
    std::string name;  // a letter, and how often it has died
    at where = at::idle;
    int claim = 0;
    int send = 0;
    int expected = 0;
    struct in_hand {
        int send;
        std::string body;
    };
    std::vector<in_hand> undecoded;  // earlier answers that came with the claim
    std::string body;  // what the provider said
    std::chrono::steady_clock::time_point lease_until{};
    std::chrono::steady_clock::time_point sent_until{};  // its send has certainly ended by then

    [[nodiscard]] bool in_flight() const { return where == at::permitted || where == at::answered; }
    [[nodiscard]] deed does(char const* what) const { return {name[0], what}; }
};

struct world {
    bent_desk d;
    std::array<worker, 2> workers;
    int bills = 0;
    int claims = 0;
    std::string result;  // what users were given
    bool acknowledged = false;
};

// Time passes beyond a lease, or beyond a send and its grace. (A lease is 60 s, a send 5 min and 30 s.)
inline constexpr auto short_pause = 61s;
inline constexpr auto long_pause = 331s;

/// A time is worth as many short pauses as it survives.
template <class Time>
[[nodiscard]] char left(Time t, Time now) {
    if (t <= now) return '0';
    if (t == Time::max()) return '-';
    return static_cast<char>('1' + (t - now - 1ns) / short_pause);
}
/// With one of the workers first.
[[nodiscard]] inline std::string state_of(world const& w, std::size_t first) {
    auto const& r = w.d.row;
    auto const now = w.d.now;
    worker const* const order[] = {&w.workers[first], &w.workers[1 - first]};
    auto const who = [&order](coffer::claim_id const& c) {
        for (auto const* x : order)
            if (x->where != at::idle && c == claim_number(x->claim)) return x == order[0] ? '0' : '1';
        return '-';
    };
    auto const digit = [](auto n) { return static_cast<char>('0' + static_cast<int>(n)); };
    auto const rank = [&r](int number) {
        char n = '0';
        for (auto const& s : r.sends)
            if (s.state != coffer::send_state::unsent && s.number < number) ++n;
        return n;
    };
    std::string k;
    k.reserve(96);
    auto const owner = r.owner == order[0]->name ? '0' : r.owner == order[1]->name ? '1' : '-';  // the dead
    k += {digit(r.state),           who(r.claim),        owner,          digit(r.held),
          left(r.lease_until, now), digit(r.claims > 0), digit(w.bills), digit(w.acknowledged)};
    if (r.state == coffer::record_state::failed) k += left(r.expires, w.d.wall);
    for (auto const& s : r.sends) {
        if (s.state == coffer::send_state::unsent) continue;
        k += {',', digit(s.state), who(s.claim), left(s.permitted_until + r.takeover_grace, now)};
        if (s.reply) k += s.reply->body;
    }
    for (auto const* x : order) {
        k += {'/', digit(x->where)};
        if (x->where == at::idle) continue;
        k += {digit(x->expected), left(x->lease_until, now)};
        if (x->where != at::claimed) k += {rank(x->send), left(x->sent_until, now)};
        k += x->body;
        for (auto const& a : x->undecoded) k += rank(a.send) + a.body;
    }
    return k += '/' + w.result;
}

/// The same for worlds that can only lead to the same. Workers are interchangeable; names, numbers, sends that were taken
/// back and claims that nobody has any more matter to nobody.
[[nodiscard]] inline std::string state_of(world const& w) {
    auto const& a = w.workers[0];
    auto const& b = w.workers[1];
    if (a.where != b.where) return state_of(w, a.where < b.where ? 0 : 1);
    return std::min(state_of(w, 0), state_of(w, 1));
}

}  // namespace coffer_test
