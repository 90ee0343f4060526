// SPDX-License-Identifier: BSL-1.0
// The command, run as an operator would: what it prints, what it refuses and with which words, what becomes of the key.

#include <coffer/call/pipeline.hpp>
#include <coffer/crypto/key_ring.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/store/sqlite.hpp>

#include <asio/io_context.hpp>

#include <gtest/gtest.h>

#include "tools/coffer/run_command.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <tuple>

namespace command_test {
namespace {

using coffer::fault_kind;

using command_tests::run;
using command_tests::said;

struct command_test : testing::Test {
    std::filesystem::path home = make_home();
    std::filesystem::path file = home / "coffer.db";
    int sends = 0;
    coffer::outcome<coffer::answer> next = coffer::answer{"paid", 200};
    coffer::sqlite::options options;

    ~command_test() override { std::filesystem::remove_all(home); }

    static std::filesystem::path make_home() {
        auto name = (std::filesystem::temp_directory_path() / "coffer_command_XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"no temporary directory"};
        return name;
    }

    [[nodiscard]] said list(std::string const& more = {}) const { return run("list " + more + " " + file.string()); }
    [[nodiscard]] said resolve(std::string const& id, std::string const& how) const {
        return run("resolve " + file.string() + " '" + id + "' " + how);
    }
    [[nodiscard]] std::string text_file(std::string const& text) const {
        std::ofstream{home / "answer", std::ios::binary} << text;
        return (home / "answer").string();
    }

    /// `NAME=FILE` of a key with which jobs encrypt from now on.
    std::string encrypted(std::string const& name, char digit) {
        std::string const digits(64, digit);
        auto const key = coffer::crypto::secret_key::from_hex(digits);
        if (options.body_keys) {
            auto const more = std::make_shared<coffer::crypto::key_ring>(*options.body_keys);
            more->also_read(name, key);
            options.body_keys = more;
        } else {
            options.body_keys = std::make_shared<coffer::crypto::key_ring>(name, key);
        }
        std::ofstream{home / name} << digits << '\n';
        return name + "=" + (home / name).string();
    }

    /// One run of a job: answers that begin with "paid" are accepted.
    std::string job(std::string const& name_space = "report") {
        coffer::sqlite::store const db{file, options};
        auto const send = [this]() -> coffer::awaitable<coffer::outcome<coffer::answer>> {
            ++sends;
            co_return next;
        };
        auto const decode = [](coffer::answer const& a) -> coffer::outcome<std::string> {
            if (a.body.starts_with("paid")) return a.body;
            return coffer::failed(fault_kind::defective_answer, "the answer is not JSON");
        };
        auto const ask = coffer::pipeline{coffer::once{db, {.max_sends = 1}, coffer::unfingerprinted}}.wrap(
            coffer::describe(send).decode(decode));
        asio::io_context io;
        std::ostringstream result;
        auto const work = [&]() -> coffer::awaitable<void> {
            coffer::call c{coffer::key{name_space, 7}};
            auto const r = co_await ask.try_call(c);
            if (r) result << *r;
            else result << r.error();
        };
        asio::co_spawn(io, work, asio::detached);
        io.run();
        return result.str();
    }
    /// Leaves a key unresolved; its name, as the fault says it.
    std::string unresolved_key() {
        next = coffer::failed(fault_kind::ambiguous);
        job();
        auto const text = job();
        auto const at = text.find("report:");
        return at == std::string::npos ? text
                                       : text.substr(at, text.find_first_not_of("0123456789abcdef", at + 7) - at);
    }
};

TEST_F(command_test, the_fault_of_an_unresolved_key_says_the_command_that_resolves_it) {
    auto const id = unresolved_key();
    EXPECT_EQ(id.size(), std::string{"report:"}.size() + 64) << id;
    auto const text = job();
    EXPECT_NE(text.find("coffer resolve " + file.string() + " " + id), std::string::npos) << text;
    auto const listed = list("--unresolved");
    EXPECT_TRUE(listed.has("UNRESOLVED")) << listed.text;
    EXPECT_TRUE(listed.has(id)) << listed.text;
    EXPECT_EQ(sends, 1);
}

TEST_F(command_test, a_granted_send_is_made_once) {
    auto const id = unresolved_key();
    auto const granted = resolve(id, "--grant");
    EXPECT_EQ(granted.code, 0) << granted.text;
    auto const again = resolve(id, "--grant");
    EXPECT_EQ(again.code, 1);
    EXPECT_TRUE(again.has("not unresolved: the next run of its job goes on with it")) << again.text;
    EXPECT_TRUE(list("--unresolved").has("0 unresolved keys"));
    next = coffer::answer{"paid", 200};
    EXPECT_EQ(job(), "paid");
    EXPECT_EQ(job(), "paid");
    EXPECT_EQ(sends, 2);
    EXPECT_TRUE(resolve(id, "--abandon").has("not unresolved: it is done"));
}

TEST_F(command_test, an_abandoned_key_is_done) {
    auto const id = unresolved_key();
    EXPECT_EQ(resolve(id, "--abandon").code, 0);
    EXPECT_NE(job().find("already_done"), std::string::npos);
    EXPECT_EQ(sends, 1);
}

TEST_F(command_test, a_supplied_answer_is_judged_and_the_wrong_one_can_be_mended) {
    auto const id = unresolved_key();
    auto const wrong = resolve(id, "--answer " + text_file("what the model wrote"));
    EXPECT_EQ(wrong.code, 0) << wrong.text;
    EXPECT_TRUE(resolve(id, "--answer " + text_file("paid")).has("an answer was supplied")) << "not judged yet";
    EXPECT_NE(job().find("the answer is not JSON"), std::string::npos);
    EXPECT_TRUE(list("--unresolved").has(id));
    EXPECT_EQ(resolve(id, "--answer " + text_file("paid, from the console")).code, 0);
    EXPECT_EQ(job(), "paid, from the console");
    EXPECT_EQ(job(), "paid, from the console");
    EXPECT_EQ(sends, 1);
}

TEST_F(command_test, an_encrypted_answer_is_shown_with_its_key) {
    auto const key = encrypted("2026-11", '7');
    EXPECT_EQ(job(), "paid");
    auto const listed = list();
    auto const id = listed.text.substr(listed.text.find("report:"), std::string{"report:"}.size() + 64);
    auto const shown = "show " + file.string() + " " + id + " --answer";
    auto const without = run(shown);
    EXPECT_EQ(without.code, 1);
    EXPECT_TRUE(without.has("encrypted under the key \"2026-11\"") && without.has("--body-key")) << without.text;
    EXPECT_EQ(run(shown + " --body-key " + key).text, "paid");
    auto const other = encrypted("2026-05", '8');
    EXPECT_EQ(run(shown + " --body-key " + other + " --body-key " + key).text, "paid") << "any of several";
    auto const false_name = "2026-11=" + other.substr(other.find('=') + 1);
    EXPECT_TRUE(run(shown + " --body-key " + false_name).has("is not the one of that name"));
}

TEST_F(command_test, an_answer_is_not_supplied_in_the_clear_where_the_others_are_encrypted) {
    auto const key = encrypted("2026-11", '7');
    next = coffer::answer{"paid", 200};
    job("another");
    auto const id = unresolved_key();
    auto const supplied = "--answer " + text_file("paid, from the console");
    auto const refused = resolve(id, supplied);
    EXPECT_EQ(refused.code, 1);
    EXPECT_TRUE(refused.has("give the key that the programs write with: --body-key NAME=FILE")) << refused.text;
    EXPECT_EQ(resolve(id, supplied + " --body-key " + key).code, 0);
    EXPECT_TRUE(run("show " + file.string() + " " + id + " --answer").has("encrypted under the key"));
    EXPECT_EQ(job(), "paid, from the console");
}

TEST_F(command_test, a_body_key_that_is_none_is_refused_without_being_repeated) {
    auto const id = unresolved_key();
    auto const digits = text_file("0123secret0123");
    auto const show = "show " + file.string() + " " + id + " --answer --body-key ";
    for (auto const& [argument, code, words] : {std::tuple{"a", 2, "name the key and its file"},
                                                {"=x", 2, "name the key and its file"},
                                                {"a=/no/such/file", 1, "/no/such/file: cannot be read"}}) {
        auto const t = run(show + argument);
        EXPECT_EQ(t.code, code) << t.text;
        EXPECT_TRUE(t.has(words)) << t.text;
    }
    auto const short_one = run(show + "a=" + digits);
    EXPECT_TRUE(short_one.has("64 hexadecimal digits")) << short_one.text;
    EXPECT_FALSE(short_one.has("secret")) << short_one.text;
    EXPECT_TRUE(run(show + "'a b'=" + digits).has("64 hexadecimal digits"));
}

TEST_F(command_test, says_what_is_wrong_with_its_arguments_and_changes_nothing) {
    auto const id = unresolved_key();
    struct row {
        std::string arguments;
        std::string words;
    };
    auto const store = file.string();
    auto const nobody = "report:" + std::string(64, '0');
    for (auto const& [arguments, words] :
         {row{"resolve " + store + " " + id + " --answer " + text_file(""), "is empty"},
          row{"resolve " + store + " " + id + " --answer " + home.string(), "is no regular file"},
          row{"resolve " + store + " " + id + " --answer /dev/zero", "is no regular file"},
          row{"resolve " + store + " " + id + " --answer " + store + ".none", "cannot be read"},
          row{"resolve " + store + " report:12 --grant", "is not a record's name"},
          row{"resolve " + store + " nonsense --grant", "is not a record's name"},
          row{"resolve " + store + " " + nobody + " --grant", "there is no such key"},
          row{"resolve " + store + ".none " + id + " --grant", "no such file"},
          row{"list " + home.string(), "it is not a regular file"},
          row{"resolve " + store + " --grant", "name a key"},
          row{"resolve " + store + " " + id + " --all-unresolved --grant", "either one ID"},
          row{"resolve " + store + " --all-unresolved --answer " + store, "belongs to one key"},
          row{"resolve " + store + " --older-than 7 --grant", "is no time; e.g."},
          row{"list " + store + " --state sold", "is no state"},
          row{"list " + store + " --limit x", "--limit"},
          row{"show " + store + " " + id + " --send 1", "--answer"},
          row{"purge " + store, "NAMESPACE is required"},
          row{"", "A subcommand is required"},
          row{"resolve " + store + " " + id, "Exactly 1 option"},
          row{"resolve " + store + " " + id + " --grant --abandon", "Exactly 1 option"}}) {
        auto const s = run(arguments);
        EXPECT_NE(s.code, 0) << arguments;
        EXPECT_TRUE(s.has(words)) << arguments << "\n" << s.text;
        EXPECT_FALSE(s.has("coffer: coffer:")) << s.text;
        EXPECT_FALSE(s.has("billed maybe")) << s.text;
    }
    EXPECT_TRUE(list("--unresolved").has(id));
}

TEST_F(command_test, lists_more_keys_than_a_thousand) {
    {
        coffer::sqlite::store const db{file};
        auto const send = []() -> coffer::awaitable<std::string> { co_return "paid"; };
        auto const ask = coffer::pipeline{coffer::once{db, coffer::unfingerprinted}}.wrap(send);
        asio::io_context io;
        auto const one = [&](int i) -> coffer::awaitable<void> {
            coffer::call c{coffer::key{"many", i}};
            (void)co_await ask.try_call(c);
        };
        for (int i = 0; i < 1100; ++i) asio::co_spawn(io, one(i), asio::detached);
        io.run();
    }
    EXPECT_TRUE(list().has("1100 keys"));
    EXPECT_TRUE(list("--namespace few").has("0 keys"));
}

TEST_F(command_test, a_namespace_cannot_forge_lines) {
    EXPECT_EQ(job("evil\nUNRESOLVED sends 9\x1b[2J"), "paid");
    auto const s = list();
    EXPECT_TRUE(s.has("evil?UNRESOLVED sends 9?[2J:")) << s.text;
    EXPECT_EQ(std::count(s.text.begin(), s.text.end(), '\n'), 2);
}

}  // namespace
}  // namespace command_test
