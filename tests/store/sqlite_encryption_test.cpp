// SPDX-License-Identifier: BSL-1.0
// Bodies of answers that are encrypted in the file: what stands there, what can be read, and what happens if it cannot.
#include "store/sqlite_world.hpp"

#include <coffer/store/sqlite_reencrypt.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>

namespace store_test::sqlite_encryption_test {
namespace {

namespace fs = std::filesystem;
namespace sqlite = coffer::sqlite;
using coffer::crypto::key_ring;
using coffer::crypto::secret_key;

std::string const canary = "canary-body: the patient's name is Jane Doe";

secret_key key(char digit) { return secret_key::from_hex(std::string(64, digit)); }
std::shared_ptr<key_ring> ring(std::string const& name, char digit) {
    return std::make_shared<key_ring>(name, key(digit));
}
sqlite::options with(std::shared_ptr<key_ring const> keys) {
    sqlite::options o;
    o.body_keys = std::move(keys);
    return o;
}
bool mentions(std::string_view text, std::string_view what) { return text.find(what) != std::string_view::npos; }

/// Everything that stands in files under `dir`, names of files included.
std::string all_bytes(temporary_directory const& dir) {
    std::string all;
    for (auto const& entry : fs::recursive_directory_iterator{dir.path()}) {
        all += entry.path().string();
        if (entry.is_regular_file()) all += bytes_of(entry.path());
    }
    return all;
}
/// The body that a claim is replayed; what it was refused with otherwise.
std::string replayed(coffer::outcome<coffer::claim_verdict> const& v) {
    if (!v) return std::string{v.error().message()};
    auto const* const r = std::get_if<coffer::replayed>(&*v);
    return r != nullptr ? r->accepted.what->body : "no replay";
}

TEST(sqlite_encryption, leaves_nothing_of_a_body_in_any_file) {
    temporary_directory const dir;
    {
        sqlite_world w{dir / "coffer.db", with(ring("2026-11", '1'))};
        w.finish(1, canary);
        EXPECT_FALSE(mentions(all_bytes(dir), "canary")) << "while it is open";
        EXPECT_TRUE(mentions(all_bytes(dir), "2026-11")) << "the search finds things";
        EXPECT_EQ(replayed(w.claim(2)), canary);
    }
    EXPECT_FALSE(mentions(all_bytes(dir), "canary"));
    EXPECT_FALSE(mentions(all_bytes(dir), "Jane Doe"));
    sqlite_world w{dir / "coffer.db", with(ring("2026-11", '1'))};
    EXPECT_EQ(replayed(w.claim(3)), canary);
    EXPECT_EQ(w.peek()->sends[0].reply->body, canary);
}

TEST(sqlite_encryption, is_off_unless_asked_for) {
    temporary_directory const dir;
    sqlite_world w{dir / "coffer.db"};
    w.finish(1, canary);
    EXPECT_TRUE(mentions(all_bytes(dir), canary));
}

TEST(sqlite_encryption, reads_bodies_from_before_it_was_asked_for) {
    temporary_directory const dir;
    {
        sqlite_world w{dir / "coffer.db"};
        w.finish(1, "plain");
    }
    sqlite_world w{dir / "coffer.db", with(ring("one", '1'))};
    EXPECT_EQ(replayed(w.claim(2)), "plain");
    EXPECT_EQ(w.peek()->sends[0].reply->body, "plain");
}

TEST(sqlite_encryption, reads_under_older_keys_and_writes_under_the_current_one) {
    temporary_directory const dir;
    {
        sqlite_world w{dir / "coffer.db", with(ring("old", '1'))};
        w.send(1);
        (void)w.answer(1, 1, "first");
        (void)w.reject(1, 1);
    }
    auto const now = ring("new", '2');
    now->also_read("old", key('1'));
    sqlite_world w{dir / "coffer.db", with(now)};
    ASSERT_TRUE(is<coffer::granted>(w.claim(2)));
    ASSERT_TRUE(w.permit(2, 1));
    (void)w.answer(2, 2, "second");
    (void)w.accept(2, 2);
    auto const r = w.peek();
    EXPECT_EQ(r->sends[0].reply->body, "first");
    EXPECT_EQ(r->sends[1].reply->body, "second");
    intruder file{w.file()};
    EXPECT_EQ(file.number("SELECT count(*) FROM answers WHERE codec=1 AND substr(body, 2, 3)=CAST('old' AS BLOB)"), 1);
    EXPECT_EQ(file.number("SELECT count(*) FROM answers WHERE codec=1 AND substr(body, 2, 3)=CAST('new' AS BLOB)"), 1);
}

// What cannot be read -------------------------------------------------------------------------------------------------

TEST(sqlite_encryption, without_the_key_a_claim_fails_says_which_one_and_sends_nothing) {
    temporary_directory const dir;
    {
        sqlite_world w{dir / "coffer.db", with(ring("2026-11", '1'))};
        w.finish(1, canary);
    }
    for (auto const& keys : {std::shared_ptr<key_ring>{}, ring("another", '1')}) {
        sqlite_world w{dir / "coffer.db", with(keys)};
        auto const v = w.claim(2);
        ASSERT_FALSE(v);
        EXPECT_EQ(v.error().kind(), coffer::fault_kind::store_unavailable);
        EXPECT_TRUE(mentions(v.error().message(), "\"2026-11\"")) << v.error();
        EXPECT_TRUE(mentions(v.error().message(), "body_keys")) << v.error();
        EXPECT_EQ(refusal(w.permit(2, 1)), "claim_lost");
        ASSERT_EQ(w.list().size(), 1U);
        EXPECT_EQ(w.list()[0].state, coffer::record_state::done);
    }
    sqlite_world w{dir / "coffer.db", with(ring("2026-11", '1'))};
    EXPECT_EQ(replayed(w.claim(3)), canary);
}

TEST(sqlite_encryption, without_the_key_an_answer_that_nobody_has_judged_is_not_sent_for_again) {
    temporary_directory const dir;
    {
        sqlite_world w{dir / "coffer.db", with(ring("one", '1'))};
        w.send(1);
        (void)w.answer(1, 1, canary);
    }
    {
        sqlite_world w{dir / "coffer.db"};
        EXPECT_EQ(refusal(w.claim(2)), "store_unavailable");
        EXPECT_EQ(refusal(w.permit(2, 1)), "claim_lost");
    }
    sqlite_world w{dir / "coffer.db", with(ring("one", '1'))};
    auto const v = w.claim(3);
    ASSERT_TRUE(is<coffer::granted>(v));
    ASSERT_EQ(std::get<coffer::granted>(*v).undecoded.size(), 1U);
    EXPECT_EQ(std::get<coffer::granted>(*v).undecoded[0].what->body, canary);
}

TEST(sqlite_encryption, without_the_key_an_answer_that_was_no_use_stands_in_nobodys_way) {
    temporary_directory const dir;
    {
        sqlite_world w{dir / "coffer.db", with(ring("one", '1'))};
        w.send(1);
        (void)w.answer(1, 1, canary);
        (void)w.reject(1, 1);
        (void)w.release(1);
    }
    world::how strict;
    strict.max_sends = 1;
    {
        sqlite_world w{dir / "coffer.db"};
        auto const v = w.claim(2, 0, strict);
        ASSERT_TRUE(is<coffer::failed_before>(v)) << "and not an error for which a store may be done without";
        EXPECT_TRUE(std::get<coffer::failed_before>(*v).defective.empty());
        auto const sends_left = w.claim(3);
        ASSERT_TRUE(is<coffer::granted>(sends_left));
        EXPECT_TRUE(std::get<coffer::granted>(*sends_left).defective.empty());
        (void)w.release(3);
    }
    sqlite_world w{dir / "coffer.db", with(ring("one", '1'))};
    auto const v = w.claim(4, 0, strict);
    ASSERT_TRUE(is<coffer::failed_before>(v));
    ASSERT_EQ(std::get<coffer::failed_before>(*v).defective.size(), 1U);
    EXPECT_EQ(std::get<coffer::failed_before>(*v).defective[0].what->body, canary);
}

TEST(sqlite_encryption, without_the_key_a_record_can_still_be_listed_and_acknowledged_and_others_work) {
    temporary_directory const dir;
    {
        sqlite_world w{dir / "coffer.db", with(ring("one", '1'))};
        w.finish(1, canary);
    }
    sqlite_world w{dir / "coffer.db", with(ring("two", '2'))};
    EXPECT_EQ(w.list().size(), 1U);
    world::how other;
    other.name = "other";
    EXPECT_TRUE(is<coffer::granted>(w.claim(2, 0, other)));
    EXPECT_TRUE(w.acknowledge());
    EXPECT_TRUE(is<coffer::acked>(w.claim(3)));
}

TEST(sqlite_encryption, a_body_that_was_changed_is_told_and_not_delivered) {
    for (auto const* const change : {"UPDATE answers SET body=CAST(substr(body, 1, length(body)-1) AS BLOB)",
                                     "UPDATE answers SET body=CAST(body || x'00' AS BLOB)",
                                     "UPDATE answers SET body=CAST(substr(body, 1, 20) || zeroblob(60) AS BLOB)",
                                     "UPDATE answers SET body=x''", "UPDATE answers SET body=CAST('{}' AS BLOB)"}) {
        sqlite_world w{with(ring("one", '1'))};
        w.finish(1, canary);
        intruder{w.file()}.run(change);
        auto const v = w.claim(2);
        ASSERT_FALSE(v) << change;
        EXPECT_EQ(v.error().kind(), coffer::fault_kind::store_unavailable);
        EXPECT_TRUE(mentions(v.error().message(), "changed or damaged")) << v.error();
        EXPECT_TRUE(mentions(v.error().message(), "backup")) << v.error();
    }
}

TEST(sqlite_encryption, another_key_of_the_same_name_is_told) {
    temporary_directory const dir;
    {
        sqlite_world w{dir / "coffer.db", with(ring("one", '1'))};
        w.finish(1, canary);
    }
    sqlite_world w{dir / "coffer.db", with(ring("one", '2'))};
    EXPECT_TRUE(mentions(replayed(w.claim(2)), "is not the one of that name"));
}

TEST(sqlite_encryption, bodies_cannot_be_exchanged) {
    sqlite_world w{with(ring("one", '1'))};
    auto const finish = [&](std::string const& name, int n) {
        world::how h;
        h.name = name;
        (void)w.claim(n, 0, h).value();
        for (int send = 1; send <= 2; ++send) {
            (void)w.permit(n, send - 1, 0, 2, name).value();
            (void)w.get(w.backend().submit_answer(w.ref(n, name), send, answer_of(name + std::to_string(send))));
        }
        (void)w.get(w.backend().submit_accept(w.ref(n, name), 1));
    };
    finish("a", 1);
    finish("b", 2);
    intruder file{w.file()};
    auto const claimed = [&](std::string const& name, int n) {
        world::how h;
        h.name = name;
        return replayed(w.claim(n, 0, h));
    };
    EXPECT_EQ(claimed("a", 3), "a1");
    ASSERT_EQ(file.number("SELECT count(*) FROM answers"), 4);
    // Between two records: each with the same send's number.
    file.run("UPDATE answers SET body=(SELECT o.body FROM answers o WHERE o.id=answers.id+2) WHERE id=1");
    EXPECT_TRUE(mentions(claimed("a", 4), "changed or damaged"));
    EXPECT_EQ(claimed("b", 5), "b1");
    // Between two sends of one record.
    file.run("UPDATE sends SET answer=7-answer WHERE answer>2");
    EXPECT_TRUE(mentions(claimed("b", 6), "changed or damaged"));
    file.run("UPDATE sends SET answer=7-answer WHERE answer>2");
    EXPECT_EQ(claimed("b", 7), "b1");
}

TEST(sqlite_encryption, is_the_same_for_all_handles_of_a_process) {
    temporary_directory const dir;
    auto const keys = ring("one", '1');
    sqlite::store const first{dir / "coffer.db", with(keys)};
    EXPECT_NO_THROW((sqlite::store{dir / "coffer.db", with(keys)}));
    EXPECT_NO_THROW((sqlite::store{dir / "coffer.db"}));
    try {
        sqlite::store const other{dir / "coffer.db", with(ring("one", '1'))};
        ADD_FAILURE() << "its keys would have been ignored";
    } catch (std::runtime_error const& e) {
        EXPECT_TRUE(mentions(e.what(), "first handle")) << e.what();
    }
}

// What the file does not take ------------------------------------------------------------------------------------------

/// An answer that was spooled beside a locked file by a process that has ended since.
class spooled : public testing::Test {
protected:
    spooled() {
        auto o = with(ring("one", '1'));
        o.busy_timeout = 20ms;
        o.close_timeout = 20ms;
        sqlite_world w{file, o};
        w.send(1);
        intruder other{file};
        other.run("BEGIN IMMEDIATE");
        auto const brought = w.backend().submit_answer(w.ref(1), 1, answer_of(canary));
        while (brought.get() == nullptr && !fs::exists(file.string() + ".spool")) std::this_thread::yield();
        w.close();
    }
    static std::string undecoded(coffer::outcome<coffer::claim_verdict> const& v) {
        if (!v) return std::string{v.error().message()};
        auto const* const g = std::get_if<coffer::granted>(&*v);
        return g != nullptr && g->undecoded.size() == 1 ? g->undecoded[0].what->body : "no answer";
    }

    temporary_directory dir;
    fs::path file = dir / "coffer.db";
};

TEST_F(spooled, answers_are_encrypted_too) {
    EXPECT_FALSE(mentions(all_bytes(dir), "canary"));
    EXPECT_TRUE(mentions(all_bytes(dir), ".answer")) << "it is there";
    sqlite_world w{file, with(ring("one", '1'))};
    EXPECT_EQ(undecoded(w.claim(2)), canary);
}

TEST_F(spooled, answers_without_their_key_stay_and_are_not_sent_for_again) {
    for (int i = 0; i < 2; ++i) {
        sqlite_world w{file, with(i == 0 ? nullptr : ring("two", '2'))};
        auto const v = w.claim(2);
        ASSERT_FALSE(v);
        EXPECT_EQ(v.error().kind(), coffer::fault_kind::store_unavailable);
        EXPECT_TRUE(mentions(v.error().message(), "\"one\"")) << v.error();
        EXPECT_EQ(refusal(w.permit(2, 1)), "claim_lost");
    }
    sqlite_world w{file, with(ring("one", '1'))};
    EXPECT_EQ(undecoded(w.claim(3)), canary);
}

// Under another key ---------------------------------------------------------------------------------------------------

/// A store with five bodies: three as they came, two under "old".
class reencryption : public testing::Test {
protected:
    reencryption() {
        for (int i = 1; i <= 5; ++i) {
            sqlite_world w{file, with(i <= 3 ? nullptr : ring("old", '1'))};
            finish(w, i);
        }
        now->also_read("old", key('1'));
    }
    static world::how named(int i) {
        world::how h;
        h.name = std::to_string(i);
        return h;
    }
    static void finish(sqlite_world& w, int i) {
        auto const name = std::to_string(i);
        (void)w.claim(i, 0, named(i)).value();
        (void)w.permit(i, 0, 0, 2, name).value();
        (void)w.get(w.backend().submit_answer(w.ref(i, name), 1, answer_of(canary + name)));
        (void)w.get(w.backend().submit_accept(w.ref(i, name), 1));
    }
    void expect_all(sqlite_world& w) {
        for (int i = 1; i <= 5; ++i) EXPECT_EQ(replayed(w.claim(10 + i, 0, named(i))), canary + std::to_string(i));
    }

    temporary_directory dir;
    fs::path file = dir / "coffer.db";
    std::shared_ptr<key_ring> now = ring("new", '2');
};

TEST_F(reencryption, brings_every_body_under_the_current_key_and_can_be_repeated) {
    for (int const batch : {2, 5, 64, 1}) {
        auto const done = sqlite::reencrypt(file, now, {.batch = batch});
        EXPECT_EQ(done.rewritten + done.current, 5U);
        EXPECT_EQ(done.rewritten, batch == 2 ? 5U : 0U);
    }
    sqlite_world w{file, with(ring("new", '2'))};  // the old key has gone
    expect_all(w);
}

TEST_F(reencryption, leaves_nothing_of_the_clear_bodies_in_the_file) {
    EXPECT_TRUE(mentions(all_bytes(dir), canary));
    (void)sqlite::reencrypt(file, now);
    EXPECT_FALSE(mentions(all_bytes(dir), "canary"));
    EXPECT_FALSE(mentions(all_bytes(dir), "Jane Doe"));
}

TEST_F(reencryption, works_beside_a_store_that_is_in_use) {
    sqlite_world w{file, with(now)};
    expect_all(w);
    EXPECT_EQ(sqlite::reencrypt(file, now, {.batch = 2}).rewritten, 5U);
    expect_all(w);
}

TEST_F(reencryption, stops_at_a_body_that_it_cannot_read_and_keeps_what_is_done) {
    try {
        (void)sqlite::reencrypt(file, ring("new", '2'), {.batch = 2});
        ADD_FAILURE() << "the old key is missing";
    } catch (std::runtime_error const& e) {
        EXPECT_TRUE(mentions(e.what(), "\"old\"")) << e.what();
    }
    EXPECT_EQ(intruder{file}.number("SELECT count(*) FROM answers WHERE codec=0"), 1);  // in the batch that failed
    auto const rest = sqlite::reencrypt(file, now);
    EXPECT_EQ(rest.rewritten, 3U);
    EXPECT_EQ(rest.current, 2U);
    sqlite_world w{file, with(now)};
    expect_all(w);
}

TEST_F(reencryption, refuses_what_cannot_be_meant) {
    EXPECT_THROW((void)sqlite::reencrypt(file, nullptr), std::invalid_argument);
    EXPECT_THROW((void)sqlite::reencrypt(file, now, {.batch = 0}), std::invalid_argument);
    EXPECT_THROW((void)sqlite::reencrypt(dir / "none.db", now), std::runtime_error);
    EXPECT_FALSE(fs::exists(dir / "none.db"));
    std::ofstream{dir / "empty.db"};
    EXPECT_THROW((void)sqlite::reencrypt(dir / "empty.db", now), std::runtime_error);
}

}  // namespace
}  // namespace store_test::sqlite_encryption_test
