// SPDX-License-Identifier: BSL-1.0
// The kill switch among processes: several spend from one file, and a freeze by yet another one stops them all. When it has
// returned nobody begins a send but those that it has counted, which is read where sends arrive: at the provider.

#include <coffer/coffer.hpp>
#include <coffer/http/curl_client.hpp>
#include <coffer/llm/openai.hpp>
#include <coffer/store/sqlite.hpp>

#include "store/child_process.hpp"
#include "store/sqlite_world.hpp"
#include "support/sim_process.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <exception>
#include <iostream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kill_switch {
namespace {

using namespace std::chrono_literals;
using namespace coffer::literals;
using provider_sim::json;
using store_test::child;

// Of a process that spends: lines of questions side by side, and how often each tries in vain.
constexpr int lines = 2;
constexpr int tries = 3;

using ask_type = coffer::guarded<coffer::llm::reply(coffer::llm::request const&)>;

/// What a process is told, as the words of its command.
struct orders {
    std::string directory;
    std::string url;
    std::string name;  ///< of its keys
    std::string stop_at;  ///< the store's moment at which it stops itself; empty: none

    [[nodiscard]] store_test::child_arguments words() const { return {directory, url, name, stop_at}; }
    [[nodiscard]] static orders of(store_test::child_arguments const& w) {
        return {w.at(0), w.at(1), w.at(2), w.at(3)};
    }
    [[nodiscard]] std::string file() const { return directory + "/coffer.db"; }
    /// Through which it is told to go on.
    [[nodiscard]] std::string signals() const { return directory + "/signals." + name; }
};

/// What both kinds of process have: the provider, the file's store, and calls that pay.
class payer {
public:
    explicit payer(orders o)
        : orders_{std::move(o)},
          probe_{[this](coffer::store_step s, coffer::edge e) {
              auto const moment = std::string{to_string(s)} + (e == coffer::edge::before ? " before" : " after");
              if (moment == orders_.stop_at) ::raise(SIGSTOP);
          }},
          db_{orders_.file(), {.sweep_every = 0ms, .probe = &probe_}},
          journaled_{coffer::pipeline{coffer::once{db_}, budget()}.wrap(provider().chat)},
          bare_{coffer::pipeline{budget()}.wrap(provider().chat)} {}
    payer(payer const&) = delete;
    payer& operator=(payer const&) = delete;

protected:
    /// "answer", "replay", "frozen", or what else came of it.
    coffer::awaitable<std::string> ask(ask_type const& how, coffer::key key) {
        coffer::call call{std::move(key), 60s};
        auto const request = coffer::llm::request{"gpt-4o-mini"}.user("What is it?").max_output_tokens(100);
        auto const reply = co_await how.try_call(call, request);
        if (reply) co_return call.origin() == coffer::answer_origin::replayed ? "replay" : "answer";
        if (reply.error().code() == "frozen") co_return "frozen";
        co_return std::string{to_string(reply.error().kind())} + ": " + std::string{reply.error().message()};
    }
    void run(std::vector<coffer::awaitable<void>> all) {
        std::exception_ptr thrown;
        auto const ended = [&thrown](std::exception_ptr e) {
            if (e) thrown = std::move(e);
        };
        for (auto& one : all) asio::co_spawn(io_, std::move(one), ended);
        io_.restart();
        io_.run();
        if (thrown) std::rethrow_exception(thrown);
    }

private:
    [[nodiscard]] coffer::budget budget() const {
        return coffer::budget{db_, {.scope = "org/team", .limit = 100_usd, .also = {{"org", 1000_usd, coffer::daily}}}};
    }
    [[nodiscard]] coffer::llm::openai provider() {
        coffer::llm::openai_options o;
        o.base_url = orders_.url + "/v1";
        return coffer::llm::openai{coffer::http::client{io_.get_executor()}, coffer::llm::api_key{"sk-test"},
                                   std::move(o)};
    }

protected:
    orders const orders_;

private:
    coffer::store_probe const probe_;
    asio::io_context io_;
    coffer::sqlite::store db_;

protected:
    ask_type const journaled_;
    ask_type const bare_;
};

/// Asks one question and tells what came of it.
class single : payer {
public:
    using payer::payer;
    void run() {
        std::vector<coffer::awaitable<void>> all;
        all.push_back(only());
        payer::run(std::move(all));
    }

private:
    coffer::awaitable<void> only() {
        coffer::key const key{"single", orders_.name};
        auto const said = co_await ask(journaled_, key);
        store_test::tell(said);
    }
};

/// Asks question after question until it is frozen, asks some more, and replays; waits to be told to go on, and begins anew.
class spender : payer {
public:
    explicit spender(orders const& o) : payer{o}, signals_{::open(o.signals().c_str(), O_RDONLY | O_CLOEXEC)} {
        if (signals_ < 0) throw std::runtime_error{"no " + o.signals()};
    }
    ~spender() { ::close(signals_); }

    void run() {
        for (int round = 0; !over_; ++round) {
            std::vector<coffer::awaitable<void>> all;
            for (int line = 0; line < lines; ++line) all.push_back(spend(round, line));
            payer::run(std::move(all));
            store_test::tell("quiet");
            char go = 0;
            if (::read(signals_, &go, 1) != 1 || go == 'e') over_ = true;
        }
    }

private:
    // Every other line is without a journal: there a send begins when its money is held.
    coffer::awaitable<void> spend(int round, int line) {
        auto const& how = line % 2 == 0 ? journaled_ : bare_;
        int answers = 0;
        for (int i = 0, refusals = 0; refusals < tries; ++i) {
            coffer::key const key{"spend", orders_.name, round, line, i};
            auto const said = co_await ask(how, key);
            if (said == "answer") {
                if (++answers == 2) store_test::tell("spends");  // it is in full swing
            } else {
                ++refusals;
                store_test::tell(said);
            }
            // While it is frozen, and at any other time: what is paid for is there.
            if (line % 2 == 0 && answers > 0 && refusals > 0) {
                coffer::key const first{"spend", orders_.name, round, line, 0};
                auto const again = co_await ask(how, first);
                store_test::tell(again);
            }
        }
    }

    int const signals_;
    bool over_ = false;
};

store_test::register_role const single_role{"asks once", [](store_test::child_arguments const& words) {
                                                single{orders::of(words)}.run();
                                                return 0;
                                            }};
store_test::register_role const spender_role{"spends until it is frozen", [](store_test::child_arguments const& words) {
                                                 spender{orders::of(words)}.run();
                                                 return 0;
                                             }};

/// The provider, the file, and the operator, who has a process of his own: this one.
class operation : public testing::Test {
protected:
    [[nodiscard]] orders named(std::string name, std::string stop_at = {}) const {
        return {dir_.path().string(), "http://127.0.0.1:" + std::to_string(sim_.port()), std::move(name),
                std::move(stop_at)};
    }
    /// Asks once; what it tells.
    [[nodiscard]] std::string told_by(std::string const& name) const {
        child one{"asks once", named(name).words()};
        auto said = one.listen();
        EXPECT_EQ(one.wait(), 0);
        return said;
    }
    [[nodiscard]] std::size_t freeze() {
        books_.bind(time_.clock());
        return time_.get(books_.freeze("org", "who is spending?")).value();
    }
    [[nodiscard]] bool thaw() { return time_.get(books_.thaw("org")).value(); }
    [[nodiscard]] coffer::account account() {
        coffer::account sum;
        auto const all = time_.get(books_.accounts("org/team")).value();
        for (auto const& s : all) sum += s.money_in;
        return sum;
    }
    /// Sends that have begun, by the ledger: under way, or over.
    [[nodiscard]] std::ptrdiff_t begun() {
        coffer::entry_filter all;
        all.limit = 1'000'000;
        auto const entries = time_.get(books_.entries(all)).value();
        return std::count_if(entries.begin(), entries.end(), [](coffer::ledger_entry const& e) {
            return e.row.state != coffer::reservation_state::held;
        });
    }
    [[nodiscard]] std::size_t sends() const { return sim_.lines("send").size(); }
    /// Those that arrived when the mark was set.
    [[nodiscard]] std::size_t sends(std::string const& mark) const {
        auto const all = sim_.lines("send");
        return static_cast<std::size_t>(std::count_if(
            all.begin(), all.end(), [&](json const& line) { return line.value("mark", json{}) == mark; }));
    }
    void mark(std::string const& name) const { sim_.post_control("/control/mark", {{"name", name}}); }

    provider_sim::test::sim_process sim_;
    store_test::temporary_directory const dir_;

private:
    store_test::real_time time_;
    coffer::sqlite::store const db_{dir_ / "coffer.db"};
    coffer::ledger_backend& books_{*db_.ledger().backend()};
};

using the_kill_switch = operation;

TEST_F(the_kill_switch, lets_go_on_what_has_its_permit_and_stops_what_has_only_its_money) {
    child permitted{"asks once", named("permitted", "permit after").words()};
    child held{"asks once", named("held", "reserve after").words()};
    ASSERT_TRUE(permitted.wait_stopped());
    ASSERT_TRUE(held.wait_stopped());
    EXPECT_EQ(freeze(), 1U);
    EXPECT_EQ(sends(), 0U) << "it is on its way out";

    EXPECT_EQ(told_by("late"), "frozen") << "a process that begins afterwards";
    held.kill(SIGCONT);
    EXPECT_EQ(held.listen(), "frozen");
    EXPECT_EQ(sends(), 0U);
    permitted.kill(SIGCONT);
    EXPECT_EQ(permitted.listen(), "answer");
    EXPECT_EQ(sends(), 1U) << "as many as it has counted";
    EXPECT_EQ(held.wait(), 0);
    EXPECT_EQ(permitted.wait(), 0);
    EXPECT_EQ(account().held, coffer::money{});

    EXPECT_EQ(told_by("permitted"), "replay");
    EXPECT_EQ(told_by("held"), "frozen");
    EXPECT_EQ(sends(), 1U);

    EXPECT_TRUE(thaw());
    EXPECT_EQ(told_by("held"), "answer");
    EXPECT_EQ(told_by("late"), "answer");
    EXPECT_EQ(sends(), 3U);
}

TEST_F(the_kill_switch, stops_processes_in_full_swing_again_and_again) {
    constexpr std::size_t first = 3;
    constexpr int rounds = 3;
    // Each send is under way for a while.
    sim_.rules(json::array({{{"name", "slow"}, {"delay_ms", {{"executing", 5}}}}}));
    struct spending {
        std::unique_ptr<child> process;
        int signals;
    };
    std::vector<spending> all;
    auto const begin = [&] {
        auto const o = named(std::to_string(all.size()));
        ASSERT_EQ(::mkfifo(o.signals().c_str(), 0600), 0);
        auto const signals = ::open(o.signals().c_str(), O_RDWR | O_CLOEXEC);
        ASSERT_GE(signals, 0);
        all.push_back({std::make_unique<child>("spends until it is frozen", o.words()), signals});
    };
    for (std::size_t i = 0; i < first; ++i) begin();

    std::size_t counted = 0;
    std::size_t arrived = 0;
    for (int round = 0; round < rounds; ++round) {
        std::vector<std::vector<std::string>> told(all.size());
        auto const hear = [&](std::size_t i, std::string_view until) {
            for (auto line = all[i].process->listen();; line = all[i].process->listen()) {
                ASSERT_FALSE(line.empty()) << "process " << i << " has died";
                told[i].push_back(line);
                if (line == until) return;
            }
        };
        for (std::size_t i = 0; i < all.size(); ++i)
            for (int line = 0; line < lines; ++line) ASSERT_NO_FATAL_FAILURE(hear(i, "spends"));

        auto const under_way = freeze();
        auto const allowed = begun();
        auto const frozen = "frozen " + std::to_string(round);
        mark(frozen);
        // Another process begins when it is frozen already.
        begin();
        told.emplace_back();
        for (std::size_t i = 0; i < all.size(); ++i) ASSERT_NO_FATAL_FAILURE(hear(i, "quiet"));
        auto const of_frozen = sends(frozen);
        EXPECT_LE(of_frozen, under_way) << "somebody has begun a send in a frozen scope";
        counted += under_way;
        arrived += of_frozen;

        // Everybody has tried in vain, and has had his replays.
        for (std::size_t i = 0; i < all.size(); ++i) {
            auto const times = [&](std::string_view what) { return std::count(told[i].begin(), told[i].end(), what); };
            bool const late = i + 1 == all.size();
            EXPECT_EQ(times("frozen"), tries * lines) << i;
            EXPECT_EQ(times("spends"), late ? 0 : lines) << i;
            EXPECT_EQ(times("replay"), late ? 0 : tries * lines / 2) << i;
            EXPECT_EQ(std::ssize(told[i]), times("frozen") + times("spends") + times("replay") + 1)
                << i << " was told something else";
        }
        EXPECT_EQ(account().held, coffer::money{}) << "what was under way is booked";
        EXPECT_EQ(account().presumed, coffer::money{});
        EXPECT_EQ(std::ssize(sim_.lines("send")), allowed) << "all that had begun, and not one more";

        mark("thawed " + std::to_string(round));
        EXPECT_TRUE(thaw());
        for (auto const& one : all) {
            char const go = round + 1 < rounds ? 'g' : 'e';
            ASSERT_EQ(::write(one.signals, &go, 1), 1);
        }
        if (round == 0) continue;
        EXPECT_GE(sends("thawed " + std::to_string(round - 1)), 2 * lines * first) << "they went on";
    }
    for (auto const& one : all) {
        EXPECT_EQ(one.process->wait(), 0);
        ::close(one.signals);
    }
    EXPECT_GT(counted, 0U) << "each time at a moment without any send";
    std::cout << rounds << " freezes counted " << counted << " sends under way; " << arrived
              << " of them arrived afterwards; " << sends() << " sends in all\n";
}

}  // namespace
}  // namespace kill_switch
