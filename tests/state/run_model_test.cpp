// SPDX-License-Identifier: BSL-1.0
// The rules of a job's runs against an oracle that keeps what happened and reads every answer off that.

#include <coffer/state/run_machine.hpp>

#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace run_model_test {
namespace {

using namespace std::chrono_literals;

struct ended_run {
    std::string how;
    bool passing = false;
    bool unbilled = false;
};

/// All there is to know: the runs since the job was last reopened, and the one under way.
struct oracle {
    std::vector<ended_run> runs;
    int ever = 0;
    int running = 0;  // its number, 0: none
    int last = 0;
    std::string owner;
    long lease_until = 0;
    bool done = false;
    bool known = false;
    long forgotten_at = 0;
    std::set<std::string> steps;

    static constexpr long day = 86400;

    [[nodiscard]] bool alive(long now, std::set<std::string> const& dead) const {
        return running != 0 && now < lease_until && !dead.contains(owner);
    }
    void look(long now, std::set<std::string> const& dead) {
        if (known && now >= forgotten_at && !alive(now, dead)) *this = oracle{};
    }
    void touched(long now) { forgotten_at = now + (done ? 30 : 60) * day; }
    [[nodiscard]] int same() const {
        std::string way;
        int count = 0;
        for (auto at = runs.rbegin(); at != runs.rend(); ++at) {
            if (at->passing) continue;
            if (count == 0) way = at->how;
            if (at->how != way) break;
            ++count;
        }
        return count;
    }
    [[nodiscard]] int counted() const {
        int count = running != 0 ? 1 : 0;
        for (auto const& r : runs) count += r.passing && r.unbilled ? 0 : 1;
        return count;
    }

    std::string begin(int n, std::string const& who, coffer::run_limits l, long now,
                      std::set<std::string> const& dead) {
        look(now, dead);
        if (done) return "done";
        if (alive(now, dead)) return last == n ? "begun " + std::to_string(ever) : "under way";
        if (running != 0) runs.push_back({"did not end"});
        running = 0;
        known = true;
        touched(now);
        if (same() >= l.same_failure) return "stopped, same " + std::to_string(same());
        if (counted() >= l.max_runs) return "stopped, runs " + std::to_string(counted());
        running = last = n;
        owner = who;
        lease_until = now + 900;
        return "begun " + std::to_string(++ever);
    }
    std::string note(int n, std::string const& step, long lease, long now, std::set<std::string> const& dead) {
        look(now, dead);
        if (last != n || ever == 0) return "run_lost";
        if (running != n) return "run_over";
        steps.insert(step);
        lease_until = std::max(lease_until, now + lease);
        touched(now);
        return "";
    }
    std::string fail(int n, ended_run const& how, long now, std::set<std::string> const& dead) {
        look(now, dead);
        if (done) return "";
        if (last != n || ever == 0) return "run_lost";
        if (running == n) {
            runs.push_back(how);
            running = 0;
            touched(now);
        }
        return "";
    }
    std::string finish(long now, std::set<std::string> const& dead) {
        look(now, dead);
        if (ever == 0) return "permanent";
        if (!done) {
            done = true;
            running = 0;
            touched(now);
        }
        return "";
    }
    std::string reopen(long now, std::set<std::string> const& dead) {
        look(now, dead);
        if (ever == 0 || done) return "permanent";
        if (!alive(now, dead)) running = 0;
        runs.clear();
        touched(now);
        return "";
    }
};

std::string text(coffer::run_verdict const& v) {
    if (auto const* const b = std::get_if<coffer::run_begun>(&v)) return "begun " + std::to_string(b->number);
    if (auto const* const s = std::get_if<coffer::run_stopped>(&v))
        return s->same_failure ? "stopped, same " + std::to_string(s->same_failures)
                               : "stopped, runs " + std::to_string(s->counted);
    return std::holds_alternative<coffer::run_done>(v) ? "done" : "under way";
}
std::string text(coffer::outcome<void> const& o) {
    return o ? "" : std::string{o.error().code().empty() ? to_string(o.error().kind()) : o.error().code()};
}
coffer::run_id run_number(int n) {
    coffer::run_id id{};
    id[0] = static_cast<std::uint8_t>(n);
    id[1] = static_cast<std::uint8_t>(n >> 8);
    return id;
}

TEST(run_model, agrees_with_an_oracle_that_remembers_everything) {
    std::map<std::string, int> seen;
    for (auto const seed : support::each_seed(support::seeds(1, 3000))) {
        support::dice draw{seed};
        coffer::run_record row;
        oracle must;
        std::set<std::string> dead;
        long now = 1000;
        int number = 1;  // 0 is none
        int lives = 0;
        for (int i = 0; i < 60; ++i) {
            auto const machine = [&](auto fn) {
                coffer::run_machine m{row,
                                      {std::chrono::steady_clock::time_point{std::chrono::seconds{now}},
                                       std::chrono::system_clock::time_point{std::chrono::seconds{now}}},
                                      [&](auto const& owner) { return dead.contains(owner); }};
                return text(fn(m));
            };
            std::string is, expected, what;
            int const n = number > 1 && draw.one_in(4) ? number - 1 : number;
            switch (draw.below(10)) {
                case 0:
                case 1:
                case 2: {
                    if (!draw.one_in(8)) ++number;
                    coffer::run_request q;
                    q.id = run_number(number);
                    q.limits = {3 + static_cast<int>(draw.below(4)), 2 + static_cast<int>(draw.below(3))};
                    auto const who = "process " + std::to_string(draw.below(3) + 3 * lives);
                    what = "begin";
                    is = machine([&](auto& m) { return m.begin(q, who); });
                    expected = must.begin(number, who, q.limits, now, dead);
                    ++seen[is.substr(0, 12)];
                    break;
                }
                case 3:
                case 4: {
                    auto const step = "step " + std::to_string(draw.below(3));
                    auto const lease = static_cast<long>(draw.below(2000));
                    what = "note";
                    is = machine([&](auto& m) { return m.note(run_number(n), step, std::chrono::seconds{lease}); });
                    expected = must.note(n, step, lease, now, dead);
                    break;
                }
                case 5:
                case 6: {
                    coffer::run_failure f{draw.one_in(3) ? "a" : "b"};
                    f.passing = draw.one_in(4);
                    f.unbilled = f.passing && draw.one_in(2);
                    what = "fail";
                    is = machine([&](auto& m) { return m.fail(run_number(n), f); });
                    expected = must.fail(n, {f.signature, f.passing, f.unbilled}, now, dead);
                    break;
                }
                case 7:
                    if (draw.one_in(10)) {
                        what = "finish";
                        is = machine([](auto& m) { return m.finish(); });
                        expected = must.finish(now, dead);
                    } else if (draw.one_in(4)) {
                        what = "reopen";
                        is = machine([](auto& m) { return m.reopen(); });
                        expected = must.reopen(now, dead);
                    }
                    break;
                case 8:
                    dead.insert(must.owner);
                    ++lives;
                    break;
                default:
                    now += draw.one_in(40) ? static_cast<long>(draw.below(70)) * oracle::day
                                           : static_cast<long>(draw.below(600));
            }
            ASSERT_EQ(is, expected) << what << " of run " << n << ", step " << i;
            if (!what.empty()) {
                ASSERT_EQ(std::set<std::string>(row.steps.begin(), row.steps.end()), must.steps);
                ASSERT_EQ(row.begun, must.ever);
                if (must.done) continue;  // nobody counts any more
                ASSERT_EQ(row.counted, must.counted()) << what;
                ASSERT_EQ(row.same_failures, must.same()) << what;
            }
        }
    }
    if (support::replaying()) return;
    for (auto const* const way : {"begun 1", "under way", "done", "stopped, sam", "stopped, run"})
        EXPECT_GT(seen[way], 100) << way << " must be reached";
}

}  // namespace
}  // namespace run_model_test
