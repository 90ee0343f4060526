// SPDX-License-Identifier: BSL-1.0
// Paid answers that the store's file does not take outlive the process all the same.

#include <coffer/store/drain.hpp>
#include <coffer/store/sqlite.hpp>

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "store/sqlite_world.hpp"

namespace sqlite_spool_test {
namespace {

using namespace store_test;
using coffer::record_state;
namespace fs = std::filesystem;
namespace detail = coffer::sqlite::detail;

detail::spooled_answer sample() {
    coffer::answer a{std::string{"paid \0 for", 10}, 200};
    a.request_id = "req-1";
    a.cost = coffer::money::from_nano(42);
    a.usage.emplace();
    a.usage->input_fresh = 7;
    a.usage->reasoning = 3;
    a.usage->tool_calls = 5;
    return {{"report", std::string(32, '\xab')},
            claim_number(3),
            2,
            coffer::fingerprint{4}.with("model", "m"),
            std::make_shared<coffer::answer const>(std::move(a)),
            30s};
}

TEST(sqlite_spooled_answer, is_read_as_it_was_written) {
    auto const read = detail::decode_spooled(detail::encode(sample()));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->record, sample().record);
    EXPECT_EQ(read->claim, sample().claim);
    EXPECT_EQ(read->send, 2);
    EXPECT_EQ(read->print, sample().print);
    EXPECT_EQ(read->what->body, sample().what->body);
    EXPECT_EQ(read->what->status, 200);
    EXPECT_EQ(read->what->request_id, "req-1");
    EXPECT_EQ(read->what->cost, sample().what->cost);
    EXPECT_EQ(read->what->usage, sample().what->usage);
    EXPECT_EQ(read->cached_for, 30s);
}

TEST(sqlite_spooled_answer, knows_no_more_than_was_known) {
    auto bare = sample();
    bare.print.reset();
    bare.what = std::make_shared<coffer::answer const>(std::string{});
    auto const read = detail::decode_spooled(detail::encode(bare));
    ASSERT_TRUE(read);
    EXPECT_FALSE(read->print);
    EXPECT_FALSE(read->what->cost);
    EXPECT_FALSE(read->what->usage);
    EXPECT_EQ(read->what->body, "");
}

TEST(sqlite_spooled_answer, of_an_earlier_version_had_fewer_buckets) {
    std::string before;
    detail::put(before, detail::first_spool_version);
    for (std::string_view const field : {"report", "\xab\xab"}) detail::put(before, field);
    auto const claim = claim_number(3);
    detail::put(before, std::string_view{reinterpret_cast<char const*>(claim.data()), claim.size()});
    for (auto const number : {2, 30, -1}) detail::put(before, std::int64_t{number});
    detail::put(before, std::string_view{});
    detail::put(before, std::int64_t{200});
    for (std::string_view const field : {"req-1", "42", "7", "0", "0", "0", "0", "20", "0", "3", "paid for", "end"})
        detail::put(before, field);
    EXPECT_TRUE(detail::is_whole_spooled(before));
    auto const read = detail::decode_spooled(before);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->what->body, "paid for");
    EXPECT_EQ(read->what->usage->output, 20);
    EXPECT_EQ(read->what->usage->reasoning, 3);
    EXPECT_EQ(read->what->usage->tool_calls, 0);
    EXPECT_FALSE(detail::is_whole_spooled(std::string_view{before}.substr(0, before.size() - 1)));
}

TEST(sqlite_spooled_answer, is_nothing_if_a_byte_is_missing) {
    auto const whole = detail::encode(sample());
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_FALSE(detail::decode_spooled(std::string_view{whole}.substr(0, size))) << size;
    EXPECT_FALSE(detail::decode_spooled(whole + "x"));
    EXPECT_FALSE(detail::decode_spooled("hello"));
}

// The store ---------------------------------------------------------------------------------------------------------------

/// A store whose file somebody else keeps locked, or lets go.
class spool_test : public testing::Test {
protected:
    explicit spool_test(coffer::sqlite::options const& o = impatient()) : w{o} {}

    static coffer::sqlite::options impatient() {
        coffer::sqlite::options o;
        o.busy_timeout = 20ms;
        o.close_timeout = 20ms;
        return o;
    }

    /// Process 0 has sent, and its answer came when the file was locked.
    void answer_while_locked(std::string body) {
        w.send(1);
        lock();
        brought = w.backend().submit_answer(w.ref(1), 1, answer_of(std::move(body)));
        while (files().empty() && brought->get() == nullptr) std::this_thread::yield();
    }
    /// The store refuses the answer's body for good, as it does one that is larger than SQLite can store.
    void answer_while_refused(std::string body) {
        w.send(1);
        refuse_bodies();
        EXPECT_EQ(refusal(w.answer(1, 1, std::move(body))), "store_unavailable");
    }
    void refuse_bodies() {
        intruder{w.file()}.run("CREATE TRIGGER no BEFORE INSERT ON answers BEGIN SELECT RAISE(ABORT, 'too big'); END");
    }
    void accept_bodies() { intruder{w.file()}.run("DROP TRIGGER no"); }
    /// What a process that is dead by now has left; the name of its file.
    fs::path leave(std::string const& name, std::string const& body, std::string const& suffix = "",
                   std::size_t bytes_missing = 0) {
        (void)w.peek();  // behind the look for what is there already
        auto left = sample();
        left.record = w.id(name);
        left.claim = claim_number(1);
        left.send = 1;
        left.what = answer_of(body);
        auto bytes = detail::encode(left);
        bytes.resize(bytes.size() - bytes_missing);
        fs::create_directories(directory());
        auto const hex = coffer::to_text(left.record).substr(left.record.name_space.size() + 1);
        auto const file = directory() / ("0123456789abcdef-0123456789abcdef-" + hex + "-1.answer" + suffix);
        std::ofstream{file, std::ios::binary} << bytes;
        return file;
    }
    void lock() { intruder_.emplace(w.file()).run("BEGIN IMMEDIATE"); }
    void unlock() { intruder_.reset(); }
    /// By who holds the lock.
    void run(std::string const& sql) { intruder_->run(sql); }
    [[nodiscard]] fs::path directory() const { return w.file().string() + ".spool"; }
    [[nodiscard]] std::vector<fs::path> files() const {
        std::vector<fs::path> found;
        std::error_code none;
        for (auto const& entry : fs::directory_iterator{directory(), none})
            if (entry.path().extension() != ".draft") found.push_back(entry.path());
        return found;
    }
    /// What is taken in goes when that is durable, which nobody waits for.
    void wait_until_empty() const {
        while (!fs::is_empty(directory())) std::this_thread::yield();
    }
    void wait_until_set_aside() const {
        for (auto found = files(); found.size() != 1 || found[0].extension() != ".refused"; found = files())
            std::this_thread::yield();
    }
    /// Virtual time does not wait for what the file has refused once.
    static coffer::outcome<void> in_the_end(coffer::completion<coffer::outcome<void>> const& done) {
        while (done.get() == nullptr) std::this_thread::yield();
        return *done.get();
    }
    [[nodiscard]] static std::string only_answer(coffer::outcome<coffer::claim_verdict> const& v) {
        if (!is<coffer::granted>(v)) return "not granted";
        auto const& found = std::get<coffer::granted>(*v).undecoded;
        return found.size() == 1 ? found[0].what->body : std::to_string(found.size()) + " answers";
    }

    sqlite_world w;
    std::optional<coffer::completion<coffer::outcome<void>>> brought;

private:
    std::optional<intruder> intruder_;
};

TEST_F(spool_test, what_the_file_takes_is_not_written_twice) {
    w.finish(1, "paid");
    EXPECT_FALSE(fs::exists(directory()));
}

TEST_F(spool_test, what_it_does_not_take_is_written_beside_it_until_it_does) {
    answer_while_locked("paid");
    ASSERT_EQ(files().size(), 1U);
    struct stat s{};
    ASSERT_EQ(::stat(files()[0].c_str(), &s), 0);
    EXPECT_EQ(s.st_mode & 0777U, 0600U);
    ASSERT_EQ(::stat(directory().c_str(), &s), 0);
    EXPECT_EQ(s.st_mode & 0777U, 0700U);
    EXPECT_EQ(w.backend().unwritten(), 1U);
    unlock();
    EXPECT_TRUE(in_the_end(*brought));
    EXPECT_TRUE(files().empty());
    EXPECT_EQ(w.backend().unwritten(), 0U);
    EXPECT_EQ(w.peek()->sends[0].reply->body, "paid");
}

TEST_F(spool_test, what_a_process_did_not_live_to_store_is_stored_when_the_store_is_opened) {
    answer_while_locked("paid");
    w.kill(0);
    unlock();
    EXPECT_EQ(only_answer(w.claim(2)), "paid");
    EXPECT_EQ(w.peek()->counted_sends(), 1) << "and not sent again";
    wait_until_empty();
}

TEST_F(spool_test, or_when_a_process_that_has_it_open_claims_the_key) {
    (void)w.backend(1);
    answer_while_locked("paid");
    w.kill(0);
    unlock();
    EXPECT_EQ(only_answer(w.claim(2, 1)), "paid");
    EXPECT_TRUE(w.accept(2, 1, 1));
    w.kill(1);
    EXPECT_TRUE(is<coffer::replayed>(w.claim(3)));
    wait_until_empty();
}

// Memory ------------------------------------------------------------------------------------------------------------------

/// As before, but next to nothing may wait in memory.
class spool_without_memory : public spool_test {
protected:
    spool_without_memory() : spool_test{tight()} {}
    static coffer::sqlite::options tight() {
        auto o = impatient();
        o.most_waiting = 1;
        return o;
    }
};

TEST_F(spool_without_memory, keeps_what_waits_for_the_file_on_disk) {
    w.send(1);
    lock();
    auto paid = answer_of("paid");
    std::weak_ptr<coffer::answer const> const in_memory = paid;
    auto const answered = w.backend().submit_answer(w.ref(1), 1, std::exchange(paid, {}));
    auto const accepted = w.backend().submit_accept(w.ref(1), 1);
    while (w.process(0).stats().waiting < 2 && answered.get() == nullptr) std::this_thread::yield();
    EXPECT_EQ(answered.get(), nullptr);
    EXPECT_TRUE(in_memory.expired());
    EXPECT_EQ(files().size(), 1U);
    unlock();
    EXPECT_TRUE(in_the_end(answered));
    EXPECT_TRUE(in_the_end(accepted));
    auto const v = w.claim(2);
    ASSERT_TRUE(is<coffer::replayed>(v));
    EXPECT_EQ(std::get<coffer::replayed>(*v).accepted.what->body, "paid");
    EXPECT_TRUE(files().empty());
}

TEST_F(spool_without_memory, takes_in_what_was_left_even_if_the_file_is_locked_when_it_is_opened) {
    for (int i = 0; i < 5; ++i) (void)leave("key " + std::to_string(i), "paid " + std::to_string(i));
    w.close();
    coffer::sqlite::store const db{w.file(), tight()};
    lock();
    (void)w.backend();
    while (db.stats().failures == 0) std::this_thread::yield();
    EXPECT_EQ(files().size(), 5U);
    unlock();
    wait_until_empty();
    for (int i = 0; i < 5; ++i) {
        auto const r = w.peek(0, "key " + std::to_string(i));
        ASSERT_NE(r, nullptr);
        EXPECT_EQ(r->sends.at(0).reply->body, "paid " + std::to_string(i));
    }
}

TEST_F(spool_without_memory, reads_back_no_more_than_some_of_it_at_once) {
    std::vector<coffer::completion<coffer::outcome<void>>> all;
    for (int i = 1; i <= 3; ++i) {
        world::how h;
        h.name = "key " + std::to_string(i);
        (void)w.claim(i, 0, h);
        (void)w.permit(i, 0, 0, 2, h.name).value();
    }
    lock();
    for (int i = 1; i <= 3; ++i)
        all.push_back(w.backend().submit_answer(w.ref(i, "key " + std::to_string(i)), 1,
                                                answer_of(std::string(std::size_t{5} << 20, 'x'))));
    while (w.process(0).stats().waiting < 3) std::this_thread::yield();
    auto const before = w.process(0).stats().commits;
    unlock();
    for (auto const& done : all) EXPECT_TRUE(in_the_end(done));
    EXPECT_EQ(w.process(0).stats().commits - before, 3U);
    EXPECT_TRUE(files().empty());
}

TEST_F(spool_test, an_answer_that_somebody_removes_while_it_waits_is_not_said_to_be_stored) {
    answer_while_locked("paid");
    fs::remove(files().at(0));
    unlock();
    auto const stored = in_the_end(*brought);
    ASSERT_FALSE(stored);
    EXPECT_NE(stored.error().message().find("was removed from there"), std::string::npos) << stored.error();
    EXPECT_EQ(w.backend().unwritten(), 0U);
}

TEST_F(spool_test, but_one_that_another_process_has_taken_in_is) {
    answer_while_locked("paid");
    run("UPDATE sends SET state='answered', status=200, request_id=''");
    fs::remove(files().at(0));
    run("COMMIT");
    EXPECT_TRUE(in_the_end(*brought));
    EXPECT_EQ(w.peek()->sends[0].state, coffer::send_state::answered);
}

TEST_F(spool_without_memory, or_a_disk_to_keep_it_on_gives_the_claim_up_with_the_answer) {
    auto o = tight();
    o.most_spooled = 0;
    sqlite_world poor{o};
    poor.send(1);
    std::optional<intruder> other{poor.file()};
    other->run("BEGIN IMMEDIATE");
    auto const answered = poor.backend().submit_answer(poor.ref(1), 1, answer_of("paid"));
    auto const accepted = poor.backend().submit_accept(poor.ref(1), 1);
    EXPECT_EQ(refusal(in_the_end(answered)), "spool_full");
    other.reset();
    EXPECT_FALSE(in_the_end(accepted));
    EXPECT_TRUE(is<coffer::granted>(poor.claim(2, 1))) << "no other process waits for one that is done";
}

// Given up ----------------------------------------------------------------------------------------------------------------

TEST_F(spool_test, what_the_store_does_not_take_keeps_its_own_process_from_sending_again) {
    answer_while_refused("paid");
    (void)w.release(1);
    ASSERT_EQ(files().size(), 1U);
    auto const refused = w.claim(2);
    EXPECT_EQ(refusal(refused), "store_unavailable");
    EXPECT_NE(refused.error().message().find(files()[0].string()), std::string::npos) << refused.error();
    EXPECT_EQ(files().size(), 1U);
    accept_bodies();
    EXPECT_EQ(only_answer(w.claim(2)), "paid");
    wait_until_empty();
    EXPECT_EQ(w.peek()->counted_sends(), 1);
}

TEST_F(spool_test, and_every_other_process_as_long_as_it_is_there) {
    answer_while_refused("paid");
    (void)w.release(1);
    EXPECT_EQ(refusal(w.claim(2, 1)), "store_unavailable");
    fs::rename(files().at(0), w.file().string() + ".looked-at");
    EXPECT_EQ(only_answer(w.claim(2, 1)), "0 answers") << "who takes it away wants another send";
}

TEST_F(spool_test, of_a_process_that_has_given_it_up_and_lives_is_found_by_others) {
    answer_while_refused("paid");
    (void)w.release(1);
    accept_bodies();
    EXPECT_EQ(only_answer(w.claim(2, 1)), "paid");
    wait_until_empty();
}

TEST_F(spool_test, holds_back_a_permit_too) {
    w.send(1);
    w.pass(1h);
    (void)w.claim(2, 1);  // its time is over; but then it comes
    refuse_bodies();
    EXPECT_FALSE(w.answer(1, 1, "paid"));
    accept_bodies();
    EXPECT_EQ(refusal(w.permit(2, 1, 1)), "answer_stored");
    EXPECT_EQ(w.peek()->counted_sends(), 1);
}

TEST_F(spool_test, of_an_answer_that_cannot_be_opened_lets_nobody_send) {
    answer_while_locked("paid");
    w.kill(0);
    unlock();
    fs::rename(files().at(0), w.file().string() + ".away");
    auto const file = leave("one", "paid");
    fs::remove(file);
    fs::create_directory(file);  // as unreadable as one can be, for root too
    EXPECT_EQ(refusal(w.claim(2)), "store_unavailable");
    fs::remove(file);
    EXPECT_EQ(only_answer(w.claim(2)), "0 answers");
}

// Drafts ------------------------------------------------------------------------------------------------------------------

TEST_F(spool_test, a_draft_that_is_whole_is_an_answer) {
    w.send(1);
    w.kill(0);
    (void)leave("one", "paid", ".draft");
    EXPECT_EQ(only_answer(w.claim(2)), "paid");
    wait_until_empty();
}

TEST_F(spool_test, a_draft_that_is_torn_goes_when_the_store_is_opened) {
    (void)leave("one", "paid", ".draft", 1);
    w.close();
    (void)w.backend();
    wait_until_empty();
    EXPECT_EQ(w.peek(), nullptr);
}

TEST_F(spool_test, or_when_its_key_is_claimed) {
    (void)w.backend(1);
    w.send(1);
    w.kill(0);
    auto const file = leave("one", "paid", ".draft", 1);
    EXPECT_EQ(only_answer(w.claim(2, 1)), "0 answers");
    EXPECT_FALSE(fs::exists(file));
}

TEST_F(spool_test, a_draft_of_a_process_that_lives_is_left_to_it) {
    w.send(1);
    coffer::sqlite::options o;
    o.as_another_process = true;
    coffer::sqlite::store const open_elsewhere{w.file(), o};  // as a living one has it
    w.kill(0);
    coffer::sqlite::detail::process_owner const somebody{w.file().string() + ".owners"};
    auto const dead = leave("one", "paid", ".draft", 1);
    auto name = dead.filename().string();
    name.replace(0, std::string{"0123456789abcdef-0123456789abcdef"}.size(), somebody.name());
    fs::rename(dead, directory() / name);
    EXPECT_EQ(only_answer(w.claim(2)), "0 answers");
    EXPECT_TRUE(fs::exists(directory() / name));
}

// -------------------------------------------------------------------------------------------------------------------------

TEST_F(spool_test, has_a_limit) {
    auto o = impatient();
    o.most_spooled = 10;
    sqlite_world small{o};
    small.send(1);
    std::optional<intruder> other{small.file()};
    other->run("BEGIN IMMEDIATE");
    auto const done = small.backend().submit_answer(small.ref(1), 1, answer_of("a longer answer"));
    while (small.process(0).backend()->unwritten() != 1) std::this_thread::yield();
    auto const store = coffer::sqlite::store{small.file()};
    while (store.stats().failures == 0) std::this_thread::yield();
    EXPECT_FALSE(fs::exists(small.file().string() + ".spool"));
    other.reset();
    EXPECT_TRUE(in_the_end(done)) << "it has waited in memory";
}

TEST_F(spool_test, what_the_store_will_never_take_is_set_aside) {
    answer_while_locked("paid");
    w.kill(0);
    unlock();
    intruder{w.file()}.run("DELETE FROM sends");  // as nothing of ours would
    (void)w.claim(2);
    wait_until_set_aside();
}

TEST_F(spool_test, what_cannot_be_read_is_set_aside_and_harms_nobody) {
    answer_while_locked("paid");
    w.kill(0);
    unlock();
    std::ofstream{files()[0], std::ios::trunc} << "5:hello";
    EXPECT_TRUE(is<coffer::in_progress>(w.claim(2)) || is<coffer::granted>(w.claim(2)));
    wait_until_set_aside();
}

TEST_F(spool_test, of_a_record_that_is_gone_makes_it_anew) {
    w.send(1);
    lock();
    auto ref = w.ref(1);
    ref.print = std::make_shared<coffer::fingerprint const>(
        coffer::fingerprint{}.with("model", "m").with("prompt", "secret prompt"));
    (void)w.backend().submit_answer(ref, 1, answer_of("paid"));
    while (files().empty()) std::this_thread::yield();
    w.kill(0);
    unlock();
    intruder{w.file()}.run("DELETE FROM sends; DELETE FROM records");
    EXPECT_EQ(only_answer(w.claim(2)), "paid");
}

TEST_F(spool_test, holds_no_key_and_no_request) {
    answer_while_locked("paid");
    auto const bytes = bytes_of(files().at(0));
    EXPECT_EQ(bytes.find("secret prompt"), std::string::npos);
    EXPECT_EQ(bytes.find("one"), std::string::npos);
    EXPECT_NE(bytes.find("paid"), std::string::npos);
    unlock();
}

TEST_F(spool_test, a_drain_waits_for_it_and_reports_what_is_left) {
    answer_while_locked("paid");
    real_time other;
    auto const drained = [&](coffer::duration within) {
        coffer::completion<coffer::drain_report> done;
        auto const run = [done](coffer::store s, coffer::duration d) -> coffer::awaitable<void> {
            done.set(co_await coffer::drain(std::move(s), d));
        };
        w.sim.run(run(w.process(0), within));
        return done;
    };
    ASSERT_NE(drained(1s).get(), nullptr);
    EXPECT_EQ(drained(1s).get()->unwritten, 1U);
    unlock();
    EXPECT_TRUE(in_the_end(*brought));
    EXPECT_TRUE(drained(1s).get()->clean());
}

}  // namespace
}  // namespace sqlite_spool_test
