// SPDX-License-Identifier: BSL-1.0
// The rules of a record against an oracle that shares no code with them and is naive on purpose: it keeps what happened
// and reads every answer off that, in the words of the design.

#include "state/record_desk.hpp"
#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace record_model_test {
namespace {

using namespace coffer_test;

struct oracle {
    struct send {
        int number;
        int claim;
        std::string owner;
        long until;
        std::string fate = "out";  // out, lost, answered, accepted, defective, unsent
    };
    std::vector<send> sends;
    int claim = 0;  // who was granted last
    bool working = false;
    std::string owner;
    long lease_until = 0;
    std::string request;
    std::string end;  // done, failed, acked, expired, or nothing
    long end_until = 0;
    int granted_up_to = 0;  // so many sends altogether, by an operator; 0: none was granted
    int max_of_last = 0;
    bool no_row = true;  // never claimed, or nothing left
    long free_until = 0;  // at rest and nothing owed: then its history goes

    static constexpr long grace = 30, day = 86400;

    [[nodiscard]] int how_many(std::string const& fate) const {
        int n = 0;
        for (auto const& s : sends) n += s.fate == fate ? 1 : 0;
        return n;
    }
    [[nodiscard]] int counted() const { return static_cast<int>(sends.size()) - how_many("unsent"); }

    void time_has_passed(long now) {
        if (free_until > 0 && now >= free_until) *this = oracle{};
        if (end == "failed" && now >= end_until) {
            end = "";
            comes_to_rest(now);
        }
        if (end == "done" && now >= end_until) end = "expired";
        if (end == "acked" && now >= end_until) *this = oracle{};
    }
    void comes_to_rest(long now) {
        working = false;
        free_until = counted() == 0 ? now + 30 * day : 0;
    }
    /// The time for which the last claim still stands in others' way; 0: it does not.
    [[nodiscard]] long in_the_way(long now, std::set<std::string> const& dead) const {
        if (!working || dead.contains(owner)) return 0;
        long last = 0;
        for (auto const& s : sends)
            if (s.claim == claim && s.fate == "out") last = std::max(last, s.until);
        long const until = last > 0 ? last + grace : lease_until;
        return std::max(0L, until - now);
    }

    [[nodiscard]] bool settled() const { return end == "done" || end == "acked" || end == "expired"; }

    std::string on_claim(int id, std::string const& who, int max, std::string const& model, long now,
                         std::set<std::string> const& dead) {
        time_has_passed(now);
        long const busy = in_the_way(now, dead);
        bool const paid = counted() > 0 || settled();
        bool const somebodys = busy > 0 || end == "failed";
        if (paid || somebodys) {
            if (model != request) return "mismatch";
        }
        if (busy > 0 && id == claim) return granted_text(max_of_last);
        if (end == "done") return "replayed";
        if (end == "failed") return "failed_before";
        if (end == "acked") return "acked";
        if (end == "expired") return "expired";
        if (busy > 0) return "in_progress " + std::to_string(busy);
        if (counted() > 0 && counted() >= allowed(max) && how_many("answered") == 0) {
            asked_with(max);
            return how_many("out") + how_many("lost") > 0 ? "unresolved" : "failed_before";
        }
        no_row = false;
        claim = id;
        working = true;
        free_until = 0;
        owner = who;
        lease_until = now + 60;
        request = model;
        asked_with(max);
        return granted_text(max);
    }
    [[nodiscard]] int allowed(int max) const { return std::max(max, granted_up_to); }
    void asked_with(int max) {
        max_of_last = max;
        if (max >= granted_up_to) granted_up_to = 0;  // who allows himself as many needs no grant
    }
    [[nodiscard]] std::string granted_text(int max) const {
        return "granted " + std::to_string(counted()) + "/" + std::to_string(allowed(max)) + " undecoded " +
               std::to_string(how_many("answered"));
    }

    std::string on_permit(int id, int expected, int max, long now) {
        time_has_passed(now);
        if (id != claim || no_row) return "claim_lost";
        if (!working) return "claim_over";
        if (!sends.empty() && counted() == expected + 1 && sends.back().claim == id && sends.back().fate == "out") {
            sends.back().until = std::max(sends.back().until, now + 300);
            return "send " + std::to_string(sends.back().number);
        }
        for (auto const& s : sends)
            if (s.fate == "answered" && s.claim != id) return "answer_stored";
        if (now >= lease_until) return "lease_over";
        if (counted() >= allowed(max)) return "unresolved";
        if (counted() != expected) return "sends_moved";
        sends.push_back({sends.empty() ? 1 : sends.back().number + 1, id, owner, now + 300});
        return "send " + std::to_string(sends.back().number);
    }
    send* find(int id, int number) {
        for (auto& s : sends)
            if (s.number == number && (id == 0 || s.claim == id)) return &s;
        return nullptr;
    }
    std::string on_answer(int id, int number, long now) {
        time_has_passed(now);
        auto* const s = find(id, number);
        if (s == nullptr) return "permanent";
        if (s->fate == "answered" || s->fate == "accepted" || s->fate == "defective") return "";
        s->fate = "answered";
        free_until = 0;
        if (!settled()) end = "";
        return "";
    }
    std::string on_accept(int number, long now) {
        time_has_passed(now);
        auto* const s = find(0, number);
        if (s == nullptr || s->fate == "out" || s->fate == "lost" || s->fate == "unsent") return "permanent";
        if (s->fate == "accepted") return "";
        if (settled()) return "accepted_other";
        s->fate = "accepted";
        end = "done";
        end_until = now + 30 * day;
        working = false;
        return "";
    }
    std::string on_reject(int id, int number, long now) {
        time_has_passed(now);
        if (id != claim || no_row) return "claim_lost";
        auto* const s = find(0, number);
        if (s == nullptr || s->fate == "out" || s->fate == "lost" || s->fate == "unsent") return "permanent";
        if (s->fate == "accepted") return "permanent";
        s->fate = "defective";
        return "";
    }
    std::string on_lost(int id, int number, long now) {
        time_has_passed(now);
        if (id != claim || no_row) return "claim_lost";
        auto* const s = find(id, number);
        if (s == nullptr) return "permanent";
        if (s->fate == "out") s->fate = "lost";
        return "";
    }
    std::string on_unsend(int id, int number, long now) {
        time_has_passed(now);
        if (id != claim || no_row) return "claim_lost";
        auto* const s = find(id, number);
        if (s == nullptr) return "permanent";
        if (s->fate == "unsent") return "";
        if (s->fate != "out" && s->fate != "lost") return "permanent";
        s->fate = "unsent";
        if (!working && end.empty()) comes_to_rest(now);
        return "";
    }
    std::string on_fail(int id, long now) {
        time_has_passed(now);
        if (id == claim && end == "failed" && !no_row) return "";
        if (id != claim || no_row) return "claim_lost";
        if (!working) return "claim_over";
        working = false;
        if (how_many("answered") > 0) return "";
        end = "failed";
        end_until = now + 600;
        return "";
    }
    std::string on_release(int id, long now) {
        time_has_passed(now);
        if (no_row) return "";
        if (id != claim) return "claim_lost";
        if (working && sends.empty()) *this = oracle{};
        else if (working) comes_to_rest(now);
        return "";
    }
    std::string on_heartbeat(int id, long now) {
        time_has_passed(now);
        if (id != claim || no_row) return "claim_lost";
        if (!working) return "claim_over";
        lease_until = std::max(lease_until, now + 60);
        return "";
    }
    std::string on_acknowledge(long now, std::set<std::string> const& dead) {
        time_has_passed(now);
        if (end == "acked") return "";
        if (end == "expired") return "result_expired";
        if (end == "done") {
            end = "acked";
            end_until = now + 30 * day;
            return "";
        }
        if (in_the_way(now, dead) > 0) return "in_progress";
        return waits(now, dead) ? "unresolved" : "permanent";
    }
    [[nodiscard]] bool waits(long now, std::set<std::string> const& dead) {
        time_has_passed(now);
        return end.empty() && counted() > 0 && counted() >= allowed(max_of_last) && how_many("answered") == 0 &&
               in_the_way(now, dead) == 0;
    }
    std::string on_grant(long now, std::set<std::string> const& dead) {
        if (!waits(now, dead)) return "permanent";
        granted_up_to = counted() + 1;
        working = false;
        return "";
    }
};

std::string text(coffer::claim_verdict const& v) {
    struct {
        std::string operator()(coffer::granted const& g) const {
            return "granted " + std::to_string(g.sends) + "/" + std::to_string(g.sends_allowed) + " undecoded " +
                   std::to_string(g.undecoded.size());
        }
        std::string operator()(coffer::replayed const&) const { return "replayed"; }
        std::string operator()(coffer::failed_before const&) const { return "failed_before"; }
        std::string operator()(coffer::in_progress const& p) const {
            return "in_progress " + std::to_string(p.hint / 1s);
        }
        std::string operator()(coffer::mismatch const&) const { return "mismatch"; }
        std::string operator()(coffer::unresolved const&) const { return "unresolved"; }
        std::string operator()(coffer::expired const&) const { return "expired"; }
        std::string operator()(coffer::acked const&) const { return "acked"; }
    } const name;
    return std::visit(name, v);
}

class run {
public:
    run(unsigned seed, std::set<std::string>& seen) : random_{seed}, seen_{&seen} {}

    void steps(int n) {
        for (int i = 0; i < n && !testing::Test::HasFailure(); ++i) step();
    }

private:
    int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
    /// Mostly the claim that matters, sometimes one that should not.
    int some_claim() { return below(4) != 0 ? model_.claim : 1 + below(std::max(1, claims_)); }
    int some_send() {
        auto const n = static_cast<int>(model_.sends.size());
        return below(5) != 0 ? std::max(1, n) : 1 + below(n + 2);
    }
    [[nodiscard]] long now() const { return desk_.now.time_since_epoch() / 1s; }

    void expect(std::string const& what, std::string const& model, std::string const& machine) {
        seen_->insert(machine.substr(0, machine.find(' ')));
        log_ << what << " -> " << machine << "\n";
        EXPECT_EQ(model, machine) << log_.str();
        EXPECT_EQ(model_.counted(), desk_.row.counted_sends()) << log_.str();
        EXPECT_EQ(model_.waits(now(), desk_.dead), desk_.is_unresolved()) << log_.str();
        EXPECT_EQ(model_.end == "done", desk_.row.state == coffer::record_state::done) << log_.str();
        EXPECT_EQ(desk_.row.counted_sends() == 0 && desk_.row.state == coffer::record_state::unknown, false);
    }

    void step() {
        int const c = some_claim();
        int const s = some_send();
        auto const tag = " claim " + std::to_string(c) + " send " + std::to_string(s);
        switch (below(20)) {
            case 0:
            case 1:
            case 2: {
                int const id = below(6) == 0 ? c : ++claims_;
                auto const who = std::string(1, static_cast<char>('a' + below(3) + 3 * generation_));
                int const max = 1 + below(3);
                std::string const request = below(6) == 0 ? "other" : "m";
                auto const model = model_.on_claim(id, who, max, request, now(), desk_.dead);
                expect("claim " + std::to_string(id) + " by " + who + " max " + std::to_string(max) + " " + request,
                       model, text(desk_.claim(id, who, max, request)));
                break;
            }
            case 3:
            case 4:
            case 5: {
                int const expected = below(6) == 0 ? below(3) : model_.counted();
                int const max = 1 + below(3);
                auto const model = model_.on_permit(c, expected, max, now());
                auto const p = desk_.permit(c, expected, max);
                expect("permit" + tag, model, p ? "send " + std::to_string(p->send) : refusal(p));
                break;
            }
            case 6:
            case 7: {
                int const by = model_.find(0, s) != nullptr && below(6) != 0 ? model_.find(0, s)->claim : c;
                model_.time_has_passed(now());
                if (model_.no_row) break;  // rows made anew are for the table tests
                auto const model = model_.on_answer(by, s, now());
                expect("answer" + tag, model, refusal(desk_.answer(by, s)));
                break;
            }
            case 8: expect("accept" + tag, model_.on_accept(s, now()), refusal(desk_.accept(s))); break;
            case 9: expect("reject" + tag, model_.on_reject(c, s, now()), refusal(desk_.reject(c, s))); break;
            case 10: expect("lost" + tag, model_.on_lost(c, s, now()), refusal(desk_.lost(c, s))); break;
            case 11: expect("unsend" + tag, model_.on_unsend(c, s, now()), refusal(desk_.unsend(c, s))); break;
            case 12:
                if (below(3) == 0) expect("fail" + tag, model_.on_fail(c, now()), refusal(desk_.fail(c)));
                break;
            case 13: expect("release" + tag, model_.on_release(c, now()), refusal(desk_.release(c))); break;
            case 14: expect("heartbeat" + tag, model_.on_heartbeat(c, now()), refusal(desk_.heartbeat(c))); break;
            case 15:
                if (below(4) == 0)
                    expect("acknowledge", model_.on_acknowledge(now(), desk_.dead), refusal(desk_.acknowledge()));
                break;
            case 16:
                expect("grant", model_.on_grant(now(), desk_.dead), refusal(desk_.resolve(coffer::grant_send{})));
                break;
            case 17: {
                static constexpr long pauses[] = {1, 30, 60, 331, 600, 31 * oracle::day};
                auto const pause = std::chrono::seconds{pauses[below(below(10) == 0 ? 6 : 5)]};
                desk_.pass(pause);
                log_ << "time passes: " << pause / 1s << " s\n";
                break;
            }
            case 18:
                if (below(3) == 0) desk_.dead.insert(desk_.row.owner);
                if (below(3) == 0) generation_ = 1 - generation_, desk_.dead.clear();
                log_ << "dead: " << desk_.dead.size() << "\n";
                break;
            default: desk_.pass(10s); log_ << "time passes: 10 s\n";
        }
    }

    std::mt19937 random_;
    std::set<std::string>* seen_;
    desk desk_;
    oracle model_;
    int claims_ = 0;
    int generation_ = 0;
    std::ostringstream log_;
};

TEST(record_model, random_lives_of_a_record_agree_with_the_oracle) {
    std::set<std::string> seen;
    for (auto const seed : support::each_seed(2 * support::seeds())) run{static_cast<unsigned>(seed), seen}.steps(80);
    if (support::seeds() < 1000 || support::replaying()) return;
    // What never happens is not tested.
    for (auto const* const what :
         {"granted", "replayed", "failed_before", "in_progress", "mismatch", "unresolved", "expired", "acked", "send",
          "claim_lost", "claim_over", "lease_over", "sends_moved", "accepted_other", "result_expired", "permanent"})
        EXPECT_TRUE(seen.contains(what)) << what;
}

}  // namespace
}  // namespace record_model_test
