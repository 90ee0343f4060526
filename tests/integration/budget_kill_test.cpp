// SPDX-License-Identifier: BSL-1.0
// Eight processes spend from one budget and are killed, each at a moment of its own, again and again. What was billed
// is read where it is written, at the provider; a watcher looks at the ledger all the while.

#include <coffer/coffer.hpp>
#include <coffer/http/curl_client.hpp>
#include <coffer/llm/openai.hpp>
#include <coffer/store/sqlite.hpp>

#include "store/child_process.hpp"
#include "store/ledger_world.hpp"
#include "store/sqlite_world.hpp"
#include "support/seeds.hpp"
#include "support/sim_process.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace budget_kill {
namespace {

using namespace std::chrono_literals;
using namespace coffer::literals;
using provider_sim::json;

constexpr auto limit = 0.004_usd;
constexpr int processes = 8;

/// What a process is told, as the words of its command.
struct orders {
    std::string directory;
    std::string url;
    std::string name;  ///< of its keys
    int die_at = 0;    ///< this step of its store is its last; 0: it lives

    [[nodiscard]] store_test::child_arguments words() const { return {directory, url, name, std::to_string(die_at)}; }
    [[nodiscard]] static orders of(store_test::child_arguments const& w) {
        return {w.at(0), w.at(1), w.at(2), std::stoi(w.at(3))};
    }
};

/// Asks new questions until there is no money for the next one.
class spender {
public:
    explicit spender(orders o)
        : orders_{std::move(o)},
          probe_{[this](coffer::store_step, coffer::edge) {
              if (++seen_ == orders_.die_at) ::kill(::getpid(), SIGKILL);
          }},
          db_{orders_.directory + "/coffer.db", {.probe = &probe_}},
          ask_{coffer::pipeline{
              coffer::once{db_, {.lease = 500ms, .heartbeat = 150ms, .takeover_grace = 100ms}},
              coffer::retry{{.schedule = coffer::backoff{.base = 1ms, .cap = 10ms}, .ambiguous_delay = 1ms}},
              coffer::budget{
                  db_,
                  {.scope = "org/team",
                   .limit = limit,
                   .also = {{"org", 1_usd, coffer::daily}, {"model/{model}", 0.008_usd, coffer::rolling(1h)}}}},
          }
                   .wrap(provider().chat)} {}
    spender(spender const&) = delete;
    spender& operator=(spender const&) = delete;

    void run() {
        std::exception_ptr thrown;
        for (auto const* const half : {"a", "b"}) {
            auto const ended = [&thrown](std::exception_ptr e) {
                if (e) thrown = std::move(e);
            };
            asio::co_spawn(io_, spend(half), ended);
        }
        io_.run();
        if (thrown) std::rethrow_exception(thrown);
    }

private:
    [[nodiscard]] coffer::llm::openai provider() {
        coffer::llm::openai_options o;
        o.base_url = orders_.url + "/v1";
        return coffer::llm::openai{coffer::http::client{io_.get_executor()}, coffer::llm::api_key{"sk-test"},
                                   std::move(o)};
    }
    coffer::awaitable<void> spend(std::string half) {
        for (int i = 0;; ++i) {
            coffer::call call{coffer::key{"spend", orders_.name, half, i}, 60s};
            auto const request =
                coffer::llm::request{"gpt-4o-mini"}.user("Question " + std::to_string(i)).max_output_tokens(100);
            auto const reply = co_await ask_.try_call(call, request);
            if (reply || reply.error().kind() == coffer::fault_kind::unresolved) continue;
            store_test::tell(std::string{to_string(reply.error().kind())});
            if (reply.error().kind() == coffer::fault_kind::over_budget) co_return;
        }
    }

    orders const orders_;
    std::atomic<int> seen_{0};
    coffer::store_probe const probe_;
    asio::io_context io_;
    coffer::sqlite::store db_;
    coffer::guarded<coffer::llm::reply(coffer::llm::request const&)> ask_;
};

store_test::register_role const spender_role{"spends", [](store_test::child_arguments const& words) {
                                                 spender{orders::of(words)}.run();
                                                 return 0;
                                             }};

/// Looks at every account, all the time, and keeps the most that it has seen committed in one.
class watcher {
public:
    explicit watcher(std::filesystem::path const& file) : file_{file}, thread_{[this] { watch(); }} {}
    watcher(watcher const&) = delete;
    watcher& operator=(watcher const&) = delete;
    ~watcher() { stop(); }
    void stop() {
        stopping_ = true;
        if (thread_.joinable()) thread_.join();
    }
    [[nodiscard]] std::int64_t most() const noexcept { return most_; }
    [[nodiscard]] int looks() const noexcept { return looks_; }

private:
    void watch() {
        while (!stopping_) {
            auto const now = file_.number(
                "SELECT coalesce(max(settled+presumed+held), 0) FROM ledger_accounts WHERE scope='org/team'");
            most_ = std::max<std::int64_t>(most_, now);
            ++looks_;
            std::this_thread::yield();
        }
    }

    store_test::intruder file_;
    std::atomic<bool> stopping_{false};
    std::atomic<std::int64_t> most_{0};
    std::atomic<int> looks_{0};
    std::thread thread_;
};

TEST(a_budget, is_not_exceeded_by_eight_processes_that_are_killed_again_and_again) {
    provider_sim::test::sim_process sim;
    // Of some replies nothing arrives, though they are billed.
    sim.rules(
        json::array({{{"name", "lost"}, {"match", {{"probability", 0.1}}}, {"deliver", "none"}, {"end", "rst"}}}));
    store_test::temporary_directory const dir;
    auto const file = dir / "coffer.db";
    {
        coffer::sqlite::store const made{file};
    }
    watcher seen{file};

    std::mt19937_64 random{20261122};
    auto const deadly_rounds = static_cast<int>(std::clamp<std::uint64_t>(support::seeds(400), 4, 12));
    int kills = 0;
    int named = 0;
    std::vector<std::string> told;
    for (int round = 0, alive = 0; alive < processes; ++round) {
        ASSERT_LT(round, 60) << "the money is never spent";
        std::vector<std::unique_ptr<store_test::child>> all;
        // Some begin anew, some do again what a dead one left.
        for (int i = 0; i < processes; ++i) {
            auto const again = random() % 3 == 0 && named > 0;
            auto const name = again ? static_cast<int>(random() % static_cast<unsigned>(named)) : named++;
            // Towards the end nobody is killed: there is hardly anything left to do.
            auto const die_at = round < deadly_rounds ? 1 + static_cast<int>(random() % 60) : 0;
            orders const o{dir.path().string(), "http://127.0.0.1:" + std::to_string(sim.port()), std::to_string(name),
                           die_at};
            all.push_back(std::make_unique<store_test::child>("spends", o.words()));
        }
        alive = 0;
        for (auto const& c : all) {
            for (auto line = c->listen(); !line.empty(); line = c->listen()) told.push_back(line);
            auto const end = c->wait();
            EXPECT_TRUE(end == 0 || end == -SIGKILL) << end;
            if (end == 0) ++alive;
            else ++kills;
        }
    }
    seen.stop();

    // What the dead were about to send is given back, what they have sent is presumed spent.
    store_test::real_time time;
    coffer::sqlite::store const db{file};
    auto const ledger = db.ledger();
    ledger.backend()->bind(time.clock());
    coffer::ledger_lines probe_line;
    probe_line.emplace_back("org/team", coffer::lifetime, limit);
    auto const look = store_test::reservation_of(1, limit, probe_line);
    (void)time.get(ledger.backend()->reserve(look));  // denied; and so whatever lapses has lapsed
    coffer::account total;
    auto const at_the_end = time.get(ledger.backend()->accounts("org/team")).value();  // outlives the loop over it
    for (auto const& s : at_the_end) total += s.money_in;

    (void)sim.lines("end", sim.lines("send").size());
    coffer::money billed;
    for (auto const& bill : sim.lines("bill"))
        billed += coffer::money::from_nano(bill.at("billed_nano_usd").get<std::int64_t>());

    EXPECT_LE(billed, limit) << "the provider's own ledger is the truth";
    EXPECT_LE(coffer::money::from_nano(seen.most()), limit) << "at every instant";
    EXPECT_EQ(total.held, coffer::money{});
    EXPECT_EQ(total.overrun, coffer::money{});
    EXPECT_LE(billed, total.spent()) << "nothing was billed that the ledger does not know of";
    EXPECT_LE(total.spent(), limit);
    EXPECT_GE(total.spent(), coffer::money::from_nano(limit.nano() * 9 / 10)) << "it was spent, not refused";
    EXPECT_EQ(time.get(ledger.backend()->audit()).value(), std::vector<std::string>{});
    EXPECT_GE(kills, 2 * deadly_rounds);
    EXPECT_GT(seen.looks(), 50);
    EXPECT_GT(std::count(told.begin(), told.end(), "over_budget"), 0);
    std::cout << kills << " kills, billed " << billed << ", settled " << total.settled << ", presumed "
              << total.presumed << ", limit " << limit << '\n';
}

}  // namespace
}  // namespace budget_kill
