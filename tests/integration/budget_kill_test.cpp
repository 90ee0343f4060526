// SPDX-License-Identifier: BSL-1.0
// Eight processes spend from one file's budgets and are killed, each at a moment of its own, again and again. Of each kind of
// window one is exhausted. What was billed is read where it is written, at the provider; a watcher looks at every account
// all the while.

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
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace budget_kill {
namespace {

using namespace std::chrono_literals;
using namespace coffer::literals;
using provider_sim::json;

constexpr int processes = 8;

// Each team spends under all of these limits. An operator has set one of each team's lower, and that one it meets.
constexpr auto declared = 0.10_usd;
constexpr auto lowered = 0.0013_usd;
auto const lately = coffer::rolling(1min);  // of parts of a second: a run of this test is several of them

struct team {
    char const* name;
    coffer::window met;
    [[nodiscard]] std::string scope() const { return std::string{"org/"} + name; }
    [[nodiscard]] std::string model() const { return std::string{"model-"} + name; }
};
std::array<team, 3> const teams{{{"a", coffer::lifetime}, {"b", coffer::daily}, {"c", lately}}};

[[nodiscard]] coffer::money limit_of(std::string_view scope, std::string_view window_text) {
    for (auto const& t : teams)
        if (scope == t.scope() && window_text == t.met.text()) return lowered;
    return declared;
}

/// What a process is told, as the words of its command.
struct orders {
    std::string directory;
    std::string url;
    std::string name;  ///< of its keys
    int die_at = 0;  ///< this step of its store is its last; 0: it lives

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
              coffer::budget{db_,
                             {.scope = "org/{team}",
                              .limit = declared,
                              .also = {{"org/{team}", declared, coffer::daily},
                                       {"org/{team}", declared, lately},
                                       {"org", declared},
                                       {"model/{model}", declared, lately}}}},
          }
                   .wrap(provider().chat)} {}
    spender(spender const&) = delete;
    spender& operator=(spender const&) = delete;

    void run() {
        std::exception_ptr thrown;
        for (auto const& t : teams) {
            auto const ended = [&thrown](std::exception_ptr e) {
                if (e) thrown = std::move(e);
            };
            asio::co_spawn(io_, spend(t), ended);
        }
        io_.run();
        if (thrown) std::rethrow_exception(thrown);
    }

private:
    [[nodiscard]] coffer::llm::openai provider() {
        coffer::llm::openai_options o;
        o.base_url = orders_.url + "/v1";
        auto const card =
            *o.prices.find("gpt-4o-mini");  // what the provider takes for all models that it does not know
        for (auto const& t : teams) o.prices.set(t.model(), card);
        return coffer::llm::openai{coffer::http::client{io_.get_executor()}, coffer::llm::api_key{"sk-test"},
                                   std::move(o)};
    }
    coffer::awaitable<void> spend(team const& t) {
        for (int i = 0;; ++i) {
            coffer::call call{coffer::key{"spend", orders_.name, t.name, i}, 60s};
            call.tag("team", t.name);
            auto const request =
                coffer::llm::request{t.model()}.user("Question " + std::to_string(i)).max_output_tokens(100);
            auto const reply = co_await ask_.try_call(call, request);
            if (reply || reply.error().kind() != coffer::fault_kind::over_budget) continue;
            auto const denied = reply.error().denial();
            store_test::tell(denied->scope + " " + denied->window_text);
            co_return;
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

/// Looks at every account, all the time, and keeps the most that it has seen committed in each scope and window.
class watcher {
public:
    using seen = std::map<std::pair<std::string, std::string>, coffer::money>;

    explicit watcher(std::filesystem::path const& file) : db_{file.string(), 5000ms}, thread_{[this] { watch(); }} {}
    watcher(watcher const&) = delete;
    watcher& operator=(watcher const&) = delete;
    ~watcher() { stop(); }
    void stop() {
        stopping_ = true;
        if (thread_.joinable()) thread_.join();
    }
    // When it has stopped.
    [[nodiscard]] seen const& most() const noexcept { return most_; }
    [[nodiscard]] int looks() const noexcept { return looks_; }

private:
    /// A calendar window has an account of its own; a rolling one is the sum of those that count. (The time is read last:
    /// what counts then has counted when the last amount was added.)
    void watch() {
        coffer::sqlite::detail::statement const all{
            db_, "SELECT scope, window, start, settled+presumed+held FROM ledger_accounts"};
        while (!stopping_) {
            struct part {
                std::pair<std::string, std::string> name;
                std::chrono::system_clock::time_point start;
                coffer::money committed;
            };
            std::vector<part> parts;
            {
                auto const rows = all.with();
                while (rows.next()) {
                    auto& p = parts.emplace_back();
                    p.name.first = rows.bytes();
                    p.name.second = rows.bytes();
                    p.start += std::chrono::nanoseconds{rows.integer()};
                    p.committed = coffer::money::from_nano(rows.integer());
                }
            }
            auto const now = std::chrono::system_clock::now();
            seen of_rolling;
            for (auto const& p : parts) {
                auto const over = coffer::window::parse(p.name.second).value();
                if (over.kind() != coffer::window_kind::rolling) note(p.name, p.committed);
                else if (over.counts(p.start, now)) of_rolling[p.name] += p.committed;
            }
            for (auto const& [name, committed] : of_rolling) note(name, committed);
            ++looks_;
            std::this_thread::yield();
        }
    }
    void note(std::pair<std::string, std::string> const& name, coffer::money committed) {
        auto& most = most_[name];
        most = std::max(most, committed);
    }

    coffer::sqlite::detail::connection db_;
    std::atomic<bool> stopping_{false};
    seen most_;
    int looks_ = 0;
    std::thread thread_;
};

/// What the provider has billed for each model, and in all.
[[nodiscard]] std::map<std::string, coffer::money> billed_by(provider_sim::test::sim_process const& sim) {
    auto const sends = sim.lines("send");
    (void)sim.lines("end", sends.size());
    std::map<std::uint64_t, std::string> models;
    for (auto const& send : sends) models[send.at("seq").get<std::uint64_t>()] = send.at("model").get<std::string>();
    std::map<std::string, coffer::money> billed;
    for (auto const& bill : sim.lines("bill")) {
        auto const cost = coffer::money::from_nano(bill.at("billed_nano_usd").get<std::int64_t>());
        billed[models.at(bill.at("send").get<std::uint64_t>())] += cost;
        billed["all"] += cost;
    }
    return billed;
}

TEST(a_budget, is_not_exceeded_by_eight_processes_that_are_killed_again_and_again) {
    provider_sim::test::sim_process sim;
    // Of some replies nothing arrives, though they are billed.
    sim.rules(
        json::array({{{"name", "lost"}, {"match", {{"probability", 0.1}}}, {"deliver", "none"}, {"end", "rst"}}}));
    store_test::temporary_directory const dir;
    auto const file = dir / "coffer.db";
    auto const began = std::chrono::system_clock::now();
    {
        store_test::real_time time;
        coffer::sqlite::store const made{file};
        auto& books = *made.ledger().backend();
        books.bind(time.clock());
        for (auto const& t : teams) ASSERT_TRUE(time.get(books.set_limit(t.scope(), t.met, lowered)));
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
    probe_line.emplace_back("org", coffer::lifetime, declared);
    auto const look = store_test::reservation_of(1, declared, probe_line);
    (void)time.get(ledger.backend()->reserve(look));  // denied; and so whatever lapses has lapsed
    std::map<std::pair<std::string, std::string>, coffer::account> books;
    auto const at_the_end = time.get(ledger.backend()->accounts({})).value();  // outlives the loop over it
    for (auto const& s : at_the_end) books[{s.scope, s.window}] += s.money_in;
    auto billed = billed_by(sim);

    // At every instant, in every scope and window.
    EXPECT_EQ(seen.most().size(), 3 * teams.size() + 1 + teams.size());
    for (auto const& [name, committed] : seen.most())
        EXPECT_LE(committed, limit_of(name.first, name.second)) << name.first << ' ' << name.second;
    EXPECT_GT(seen.looks(), 50);

    // The provider's own bill is the truth.
    auto const ended = std::chrono::system_clock::now();
    auto const day_of = [](auto t) { return std::chrono::floor<std::chrono::days>(t); };
    // In how many windows of that kind has it run? In each so much may be spent.
    auto const windows = [&](coffer::window const& over) {
        if (over == coffer::daily) return 1 + (day_of(ended) - day_of(began)).count();
        return over == lately ? 1 + (ended - began) / lately.length() : 1;
    };
    for (auto const& t : teams) {
        auto const cost = billed[t.model()];
        auto const most = coffer::money::from_nano(lowered.nano() * windows(t.met));
        auto const& met = books.at({t.scope(), t.met.text()});
        EXPECT_LE(cost, most) << t.name;
        EXPECT_LE(cost, met.spent()) << t.name << ": something was billed that the ledger does not know of";
        EXPECT_LE(met.spent(), most) << t.name;
        EXPECT_GE(met.spent().nano(), lowered.nano() * 9 / 10) << t.name << ": it was spent, not refused";
        EXPECT_GT(std::count(told.begin(), told.end(), t.scope() + " " + t.met.text()), 0)
            << "nobody was turned away by that limit";
        // One and the same send stands in all of its accounts.
        for (auto const& over : {coffer::lifetime, coffer::daily, lately})
            EXPECT_EQ(books.at({t.scope(), over.text()}), met) << t.name << ' ' << over.text();
        EXPECT_EQ(books.at({"model/" + t.model(), lately.text()}), met) << t.name;
    }
    auto const& total = books.at({"org", coffer::lifetime.text()});
    EXPECT_LE(billed["all"], total.spent());
    EXPECT_EQ(total.held, coffer::money{});
    EXPECT_EQ(total.overrun, coffer::money{});
    EXPECT_EQ(time.get(ledger.backend()->audit()).value(), std::vector<std::string>{});
    EXPECT_GE(kills, 2 * deadly_rounds);
    std::cout << kills << " kills, " << seen.looks() << " looks, billed " << billed["all"] << ", settled "
              << total.settled << ", presumed " << total.presumed << ", limits of " << lowered << " each\n";
}

}  // namespace
}  // namespace budget_kill
