// SPDX-License-Identifier: BSL-1.0
// Files of earlier formats are opened, brought to this one, and lose nothing.

#include <coffer/store/sqlite.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "store/sqlite_world.hpp"

namespace sqlite_format_test {
namespace {

using namespace store_test;
using coffer::record_state;
namespace fs = std::filesystem;

/// A copy of a checked-in store, closed to others as a store's files must be.
fs::path copy_of(std::string const& name, temporary_directory const& into) {
    auto const files = fs::path{COFFER_TESTS} / "store" / "files";
    for (auto const* const suffix : {"", ".secret"}) {
        fs::copy_file(files / (name + suffix), into / (name + suffix));
        fs::permissions(into / (name + suffix), fs::perms::owner_read | fs::perms::owner_write);
    }
    return into / name;
}

class format_1 : public testing::Test {
protected:
    format_1() { db.backend()->bind(time.clock()); }

    [[nodiscard]] static coffer::key key_of(std::string_view what) { return coffer::key{"v1", what}; }
    [[nodiscard]] std::shared_ptr<coffer::record const> peek(std::string_view what) {
        return time.get(db.backend()->peek(db.backend()->id_of(key_of(what)))).value();
    }
    [[nodiscard]] coffer::claim_verdict claim(std::string_view what, int number) {
        coffer::claim_request q;
        q.id = claim_number(1000);
        q.print = coffer::fingerprint{1}.with("model", "m").with("messages", "text of " + std::to_string(number));
        return time.get(db.backend()->claim(db.backend()->id_of(key_of(what)), q)).value();
    }

    temporary_directory dir;
    real_time time;
    coffer::sqlite::store db{copy_of("format_1.db", dir)};
};

TEST_F(format_1, is_brought_to_this_one) {
    EXPECT_EQ(intruder{db.path()}.number("PRAGMA user_version"), coffer::sqlite::detail::format_version);
    EXPECT_EQ(intruder{db.path()}.text("PRAGMA integrity_check"), "ok");
}

TEST_F(format_1, keeps_its_accepted_answer_and_what_it_cost) {
    auto const r = peek("done");
    ASSERT_NE(r, nullptr);
    EXPECT_EQ(r->state, record_state::done);
    ASSERT_NE(r->accepted(), nullptr);
    auto const& sent = *r->accepted();
    EXPECT_EQ(sent.reply->body, "the answer of done");
    EXPECT_EQ(sent.reply->request_id, "req-1");
    EXPECT_EQ(sent.reply->cost->nano(), 4200);
    EXPECT_EQ(sent.reply->usage->output, 20);
    EXPECT_EQ(sent.reply->usage->web_searches, 0);  // a bucket that it did not have
    EXPECT_EQ(sent.provider, "openai");
    EXPECT_EQ(sent.model, "gpt-4o-mini");
    EXPECT_FALSE(r->cached);
    auto const v = claim("done", 1);
    ASSERT_TRUE(std::holds_alternative<coffer::replayed>(v));
    EXPECT_EQ(std::get<coffer::replayed>(v).accepted.what->body, "the answer of done");
    EXPECT_TRUE(std::holds_alternative<coffer::mismatch>(claim("done", 7)));
}

TEST_F(format_1, keeps_its_ends) {
    EXPECT_TRUE(std::holds_alternative<coffer::acked>(claim("acked", 2)));
    auto const failed = claim("failed", 3);
    ASSERT_TRUE(std::holds_alternative<coffer::failed_before>(failed));
    EXPECT_EQ(std::get<coffer::failed_before>(failed).why.message(), "no such model");
    EXPECT_TRUE(std::holds_alternative<coffer::unresolved>(claim("unresolved", 4)));
    EXPECT_EQ(peek("unresolved")->sends[0].why->kind(), coffer::fault_kind::timed_out);
}

TEST_F(format_1, keeps_what_is_not_judged_and_what_is_judged) {
    auto const answered = claim("answered", 5);
    ASSERT_TRUE(std::holds_alternative<coffer::granted>(answered));
    ASSERT_EQ(std::get<coffer::granted>(answered).undecoded.size(), 1U);
    EXPECT_EQ(std::get<coffer::granted>(answered).undecoded[0].what->body, "not judged yet");
    auto const defective = claim("defective", 6);
    ASSERT_TRUE(std::holds_alternative<coffer::granted>(defective));
    EXPECT_EQ(std::get<coffer::granted>(defective).sends, 1);
    EXPECT_EQ(peek("defective")->sends[0].reply->body, "cut o");
}

TEST_F(format_1, lets_its_dead_owners_keys_go_and_counts_their_sends) {
    auto const sends_of = [](coffer::claim_verdict const& v) { return std::get<coffer::granted>(v).sends; };
    EXPECT_EQ(sends_of(claim("unsent", 7)), 0);
    EXPECT_EQ(sends_of(claim("sent", 8)), 1);
    EXPECT_EQ(sends_of(claim("claimed", 9)), 0);
}

}  // namespace
}  // namespace sqlite_format_test
