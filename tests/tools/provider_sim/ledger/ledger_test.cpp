// SPDX-License-Identifier: BSL-1.0
#include "ledger/ledger.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "support/sim_process.hpp"

namespace provider_sim::ledger_test {
namespace {

class ledger_on_disk : public testing::Test {
protected:
    entry make(std::string key, std::string fault = {}) {
        entry e;
        e.key = std::move(key);
        e.provider = "openai";
        e.model = "gpt-4o-mini";
        e.fault = std::move(fault);
        return e;
    }

    entry send(ledger& book, std::string const& key) {
        auto e = make(key);
        book.note_send(e);
        return e;
    }

    void bill(ledger& book, entry& e) {
        e.executed = true;
        e.bill_mode = "full";
        e.used = {3, 0, 41, 0};
        e.charged = {25'050'000, 25'050};
        book.note_bill(e);
    }

    std::string text() {
        std::ifstream in{path_};
        std::ostringstream all;
        all << in.rdbuf();
        return all.str();
    }

    void append_raw(std::string const& bytes) { std::ofstream{path_, std::ios::app} << bytes; }

    std::string refusal() {
        try {
            ledger const book{path_};
        } catch (std::runtime_error const& error) {
            return error.what();
        }
        return {};
    }

    static json totals(ledger const& book) { return book.count({})["totals"]; }

    test::temporary_directory directory_;
    std::filesystem::path path_ = directory_.path() / "ledger.jsonl";
};

TEST_F(ledger_on_disk, counts_sends_per_key_and_adds_bills_up) {
    ledger book{path_};
    auto first = send(book, "aa");
    auto second = send(book, "aa");
    auto other = send(book, "bb");
    EXPECT_EQ(first.nth, 1U);
    EXPECT_EQ(second.nth, 2U);
    EXPECT_EQ(other.nth, 1U);
    bill(book, first);
    bill(book, other);
    auto const all = totals(book);
    EXPECT_EQ(all["sends"], 3);
    EXPECT_EQ(all["bills"], 2);
    EXPECT_EQ(all["executed"], 2);
    EXPECT_EQ(all["billed_nano_usd"], 50'100);
    EXPECT_EQ(all["billed_pusd"], 50'100'000);
    tally_query by_key;
    by_key.group = tally_query::grouping::key;
    EXPECT_EQ(book.count(by_key)["groups"]["aa"]["sends"], 2);
    EXPECT_EQ(book.count(by_key)["groups"]["aa"]["bills"], 1);
}

TEST_F(ledger_on_disk, every_line_is_a_record_with_the_next_number) {
    {
        ledger book{path_};
        auto e = send(book, "aa");
        bill(book, e);
        e.delivered = "full";
        book.note_end(e);
        auto lost = make("");
        book.note_partial(lost);
        book.note_mark("arm", false);
    }
    std::istringstream in{text()};
    std::vector<std::string> kinds;
    std::uint64_t seq = 0;
    for (std::string line; std::getline(in, line);) {
        auto const parsed = json::parse(line);
        EXPECT_EQ(parsed["seq"], ++seq);
        kinds.push_back(parsed["kind"]);
    }
    EXPECT_EQ(kinds, (std::vector<std::string>{"start", "send", "bill", "end", "partial", "mark"}));
}

TEST_F(ledger_on_disk, goes_on_counting_after_a_restart) {
    json before;
    {
        ledger book{path_};
        auto e = send(book, "aa");
        bill(book, e);
        send(book, "aa");
        before = totals(book);
    }
    ledger book{path_};
    EXPECT_EQ(totals(book), before);
    EXPECT_EQ(send(book, "aa").nth, 3U);
    EXPECT_EQ(book.seq(), 6U);  // start, send, bill, send, start, send
}

TEST_F(ledger_on_disk, executions_are_counted_once_billed_or_not) {
    ledger book{path_};
    auto billed = send(book, "aa");
    bill(book, billed);
    book.note_end(billed);
    auto unbilled = send(book, "bb");
    unbilled.executed = true;
    book.note_end(unbilled);
    EXPECT_EQ(totals(book)["executed"], 2);
}

TEST_F(ledger_on_disk, a_torn_last_line_is_cut_off) {
    {
        ledger book{path_};
        send(book, "aa");
    }
    auto const whole = text();
    append_raw(R"({"seq":3,"kind":"bill","key":"a)");
    {
        ledger book{path_};
        EXPECT_EQ(totals(book)["sends"], 1);
        EXPECT_EQ(totals(book)["bills"], 0);
    }
    EXPECT_TRUE(text().starts_with(whole + "{\"seq\":3,\"kind\":\"start\"")) << text();
}

TEST_F(ledger_on_disk, a_last_line_that_lacks_only_its_newline_is_kept) {
    {
        ledger book{path_};
        send(book, "aa");
    }
    std::filesystem::resize_file(path_, std::filesystem::file_size(path_) - 1);
    ledger book{path_};
    EXPECT_EQ(totals(book)["sends"], 1);
    EXPECT_EQ(refusal(),
              "ledger " + path_.string() + " is in use by another provider_sim; end that one or give another --ledger");
}

TEST_F(ledger_on_disk, corrupt_files_are_refused) {
    struct row {
        char const* what;
        char const* bytes;
    };
    for (auto const& r : {
             row{"no JSON", "garbage\n"},
             row{"no object", "[1]\n"},
             row{"no number", R"({"kind":"send"})"
                              "\n"},
             row{"a line is missing", R"({"seq":4,"kind":"mark","name":"x"})"
                                      "\n"},
             row{"a line twice", R"({"seq":2,"kind":"mark","name":"x"})"
                                 "\n"},
             row{"unknown kind", R"({"seq":3,"kind":"what"})"
                                 "\n"},
             row{"a bill without an amount", R"({"seq":3,"kind":"bill","key":"a","executed":true})"
                                             "\n"},
         }) {
        std::filesystem::remove(path_);
        {
            ledger book{path_};
            send(book, "aa");
        }
        append_raw(r.bytes);
        EXPECT_EQ(refusal(), "ledger " + path_.string() +
                                 " is corrupt: line 3 is no ledger record that follows the one before; move the file "
                                 "away or give another --ledger")
            << r.what;
    }
}

TEST_F(ledger_on_disk, a_directory_or_a_missing_one_is_refused) {
    path_ = directory_.path() / "none" / "ledger.jsonl";
    EXPECT_EQ(refusal(), "ledger " + path_.string() + " cannot be opened: No such file or directory");
}

TEST_F(ledger_on_disk, is_readable_by_its_owner_only) {
    ledger const book{path_};
    struct stat info{};
    ASSERT_EQ(::stat(path_.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(ledger_on_disk, marks_group_a_request_where_it_was_sent) {
    ledger book{path_};
    book.note_mark("a", false);
    auto slow = send(book, "aa");
    book.note_mark("b", false);
    send(book, "aa");
    bill(book, slow);  // billed under b's time, but it belongs to a
    tally_query by_mark;
    by_mark.group = tally_query::grouping::mark;
    auto const groups = book.count(by_mark)["groups"];
    EXPECT_EQ(groups["a"]["bills"], 1);
    EXPECT_EQ(groups["b"]["bills"], 0);
    EXPECT_EQ(groups["b"]["sends"], 1);
    tally_query only_a;
    only_a.mark = "a";
    EXPECT_EQ(book.count(only_a)["totals"]["sends"], 1);
}

TEST_F(ledger_on_disk, a_reset_starts_all_counts_anew_in_the_file_too) {
    {
        ledger book{path_};
        auto e = send(book, "aa");
        bill(book, e);
        book.note_mark("reset", true);
        EXPECT_EQ(totals(book)["sends"], 0);
        EXPECT_EQ(send(book, "aa").nth, 1U);
    }
    ledger book{path_};
    EXPECT_EQ(totals(book)["sends"], 1);
    EXPECT_EQ(totals(book)["bills"], 0);
    EXPECT_EQ(send(book, "aa").nth, 2U);
}

TEST_F(ledger_on_disk, bytes_that_are_no_utf8_do_not_break_it) {
    {
        ledger book{path_};
        auto e = make("aa");
        e.idem_header = "\xff\xfe";
        book.note_send(e);
    }
    ledger book{path_};
    EXPECT_EQ(totals(book)["sends"], 1);
}

}  // namespace
}  // namespace provider_sim::ledger_test
