// SPDX-License-Identifier: BSL-1.0
// The programs of docs/openai.md.
#include <coffer/base/disposition.hpp>
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/llm/openai.hpp>
#include <coffer/llm/price_list.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/memory.hpp>
#include <coffer/testing/scripted_transport.hpp>
#include <coffer/testing/virtual_time.hpp>
#include <coffer/time/sleep.hpp>

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

namespace docs_test {
namespace {

namespace llm = coffer::llm;
using namespace coffer::literals;
using namespace std::chrono_literals;

//! [request]
llm::request invoice_request(std::string const& text) {
    return llm::request{"gpt-4o-mini"}
        .system("Extract the invoice. Amounts are in cents.")
        .user(text)
        .json_schema(
            "invoice",
            R"({"type":"object","properties":{"total":{"type":"integer"}},"required":["total"],"additionalProperties":false})")
        .max_output_tokens(400)
        .temperature(0)
        .extra(R"({"service_tier":"flex","metadata":{"job":"invoices"}})");
}
//! [request]

//! [ask]
coffer::awaitable<std::string> ask(coffer::guarded<llm::reply(llm::request const&)> guarded, llm::request request,
                                   std::ostream& log) {
    coffer::call call{coffer::key{"invoice", 4711}, 2min};
    auto const reply = co_await guarded.try_call(call, request);
    log << call.log();
    if (reply) co_return reply->text;
    auto const& why = reply.error();
    if (why.kind() == coffer::fault_kind::defective_answer) log << "paid, but unusable: " << why.message() << '\n';
    if (coffer::disposition(why).action == coffer::queue_action::retry_after) log << "worth another run\n";
    co_return std::string{};
}
//! [ask]

//! [structured]
struct invoice {
    std::int64_t total;
};

/// The reply's text, read. Whatever is wrong with it has been paid for: `defective_answer`.
struct read_invoice {
    llm::chat_operation chat;

    coffer::outcome<invoice> operator()(coffer::answer const& raw) const {
        auto const reply = chat.decode(raw);  // cut off, filtered, no JSON at all
        if (!reply) return coffer::failed(reply.error());
        auto const json = nlohmann::json::parse(reply->text, nullptr, false);
        auto const total = json.is_object() ? json.find("total") : json.end();
        if (total == json.end() || !total->is_number_integer())
            return coffer::failed(coffer::fault_kind::defective_answer, "the invoice has no total");
        return invoice{total->get<std::int64_t>()};
    }
};

/// What is asked instead, once.
bool ask_again(coffer::defect const& d, llm::request& r) {
    r.user("You have answered before, and " + std::string{d.why.message()} + ". Answer with the JSON object alone.");
    return d.repairs == 0;
}

coffer::guarded<invoice(llm::request const&)> invoices(llm::openai const& openai, coffer::store db) {
    return coffer::pipeline{coffer::once{std::move(db)}, coffer::retry{}}.wrap(
        coffer::describe(openai.chat).decode(read_invoice{openai.chat}).repair(&ask_again));
}
//! [structured]

TEST(open_ai_page, structured) {
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    coffer::testing::scripted_transport transport;
    for (auto const* const said : {R"({\"sum\":1})", R"({\"total\":4711})"})
        transport.answer(coffer::http::response{200, R"({"model":"gpt-4o-mini","choices":[{"message":{"content":")" +
                                                         std::string{said} + R"("},"finish_reason":"stop"}]})"});
    llm::openai const openai{transport, llm::api_key{"sk-test"}};
    auto const ask = invoices(openai, coffer::memory_store{});
    coffer::call call{coffer::key{"invoice", 1}, 2min};
    auto const request = invoice_request("...");
    std::optional<coffer::outcome<invoice>> got;
    asio::co_spawn(io, ask.try_call(call, request), [&](std::exception_ptr error, coffer::outcome<invoice> o) {
        EXPECT_EQ(error, nullptr);
        got.emplace(std::move(o));
    });
    time.run();
    ASSERT_TRUE(got && *got) << got->error();
    EXPECT_EQ((*got)->total, 4711);
    ASSERT_EQ(transport.sent().size(), 2U);
    EXPECT_NE(transport.sent()[1].body->find("the invoice has no total"), std::string::npos);
    ASSERT_EQ(call.log().size(), 2U);
}

TEST(open_ai_page, ask) {
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    coffer::testing::scripted_transport transport;
    auto const run = [&](std::string& text, std::ostream& log) {
        llm::openai openai{transport, llm::api_key{"sk-test"}};
        asio::co_spawn(io, ask(coffer::pipeline{coffer::retry{}}.wrap(openai.chat), invoice_request("..."), log),
                       [&text](std::exception_ptr error, std::string got) {
                           EXPECT_EQ(error, nullptr);
                           text = std::move(got);
                       });
        time.run();
    };
    std::string text;
    std::ostringstream log;
    transport.answer(coffer::http::response{
        200, R"({"model":"gpt-4o-mini","choices":[{"message":{"content":"{\"total\":1}"},"finish_reason":"stop"}]})"});
    run(text, log);
    EXPECT_EQ(text, R"({"total":1})");
    transport.answer(coffer::http::response{
        200, R"({"model":"gpt-4o-mini","choices":[{"message":{"content":"{\"tot"},"finish_reason":"length"}]})"});
    run(text, log);
    EXPECT_EQ(text, "");
    EXPECT_NE(log.str().find("paid, but unusable"), std::string::npos);
}

TEST(open_ai_page, providers) {
    coffer::testing::scripted_transport transport;
    //! [providers]
    llm::openai openai{transport, llm::api_key_from_env(), llm::openai_options::from_env()};
    llm::openai openrouter{transport, llm::api_key_from_env("OPENROUTER_API_KEY"), llm::openai_options::openrouter()};
    llm::openai groq{transport, llm::api_key_from_file("/run/secrets/groq"), llm::openai_options::groq()};
    llm::openai azure{transport, llm::api_key_from_env("AZURE_OPENAI_API_KEY"),
                      llm::openai_options::azure("https://me.openai.azure.com", "my-deployment", "2024-10-21")};

    auto options = llm::openai_options::compatible("vllm", "http://127.0.0.1:8000/v1");
    options.output_limit_field = "max_tokens";
    llm::openai local{transport, llm::api_key::none(), options};
    //! [providers]
    EXPECT_EQ(azure.chat.options().provider, "azure");
    EXPECT_EQ(openrouter.chat.target(llm::request{"m"}).provider, "openrouter");
    EXPECT_EQ(groq.chat.options().prices.size(), 0U);
    EXPECT_EQ(local.chat.options().base_url, "http://127.0.0.1:8000/v1");
    EXPECT_EQ(openai.chat.options().provider, "openai");
}

/// The program's own: asks a server for keys, and keeps them.
class vault {
public:
    coffer::awaitable<coffer::outcome<std::string>> fetch(std::string name, coffer::time_point /* deadline */) {
        co_await coffer::sleep_for(1s);
        if (kept_.empty()) kept_ = name + "-" + std::to_string(++fetched);
        co_return kept_;
    }
    void forget(std::string const& key) {
        if (kept_ == key) kept_.clear();
    }
    int fetched = 0;

private:
    std::string kept_;
};

//! [vault]
llm::api_key key_from(std::shared_ptr<vault> v) {
    return llm::api_key{[v](llm::key_request why) -> coffer::awaitable<coffer::outcome<std::string>> {
        if (why.after_refusal()) v->forget(why.refused());  // unless another call has fetched a newer one meanwhile
        co_return co_await v->fetch("openai", why.deadline());
    }};
}
//! [vault]

TEST(open_ai_page, vault) {
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    coffer::testing::scripted_transport transport;
    auto const v = std::make_shared<vault>();
    llm::openai openai{transport, key_from(v)};
    transport.answer(coffer::http::response{401, R"({"error":{"message":"m","code":"invalid_api_key"}})"});
    transport.answer(coffer::http::response{
        200, R"({"model":"gpt-4o-mini","choices":[{"message":{"content":"yes"},"finish_reason":"stop"}]})"});
    std::string text;
    std::ostringstream log;
    asio::co_spawn(io, ask(coffer::pipeline{coffer::retry{}}.wrap(openai.chat), invoice_request("..."), log),
                   [&text](std::exception_ptr error, std::string got) {
                       EXPECT_EQ(error, nullptr);
                       text = std::move(got);
                   });
    time.run();
    EXPECT_EQ(text, "yes");
    EXPECT_EQ(v->fetched, 2);
    EXPECT_EQ(transport.sent()[1].headers.first("authorization"), "Bearer openai-2");
    EXPECT_NE(log.str().find("stale_credentials 401"), std::string::npos);
}

TEST(open_ai_page, price_list) {
    std::string const text_of_file =
        R"({"gpt-4o":{"litellm_provider":"openai","input_cost_per_token":2.5e-06,"output_cost_per_token":1e-05},)"
        R"("odd":{"litellm_provider":"openai","input_cost_per_token":1e-06,"output_cost_per_token":1e-05,"cost_on_mondays":1}})";
    std::ostringstream log;
    //! [price-list]
    llm::openai_options options;
    auto list = llm::price_list::from_json(text_of_file, "2026-11-21", "openai");
    for (auto const& note : list.refused) log << note.model << ": " << note.what << '\n';
    options.prices = std::move(list.prices);
    options.on_unknown_price = llm::unknown_price::assume_dearest;  // the default is to refuse
    options.auto_tier = llm::service_tier::standard;                // what the project is set to
    //! [price-list]
    EXPECT_EQ(options.prices.size(), 2U);
    EXPECT_NE(log.str().find("odd: its price list has cost_on_mondays"), std::string::npos);
}

TEST(open_ai_page, at_most) {
    llm::openai_options const options;
    std::string const url = "https://example.com/cat.png";
    //! [at-most]
    auto const request = llm::request{"gpt-4o"}
                             .user("What is on this picture?")
                             .image(url, llm::image_detail::low)
                             .max_output_tokens(200)
                             .at_most({.input_tokens = 85});  // what the provider says of a picture with low detail
    auto const estimate = llm::estimate_of(request, options);
    //! [at-most]
    EXPECT_TRUE(estimate.cost);
}

TEST(open_ai_page, prices) {
    //! [prices]
    llm::openai_options options;
    options.prices.set("our-small-model", llm::price_card{0.15_usd_per_mtok, 0.60_usd_per_mtok, "2026-11-21"});
    options.prices.set(
        "our-model",
        llm::price_card{{.input = 1_usd_per_mtok, .output = 3_usd_per_mtok, .cache_read = 0.1_usd_per_mtok},
                        "2026-11-21"}
            .above(200'000, {.input = 2_usd_per_mtok, .output = 6_usd_per_mtok})
            .tier(llm::service_tier::priority, {.input = 2_usd_per_mtok, .output = 5_usd_per_mtok}));
    //! [prices]
    EXPECT_TRUE(llm::estimate_of(llm::request{"our-model"}.max_output_tokens(1), options).cost);
}

}  // namespace
}  // namespace docs_test
