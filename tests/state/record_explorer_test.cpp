// SPDX-License-Identifier: BSL-1.0
// Every interleaving, to a bounded depth, of two workers who want one key: each may crash, stall, lose a reply or lose
// an answer at any step, and time may pass at any moment. The provider counts what it bills.
//
// M1 bills <= counted sends <= max_sends. M2 all who get a result get the same. M3 only the claim that has the record
// sends. M4 DONE stays DONE. M5 another request is neither granted nor replayed once something was paid. And, so that
// refusing everything does not pass: a paid answer is always taken, and whoever is alone and at rest in the end gets a
// result or is told that an operator must decide.

#include "state/record_desk.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

using namespace coffer_test;
using coffer::record_state;

enum class at { idle, claimed, permitted, answered_by_provider, timed_out, refused_unbilled, stored, finished };

struct worker {
    std::string name;
    at where = at::idle;
    int claim = 0;
    int send = 0;
    int expected = 0;
    std::vector<int> undecoded;
    std::string body;  // what the provider said
};

struct world {
    desk d;
    std::array<worker, 2> workers;
    int max_sends = 2;
    int bills = 0;
    int claims = 0;
    int crashes = 0;
    int pauses = 0;
    std::set<std::string> results;  // what users were given
    std::string path;

    [[nodiscard]] std::string key() const {
        std::ostringstream out;
        auto const& r = d.row;
        auto const now = d.now;
        // Times matter only by how much is left; names only by who is who.
        auto const left = [now](auto t) { return std::clamp((t - now) / 1s, -1L, 1000L); };
        auto const who = [this](coffer::claim_id const& c) {
            for (std::size_t i = 0; i < workers.size(); ++i)
                if (c == claim_number(workers[i].claim)) return static_cast<int>(i);
            return 9;
        };
        out << static_cast<int>(r.state) << who(r.claim) << r.held << d.dead.contains(r.owner) << left(r.lease_until)
            << '/' << r.max_sends << bills << claims << crashes << pauses << '/';
        for (auto const& s : r.sends)
            out << static_cast<int>(s.state) << who(s.claim) << left(s.permitted_until)
                << (s.reply ? s.reply->body : "") << ',';
        for (auto const& w : workers) {
            out << '/' << static_cast<int>(w.where) << ',' << w.send << ',' << w.expected << ',' << w.body << ','
                << w.undecoded.size();
        }
        for (auto const& result : results) out << '/' << result;
        return out.str();
    }
};

class explorer {
public:
    explorer(int max_sends, int depth) : depth_{depth} {
        world w;
        w.max_sends = max_sends;
        w.workers[0].name = "a";
        w.workers[1].name = "b";
        visit(w, 0);
    }
    [[nodiscard]] std::size_t states() const { return seen_.size(); }
    [[nodiscard]] int ends() const { return ends_; }

private:
    static constexpr int most_claims = 4;
    static constexpr int most_crashes = 2;
    static constexpr int most_pauses = 3;

    void visit(world const& w, int depth) {
        if (testing::Test::HasFailure() || !seen_.insert(w.key()).second) return;
        check(w);
        if (depth == depth_) return;
        for (std::size_t i = 0; i < w.workers.size(); ++i) steps(w, i, depth);
        if (w.pauses < most_pauses) {
            for (auto const pause : {61s, 331s}) {  // past a lease; past a send and its grace
                auto next = w;
                ++next.pauses;
                next.d.pass(pause);
                go(next, depth, "time passes");
            }
        }
    }

    void go(world& w, int depth, std::string const& what) {
        w.path += what + "\n";
        visit(w, depth + 1);
    }

    void steps(world const& w, std::size_t i, int depth) {
        auto const by = [&](char const* what) { return w.workers[i].name + ": " + what; };
        if (w.crashes < most_crashes && w.workers[i].where != at::idle && w.workers[i].where != at::finished) {
            auto next = w;
            auto& me = next.workers[i];
            ++next.crashes;
            next.d.dead.insert(me.name);
            me = worker{};
            me.name = w.workers[i].name + "'";
            go(next, depth, by("crashes and comes back"));
        }
        auto next = w;
        auto& me = next.workers[i];
        auto& d = next.d;
        switch (me.where) {
            case at::idle:
                if (next.claims == most_claims) return;
                claim(next, i, depth);
                return;
            case at::claimed:
                if (!me.undecoded.empty()) {
                    for (bool const good : {true, false}) {
                        auto judged = w;
                        judge(judged, i, w.workers[i].undecoded.back(), good);
                        auto& x = judged.workers[i];
                        if (x.where == at::claimed) x.undecoded.pop_back();
                        go(judged, depth, by("judges an earlier answer"));
                    }
                    return;
                }
                {
                    auto given_up = w;
                    (void)given_up.d.release(me.claim);
                    given_up.workers[i].where = at::idle;
                    go(given_up, depth, by("gives up"));
                }
                if (auto const p = d.permit(me.claim, me.expected, next.max_sends)) {
                    auto const again = d.permit(me.claim, me.expected, next.max_sends);  // the reply was lost
                    EXPECT_TRUE(again && again->send == p->send) << next.path;
                    EXPECT_EQ(d.row.claim, claim_number(me.claim)) << "a permit for a claim that was lost\n"
                                                                   << next.path;
                    me.send = p->send;
                    me.where = at::permitted;
                } else {
                    me.where = at::idle;
                }
                go(next, depth, by("asks for a permit"));
                return;
            case at::permitted: {
                auto unsent = w;
                unsent.workers[i].where = at::refused_unbilled;
                go(unsent, depth, by("is turned away unbilled"));
                auto timed_out = w;
                ++timed_out.bills;
                timed_out.workers[i].where = at::timed_out;
                go(timed_out, depth, by("sends, is billed, and hears nothing"));
                ++next.bills;
                me.where = at::answered_by_provider;
                me.body = "answer " + std::to_string(next.bills);
                go(next, depth, by("sends and is answered"));
                return;
            }
            case at::answered_by_provider:
                for (int again = 0; again < 2; ++again)
                    EXPECT_TRUE(d.answer(me.claim, me.send, me.body)) << "a paid answer was refused\n" << next.path;
                me.where = at::stored;
                go(next, depth, by("stores the answer"));
                return;
            case at::stored:
                for (bool const good : {true, false}) {
                    auto judged = w;
                    judge(judged, i, me.send, good);
                    go(judged, depth, by(good ? "accepts" : "rejects"));
                }
                return;
            case at::timed_out:
                me.where = d.lost(me.claim, me.send) ? at::claimed : at::idle;
                me.expected = d.row.counted_sends();
                go(next, depth, by("reports the send lost"));
                return;
            case at::refused_unbilled:
                me.where = d.unsend(me.claim, me.send) ? at::claimed : at::idle;
                me.expected = d.row.counted_sends();
                go(next, depth, by("reports the send unbilled"));
                return;
            case at::finished: return;
        }
    }

    void claim(world& next, std::size_t i, int depth) {
        auto& me = next.workers[i];
        int const id = ++next.claims;
        auto const first = next.d.claim(id, me.name, next.max_sends);
        auto const verdict = next.d.claim(id, me.name, next.max_sends);  // the reply was lost
        EXPECT_EQ(first.index(), verdict.index()) << next.path;
        me.claim = id;
        if (auto const* g = std::get_if<coffer::granted>(&verdict)) {
            me.where = at::claimed;
            me.expected = g->sends;
            me.undecoded.clear();
            for (auto const& a : g->undecoded) me.undecoded.push_back(a.send);
        } else if (auto const* r = std::get_if<coffer::replayed>(&verdict)) {
            me.where = at::finished;
            next.results.insert(r->accepted.what->body);
        }
        go(next, depth, me.name + ": claims");
    }

    static void judge(world& w, std::size_t i, int send, bool good) {
        auto& me = w.workers[i];
        if (good) {
            if (w.d.accept(send)) {
                me.where = at::finished;
                w.results.insert(w.d.row.accepted()->reply->body);
            } else {
                me.where = at::idle;  // another one was accepted first; a new claim replays that
            }
        } else {
            me.where = w.d.reject(me.claim, send) ? at::claimed : at::idle;
            me.expected = w.d.row.counted_sends();
        }
    }

    void check(world const& w) {
        auto const& r = w.d.row;
        ASSERT_LE(w.bills, r.counted_sends()) << w.path;
        ASSERT_LE(r.counted_sends(), w.max_sends) << w.path;
        ASSERT_LE(w.results.size(), 1U) << w.path;
        if (!w.results.empty()) {
            ASSERT_EQ(r.state, record_state::done) << w.path;
        }
        if (w.bills > 0) {
            auto other = w.d;
            ASSERT_TRUE(is<coffer::mismatch>(other.claim(99, "c", w.max_sends, "other"))) << w.path;
        }
        // Liveness: when everybody has died, the next one gets on, or is told that it cannot.
        auto end = w.d;
        for (auto const& x : w.workers) end.dead.insert(x.name);
        auto const v = end.claim(98, "c", w.max_sends);
        ++ends_;
        bool const usable = r.any(coffer::send_state::answered);
        if (r.state == record_state::done) {
            ASSERT_TRUE(is<coffer::replayed>(v)) << w.path;
        } else if (usable || r.counted_sends() < w.max_sends) {
            ASSERT_TRUE(is<coffer::granted>(v)) << w.path;
        } else {
            ASSERT_TRUE(is<coffer::unresolved>(v) || is<coffer::failed_before>(v)) << w.path;
            ASSERT_TRUE(end.is_unresolved()) << w.path;
        }
        if (auto const* g = std::get_if<coffer::granted>(&v)) {
            bool const may_send = g->sends < w.max_sends && g->undecoded.empty();
            ASSERT_EQ(end.permit(98, g->sends, w.max_sends).has_value(), may_send) << w.path;
        }
    }

    int depth_;
    int ends_ = 0;
    std::set<std::string> seen_;
};

TEST(record_explorer, strict_one_send) {
    explorer const all{1, 14};
    RecordProperty("states", static_cast<int>(all.states()));
    EXPECT_GT(all.states(), 1000U);
}

TEST(record_explorer, two_sends) {
    explorer const all{2, 14};
    RecordProperty("states", static_cast<int>(all.states()));
    EXPECT_GT(all.states(), 1000U);
}

}  // namespace
