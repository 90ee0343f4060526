// SPDX-License-Identifier: BSL-1.0
// One paid call, struck at every moment of its life, with the bills read where they are written: at the provider.
//
// A worker process makes the call over the real client and the SQLite store, prints the answer and acknowledges it. At the
// appointed moment it is stopped, and there it is killed, or kept stopped for three leases while another worker has a go,
// or finds the store's disk full when it wakes. Then workers run until the key is settled. What each cell costs, and who is told
// what meanwhile, is in the table.

#include "integration/support/job_site.hpp"
#include "integration/support/matrix_worker.hpp"
#include "store/child_process.hpp"

#include <gtest/gtest.h>

#include <signal.h>

#include <chrono>
#include <ostream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace kill_matrix {
namespace {

store_test::register_role const worker_role{the_role, work};

/// What strikes the first worker.
enum class strike {
    killed,
    stopped,  ///< for three leases, while a second worker runs; then continued
    starved,  ///< the store's disk is full; there is space again when the worker has told what it could not do
    ended_starved,  ///< it is full as long as the process lives; the spool takes what was paid
    ended_full  ///< the same, and nor can the spool be written
};

// Whom a second worker finds while the first one is stopped.
constexpr auto nobody = "answer";  // its lease is over and nothing it sent is on its way: taken over, or replayed
constexpr auto a_sender = "in_progress";  // a lease does not guard a send, the attempt's own time does
constexpr auto a_writer = "store_unavailable";  // it was stopped within its commit, and SQLite's file with it

/// A moment, and what it leads to. Bills are those of all runs together.
struct moment {
    char const* name;
    char const* at;  ///< as the worker knows it; of the provider, if there is no space in it
    int killed;  ///< bills, if two sends may be made
    int killed_strict;  ///< bills, if one may
    bool lost_if_strict;  ///< then no answer is ever known: the key is unresolved
    char const* found;  ///< what a second worker is told while the first is stopped for three leases
    char const* woken;  ///< what the first one is told last
    char const* starved;  ///< what it is told first when the disk is full
    int ended_full;  ///< bills, if it ends before there is space again and nothing could be spooled

    /// What the last run is told.
    [[nodiscard]] char const* settled() const { return std::string_view{at} == "acknowledge after" ? over : done; }
};

constexpr moment moments[] = {
    // Nothing is counted yet: whoever is next has the full number of sends.
    {"claim_before", "claim before", 1, 1, false, a_writer, done, refused, 1},
    {"claim_after", "claim after", 1, 1, false, nobody, over, refused, 1},
    {"permit_before", "permit before", 1, 1, false, a_writer, done, refused, 1},
    // Counted, though not a byte has left: the price of safety.
    {"permit_after", "permit after", 1, 0, true, a_sender, done, given, 2},
    {"first_byte_before", "first_byte before", 1, 0, true, a_sender, done, given, 2},
    // Billed, and the answer dies with who it was for.
    {"first_byte_after", "request_read", 2, 1, true, a_sender, done, given, 2},
    {"mid_answer_before", "bill_written", 2, 1, true, a_sender, done, given, 2},
    {"mid_answer_after", "half_body", 2, 1, true, a_sender, done, given, 2},
    {"last_byte_before", "last_byte", 2, 1, true, a_sender, done, given, 2},
    {"last_byte_after", "last_byte after", 2, 1, true, a_sender, done, given, 2},
    {"answer_before", "answer before", 2, 1, true, a_writer, done, given, 2},
    // Stored, and never paid again.
    {"answer_after", "answer after", 1, 1, false, nobody, done, given, 1},
    {"accept_before", "accept before", 1, 1, false, a_writer, done, given, 1},
    {"accept_after", "accept after", 1, 1, false, nobody, done, stored, 1},
    {"acknowledge_before", "acknowledge before", 1, 1, false, a_writer, done, stored, 1},
    {"acknowledge_after", "acknowledge after", 1, 1, false, over, done, stored, 1},
};

struct cell {
    moment when;
    strike how;
    int max_sends;
};
[[nodiscard]] std::string name_of(cell const& c) {
    static constexpr char const* names[] = {"killed", "stopped", "starved", "ended_starved", "ended_full"};
    return std::string{c.when.name} + "_" + names[static_cast<int>(c.how)] + "_of_" + std::to_string(c.max_sends);
}
void PrintTo(cell const& c, std::ostream* out) { *out << name_of(c); }

class one_paid_call : public testing::TestWithParam<cell> {
protected:
    one_paid_call() { site_.base().max_sends = GetParam().max_sends; }

    void killed() {
        auto const first = site_.stopped_at(when_.at);
        first->kill(SIGKILL);
        (void)site_.hear(*first);
        EXPECT_EQ(first->wait(), -SIGKILL);
        EXPECT_EQ(site_.settle(), is_lost() ? lost : when_.settled());
        EXPECT_EQ(site_.bills(), GetParam().max_sends == 1 ? when_.killed_strict : when_.killed);
    }

    // Time has to pass here: that is what the first worker is struck with.
    void stopped() {
        auto const first = site_.stopped_at(when_.at);
        auto const since = std::chrono::steady_clock::now();
        if (at_provider(when_.at)) {
            EXPECT_EQ(site_.bills(), 1) << "the answer is in flight";
        }
        std::this_thread::sleep_until(since + 3 * lease);
        auto const found = site_.run().front();
        EXPECT_NE(found.find(when_.found), std::string::npos) << found;
        first->kill(SIGCONT);
        EXPECT_EQ(site_.hear(*first).back(), when_.woken);
        EXPECT_EQ(first->wait(), 0);
        EXPECT_EQ(site_.settle(), over);
        EXPECT_EQ(site_.bills(), 1) << "being late costs nothing";
    }

    void starved() {
        site_.base().store_wait = 100ms;
        auto const first = site_.stopped_at(when_.at, true);
        site_.fill_disk();
        first->kill(SIGCONT);
        auto told = site_.hear(*first);
        EXPECT_NE(told.front().find(when_.starved), std::string::npos) << told.front();
        bool const waits = first->wait_stopped();
        EXPECT_NE(waits, told.back() == done) << told.back();
        site_.free_disk();
        if (waits) {
            first->kill(SIGCONT);
            EXPECT_EQ(site_.hear(*first).back(), done) << "it gets on by itself";
        }
        EXPECT_EQ(first->wait(), 0);
        EXPECT_EQ(site_.settle(), over);
        EXPECT_EQ(site_.bills(), 1) << "no space costs nothing";
    }

    void ended_starved(bool spools) {
        site_.base().store_wait = 100ms;
        if (!spools) site_.block_spool();
        auto const first = site_.stopped_at(when_.at);
        site_.fill_disk();
        first->kill(SIGCONT);
        auto const told = site_.hear(*first).front();
        EXPECT_NE(told.find(when_.starved), std::string::npos) << told;
        EXPECT_EQ(first->wait(), 0);
        site_.free_disk();
        EXPECT_EQ(site_.settle(), when_.settled());
        EXPECT_EQ(site_.bills(), spools ? 1 : when_.ended_full);
    }

    /// Was the only send spent in vain?
    [[nodiscard]] bool is_lost() const {
        return GetParam().how == strike::killed && GetParam().max_sends == 1 && when_.lost_if_strict;
    }

    moment const when_ = GetParam().when;
    job_site site_;
};

TEST_P(one_paid_call, costs_what_the_table_says) {
    auto const how = GetParam().how;
    switch (how) {
        case strike::killed: killed(); break;
        case strike::stopped: stopped(); break;
        case strike::starved: starved(); break;
        case strike::ended_starved: ended_starved(true); break;
        case strike::ended_full: ended_starved(false); break;
    }
    auto const r = site_.record();
    ASSERT_NE(r, nullptr);
    EXPECT_LE(site_.bills(), r->counted_sends());
    EXPECT_LE(r->counted_sends(), GetParam().max_sends);
    EXPECT_EQ(site_.is_unresolved(), is_lost());
    EXPECT_TRUE(site_.is_sound());
    if (is_lost()) {
        EXPECT_TRUE(site_.answers().empty());
        return;
    }
    // The liveness twin: refusing would not do.
    EXPECT_EQ(r->state, coffer::record_state::acked) << to_string(r->state);
    auto all = site_.answers();
    // What was not durable when it was given became so, unless its process ended first.
    if (how != strike::ended_full) all.insert(site_.unstored().begin(), site_.unstored().end());
    EXPECT_EQ(all.size(), 1U) << "all answers are the same one";
}

std::vector<cell> all_cells() {
    std::vector<cell> cells;
    for (auto const& m : moments) {
        for (auto const how :
             {strike::killed, strike::stopped, strike::starved, strike::ended_starved, strike::ended_full})
            cells.push_back({m, how, 2});
        for (auto const how : {strike::killed, strike::starved}) cells.push_back({m, how, 1});
    }
    return cells;
}

INSTANTIATE_TEST_SUITE_P(every_moment, one_paid_call, testing::ValuesIn(all_cells()),
                         [](auto const& tested) { return name_of(tested.param); });

// Besides the matrix: what a second bill takes.

constexpr auto in_flight = "half_body";

TEST(stopped_owner, is_taken_over_when_its_attempts_time_and_grace_are_up_and_the_first_answer_stands) {
    job_site site;
    site.base().attempt_timeout = 1s;
    site.base().acknowledges = false;
    auto const first = site.stopped_at(in_flight);
    auto const since = std::chrono::steady_clock::now();
    EXPECT_EQ(site.bills(), 1);
    std::this_thread::sleep_until(since + 3 * lease);
    EXPECT_TRUE(site.run().back().starts_with(stored)) << "a stopped owner does not stop the job for ever";
    EXPECT_EQ(site.bills(), 2);
    first->kill(SIGCONT);
    auto const told = site.hear(*first).back();
    EXPECT_TRUE(told.starts_with(stored)) << told;
    EXPECT_EQ(first->wait(), 0);
    EXPECT_EQ(site.answers().size(), 1U) << "whoever asks is given what was accepted first";
    site.base().acknowledges = true;
    EXPECT_EQ(site.settle(), done);
    EXPECT_EQ(site.bills(), 2);
    EXPECT_EQ(site.record()->counted_sends(), 2);
}

TEST(stopped_owner, whose_key_was_paid_and_acknowledged_by_another_is_not_given_a_second_answer) {
    job_site site;
    site.base().attempt_timeout = 1s;
    auto const first = site.stopped_at(in_flight);
    std::this_thread::sleep_until(std::chrono::steady_clock::now() + 3 * lease);
    EXPECT_EQ(site.run().back(), done);
    EXPECT_EQ(site.bills(), 2);
    first->kill(SIGCONT);
    EXPECT_EQ(site.hear(*first).back(), over);
    EXPECT_EQ(first->wait(), 0);
    EXPECT_EQ(site.answers().size() + site.unstored().size(), 1U);
    EXPECT_EQ(site.settle(), over);
    EXPECT_EQ(site.bills(), 2);
}

TEST(killed_owner, after_killed_owner_spends_the_sends_and_no_more) {
    job_site site;
    for (int sends = 1; sends <= 2; ++sends) {
        auto const next = site.stopped_at(in_flight);
        next->kill(SIGKILL);
        EXPECT_EQ(next->wait(), -SIGKILL);
        EXPECT_EQ(site.bills(), sends);
    }
    for (int runs = 0; runs < 3; ++runs) EXPECT_EQ(site.run().back(), lost);
    EXPECT_EQ(site.bills(), 2);
    EXPECT_TRUE(site.is_unresolved());
    EXPECT_TRUE(site.answers().empty());
}

}  // namespace
}  // namespace kill_matrix
