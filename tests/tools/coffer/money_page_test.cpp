// SPDX-License-Identifier: BSL-1.0
// spend, limits, limit, freeze, thaw, presumed and reconcile print what the page shows.

#include "store/ledger_world.hpp"
#include "store/real_store.hpp"
#include "tools/coffer/page.hpp"
#include "tools/coffer/run_command.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <regex>
#include <string>
#include <utility>

namespace money_page_test {
namespace {

using namespace command_tests;
using namespace store_test;

/// The day of the page: four sends of two models, one of them lost, one whose request id was never heard of, and one under
/// way.
struct money_page : testing::Test {
    money_page() {
        spend(1, "gpt-4o-mini", 0.02_usd, "req-1");
        spend(2, "gpt-4o-mini", std::nullopt, "req-2");
        spend(3, "gpt-4o", 0.03_usd, "req-3");
        spend(4, "gpt-4o-mini", std::nullopt, "");
        reserve(5, "gpt-4o-mini");
        // Of one day, whenever the test runs.
        intruder{s.file()}.run("UPDATE ledger_entries SET created=(1795316645+60*(id-1))*1000000000");
    }
    void reserve(int n, std::string const& model) {
        coffer::ledger_lines lines;
        lines.emplace_back("team/search", coffer::lifetime, 25_usd);
        auto q = reservation_of(n, 0.05_usd, std::move(lines));
        q.sent = true;
        q.about.model = model;
        q.about.record = std::string(32, static_cast<char>(n));
        ASSERT_TRUE(is_reserved(s.time.get(s.backend().ledger()->reserve(q))));
    }
    void spend(int n, std::string const& model, std::optional<coffer::money> cost, std::string const& request) {
        reserve(n, model);
        ASSERT_TRUE(s.time.get(s.backend().ledger()->submit_settle(reservation_number(n), cost, request)));
    }
    [[nodiscard]] std::string file() const { return s.file().string(); }
    /// Columns are as wide as names are, which are shortened on the page.
    [[nodiscard]] static std::string columns_alike(std::string const& text) {
        return std::regex_replace(alike(text), std::regex{"  +"}, "  ");
    }
    void expect_as_shown(std::string const& heading, std::string const& arguments) const {
        EXPECT_EQ(columns_alike(run(arguments).text), columns_alike(sample_alike(heading))) << heading;
    }

    real_store s;
};

TEST_F(money_page, shows_spend) { expect_as_shown("spend", "spend " + file() + " --top 2"); }

TEST_F(money_page, shows_limits_and_how_they_are_set) {
    (void)run("freeze " + file() + " team --reason 'the report job runs wild'");
    expect_as_shown("limits", "limits " + file());
    expect_as_shown("limit", "limit " + file() + " team/search lifetime 50");
}

TEST_F(money_page, shows_freeze_and_thaw) {
    expect_as_shown("freeze", "freeze " + file() + " team");
    expect_as_shown("thaw", "thaw " + file() + " team");
}

TEST_F(money_page, shows_presumed) { expect_as_shown("presumed", "presumed " + file()); }

TEST_F(money_page, shows_reconcile) {
    auto const usage = (s.dir / "usage.csv").string();
    std::ofstream{usage} << "id,cost\nreq-1,0.02\nreq-3,0.04\nreq-9,0.01\n";
    intruder{s.file()}.run("UPDATE ledger_entries SET created=(SELECT min(created) FROM ledger_entries) WHERE id=4");
    expect_as_shown("reconcile", "reconcile " + file() + " " + usage);
}

}  // namespace
}  // namespace money_page_test
