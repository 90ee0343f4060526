// SPDX-License-Identifier: BSL-1.0
// Canaries through everything: a provider that repeats key and prompt wherever it can, under once, retry and observers, on a
// store in real files. Neither may be found again, but for what an answer's body holds where that is stored as it came.
#include "llm/support/canaries.hpp"
#include "store/sqlite_world.hpp"

#include <coffer/llm/openai.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/sqlite.hpp>
#include <coffer/testing/scripted_transport.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace secrets_test {
namespace {

using namespace canaries;
namespace fs = std::filesystem;
namespace sqlite = coffer::sqlite;
using store_test::bytes_of;
using store_test::intruder;
using store_test::temporary_directory;

/// Of both keys, of both prompts, and what they and the system prompt have in common.
std::vector<std::string_view> const marks{key_mark, prompt_mark, "canary"};

/// Runs of jobs, each under its own key; what could be logged of them, and the files they leave.
class world {
public:
    explicit world(std::shared_ptr<coffer::crypto::key_ring const> keys = {}) : keys_{std::move(keys)} { open(); }

    /// A job whose calls the provider answers so.
    void add(secrets const& s, http::response r) { jobs_.push_back(std::make_unique<job>(*this, s, std::move(r))); }
    /// Runs all jobs at once, and all again, as queues do. (One after another, each would wait for the disk by itself.)
    void run() {
        for (int time = 0; time < 2; ++time) {
            std::vector<std::unique_ptr<coffer::call>> calls;
            std::vector<support::running<coffer::outcome<llm::reply>>> all;
            for (auto const& j : jobs_) {
                calls.push_back(std::make_unique<coffer::call>(
                    coffer::key{"report", j->about.prompt, static_cast<int>(calls.size())}, 15min));
                all.push_back(sim_.start(j->ask.try_call(*calls.back(), j->question)));
            }
            sim_.time.run();
            for (auto const& c : calls) write(log_, *c);
            for (auto const& one : all) {
                auto const got = one.get();
                if (got) ++answers_;
                else write(log_, got.error());
            }
        }
        for (auto const& j : jobs_) sends_ += j->provider.sent().size();
    }

    [[nodiscard]] std::string logged() const { return log_.str(); }
    [[nodiscard]] std::size_t jobs() const noexcept { return jobs_.size(); }
    [[nodiscard]] std::size_t answers() const noexcept { return answers_; }
    [[nodiscard]] std::size_t events() const noexcept { return events_; }
    [[nodiscard]] std::size_t sends() const noexcept { return sends_; }

    /// Names and contents of all files that the store has: its own, the log's, the secret, the owners'.
    [[nodiscard]] std::string files() const {
        std::string all;
        int found = 0;
        for (auto const& entry : fs::recursive_directory_iterator{dir_.path()}) {
            all += entry.path().filename().string() + '\n';
            if (!entry.is_regular_file()) continue;
            all += bytes_of(entry.path());
            ++found;
        }
        EXPECT_GE(found, 2);
        return all;
    }
    /// All columns of all tables but the answers' bodies.
    [[nodiscard]] std::string columns() const {
        intruder file{dir_ / "coffer.db"};
        return file.text("SELECT group_concat(name || ':' || value, ' ') FROM meta") +
               file.text(
                   "SELECT group_concat(hex(key) || ns || state || owner || ifnull(CAST(fault AS TEXT), '') || "
                   "ifnull(CAST(print AS TEXT), ''), ' ') FROM records") +
               file.text(
                   "SELECT group_concat(state || owner || provider || model || ifnull(CAST(fault AS TEXT), '') || "
                   "ifnull(request_id, ''), ' ') FROM sends");
    }
    [[nodiscard]] std::int64_t bodies_with(std::string_view what) const {
        intruder file{dir_ / "coffer.db"};
        return file.number("SELECT count(*) FROM answers WHERE instr(body, CAST('" + std::string{what} + "' AS BLOB))");
    }
    /// Closes the store; what the log holds goes into the file.
    void close() {
        jobs_.clear();
        db_.reset();
    }

private:
    struct job {
        job(world& w, secrets s, http::response r)
            : about{std::move(s)},
              question{question_about(about)},
              ask{coffer::pipeline{coffer::once{*w.db_, {.max_sends = 2}}, twice()}
                      .observe([&w](coffer::event const& e) { w.saw(e); })
                      .wrap(llm::openai{provider, llm::api_key{about.key}}.chat)} {
            provider.otherwise([said = std::move(r)](http::request const&) { return said; });
        }
        secrets about;
        llm::request question;
        coffer::testing::scripted_transport provider;
        ask_type ask;
    };

    /// Without jitter: what happens at the same time shares a commit.
    static coffer::retry twice() {
        return coffer::retry{
            {.attempts = 2, .schedule = coffer::backoff{coffer::growth::constant, coffer::jitter::none, 1s, 1s}}};
    }
    void saw(coffer::event const& e) {
        log_ << to_string(e.kind) << ' ' << e.name_space << '\n';
        if (e.why != nullptr) write(log_, *e.why);
        ++events_;
    }
    void open() {
        sqlite::options o;
        o.body_keys = keys_;
        db_.emplace(dir_ / "coffer.db", o);
    }

    temporary_directory dir_;
    support::simulation sim_;
    std::shared_ptr<coffer::crypto::key_ring const> keys_;
    std::optional<sqlite::store> db_;
    std::ostringstream log_;
    std::vector<std::unique_ptr<job>> jobs_;
    std::size_t answers_ = 0;
    std::size_t events_ = 0;
    std::size_t sends_ = 0;
};

/// Of each secret, and of all of them in one. (All sentences are tried where no file is written: tests/llm/secrets_test.cpp.)
std::vector<std::string> some_echoes(secrets const& s) {
    auto const every = echoes(s);
    return {every[2], every[5], every[6], every.back()};
}
std::shared_ptr<coffer::crypto::key_ring const> some_keys() {
    return std::make_shared<coffer::crypto::key_ring const>("2026-11",
                                                            coffer::crypto::secret_key::from_hex(std::string(64, '5')));
}
void add_refusals(world& w) {
    for (auto const& s : all())
        for (auto const& words : some_echoes(s))
            for (auto const& r : failures(s, words)) w.add(s, r);
}
void run_everything(world& w) {
    add_refusals(w);
    for (auto const& s : all())
        for (auto const& words : some_echoes(s)) {
            for (auto const& r : defects(s, words)) w.add(s, r);
            w.add(s, accepted(s, words));
        }
    w.run();
}
void expect_none(std::string_view where, std::string const& text) {
    EXPECT_FALSE(text.empty()) << where;
    for (auto const mark : marks) {
        auto const at = text.find(mark);
        EXPECT_EQ(at, std::string::npos) << where << " holds " << mark << ": ..."
                                         << (at == std::string::npos ? "" : text.substr(at < 200 ? 0 : at - 200, 300));
    }
}

TEST(secrets_in_files, refusals_leave_nothing_of_them_anywhere) {
    world w;
    add_refusals(w);
    w.run();
    EXPECT_EQ(w.answers(), 0U);
    EXPECT_GT(w.sends(), w.jobs());
    EXPECT_GT(w.events(), w.sends());
    expect_none("the log", w.logged());
    expect_none("the open store", w.files());
    w.close();
    expect_none("the closed store", w.files());
}

TEST(secrets_in_files, without_encryption_an_answers_body_alone_holds_what_the_provider_repeated_of_the_prompt) {
    world w;
    run_everything(w);
    EXPECT_EQ(w.answers(), 2U * 2 * 4);  // each given twice
    expect_none("the log", w.logged());
    for (bool const open : {true, false}) {
        if (!open) w.close();
        auto const files = w.files();
        EXPECT_EQ(files.find(key_mark), std::string::npos) << "not even there does anybody need the key";
        EXPECT_NE(files.find(prompt_mark), std::string::npos) << "the search finds things";
        expect_none("the columns", w.columns());
    }
    EXPECT_GT(w.bodies_with(prompt_mark), 0);
    EXPECT_EQ(w.bodies_with(key_mark), 0);
}

TEST(secrets_in_files, with_encryption_nothing_of_them_is_in_any_file) {
    world w{some_keys()};
    run_everything(w);
    EXPECT_EQ(w.answers(), 2U * 2 * 4);
    expect_none("the log", w.logged());
    // The marks are short, and come about by chance in what is encrypted: words that every secret holds are long enough.
    for (bool const open : {true, false}) {
        if (!open) w.close();
        auto const files = w.files();
        for (auto const* const word : {"canary", "patient", "ZqvTq", "Zq8vTq"})
            EXPECT_EQ(files.find(word), std::string::npos) << word;
    }
    expect_none("the columns", w.columns());
}

}  // namespace
}  // namespace secrets_test
