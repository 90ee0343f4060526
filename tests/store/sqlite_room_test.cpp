// SPDX-License-Identifier: BSL-1.0
// A file that may not grow for ever: new work is refused while there still is room for answers that were paid for.

#include "store/sqlite_world.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace store_test::sqlite_room_test {
namespace {

namespace sqlite = coffer::sqlite;
using coffer::fault_kind;

sqlite::options at_most(std::int64_t bytes) {
    sqlite::options o;
    o.max_bytes = bytes;
    o.sweep_every = 0ms;
    return o;
}

class full : public testing::Test {
protected:
    static world::how named(std::string name) {
        world::how h;
        h.name = std::move(name);
        return h;
    }
    /// Claimed and permitted, under a name.
    [[nodiscard]] std::string begin(std::string const& name) {
        auto const v = w.claim(1, 0, named(name));
        if (!v) return refusal(v);
        return refusal(w.permit(1, 0, 0, 2, name));
    }
    auto store_answer(std::string const& name, std::size_t size) {
        auto const answered = w.backend().submit_answer(w.ref(1, name), 1, answer_of(std::string(size, 'x')));
        w.backend().submit_accept(w.ref(1, name), 1);
        return answered;
    }
    /// Grows until new work is refused; the number of keys that it took.
    int fill() {
        for (int i = 0;; ++i) {
            auto const name = "filler " + std::to_string(i);
            if (auto const why = begin(name); !why.empty()) {
                EXPECT_EQ(why, "store_full");
                return i;
            }
            EXPECT_TRUE(w.get(store_answer(name, 20'000)));
        }
    }

    sqlite_world w{at_most(2 << 20)};
};

TEST_F(full, refuses_new_work_while_there_is_room_for_answers_on_their_way) {
    ASSERT_EQ(begin("on its way"), "");
    auto const taken = fill();
    EXPECT_GT(taken, 60) << "nearly all of it is used";
    EXPECT_LT(taken, 105);
    EXPECT_TRUE(w.get(store_answer("on its way", 60'000))) << "what was paid for gets in";
    EXPECT_LE(std::filesystem::file_size(w.file()), 2U << 20);
}

TEST_F(full, says_what_to_do) {
    fill();
    auto const v = w.claim(1, 0, named("new"));
    ASSERT_FALSE(v);
    EXPECT_EQ(v.error().kind(), fault_kind::store_unavailable);
    std::string const text{v.error().message()};
    for (auto const* const part : {w.file().c_str(), "2.0 MiB", "max_bytes", "coffer gc", "Acknowledge"})
        EXPECT_NE(text.find(part), std::string::npos) << part << " in: " << text;
}

TEST_F(full, goes_on_replaying_and_judging_what_it_has) {
    w.finish(1, "paid");
    ASSERT_EQ(begin("not judged"), "");
    ASSERT_TRUE(w.get(w.backend().submit_answer(w.ref(1, "not judged"), 1, answer_of("raw"))));
    ASSERT_TRUE(w.get(w.backend().submit_release(w.ref(1, "not judged"))));
    fill();
    EXPECT_TRUE(is<coffer::replayed>(w.claim(2)));
    auto const v = w.claim(2, 0, named("not judged"));
    ASSERT_TRUE(is<coffer::granted>(v)) << "no send is needed for it";
    EXPECT_EQ(refusal(w.permit(2, 1, 0, 2, "not judged")), "store_full") << "and none is permitted";
    EXPECT_TRUE(w.get(w.backend().submit_accept(w.ref(2, "not judged"), 1)));
    EXPECT_TRUE(is<coffer::replayed>(w.claim(3, 0, named("not judged"))));
}

TEST_F(full, refuses_the_permit_of_a_claim_that_was_granted_before) {
    ASSERT_TRUE(is<coffer::granted>(w.claim(1, 0, named("early"))));
    fill();
    EXPECT_EQ(refusal(w.permit(1, 0, 0, 2, "early")), "store_full");
    EXPECT_EQ(w.peek(0, "early")->counted_sends(), 0);
}

TEST_F(full, has_room_again_when_results_are_acknowledged_and_the_file_need_not_shrink) {
    fill();
    auto const size = std::filesystem::file_size(w.file());
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(w.get(w.backend().acknowledge(w.id("filler " + std::to_string(i)))));
    EXPECT_EQ(begin("new"), "");
    EXPECT_TRUE(w.get(store_answer("new", 60'000)));
    EXPECT_EQ(std::filesystem::file_size(w.file()), size);
}

TEST_F(full, of_answers_that_do_not_fit_keeps_them_until_there_is_room) {
    ASSERT_EQ(begin("first"), "");
    ASSERT_EQ(begin("second"), "");
    ASSERT_TRUE(w.get(store_answer("first", 1'200'000)));
    auto const kept = store_answer("second", 1'200'000);  // paid, but more than there is
    ASSERT_TRUE(w.list().size() == 2);
    EXPECT_EQ(kept.get(), nullptr);
    ASSERT_TRUE(w.get(w.backend().acknowledge(w.id("first")))) << "gives pages back";
    real_time time;
    EXPECT_TRUE(time.get(kept)) << "is stored as soon as there is room";
    auto const v = w.claim(7, 0, named("second"));
    ASSERT_TRUE(is<coffer::replayed>(v));
    EXPECT_EQ(std::get<coffer::replayed>(*v).accepted.what->body.size(), 1'200'000U);
}

TEST_F(full, that_is_larger_than_it_may_be_now_opens_and_refuses_new_work_only) {
    w.finish(1, "paid");
    fill();
    w.close();
    sqlite_world smaller{w.file(), at_most(1 << 20)};
    EXPECT_TRUE(is<coffer::replayed>(smaller.claim(2)));
    EXPECT_EQ(refusal(smaller.claim(1, 0, named("new"))), "store_full");
    EXPECT_TRUE(smaller.acknowledge());
}

TEST(sqlite_room, of_less_than_a_store_needs_is_refused) {
    temporary_directory const dir;
    auto const said = [&](std::int64_t bytes) -> std::string {
        try {
            sqlite::store const db{dir / "coffer.db", at_most(bytes)};
        } catch (std::invalid_argument const& e) {
            return e.what();
        }
        return {};
    };
    for (auto const bytes : {-1, 1, (1 << 20) - 1}) {
        EXPECT_NE(said(bytes).find("max_bytes is " + std::to_string(bytes)), std::string::npos) << said(bytes);
        EXPECT_NE(said(bytes).find("1048576 at least"), std::string::npos) << said(bytes);
    }
    EXPECT_EQ(said(1 << 20), "");
    EXPECT_EQ(said(0), "");
}

TEST(sqlite_room, is_told_in_words) {
    using sqlite::detail::bytes_in_words;
    EXPECT_EQ(bytes_in_words(0), "0 bytes");
    EXPECT_EQ(bytes_in_words(1023), "1023 bytes");
    EXPECT_EQ(bytes_in_words(1024), "1.0 KiB");
    EXPECT_EQ(bytes_in_words(1'500'000), "1.4 MiB");
    EXPECT_EQ(bytes_in_words(std::int64_t{5} << 30), "5.0 GiB");
}

}  // namespace
}  // namespace store_test::sqlite_room_test
