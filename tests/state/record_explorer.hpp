// SPDX-License-Identifier: BSL-1.0
#pragma once
// Every state that two workers who want one key can get its record into. Each may crash, stall, lose a reply or lose an
// answer at any step, give up, and come back for ever; time may pass at any moment; the provider counts what it bills.
// There is no bound on depth: states that differ only in what can never matter again are one state, and so they end.

#include "state/record_mutants.hpp"
#include "state/record_world.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace coffer_test {

/// What must never happen, and the shortest way to it.
struct violation {
    std::string rule;
    std::string path;  ///< a step a line
};

/// What holds in every state, and at every step.
namespace invariant {
inline constexpr auto bills = "M1: bills <= counted sends <= max_sends";
inline constexpr auto same_result = "M2: all who get a result get the same one";
inline constexpr auto own_claim = "M3: only the claim that has the record sends, and only while its lease lasts";
inline constexpr auto done_stays = "M4: DONE leaves only by being acknowledged";
inline constexpr auto same_request = "M5: another request is neither granted nor replayed once something was billed";
inline constexpr auto in_flight = "M6: nobody sends while the send of a living owner may be on its way";
inline constexpr auto at_work = "M7: nobody is granted a key while the lease of a living owner lasts";
inline constexpr auto look_first = "M8: nobody sends while an answer is stored that nobody has judged";
inline constexpr auto taken = "M9: a paid answer is always taken";
inline constexpr auto repeated = "M10: what is repeated because its reply was lost is told the same";
inline constexpr auto alive = "L: whoever is alone in the end gets on, or is told that an operator must decide";
}  // namespace invariant

class record_explorer {
public:
    explicit record_explorer(int max_sends, flaw broken = flaw::none, int most_steps = 1000)
        : max_sends_{max_sends}, most_steps_{most_steps} {
        world w;
        w.d.broken = broken;
        w.workers[0].name = "a";
        w.workers[1].name = "b";
        arrive(std::move(w), {});
        while (!frontier_.empty() && !violation_) {
            auto const next = std::move(frontier_.front());
            frontier_.pop_front();
            origin_ = next.step;
            leave(next.w);
        }
    }

    [[nodiscard]] std::size_t states() const noexcept { return seen_.size(); }
    /// How many steps the farthest state is away.
    [[nodiscard]] int depth() const noexcept { return steps_.empty() ? 0 : steps_.back().depth; }
    [[nodiscard]] std::optional<violation> const& broken() const noexcept { return violation_; }

private:
    struct step {
        std::size_t from;
        int depth;
        deed done;
    };
    struct node {
        world w;
        std::size_t step;
    };

    // Going from one to the next -----------------------------------------------------------------------------------------

    void arrive(world w, deed done) {
        if (violation_ || !seen_.insert(state_of(w)).second) return;
        steps_.push_back({origin_, steps_.empty() ? 0 : steps_[origin_].depth + 1, done});
        here_ = steps_.size() - 1;
        check(w);
        if (steps_.back().depth < most_steps_) frontier_.push_back({std::move(w), here_});
    }

    /// In the world that is being checked, or, with a deed, on the way from the present one to the next.
    void expect(bool holds, char const* rule, deed doing = {}) {
        if (holds || violation_) return;
        bool const on_the_way = doing.what[0] != '\0';
        auto path = on_the_way ? line(doing) : std::string{};
        for (auto i = on_the_way ? origin_ : here_; i != 0; i = steps_[i].from) path = line(steps_[i].done) + path;
        violation_ = violation{rule, path};
    }
    static std::string line(deed const& d) {
        return d.who == 0 ? std::string{d.what} + "\n" : std::string{d.who} + " " + d.what + "\n";
    }

    void leave(world const& w) {
        for (std::size_t i = 0; i < w.workers.size(); ++i) {
            if (w.workers[i].where != at::idle) crash(w, i);
            step_of(w, i);
        }
        for (auto const pause : {short_pause, long_pause}) {
            auto next = w;
            next.d.pass(pause);
            arrive(std::move(next), {0, pause == short_pause ? "a minute passes" : "six minutes pass"});
        }
        if (!w.result.empty() && !w.acknowledged) {
            auto next = w;
            deed const acknowledges{0, "the result is acknowledged"};
            expect(next.d.acknowledge().has_value(), invariant::done_stays, acknowledges);
            next.acknowledged = true;
            arrive(std::move(next), acknowledges);
        }
    }

    void crash(world const& w, std::size_t i) {
        auto next = w;
        auto& me = next.workers[i];
        std::erase_if(next.d.dead,
                      [&next](auto const& name) { return name != next.d.row.owner; });  // else of no interest
        next.d.dead.insert(me.name);
        me = worker{};
        me.name = w.workers[i].name + "'";
        arrive(std::move(next), me.does("crashes, and comes back"));
    }

    void step_of(world const& w, std::size_t i) {
        auto const& me = w.workers[i];
        if (me.where != at::idle) heartbeat(w, i);
        switch (me.where) {
            case at::idle: return claim(w, i);
            case at::claimed:
                if (!me.undecoded.empty()) {
                    auto const& earlier = me.undecoded.back();
                    return judge(w, i, earlier.send, earlier.body,
                                 {"accepts an earlier answer", "rejects an earlier answer"});
                }
                give_up(w, i);
                return permit(w, i);
            case at::permitted: {
                auto turned_away = w;
                turned_away.workers[i].where = at::turned_away;
                arrive(std::move(turned_away), me.does("is turned away unbilled"));
                auto timed_out = w;
                ++timed_out.bills;
                timed_out.workers[i].where = at::timed_out;
                arrive(std::move(timed_out), me.does("sends, is billed, and hears nothing"));
                auto next = w;
                ++next.bills;
                next.workers[i].where = at::answered;
                next.workers[i].body = "answer " + std::to_string(next.bills);
                return arrive(std::move(next), me.does("sends and is answered"));
            }
            case at::answered: {
                auto next = w;
                auto const stores = me.does("stores the answer");
                for (int again = 0; again < 2; ++again)
                    expect(next.d.answer(me.claim, me.send, me.body).has_value(), invariant::taken, stores);
                next.workers[i].where = at::stored;
                return arrive(std::move(next), stores);
            }
            case at::stored: return judge(w, i, me.send, me.body, {"accepts the answer", "rejects the answer"});
            case at::timed_out:
                return report(w, i, me.does("reports the send lost"),
                              [](auto& d, auto const& x) { return d.lost(x.claim, x.send); });
            case at::turned_away:
                refuse(w, i);
                return report(w, i, me.does("reports the send unbilled"),
                              [](auto& d, auto const& x) { return d.unsend(x.claim, x.send); });
        }
    }

    static void rest(worker& me) {
        auto const name = me.name;
        me = worker{};
        me.name = name;
    }
    /// Somebody was given a result.
    void give(world& w, std::string const& body, deed doing) {
        expect(w.result.empty() || w.result == body, invariant::same_result, doing);
        w.result = body;
    }

    void claim(world const& w, std::size_t i) {
        auto next = w;
        auto& me = next.workers[i];
        auto const claims = me.does("claims");
        me.claim = ++next.claims;
        auto const first = next.d.claim(me.claim, me.name, max_sends_);
        auto const verdict = next.d.claim(me.claim, me.name, max_sends_);
        expect(first.index() == verdict.index(), invariant::repeated, claims);
        if (auto const* g = std::get_if<coffer::granted>(&verdict)) {
            auto const& other = next.workers[1 - i];
            expect(other.where != at::claimed || other.lease_until <= next.d.now, invariant::at_work, claims);
            me.where = at::claimed;
            me.expected = g->sends;
            me.lease_until = next.d.row.lease_until;
            for (auto const& a : g->undecoded) me.undecoded.push_back({a.send, a.what->body});
        } else if (auto const* r = std::get_if<coffer::replayed>(&verdict)) {
            give(next, r->accepted.what->body, claims);
        }
        arrive(std::move(next), claims);
    }

    void give_up(world const& w, std::size_t i) {
        auto next = w;
        auto& me = next.workers[i];
        for (int again = 0; again < 2; ++again) (void)next.d.release(me.claim);
        rest(me);
        arrive(std::move(next), w.workers[i].does("gives up"));
    }

    void heartbeat(world const& w, std::size_t i) {
        if (w.d.row.claim != claim_number(w.workers[i].claim) || !w.d.row.held) return;
        auto next = w;
        auto& me = next.workers[i];
        expect(next.d.heartbeat(me.claim).has_value(), invariant::own_claim, me.does("has a heartbeat"));
        me.lease_until = next.d.row.lease_until;
        arrive(std::move(next), w.workers[i].does("has a heartbeat"));
    }

    void permit(world const& w, std::size_t i) {
        auto next = w;
        auto& d = next.d;
        auto& me = next.workers[i];
        auto const asks = me.does("asks for a permit");
        auto const undecoded = [&] {
            return std::any_of(w.d.row.sends.begin(), w.d.row.sends.end(), [&](auto const& s) {
                return s.state == coffer::send_state::answered && s.claim != claim_number(me.claim);
            });
        };
        if (auto const p = d.permit(me.claim, me.expected, max_sends_)) {
            auto const again = d.permit(me.claim, me.expected, max_sends_);
            expect(again && again->send == p->send, invariant::repeated, asks);
            expect(w.d.row.claim == claim_number(me.claim) && me.lease_until > d.now, invariant::own_claim, asks);
            expect(!undecoded(), invariant::look_first, asks);
            auto const& other = next.workers[1 - i];
            expect(!other.in_flight() || other.sent_until <= d.now, invariant::in_flight, asks);
            me.send = p->send;
            me.sent_until = d.now + 5min + d.row.takeover_grace;
            me.where = at::permitted;
        } else {
            rest(me);
        }
        arrive(std::move(next), asks);
    }

    /// The provider says that nobody can answer such a request.
    void refuse(world const& w, std::size_t i) {
        auto next = w;
        auto& me = next.workers[i];
        auto const reports = me.does("reports that the request is invalid");
        (void)next.d.unsend(me.claim, me.send);
        bool const first = next.d.fail(me.claim).has_value();
        expect(next.d.fail(me.claim).has_value() == first || next.d.row.state == coffer::record_state::answered,
               invariant::repeated, reports);
        rest(me);
        arrive(std::move(next), reports);
    }

    template <class Fn>
    void report(world const& w, std::size_t i, deed reports, Fn fn) {
        auto next = w;
        auto& me = next.workers[i];
        bool const first = fn(next.d, me).has_value();
        expect(fn(next.d, me).has_value() == first, invariant::repeated, reports);
        goes_on(next, me, first);
        arrive(std::move(next), reports);
    }
    /// With its claim, if it still has it.
    static void goes_on(world const& w, worker& me, bool still) {
        if (!still) return rest(me);
        me.where = at::claimed;
        me.expected = w.d.row.counted_sends();
        me.body.clear();
    }

    void judge(world const& w, std::size_t i, int send, std::string const& body, std::array<char const*, 2> words) {
        for (bool const good : {true, false}) {
            auto next = w;
            auto& me = next.workers[i];
            auto const judges = me.does(words[good ? 0 : 1]);
            if (good) {
                bool const first = next.d.accept(send).has_value();
                expect(next.d.accept(send).has_value() == first, invariant::repeated, judges);
                if (first) give(next, body, judges);  // otherwise another one was accepted first
                rest(me);
            } else {
                bool const first = next.d.reject(me.claim, send).has_value();
                expect(next.d.reject(me.claim, send).has_value() == first, invariant::repeated, judges);
                if (!me.undecoded.empty()) me.undecoded.pop_back();
                goes_on(next, me, first);
            }
            arrive(std::move(next), judges);
        }
    }

    // What holds in a world ----------------------------------------------------------------------------------------------

    void check(world const& w) {
        using coffer::record_state;
        auto const& r = w.d.row;
        expect(w.bills <= r.counted_sends() && r.counted_sends() <= max_sends_, invariant::bills);
        if (!w.result.empty())
            expect(r.state == (w.acknowledged ? record_state::acked : record_state::done), invariant::done_stays);
        auto end = w.d;
        if (w.bills > 0) expect(is<coffer::mismatch>(end.claim(99, "c", max_sends_, "other")), invariant::same_request);
        // When everybody has died, the next one gets on, or is told that it cannot.
        for (auto const& x : w.workers) end.dead.insert(x.name);
        auto const v = end.claim(98, "c", max_sends_);
        if (r.state == record_state::acked) return expect(is<coffer::acked>(v), invariant::alive);
        if (r.state == record_state::done) return expect(is<coffer::replayed>(v), invariant::alive);
        if (r.state == record_state::failed && w.d.wall < r.expires)
            return expect(is<coffer::failed_before>(v), invariant::alive);
        if (!r.any(coffer::send_state::answered) && r.counted_sends() >= max_sends_)
            return expect((is<coffer::unresolved>(v) || is<coffer::failed_before>(v)) && end.is_unresolved(),
                          invariant::alive);
        auto const* const g = std::get_if<coffer::granted>(&v);
        expect(g != nullptr, invariant::alive);
        if (g == nullptr) return;
        bool const may_send = g->sends < max_sends_ && g->undecoded.empty();
        expect(end.permit(98, g->sends, max_sends_).has_value() || !may_send, invariant::alive);
    }

    int const max_sends_;
    int const most_steps_;
    std::unordered_set<std::string> seen_;
    std::deque<node> frontier_;
    std::vector<step> steps_;
    std::size_t origin_ = 0;
    std::size_t here_ = 0;
    std::optional<violation> violation_;
};

}  // namespace coffer_test
