// SPDX-License-Identifier: BSL-1.0
// The store among real processes that are stopped, forked and killed.

#include <coffer/store/sqlite_reader.hpp>

#include "store/child_process.hpp"
#include "store/sqlite_world.hpp"
#include "support/sanitizers.hpp"
#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace store_test::sqlite_process_test {
namespace {

namespace sqlite = coffer::sqlite;
using coffer::record_state;

/// A process's work with a store, in real time.
class worker {
public:
    explicit worker(std::filesystem::path const& file, coffer::store_probe const* probe = nullptr)
        : db_{file, with(probe)} {
        backend().bind(time_.clock());
    }
    [[nodiscard]] coffer::store_backend& backend() const { return *db_.backend(); }
    [[nodiscard]] coffer::record_id id(std::string const& name) const {
        return backend().id_of(coffer::key{"k", name});
    }

    auto claim(std::string const& name, coffer::claim_id const& n, int max_sends = 2) {
        coffer::claim_request q;
        q.id = n;
        q.print.with("model", "m");
        q.max_sends = max_sends;
        return time_.get(backend().claim(id(name), q));
    }
    auto permit(std::string const& name, coffer::claim_id const& n, int expected, int max_sends = 2) {
        coffer::permit_request q;
        q.expected_sends = expected;
        q.max_sends = max_sends;
        q.longest = 5min;
        return time_.get(backend().permit({id(name), n}, q, {}));
    }
    template <class T>
    auto get(coffer::completion<T> const& done) {
        return time_.get(done);
    }

private:
    static sqlite::options with(coffer::store_probe const* probe) {
        sqlite::options o;
        o.probe = probe;
        return o;
    }
    real_time time_;
    sqlite::store db_;
};

coffer::claim_id random_claim() {
    coffer::claim_id id{};
    sqlite::detail::fill_random(id);
    return id;
}

// A process that holds something ------------------------------------------------------------------------------------

register_role const holder{"holds a send", [](child_arguments const& a) {
                               worker w{a.at(0)};
                               (void)w.claim("one", claim_number(1)).value();
                               (void)w.permit("one", claim_number(1), 0).value();
                               tell("sent");
                               ::pause();
                               return 0;
                           }};

TEST(sqlite_process, that_is_killed_is_seen_at_once) {
    temporary_directory const dir;
    child other{"holds a send", {dir / "coffer.db"}};
    ASSERT_EQ(other.listen(), "sent");
    worker w{dir / "coffer.db"};
    EXPECT_TRUE(is<coffer::in_progress>(w.claim("one", claim_number(2))));
    other.kill(SIGSTOP);
    auto const alive = w.claim("one", claim_number(2));
    ASSERT_TRUE(is<coffer::in_progress>(alive)) << "stopped is not dead";
    EXPECT_GT(std::get<coffer::in_progress>(*alive).hint, 5min);
    other.kill(SIGKILL);
    EXPECT_EQ(other.wait(), -SIGKILL);
    auto const v = w.claim("one", claim_number(2));
    ASSERT_TRUE(is<coffer::granted>(v));
    EXPECT_EQ(std::get<coffer::granted>(*v).sends, 1) << "what may have been sent stays counted";
}

TEST(sqlite_process, whose_file_was_cleared_away_after_its_death_is_still_dead) {
    temporary_directory const dir;
    {
        child other{"holds a send", {dir / "coffer.db"}};
        ASSERT_EQ(other.listen(), "sent");
    }
    worker w{dir / "coffer.db"};  // clears the owners' files of the dead
    EXPECT_TRUE(is<coffer::granted>(w.claim("one", claim_number(2))));
}

register_role const opener{"opens", [](child_arguments const& a) {
                               worker const w{a.at(0)};
                               auto const name = w.id("one").digest;
                               tell(coffer::crypto::to_hex(std::vector<std::uint8_t>{name.begin(), name.end()}));
                               return 0;
                           }};

TEST(sqlite_process, several_that_make_the_store_at_once_agree) {
    temporary_directory const dir;
    for (int round = 0; round < 3; ++round) {
        auto const file = dir / ("coffer" + std::to_string(round) + ".db");
        std::vector<std::unique_ptr<child>> others;
        for (int i = 0; i < 4; ++i) others.push_back(std::make_unique<child>("opens", child_arguments{file}));
        std::set<std::string> names;
        for (auto const& o : others) names.insert(o->listen());
        for (auto const& o : others) EXPECT_EQ(o->wait(), 0);
        EXPECT_EQ(names.size(), 1U);
        EXPECT_EQ(names.begin()->size(), 64U);
    }
}

// A process that forks -------------------------------------------------------------------------------------------------

/// What `fn` complains of; empty if it does not.
template <class Fn>
std::string complaint_of(Fn&& fn) {
    try {
        fn();
    } catch (std::runtime_error const& e) {
        return e.what();
    }
    return {};
}
bool says_what_to_do(std::string_view text) {
    return text.find("forked") != text.npos && text.find("only after fork") != text.npos &&
           text.find("exec") != text.npos;
}
/// The number of the first of `checks` that fails in a process that is forked off; 0 if none does.
int fails_when_forked(std::initializer_list<std::function<bool()>> checks) {
    auto const forked = ::fork();
    if (forked == 0) {
        ::alarm(60);
        int number = 0;
        for (auto const& check : checks) {
            ++number;
            if (!check()) ::_exit(number);
        }
        ::_exit(0);
    }
    int status = 0;
    if (::waitpid(forked, &status, 0) != forked || !WIFEXITED(status)) return -status;
    return WEXITSTATUS(status);
}

TEST(sqlite_process, that_was_forked_off_with_the_store_open_is_refused_it) {
    temporary_directory const dir;
    auto const file = dir / "coffer.db";
    auto db = std::make_unique<sqlite::store>(file);
    real_time time;
    db->backend()->bind(time.clock());
    auto const opening_is_refused = [&] {
        return says_what_to_do(complaint_of([&] { sqlite::store const anew{file}; })) &&
               says_what_to_do(complaint_of([&] { sqlite::reader const anew{file}; }));
    };
    auto const failed = fails_when_forked({
        [&] {
            auto const done = db->backend()->claim(db->backend()->id_of(coffer::key{"k", 1}), {});
            return done.get() != nullptr && refusal(*done.get()) == "store_unavailable" &&
                   says_what_to_do(done.get()->error().message());
        },
        opening_is_refused,
        [&] { return db.reset(), true; },  // must neither hang nor end the parent's ownership
        opening_is_refused,
        [&] { return fails_when_forked({opening_is_refused}) == 0; },
        [&] {
            return support::under_thread_sanitizer ||
                   complaint_of([&] { sqlite::store const other{dir / "other.db"}; }).empty();
        },
    });
    EXPECT_EQ(failed, 0);
    coffer::claim_request q;
    q.id = claim_number(1);
    EXPECT_TRUE(is<coffer::granted>(time.get(db->backend()->claim(db->backend()->id_of(coffer::key{"k", 1}), q))));
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator{dir / "coffer.db.owners"}, {}), 1);
}

TEST(sqlite_process, that_was_forked_off_opens_a_store_that_was_closed_by_then) {
    temporary_directory const dir;
    {
        worker w{dir / "coffer.db"};
        ASSERT_TRUE(w.claim("one", claim_number(1)));
        sqlite::reader const beside{dir / "coffer.db"};
    }
    auto const failed = fails_when_forked({[&] {
        worker w{dir / "coffer.db"};
        return is<coffer::granted>(w.claim("one", claim_number(2)));
    }});
    EXPECT_EQ(failed, 0);
}

TEST(sqlite_process, that_was_forked_off_does_not_use_a_reader_of_its_parents) {
    temporary_directory const dir;
    {
        worker w{dir / "coffer.db"};
        ASSERT_TRUE(w.claim("one", claim_number(1)));
    }
    auto from = std::make_unique<sqlite::reader>(dir / "coffer.db");
    auto const failed = fails_when_forked({
        [&] { return says_what_to_do(complaint_of([&] { (void)from->for_each({}, [](auto&) { return true; }); })); },
        [&] { return from.reset(), true; },
        [&] { return says_what_to_do(complaint_of([&] { worker const w{dir / "coffer.db"}; })); },
    });
    EXPECT_EQ(failed, 0);
    std::size_t seen = 0;
    (void)from->for_each({}, [&](auto&) { return ++seen, true; });
    EXPECT_EQ(seen, 1U);
}

register_role const forking_holder{"holds a send and has a process that it forked", [](child_arguments const& a) {
                                       worker w{a.at(0)};
                                       (void)w.claim("one", claim_number(1)).value();
                                       (void)w.permit("one", claim_number(1), 0).value();
                                       auto const forked = ::fork();
                                       if (forked == 0) {
                                           ::alarm(60);
                                           ::pause();
                                       }
                                       tell(std::to_string(forked));
                                       ::pause();
                                       return 0;
                                   }};

TEST(sqlite_process, that_is_killed_is_seen_at_once_though_one_that_it_forked_off_lives) {
    temporary_directory const dir;
    child other{"holds a send and has a process that it forked", {dir / "coffer.db"}};
    auto const forked = static_cast<pid_t>(std::stoi(other.listen()));
    worker w{dir / "coffer.db"};
    EXPECT_TRUE(is<coffer::in_progress>(w.claim("one", claim_number(2)))) << "the fork has ended nothing";
    other.kill(SIGKILL);
    EXPECT_EQ(other.wait(), -SIGKILL);
    EXPECT_TRUE(is<coffer::granted>(w.claim("one", claim_number(2))));
    EXPECT_EQ(::kill(forked, SIGKILL), 0) << "it was alive";
}

// Killed before and after each step -----------------------------------------------------------------------------------

register_role const stepper{
    "is killed at a step", [](child_arguments const& a) {
        coffer::store_probe const probe = [&a](coffer::store_step s, coffer::edge e) {
            if (to_string(s) == a.at(1) && (e == coffer::edge::before) == (a.at(2) == "before")) ::raise(SIGKILL);
        };
        worker w{a.at(0), &probe};
        auto const n = claim_number(1);
        coffer::claim_ref const ref{w.id("one"), n};
        auto& b = w.backend();
        (void)w.claim("one", n);
        (void)w.permit("one", n, 0);
        auto const& way = a.at(3);
        if (way == "lost") (void)w.get(b.submit_lost(ref, 1, coffer::fault{coffer::fault_kind::timed_out}));
        if (way == "unsend") (void)w.get(b.submit_unsend(ref, 1));
        if (way == "fail") (void)w.get(b.submit_fail(ref, coffer::fault{coffer::fault_kind::invalid_request}, 10min));
        if (way == "release") (void)w.get(b.submit_release(ref));
        if (way == "accept" || way == "reject") (void)w.get(b.submit_answer(ref, 1, answer_of("paid")));
        if (way == "accept") (void)w.get(b.submit_accept(ref, 1));
        if (way == "reject") (void)w.get(b.submit_reject(ref, 1, coffer::fault{coffer::fault_kind::defective_answer}));
        (void)w.get(b.acknowledge(ref.record));
        return 0;
    }};

struct death {
    char const* step;
    char const* edge;
    char const* way;
    char const* next;  // what the next claim is told
};

TEST(sqlite_process, killed_before_or_after_any_step_loses_nothing_that_was_acknowledged) {
    static constexpr death deaths[] = {
        {"claim", "before", "accept", "granted 0/2"},
        {"claim", "after", "accept", "granted 0/2"},
        {"permit", "before", "accept", "granted 0/2"},
        {"permit", "after", "accept", "granted 1/2"},
        {"answer", "before", "accept", "granted 1/2"},  // the one window that cannot be closed
        {"answer", "after", "accept", "granted 1/2 with an answer"},
        {"accept", "before", "accept", "granted 1/2 with an answer"},
        {"accept", "after", "accept", "replayed"},
        {"acknowledge", "before", "accept", "replayed"},
        {"acknowledge", "after", "accept", "acked"},
        {"reject", "before", "reject", "granted 1/2 with an answer"},
        {"reject", "after", "reject", "granted 1/2"},
        {"lost", "before", "lost", "granted 1/2"},
        {"lost", "after", "lost", "granted 1/2"},
        {"unsend", "before", "unsend", "granted 1/2"},
        {"unsend", "after", "unsend", "granted 0/2"},
        {"fail", "before", "fail", "granted 1/2"},
        {"fail", "after", "fail", "failed before"},
        {"release", "before", "release", "granted 1/2"},
        {"release", "after", "release", "granted 1/2"},
    };
    for (auto const& d : deaths) {
        temporary_directory const dir;
        child other{"is killed at a step", {dir / "coffer.db", d.step, d.edge, d.way}};
        EXPECT_EQ(other.wait(), -SIGKILL) << d.step << " " << d.edge;
        worker w{dir / "coffer.db"};
        auto const v = w.claim("one", claim_number(2));
        ASSERT_TRUE(v);
        std::string told = "?";
        if (auto const* g = std::get_if<coffer::granted>(&*v)) {
            told = "granted " + std::to_string(g->sends) + "/" + std::to_string(g->sends_allowed);
            if (!g->undecoded.empty() && g->undecoded[0].what->body == "paid") told += " with an answer";
        }
        if (auto const* r = std::get_if<coffer::replayed>(&*v); r && r->accepted.what->body == "paid")
            told = "replayed";
        if (is<coffer::acked>(v)) told = "acked";
        if (is<coffer::failed_before>(v)) told = "failed before";
        EXPECT_EQ(told, d.next) << d.step << " " << d.edge;
        EXPECT_EQ(intruder{dir / "coffer.db"}.text("PRAGMA integrity_check"), "ok");
    }
}

// A storm -------------------------------------------------------------------------------------------------------------

constexpr int storm_keys = 40;

/// One line, appended in one write: it is there even if the process is killed right afterwards.
void note(std::filesystem::path const& log, std::string const& line) {
    auto const text = line + "\n";
    auto const fd = ::open(log.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) ::_exit(98);
    ::close(fd);
}

/// Works on keys in random order until it is killed, by itself at a random moment, or finds nothing more to do.
register_role const storm_worker{
    "works in a storm", [](child_arguments const& a) {
        std::filesystem::path const file{a.at(0)};
        std::filesystem::path const log{a.at(1)};
        support::dice dice{std::stoull(a.at(2))};
        auto const max_sends = std::stoi(a.at(3));
        auto const one_in = std::stoull(a.at(4));  // deaths; 0: immortal
        auto const perhaps_die = [&] {
            if (one_in != 0 && dice.one_in(one_in)) ::raise(SIGKILL);
        };
        coffer::store_probe const probe = [&](coffer::store_step, coffer::edge) { perhaps_die(); };
        worker w{file, &probe};
        auto& b = w.backend();
        for (int left = storm_keys * 20; left > 0; --left) {
            auto const name = std::to_string(dice.below(storm_keys));
            auto const n = random_claim();
            coffer::claim_ref const ref{w.id(name), n};
            auto const v = w.claim(name, n, max_sends);
            if (!v) continue;
            if (auto const* r = std::get_if<coffer::replayed>(&*v))
                note(log, "result " + name + " " + r->accepted.what->body);
            auto const* const g = std::get_if<coffer::granted>(&*v);
            if (g == nullptr) continue;
            if (!g->undecoded.empty()) {
                if (w.get(b.submit_accept(ref, g->undecoded[0].send)))
                    note(log, "result " + name + " " + g->undecoded[0].what->body);
                continue;
            }
            if (dice.one_in(10)) {
                (void)w.get(b.submit_release(ref));
                continue;
            }
            auto const p = w.permit(name, n, g->sends, max_sends);
            if (!p) continue;
            perhaps_die();
            auto const body = "answer " + coffer::crypto::to_hex(n);
            if (dice.one_in(8)) {  // turned away, unbilled
                (void)b.submit_unsend(ref, p->send);
                (void)w.get(b.submit_release(ref));
                continue;
            }
            note(log, "bill " + name);
            perhaps_die();
            if (dice.one_in(8)) {
                (void)b.submit_lost(ref, p->send, coffer::fault{coffer::fault_kind::timed_out});
                (void)w.get(b.submit_release(ref));
                continue;
            }
            (void)b.submit_answer(ref, p->send, answer_of(body));
            if (w.get(b.submit_accept(ref, p->send))) note(log, "result " + name + " " + body);
        }
        return 0;
    }};

void storm(int max_sends, std::uint64_t seed) {
    temporary_directory const dir;
    auto const file = dir / "coffer.db";
    auto const log = dir / "log";
    note(log, "begin");
    int kills = 0;
    {
        std::vector<std::unique_ptr<child>> workers(3);
        auto const until = std::chrono::steady_clock::now() + 2500ms;
        while (std::chrono::steady_clock::now() < until) {
            for (auto& c : workers) {
                if (c && c->wait() == -SIGKILL) ++kills;
                c = std::make_unique<child>("works in a storm", child_arguments{file, log, std::to_string(++seed),
                                                                                std::to_string(max_sends), "40"});
            }
        }
        for (auto& c : workers) kills += c->wait() == -SIGKILL ? 1 : 0;
    }
    testing::Test::RecordProperty("kills", kills);
    EXPECT_GT(kills, 5) << "a storm";
    // Those who live on finish what can be finished.
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(child("works in a storm", {file, log, std::to_string(++seed), std::to_string(max_sends), "0"}).wait(),
                  0);

    std::map<std::string, int> bills;
    std::map<std::string, std::set<std::string>> results;
    std::ifstream in{log};
    for (std::string line; std::getline(in, line);) {
        std::istringstream words{line};
        std::string what;
        std::string name;
        words >> what >> name;
        if (what == "bill") ++bills[name];
        if (what == "result") results[name].insert(line);
    }
    worker w{file};
    int done = 0;
    for (int i = 0; i < storm_keys; ++i) {
        auto const name = std::to_string(i);
        auto const r = w.get(w.backend().peek(w.id(name))).value();
        if (!r) continue;
        EXPECT_LE(bills[name], r->counted_sends()) << "key " << name;
        EXPECT_LE(r->counted_sends(), max_sends) << "key " << name;
        EXPECT_LE(results[name].size(), 1U) << "key " << name << " has several results";
        if (!results[name].empty()) {
            EXPECT_EQ(r->state, record_state::done) << "key " << name;
        }
        done += r->state == record_state::done ? 1 : 0;
        if (r->state != record_state::done) {
            EXPECT_TRUE(is<coffer::unresolved>(w.claim(name, random_claim(), max_sends)) ||
                        is<coffer::granted>(w.claim(name, random_claim(), max_sends)))
                << "key " << name << " is " << to_string(r->state) << ": nobody is left who could be at work";
        }
    }
    EXPECT_GT(done, storm_keys / 4) << "work gets done, too";
    EXPECT_EQ(intruder{file}.text("PRAGMA integrity_check"), "ok");
}

TEST(sqlite_process, storm_of_kills_strictly_one_send) { storm(1, 1000); }
TEST(sqlite_process, storm_of_kills_two_sends) { storm(2, 2000); }

}  // namespace
}  // namespace store_test::sqlite_process_test
