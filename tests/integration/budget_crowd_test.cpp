// SPDX-License-Identifier: BSL-1.0
// A thousand calls at once against five dollars, with all that is paid for besides text: images, choices, web searches and
// tools that run at the provider. The bill is the simulated provider's own, by its own arithmetic.

#include <coffer/call/pipeline.hpp>
#include <coffer/http/transport.hpp>
#include <coffer/llm/openai.hpp>
#include <coffer/policy/budget.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/memory.hpp>
#include <coffer/time/sleep.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "api/router.hpp"
#include "base/digest.hpp"
#include "billing/price.hpp"
#include "policy/support/contexts.hpp"
#include "policy/support/priced.hpp"
#include "support/seeds.hpp"

namespace budget_crowd {
namespace {

namespace llm = coffer::llm;
namespace http = coffer::http;
namespace sim = provider_sim;
using namespace coffer::literals;
using namespace std::chrono_literals;
using coffer::money;
using support::dice;

constexpr auto limit = 5_usd;
constexpr auto model = "gpt-4o";
constexpr std::int64_t most_tool_calls = 4;

/// How much of the bill there is of each kind.
struct bill {
    money total;
    int sends = 0;
    int images = 0;
    int choices = 0;  ///< beyond the first
    std::int64_t searches = 0;
    std::int64_t tool_calls = 0;

    bill& operator+=(bill const& other) {
        total += other.total;
        sends += other.sends;
        images += other.images;
        choices += other.choices;
        searches += other.searches;
        tool_calls += other.tool_calls;
        return *this;
    }
};

/// The simulator's endpoint, which bills text, images, choices and searches, and beside it calls of a tool.
class provider {
public:
    explicit provider(std::uint64_t seed) : draw_{seed} {
        // In pico-dollars; for a send they come to some cents of each kind.
        sim::price const p{4'000'000 + upto(8'000'000), upto(4'000'000), 20'000'000 + upto(40'000'000),
                           1'000 * (4'000'000 + upto(20'000'000))};
        settings_.prices.set(model, p);
        tool_fee_ = money::from_nano(2'000'000 + upto(20'000'000));
        auto const search = money::from_nano(p.search / 1'000);
        options_.prices.set(model,
                            llm::price_card{{.input = coffer::token_price::from_pico(p.input),
                                             .output = coffer::token_price::from_pico(p.output),
                                             .cache_read = coffer::token_price::from_pico(p.cached)},
                                            "2026-11-22"}
                                .fees({.web_search = std::array{search, search, search}, .tool_call = tool_fee_}));
    }

    [[nodiscard]] llm::openai_options const& options() const noexcept { return options_; }
    [[nodiscard]] bill const& billed() const noexcept { return billed_; }

    /// A request of any kind, with the promise that it needs.
    [[nodiscard]] llm::request any_request() {
        llm::request r{model};
        r.user(std::string(static_cast<std::size_t>(upto(400)), 'x')).max_output_tokens(60 + upto(60));
        llm::uncounted promise;
        for (auto images = upto(2); images > 0; --images) {
            bool const low = draw_.one_in(2);
            r.image("https://example.com/cat.png", low ? llm::image_detail::low : llm::image_detail::high);
            promise.input_tokens += low ? settings_.low_image_tokens : settings_.high_image_tokens;
        }
        if (draw_.one_in(2)) r.n(4);
        bool const searches = draw_.one_in(3);
        bool const tools = draw_.one_in(3);
        if (searches) promise.web_searches = settings_.most_searches;
        // Either promise will do: how many calls, or what they cost.
        if (tools && draw_.one_in(2)) promise.tool_calls = most_tool_calls;
        else if (tools) promise.cost = money::from_nano(most_tool_calls * tool_fee_.nano());
        bool const search_is_a_tool = searches && (tools || draw_.one_in(2));
        if (searches && !search_is_a_tool) r.extra(R"({"web_search_options":{}})");
        constexpr auto interpreter = R"({"type":"code_interpreter","container":{"type":"auto"}})";
        constexpr auto search = R"({"type":"web_search"})";
        if (search_is_a_tool && tools) r.tools("[" + std::string{interpreter} + "," + search + "]");
        else if (search_is_a_tool) r.tools("[" + std::string{search} + "]");
        else if (tools) r.tools("[" + std::string{interpreter} + "]");
        r.at_most(promise);
        return r;
    }

    /// What comes of one send, and when.
    struct ending {
        coffer::outcome<http::response> said;
        coffer::duration after{};
    };
    [[nodiscard]] ending serve(std::string const& body) {
        auto const after = draw_.below(8'000) * 1ms;
        auto const end = draw_.below(25);
        if (end == 0) return {http::response{429, R"({"error":{"code":"rate_limit_exceeded"}})"}, after};
        sim::answer_wishes wishes;
        wishes.cached_tokens = upto(100);
        wishes.reasoning_tokens = upto(20);
        if (end == 1) wishes.usage = sim::usage_shape::missing;
        if (end == 2) wishes.usage = sim::usage_shape::null;
        auto answer = execute(body, wishes);
        if (end == 3) return {http::response{500, R"({"error":{"message":"The server had an error."}})"}, after};
        if (end == 4) return {http::response{200, std::move(answer)}, 1h};  // nobody waits so long
        return {http::response{200, std::move(answer)}, after};
    }

private:
    std::int64_t upto(std::int64_t most) { return draw_.below(most + 1); }

    /// It does the work and writes it on the bill. The answer's body.
    std::string execute(std::string const& body, sim::answer_wishes const& wishes) {
        auto const parsed = sim::json::parse(body);
        auto const key = sim::sha256_hex(body);
        sim::http_request request;
        request.method = "POST";
        request.path = "/v1/chat/completions";
        sim::api_call call;
        call.settings = &settings_;
        call.request = &request;
        call.body = &parsed;
        call.key = key;
        call.wishes = &wishes;
        auto const served = sim::serve(call, {});
        EXPECT_TRUE(served.valid) << served.answer.body;

        bill mine;
        mine.sends = 1;
        for (auto const& message : parsed.at("messages"))
            if (message.at("content").is_array())
                for (auto const& part : message.at("content")) mine.images += part.at("type") == "image_url" ? 1 : 0;
        mine.choices = parsed.value("n", 1) - 1;
        mine.searches = served.used.searches;
        for (auto const& tool : parsed.value("tools", sim::json::array()))
            if (tool.at("type") == "code_interpreter") mine.tool_calls += upto(most_tool_calls);
        auto const tokens = sim::cost_of(served.used, settings_.prices.of(model)).nano_usd;
        mine.total = money::from_nano(tokens + mine.tool_calls * tool_fee_.nano());
        billed_ += mine;
        if (mine.tool_calls == 0) return served.answer.body;
        auto answer = sim::json::parse(served.answer.body);
        if (answer.contains("usage") && answer["usage"].is_object())
            answer["usage"]["num_server_side_tools_used"] = mine.tool_calls;
        return answer.dump();
    }

    dice draw_;
    sim::config settings_;
    money tool_fee_;
    llm::openai_options options_;
    bill billed_;
};

/// The way there.
class wire {
public:
    explicit wire(std::shared_ptr<provider> p) : provider_{std::move(p)} {}
    [[nodiscard]] coffer::awaitable<coffer::outcome<http::response>> send(http::request r,
                                                                          coffer::time_point deadline) const {
        return run(provider_, std::move(r), deadline);
    }

private:
    static coffer::awaitable<coffer::outcome<http::response>> run(std::shared_ptr<provider> p, http::request r,
                                                                  coffer::time_point deadline) {
        auto const executor = co_await asio::this_coro::executor;
        auto& service = coffer::clock_service::of(executor);
        auto end = p->serve(*r.body);
        auto const ends = coffer::later(service.clock()->now(), end.after);
        auto const woke = co_await coffer::wait_until(service, std::min(ends, deadline));
        if (woke == coffer::wake::cancelled)
            co_return coffer::failed(coffer::fault{coffer::fault_kind::cancelled}
                                         .with_execution(coffer::knowledge::maybe)
                                         .with_billing(coffer::knowledge::maybe));
        if (ends > deadline) co_return coffer::failed(coffer::fault_kind::timed_out);
        co_return std::move(end.said);
    }

    std::shared_ptr<provider> provider_;
};

using ask_type = coffer::guarded<llm::reply(llm::request const&)>;

struct crowd {
    explicit crowd(std::uint64_t seed) : bills{std::make_shared<provider>(seed)} {}

    support::contexts world{2};
    coffer::memory_store db;
    std::shared_ptr<provider> bills;
    std::deque<std::optional<coffer::outcome<llm::reply>>> said;

    [[nodiscard]] ask_type operation(bool journaled) {
        coffer::budget const five{db, {.scope = "team", .limit = limit, .max_wait = 9h}};
        llm::openai const openai{wire{bills}, llm::api_key{"sk-test"}, bills->options()};
        if (!journaled) return coffer::pipeline{five}.wrap(openai.chat);
        return coffer::pipeline{coffer::once{db}, coffer::retry{}, five}.wrap(openai.chat);
    }
    void ask(ask_type const& how) {
        for (std::size_t i = 0; i < 1000; ++i)
            asio::co_spawn(world.executor(i % 2), one(how, coffer::call{coffer::key{"crowd", i}, 10h}, *this),
                           [](std::exception_ptr const& e) {
                               if (e) std::rethrow_exception(e);
                           });
        world.run();
    }
    static coffer::awaitable<void> one(ask_type how, coffer::call call, crowd& all) {
        auto const request = all.bills->any_request();
        auto result = co_await how.try_call(call, request);
        all.said.emplace_back(std::move(result));
        auto const books = support::account_of(*all.db.ledger().backend(), "team");
        EXPECT_LE(books.committed(), limit);
        EXPECT_LE(all.bills->billed().total, limit);
    }
};

TEST(a_thousand_calls_at_once, never_exceed_the_limit_with_the_bill_of_images_choices_searches_and_tools) {
    bill all;
    money least_billed = limit;
    for (bool const journaled : {false, true}) {
        for (auto const seed : support::each_seed(support::seeds(1000))) {
            crowd c{seed};
            c.ask(c.operation(journaled));
            ASSERT_EQ(c.said.size(), 1000U);
            auto const books = support::account_of(*c.db.ledger().backend(), "team");
            EXPECT_LE(c.bills->billed().total, limit) << "the provider's own bill is the truth";
            EXPECT_LE(books.committed(), limit);
            EXPECT_EQ(books.held, money{});
            EXPECT_EQ(books.overrun, money{}) << "a bound did not hold";
            EXPECT_GE(books.spent(), c.bills->billed().total);

            int served = 0;
            for (auto const& result : c.said) {
                if (*result) ++served;
                if (*result || result->error().denial() == nullptr) continue;
                // The liveness twin: whoever was turned away would not have fitted.
                EXPECT_GT(result->error().denial()->needed + books.committed(), limit);
            }
            EXPECT_GT(served, 20);
            EXPECT_LT(served, 900) << "the limit is hardly felt";
            all += c.bills->billed();
            least_billed = std::min(least_billed, c.bills->billed().total);
        }
    }
    EXPECT_GE(least_billed, 3_usd) << "refusing would pass too";
    EXPECT_GT(all.images, all.sends / 4);
    EXPECT_GT(all.choices, all.sends / 2);
    EXPECT_GT(all.searches, all.sends / 10);
    EXPECT_GT(all.tool_calls, all.sends / 10);
    std::cout << all.sends << " sends with " << all.images << " images, " << all.choices << " further choices, "
              << all.searches << " searches, " << all.tool_calls << " tool calls; in each world at least "
              << least_billed << " billed of " << limit << '\n';
}

}  // namespace
}  // namespace budget_crowd
