// SPDX-License-Identifier: BSL-1.0
#include <coffer/llm/estimate.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace estimate_test {
namespace {

namespace llm = coffer::llm;
using namespace coffer::literals;
using coffer::money;
using llm::service_tier;

llm::openai_options const openai;

coffer::estimate of(llm::request const& r, llm::openai_options const& o = openai) { return llm::estimate_of(r, o); }
llm::request bounded() { return llm::request{"gpt-4o-mini"}.user("What?").max_output_tokens(400); }

TEST(estimate, bytes_bound_tokens) {
    EXPECT_EQ(of(bounded()).input_tokens, 64 + 16 + 5);
    EXPECT_EQ(of(llm::request{"gpt-4o-mini"}.user(std::string(10'000, 'x'))).input_tokens, 64 + 16 + 10'000);
    auto const with_tools = bounded().tools(R"([{"type":"function","function":{"name":"f"}}])");
    EXPECT_GE(of(with_tools).input_tokens, of(bounded()).input_tokens + 46);
    EXPECT_GT(of(bounded().json_schema("n", "{}")).input_tokens, of(bounded()).input_tokens);
}

TEST(estimate, the_output_is_the_enforced_maximum_for_each_choice) {
    EXPECT_EQ(of(bounded()).output_tokens, 400);
    EXPECT_EQ(of(bounded().n(3)).output_tokens, 1200);
    EXPECT_EQ(of(bounded().max_output_tokens(std::numeric_limits<std::int64_t>::max()).n(3)).output_tokens,
              std::numeric_limits<std::int64_t>::max());
}

TEST(estimate, the_cost_is_all_of_it_at_the_dearest_rate) {
    EXPECT_EQ(of(bounded()).cost, money::from_nano(85 * 150 + 400 * 600));
    EXPECT_EQ(of(bounded().n(3)).cost, money::from_nano(85 * 150 + 1200 * 600));
    EXPECT_EQ(of(bounded().model("gpt-5.6")).cost, money::from_nano(85 * 6250 + 400 * 30'000));  // written to the cache
    EXPECT_EQ(of(bounded().model("gpt-4o-mini-2024-07-18")).cost, of(bounded()).cost);
}

TEST(estimate, says_what_may_be_lowered_and_what_that_saves) {
    auto const e = of(bounded().n(3));
    EXPECT_EQ(e.output_limit, 400);
    EXPECT_EQ(e.per_output, 1.80_usd_per_mtok);
    EXPECT_EQ(*e.cost - *of(bounded().n(3).max_output_tokens(399)).cost, money::from_nano(1'800));
    EXPECT_EQ(of(bounded().extra(R"({"max_completion_tokens":50})")).output_limit, 50);
    auto const none = of(llm::request{"gpt-4o-mini"}.user("What?"));
    EXPECT_EQ(none.output_limit, std::nullopt);
    EXPECT_EQ(none.per_output, 0.60_usd_per_mtok);  // for whoever sets a limit
}

/// Why there is no cost; empty if there is one.
std::string why(llm::request const& r, llm::openai_options const& o = openai) {
    auto const e = of(r, o);
    EXPECT_EQ(e.unbounded.empty(), e.cost.has_value()) << e.unbounded;
    return e.unbounded;
}
bool has(std::string const& text, std::string_view part) { return text.find(part) != text.npos; }

TEST(estimate, says_why_there_is_no_cost_and_what_to_do) {
    EXPECT_EQ(why(bounded()), "");
    EXPECT_TRUE(has(why(llm::request{"gpt-4o-mini"}.user("What?")), "max_output_tokens"));
    EXPECT_TRUE(has(why(bounded().model("gpt-9")), "gpt-9"));
    EXPECT_TRUE(has(why(bounded().model("gpt-9")), "openai_options::prices"));
    EXPECT_TRUE(has(why(bounded().n(0)), "n is no number"));
    EXPECT_TRUE(has(why(bounded().tools(R"([{"type":"code_interpreter"}])")), "tool that runs at the provider"));
    EXPECT_TRUE(has(why(bounded().tools("nonsense")), "no JSON array"));
    EXPECT_TRUE(has(why(bounded().image("https://example.com/cat.png")), "an image"));
    EXPECT_TRUE(has(why(bounded().extra(R"({"prediction":{}})")), "the field prediction of extra"));
    EXPECT_TRUE(has(why(bounded().extra(R"({"my secret text":{}})")), "a field of extra"));
    EXPECT_FALSE(has(why(bounded().extra(R"({"my secret text":{}})")), "secret"));
    EXPECT_TRUE(has(why(bounded().extra(R"({"service_tier":"priority"})")), "priority"));
    EXPECT_TRUE(has(why(bounded().image("https://example.com/cat.png")), "request::at_most"));
}

TEST(estimate, what_cannot_be_counted_is_bounded_by_who_knows_it) {
    auto const image = bounded().image("https://example.com/cat.png").image("https://example.com/dog.png");
    auto const promised = of(llm::request{image}.at_most({.input_tokens = 2'000}));
    EXPECT_EQ(promised.cost, money::from_nano((85 + 2'000) * 150 + 400 * 600));
    EXPECT_EQ(promised.input_tokens, 2'085);
    EXPECT_EQ(of(llm::request{image}.at_most({.cost = 0.01_usd})).cost, *of(bounded()).cost + 0.01_usd);
    EXPECT_TRUE(has(why(llm::request{image}.at_most({})), "input_tokens"));
    EXPECT_TRUE(has(why(llm::request{image}.at_most({.input_tokens = -1})), "negative"));
    EXPECT_TRUE(has(why(bounded().at_most({.input_tokens = -1})), "negative"));
    EXPECT_EQ(why(bounded().extra(R"({"something_new":1})").at_most({})), "");
    EXPECT_TRUE(has(why(llm::request{"gpt-4o-mini"}.user("What?").at_most({.cost = 1_usd})), "max_output_tokens"));
    // A size of the prompt that only the image can reach.
    auto const large =
        bounded().model("gpt-5.6").image("https://example.com/cat.png").at_most({.input_tokens = 272'000});
    EXPECT_EQ(of(large).cost, money::from_nano((85 + 272'000LL) * 12'500 + 400 * 45'000));
}

TEST(estimate, web_searches_have_a_fee) {
    llm::openai_options o;
    o.prices.set("finds", llm::price_card{1_usd_per_mtok, 1_usd_per_mtok, "2026-01-01"}.fees(
                              {.web_search = std::array{0.01_usd, 0.02_usd, 0.03_usd}}));
    auto const asked = bounded().model("finds").at_most({.web_searches = 2});
    auto const text = *of(bounded().model("finds"), o).cost;
    auto const more = [&](std::string const& extra) {
        auto const e = of(llm::request{asked}.extra(extra), o);
        EXPECT_EQ(e.unbounded, "");
        return *e.cost - text - money::from_nano(2'000 * static_cast<std::int64_t>(extra.size()));
    };
    EXPECT_EQ(more(R"({"web_search_options":{"search_context_size":"low"}})"), 0.02_usd);
    EXPECT_EQ(more(R"({"web_search_options":{"search_context_size":"high"}})"), 0.06_usd);
    EXPECT_EQ(more(R"({"web_search_options":{}})"), 0.06_usd);
    EXPECT_TRUE(has(why(bounded().model("finds").tools(R"([{"type":"web_search"}])").at_most({.input_tokens = 9}), o),
                    "web_searches"));
    EXPECT_TRUE(has(why(bounded().extra(R"({"web_search_options":{}})").at_most({.web_searches = 1})), "web search"));
    o.prices.set("always", llm::price_card{1_usd_per_mtok, 1_usd_per_mtok, "2026-01-01"}.always_searches());
    EXPECT_TRUE(has(why(bounded().model("always"), o), "searches by itself"));
    EXPECT_EQ(why(bounded().model("always").at_most({.cost = 0.05_usd}), o), "");
}

TEST(estimate, what_tools_at_the_provider_cost_is_promised_by_their_number_or_as_money) {
    llm::openai_options o;
    o.prices.set("works", llm::price_card{1_usd_per_mtok, 1_usd_per_mtok, "2026-01-01"}.fees({.tool_call = 0.03_usd}));
    auto const asked = bounded().model("works").tools(R"([{"type":"code_interpreter"}])");
    EXPECT_TRUE(has(why(asked, o), "a tool that runs at the provider"));
    for (auto const& nothing :
         {llm::uncounted{}, llm::uncounted{.input_tokens = 100}, llm::uncounted{.web_searches = 1}})
        EXPECT_TRUE(has(why(llm::request{asked}.at_most(nothing), o), "nothing of tool_calls or cost"));
    auto const free = *of(llm::request{asked}.at_most({.cost = money::from_nano(1)}), o).cost;
    EXPECT_EQ(of(llm::request{asked}.at_most({.tool_calls = 5}), o).cost, free + 0.15_usd - money::from_nano(1));
    EXPECT_TRUE(has(why(llm::request{asked}.at_most({.tool_calls = -1}), o), "negative"));
    EXPECT_TRUE(
        has(why(llm::request{asked}.model("gpt-4o-mini").at_most({.tool_calls = 5})), "price of a tool's call"));
    EXPECT_EQ(why(llm::request{asked}.model("gpt-4o-mini").at_most({.cost = 1_usd})), "");
    EXPECT_EQ(why(bounded().tools(R"([{"type":"function","function":{"name":"f"}}])")), "");
}

TEST(estimate, an_answer_that_may_be_spoken_costs_what_speech_does) {
    llm::openai_options o;
    o.prices.set("speaks",
                 llm::price_card{{.input = 1_usd_per_mtok, .output = 2_usd_per_mtok, .audio_out = 80_usd_per_mtok},
                                 "2026-01-01"});
    auto const text = bounded().model("speaks");
    auto const spoken = llm::request{text}.extra(R"({"modalities":["text","audio"]})").at_most({.input_tokens = 1});
    EXPECT_EQ(of(text, o).per_output, 2_usd_per_mtok);
    EXPECT_EQ(of(spoken, o).per_output, 80_usd_per_mtok);
    EXPECT_GE(of(spoken, o).cost, money::from_nano(400 * 80'000));
}

TEST(estimate, the_dearest_tier_that_may_be_meant) {
    llm::openai_options o;
    auto const priced = [](coffer::token_price p) { return llm::token_rates{.input = p, .output = p}; };
    o.prices.set("m", llm::price_card{priced(2_usd_per_mtok), "2026-01-01"}
                          .tier(service_tier::flex, priced(1_usd_per_mtok))
                          .tier(service_tier::priority, priced(5_usd_per_mtok)));
    auto const nano_per_token = [&](std::string const& extra) {
        auto const e = of(bounded().model("m").extra(extra), o);
        return e.cost ? e.cost->nano() / (e.input_tokens + e.output_tokens) : 0;
    };
    EXPECT_EQ(nano_per_token(""), 5'000);
    EXPECT_EQ(nano_per_token(R"({"service_tier":"auto"})"), 5'000);
    EXPECT_EQ(nano_per_token(R"({"service_tier":"default"})"), 2'000);
    EXPECT_EQ(nano_per_token(R"({"service_tier":"flex"})"), 2'000);  // the provider may fall back
    EXPECT_EQ(nano_per_token(R"({"service_tier":"priority"})"), 5'000);
    EXPECT_EQ(nano_per_token(R"({"service_tier":"scale"})"), 0);
    o.auto_tier = service_tier::standard;
    EXPECT_EQ(nano_per_token(""), 2'000);
    o.auto_tier = service_tier::priority;
    EXPECT_EQ(nano_per_token(""), 5'000);
    EXPECT_EQ(of(bounded(), o).cost, std::nullopt);  // gpt-4o-mini has none listed
}

TEST(estimate, an_unknown_price_may_be_taken_for_the_dearest) {
    llm::openai_options o;
    o.on_unknown_price = llm::unknown_price::assume_dearest;
    EXPECT_EQ(of(bounded().model("gpt-9"), o).cost, money::from_nano(85 * 12'500 + 400 * 45'000));
    EXPECT_EQ(of(bounded(), o).cost, of(bounded()).cost);  // a known one is not
    o.prices.set("odd", llm::price_card{1_usd_per_mtok, 1_usd_per_mtok, "2026-01-01"}.refuse("a field"));
    EXPECT_EQ(of(bounded().model("odd"), o).cost, of(bounded().model("gpt-9"), o).cost);
    o.on_unknown_price = llm::unknown_price::refuse;
    EXPECT_TRUE(has(why(bounded().model("odd"), o), "a field"));
    o.prices = llm::price_table{};
    o.on_unknown_price = llm::unknown_price::assume_dearest;
    EXPECT_TRUE(has(why(bounded(), o), "not known"));
}

TEST(estimate, without_a_bound_there_is_no_cost) {
    EXPECT_EQ(of(llm::request{"gpt-4o-mini"}.user("What?")).cost, std::nullopt);  // no maximum
    EXPECT_EQ(of(bounded().model("gpt-9")).cost, std::nullopt);  // no price
    EXPECT_EQ(of(bounded().n(0)).cost, std::nullopt);
    EXPECT_EQ(of(bounded().n(-1)).cost, std::nullopt);
    EXPECT_EQ(of(bounded().max_output_tokens(-1)).cost, std::nullopt);
    EXPECT_EQ(of(bounded(), llm::openai_options::groq()).cost, std::nullopt);
    EXPECT_EQ(of(bounded().tools(R"([{"type":"web_search"}])")).cost, std::nullopt);
    EXPECT_EQ(of(bounded().tools("nonsense")).cost, std::nullopt);
}

TEST(estimate, extra_fields_may_take_the_bound_away) {
    for (auto const* const extra :
         {R"({"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x"}}]}]})",
          R"({"modalities":["audio"]})", R"({"prediction":{"type":"content","content":"x"}})",
          R"({"web_search_options":{}})", R"({"service_tier":"priority"})", R"({"service_tier":7})",
          R"({"max_completion_tokens":null})", R"({"max_completion_tokens":"many"})", R"({"max_tokens":-5})",
          R"({"n":null})", R"({"n":-1})", R"({"model":"gpt-9"})", R"({"model":7})", R"({"something_new":1})",
          R"({"functions":[]})", R"({"tools":[]})", R"({"response_format":{}})", "nonsense", "[]"})
        EXPECT_EQ(of(bounded().extra(extra)).cost, std::nullopt) << extra;
}

TEST(estimate, harmless_extra_fields_do_not) {
    for (auto const* const extra :
         {R"({"metadata":{"a":"b"}})", R"({"service_tier":"flex"})", R"({"reasoning_effort":"high","verbosity":"low"})",
          R"({"store":false,"prompt_cache_key":"k"})", "{}"})
        EXPECT_TRUE(of(bounded().extra(extra)).cost) << extra;
}

TEST(estimate, extra_fields_say_what_is_really_sent) {
    EXPECT_EQ(of(bounded().extra(R"({"max_completion_tokens":50})")).output_tokens, 50);
    EXPECT_EQ(of(bounded().extra(R"({"max_tokens":50})")).output_tokens, 400);  // two limits: the larger one bounds
    EXPECT_EQ(of(bounded().extra(R"({"max_tokens":500})")).output_tokens, 500);
    EXPECT_EQ(of(bounded().extra(R"({"max_completion_tokens":5000,"max_tokens":10})")).output_tokens, 5000);
    EXPECT_EQ(of(bounded().extra(R"({"max_completion_tokens":10,"max_tokens":5000})")).output_tokens, 5000);
    EXPECT_EQ(of(bounded().extra(R"({"max_completion_tokens":null,"max_tokens":10})")).cost, std::nullopt);
    EXPECT_EQ(of(llm::request{"gpt-4o-mini"}.extra(R"({"max_tokens":50,"n":2})")).output_tokens, 100);
    EXPECT_TRUE(of(llm::request{"gpt-4o-mini"}.extra(R"({"max_tokens":50,"n":2})")).cost);
    auto const dearer = of(bounded().extra(R"({"model":"gpt-4o"})")).cost;
    ASSERT_TRUE(dearer);
    EXPECT_GT(*dearer, *of(bounded()).cost);
}

TEST(estimate, absurd_numbers_saturate) {
    auto const e = of(bounded()
                          .max_output_tokens(std::numeric_limits<std::int64_t>::max())
                          .n(std::numeric_limits<std::int64_t>::max()));
    EXPECT_EQ(e.cost, money::max());
}

}  // namespace
}  // namespace estimate_test
