// SPDX-License-Identifier: BSL-1.0
// resolve in bulk, gc, backup and purge: what changes a store says first what it would do, and does that.

#include <coffer/store/record_text.hpp>

#include "store/real_store.hpp"
#include "tools/coffer/run_command.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

namespace upkeep_test {
namespace {

using namespace command_tests;
using namespace std::chrono_literals;
using store_test::bytes_of;
using store_test::intruder;
namespace fs = std::filesystem;

struct upkeep : testing::Test {
    [[nodiscard]] std::string file() const { return s.file().string(); }
    [[nodiscard]] std::int64_t number(std::string const& sql) const { return intruder{s.file()}.number(sql); }
    store_test::real_store s;
};

TEST_F(upkeep, resolving_many_shows_them_first) {
    s.unresolved("one", "a");
    s.unresolved("two", "a");
    s.unresolved("three", "b");
    s.done("done", "paid", "a");
    auto const dry = run("resolve " + file() + " --namespace a --grant");
    EXPECT_EQ(dry.code, 0) << dry.text;
    EXPECT_TRUE(dry.has(coffer::to_text(s.id("one", "a"))));
    EXPECT_FALSE(dry.has(coffer::to_text(s.id("done", "a"))));
    EXPECT_TRUE(
        dry.has("would grant one more send, which may be billed, to each of 2 unresolved keys; nothing was "
                "changed. To do it, say --yes"))
        << dry.text;
    EXPECT_EQ(number("SELECT sum(granted_sends) FROM records"), 0);

    auto const done = run("resolve " + file() + " --namespace a --grant --yes");
    EXPECT_EQ(done.code, 0) << done.text;
    EXPECT_TRUE(done.has("granted one more send to each of 2 of 2 unresolved keys")) << done.text;
    EXPECT_EQ(number("SELECT sum(granted_sends) FROM records"), 2);
    EXPECT_EQ(number("SELECT count(*) FROM records WHERE ns='b' AND granted_sends=0"), 1);

    EXPECT_TRUE(run("resolve " + file() + " --all-unresolved --abandon --yes").has("abandoned 1 of 1 unresolved key"));
    EXPECT_EQ(number("SELECT count(*) FROM records WHERE state='acked'"), 1);
    auto const none = run("resolve " + file() + " --all-unresolved --abandon --yes");
    EXPECT_EQ(none.code, 3);
    EXPECT_TRUE(none.has("no unresolved key is like that"));
}

TEST_F(upkeep, resolving_by_age_leaves_the_young_alone) {
    s.unresolved("old");
    s.unresolved("young");
    intruder{s.file()}.run("UPDATE records SET updated=updated-7200000000000 WHERE id=1");
    auto const t = run("resolve " + file() + " --older-than 1h --abandon --yes");
    EXPECT_TRUE(t.has("abandoned 1 of 1")) << t.text;
    EXPECT_EQ(number("SELECT count(*) FROM records WHERE state='acked' AND id=1"), 1);
}

TEST_F(upkeep, gc_clears_away_what_is_over_and_compacts_if_asked) {
    for (int i = 0; i < 10; ++i) s.done("cached " + std::to_string(i), std::string(100'000, 'x'), "report", true, 1ns);
    s.done("kept");
    auto const t = run("gc " + file());
    EXPECT_EQ(t.code, 0) << t.text;
    EXPECT_TRUE(t.has("cleared away: 10 records removed, 0 unacknowledged answers expired")) << t.text;
    EXPECT_TRUE(t.has("976.5 KiB of answers gone")) << t.text;
    EXPECT_EQ(number("SELECT count(*) FROM records"), 1);
    auto const compact = run("gc --compact " + file());
    EXPECT_TRUE(
        compact.has("rewritten: 1.1 MiB before, " + std::to_string(fs::file_size(s.file()) / 1024) + ".0 KiB now"))
        << compact.text;
    EXPECT_LT(fs::file_size(s.file()), 200'000U);
    EXPECT_EQ(run("gc " + file() + ".none").code, 1);
    EXPECT_FALSE(fs::exists(file() + ".none"));
}

TEST_F(upkeep, a_backup_is_made_beside_a_running_store_and_replaces_nothing) {
    s.done("one", "the answer");
    auto const to = (s.dir / "copy.db").string();
    auto const t = run("backup " + file() + " " + to);
    EXPECT_EQ(t.code, 0) << t.text;
    EXPECT_TRUE(t.has("backed up 1 record")) << t.text;
    EXPECT_EQ(bytes_of(to + ".secret"), bytes_of(file() + ".secret"));
    EXPECT_EQ(run("show " + to + " " + coffer::to_text(s.id("one")) + " --answer").text, "the answer");
    auto const again = run("backup " + file() + " " + to);
    EXPECT_EQ(again.code, 1);
    EXPECT_TRUE(again.has("exists already")) << again.text;
}

TEST_F(upkeep, a_purge_says_what_it_means_and_then_leaves_nothing) {
    s.acked("acked", "customer-4711");
    s.done("paid", "confidential words of theirs", "customer-4711");
    s.unresolved("lost", "customer-4711");
    s.done("paid", "other words", "customer-4712");
    auto const dry = run("purge " + file() + " customer-4711");
    EXPECT_EQ(dry.code, 0) << dry.text;
    for (auto const* const part : {"3 records, 28 bytes of answers", "unacknowledged  1", "unresolved      1",
                                   "would be refused", "nothing was changed", "pays again"})
        EXPECT_TRUE(dry.has(part)) << part << "\nin:\n" << dry.text;
    auto const refused = run("purge " + file() + " customer-4711 --yes");
    EXPECT_EQ(refused.code, 1);
    EXPECT_TRUE(refused.has("is not purged: 1 record of it hold paid answers")) << refused.text;
    EXPECT_EQ(number("SELECT count(*) FROM records"), 4);
    auto const done = run("purge " + file() + " customer-4711 --unacknowledged --unresolved --yes");
    EXPECT_EQ(done.code, 0) << done.text;
    EXPECT_TRUE(done.has("purged 3 records of 'customer-4711'")) << done.text;
    auto const again = run("purge " + file() + " customer-4711 --yes");
    EXPECT_EQ(again.code, 3) << again.text;
    // Last of all: who closes a file gives up the locks that SQLite has on it in this process.
    auto const bytes = bytes_of(s.file()) + bytes_of(file() + "-wal");
    EXPECT_EQ(bytes.find("confidential words"), std::string::npos);
    EXPECT_EQ(bytes.find("customer-4711"), std::string::npos);
    EXPECT_NE(bytes.find("other words"), std::string::npos);
}

TEST_F(upkeep, a_purge_says_what_the_ledger_keeps_and_the_ledger_keeps_it) {
    s.acked("acked", "customer-4711");
    auto& money = *s.backend().ledger();
    coffer::reserve_request q;
    q.id[0] = 1;
    coffer::ledger_lines lines;
    lines.emplace_back("tenant/acme", coffer::lifetime, coffer::money::from_nano(1'000));
    q.lines = std::make_shared<coffer::ledger_lines const>(std::move(lines));
    q.bound = coffer::money::from_nano(100);
    q.held_for = 5min;
    q.about.name_space = "customer-4711";
    q.about.job = "nightly";
    q.about.model = "gpt-x";
    ASSERT_TRUE(s.time.get(money.reserve(q)));
    ASSERT_TRUE(s.time.get(money.submit_settle(q.id, coffer::money::from_nano(70), "req-1")));
    auto const promise = "the names of scopes";
    EXPECT_TRUE(run("purge " + file() + " customer-4711").has(promise));
    EXPECT_TRUE(run("purge --help").has(promise));
    auto const done = run("purge " + file() + " customer-4711 --yes");
    EXPECT_EQ(done.code, 0) << done.text;
    EXPECT_EQ(intruder{s.file()}.text("SELECT ns || job || model || request_id || actual FROM ledger_entries"),
              "gpt-xreq-170");
    EXPECT_TRUE(run("limits " + file()).has("tenant/acme"));
}

TEST_F(upkeep, a_purge_is_refused_while_somebody_works_on_a_key) {
    s.send("on its way", "busy");
    auto const t = run("purge " + file() + " busy --unacknowledged --unresolved --yes");
    EXPECT_EQ(t.code, 1);
    EXPECT_TRUE(t.has("being worked on")) << t.text;
    EXPECT_EQ(number("SELECT count(*) FROM records"), 1);
}

}  // namespace
}  // namespace upkeep_test
