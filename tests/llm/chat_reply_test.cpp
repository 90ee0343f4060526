// SPDX-License-Identifier: BSL-1.0
#include <coffer/llm/chat_reply.hpp>

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chat_reply_test {
namespace {

namespace llm = coffer::llm;
using namespace coffer::literals;
using coffer::answer;
using coffer::fault;
using coffer::fault_kind;
using coffer::knowledge;
using coffer::money;
using enum coffer::fault_kind;

llm::openai_options const openai;

std::string whole(std::string_view choices,
                  std::string_view more = R"(,"usage":{"prompt_tokens":10,"completion_tokens":20})") {
    return R"({"id":"chatcmpl-1","object":"chat.completion","model":"gpt-4o-mini-2024-07-18","choices":)" +
           std::string{choices} + std::string{more} + "}";
}
std::string choice(std::string_view message, std::string_view finish = R"("stop")") {
    return R"([{"index":0,"message":)" + std::string{message} + R"(,"logprobs":null,"finish_reason":)" +
           std::string{finish} + "}]";
}
constexpr auto hello = R"({"role":"assistant","content":"Hello","refusal":null})";

coffer::outcome<llm::reply> read(std::string body, llm::openai_options const& o = openai) {
    return llm::read_chat(answer{std::move(body), 200}, o);
}
fault why(std::string body, llm::openai_options const& o = openai) {
    auto const got = read(std::move(body), o);
    EXPECT_FALSE(got);
    return got ? fault{permanent} : got.error();
}

TEST(read_chat, a_whole_answer) {
    auto const r = read(whole(choice(hello)));
    ASSERT_TRUE(r);
    EXPECT_EQ(r->text, "Hello");
    EXPECT_EQ(r->finish_reason, "stop");
    EXPECT_EQ(r->model, "gpt-4o-mini-2024-07-18");
    EXPECT_EQ(r->id, "chatcmpl-1");
    EXPECT_EQ(r->refusal, "");
    EXPECT_EQ(r->tool_calls, "");
    EXPECT_EQ(
        r->choices,
        R"([{"finish_reason":"stop","index":0,"logprobs":null,"message":{"content":"Hello","refusal":null,"role":"assistant"}}])");
    EXPECT_EQ(r->usage->output, 20);
    EXPECT_EQ(r->cost, money::from_nano(13'500));
}

TEST(read_chat, tool_calls_are_an_answer) {
    auto const r = read(whole(choice(
        R"({"content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]})",
        R"("tool_calls")")));
    ASSERT_TRUE(r);
    EXPECT_EQ(r->text, "");
    EXPECT_EQ(r->tool_calls, R"([{"function":{"arguments":"{}","name":"f"},"id":"c","type":"function"}])");
    EXPECT_TRUE(
        read(whole(choice(R"({"content":null,"function_call":{"name":"f","arguments":"{}"}})", R"("function_call")"))));
    EXPECT_TRUE(read(whole(choice(R"({"content":null,"audio":{"id":"a","data":"x"}})"))));
}

TEST(read_chat, text_may_come_in_parts_and_may_be_empty) {
    EXPECT_EQ(read(whole(choice(R"({"content":[{"type":"text","text":"Hel"},{"type":"text","text":"lo"}]})")))->text,
              "Hello");
    EXPECT_EQ(read(whole(choice(R"({"content":""})")))->text, "");
}

TEST(read_chat, without_usage_the_cost_is_unknown_and_not_zero) {
    for (auto const* const more :
         {"", R"(,"usage":null)", R"(,"usage":{})", R"(,"usage":{"prompt_tokens":-1,"completion_tokens":2})"}) {
        auto const r = read(whole(choice(hello), more));
        ASSERT_TRUE(r) << more;
        EXPECT_EQ(r->usage, std::nullopt) << more;
        EXPECT_EQ(r->cost, std::nullopt) << more;
    }
    auto const zero = read(whole(choice(hello), R"(,"usage":{"prompt_tokens":0,"completion_tokens":0})"));
    EXPECT_EQ(zero->usage, coffer::usage{});
    EXPECT_EQ(zero->cost, money{});
}

TEST(read_chat, truncation_is_never_success) {
    for (auto const* const word : {R"("length")", R"("max_tokens")", R"("model_context_window_exceeded")"}) {
        auto const f = why(whole(choice(hello, word)));
        EXPECT_EQ(f.kind(), defective_answer) << word;
        EXPECT_EQ(f.billing(), knowledge::yes);
        EXPECT_EQ(f.status(), 200);
    }
    EXPECT_EQ(why(whole(choice(hello, R"("length")"))).code(), "length");
    for (auto const* const word : {"null", R"("")", R"("insufficient_system_resource")", R"("abort")", "7"}) {
        EXPECT_EQ(why(whole(choice(hello, word))).kind(), defective_answer) << word;
        EXPECT_EQ(why(whole(choice(hello, word))).billing(), knowledge::yes) << word;
    }
    EXPECT_EQ(why(whole(R"([{"index":0,"message":{"content":"x"}}])")).kind(), defective_answer);
}

TEST(read_chat, truncation_is_accepted_by_who_asks_for_it) {
    llm::openai_options o;
    o.accept_truncated = true;
    auto const r = read(whole(choice(hello, R"("length")")), o);
    ASSERT_TRUE(r);
    EXPECT_EQ(r->finish_reason, "length");
    EXPECT_EQ(why(whole(choice(hello, "null")), o).kind(), defective_answer);  // that one nobody knows
    o = {};
    o.finish_reasons.push_back("abort");
    EXPECT_TRUE(read(whole(choice(hello, R"("abort")")), o));
}

TEST(read_chat, every_choice_must_be_whole) {
    auto const two =
        R"([{"message":{"content":"a"},"finish_reason":"stop"},{"message":{"content":"b"},"finish_reason":"length"}])";
    EXPECT_EQ(why(whole(two)).kind(), defective_answer);
    EXPECT_EQ(
        read(
            whole(
                R"([{"message":{"content":"a"},"finish_reason":"stop"},{"message":{"content":"b"},"finish_reason":"stop"}])"))
            ->text,
        "a");
}

TEST(read_chat, refusals_and_filters_are_content_policy_and_billed) {
    auto const refused = whole(choice(R"({"content":null,"refusal":"I cannot help with canary."})"));
    for (auto const& body : {refused, whole(choice(R"({"content":"Hal"})", R"("content_filter")")),
                             whole(choice(R"({"content":null})", R"("content_filter")"))}) {
        auto const f = why(body);
        EXPECT_EQ(f.kind(), content_policy) << body;
        EXPECT_EQ(f.execution(), knowledge::yes);
        EXPECT_EQ(f.billing(), knowledge::yes);
        EXPECT_EQ(f.message().find("canary"), std::string_view::npos);
    }
    llm::openai_options o;
    o.accept_refusals = true;
    auto const r = read(refused, o);
    ASSERT_TRUE(r);
    EXPECT_EQ(r->refusal, "I cannot help with canary.");
    EXPECT_EQ(r->text, "");
}

TEST(read_chat, an_answer_with_nothing_in_it_is_defective) {
    for (auto const& body :
         {whole("[]"), whole("null"), whole("{}"), std::string{R"({"id":"x"})"}, std::string{"{}"}, std::string{"[]"},
          std::string{"null"}, std::string{"7"}, std::string{"\"text\""}, whole("[null]"), whole("[7]"), whole("[{}]"),
          whole(choice("null")), whole(choice("7")), whole(choice("{}")), whole(choice(R"({"content":null})")),
          whole(choice(R"({"content":7})")), whole(choice(R"({"content":[]})")),
          whole(choice(R"({"content":null,"tool_calls":[]})"))}) {
        auto const f = why(body);
        EXPECT_EQ(f.kind(), defective_answer) << body;
        EXPECT_EQ(f.billing(), knowledge::yes) << body;
    }
}

TEST(read_chat, what_is_not_json_is_defective_and_may_have_been_billed) {
    for (auto const* const body : {"<html>Login to the hotel's network</html>", "", "  \r\n", "data: {}\n\n", "OK"}) {
        auto const f = why(body);
        EXPECT_EQ(f.kind(), defective_answer) << body;
        EXPECT_EQ(f.execution(), knowledge::maybe) << body;  // whose words it is, nobody knows
        EXPECT_EQ(f.billing(), knowledge::maybe) << body;
    }
    auto const good = whole(choice(hello));
    for (std::size_t n = 1; n < good.size(); ++n) {
        auto const f = why(good.substr(0, n));
        EXPECT_EQ(f.kind(), defective_answer) << n;
        EXPECT_EQ(f.billing(), knowledge::yes) << n;
    }
}

TEST(read_chat, a_bomb_of_brackets_is_defective) {
    auto const deep = std::string(1'000'000, '[');
    EXPECT_EQ(why(deep).kind(), defective_answer);
    EXPECT_EQ(why(whole(choice(R"({"content":"x","tool_calls":)" + deep + std::string(deep.size(), ']') + "}"))).kind(),
              defective_answer);
}

struct inside {
    std::string error;
    fault_kind kind;
    knowledge billing;
};

TEST(error_in_a200, takes_the_kind_of_its_code) {
    for (auto const& row : std::vector<inside>{
             {R"({"code":429,"message":"m"})", throttled, knowledge::no},
             {R"({"code":402,"message":"m"})", quota_exhausted, knowledge::no},
             {R"({"code":"insufficient_quota","message":"m"})", quota_exhausted, knowledge::no},
             {R"({"type":"insufficient_quota","code":"credit_balance_exhausted"})", quota_exhausted, knowledge::no},
             {R"({"code":401,"message":"m"})", unauthorized, knowledge::no},
             {R"({"code":400,"message":"m"})", invalid_request, knowledge::no},
             {R"({"code":403,"message":"m","metadata":{"reasons":["x"]}})", content_policy, knowledge::no},
             {R"({"code":"context_length_exceeded"})", context_length, knowledge::no},
             {R"({"code":503,"message":"m"})", overloaded, knowledge::no},
             {R"({"type":"service_unavailable_error","code":"server_is_overloaded"})", overloaded, knowledge::no},
             {R"({"code":524,"message":"m"})", ambiguous, knowledge::maybe},
             {R"({"code":500,"message":"m"})", ambiguous, knowledge::maybe},
             {R"({"code":"server_error","message":"m"})", ambiguous, knowledge::maybe},
             {R"({"code":"nobody_knows_it"})", ambiguous, knowledge::maybe},
             {R"("just words")", ambiguous, knowledge::maybe},
             {R"({"message":"m"})", ambiguous, knowledge::maybe},
         }) {
        auto const f = why(R"({"error":)" + row.error + "}");
        EXPECT_EQ(f.kind(), row.kind) << row.error;
        EXPECT_EQ(f.billing(), row.billing) << row.error;
        EXPECT_EQ(f.status(), 200);
    }
}

TEST(error_in_a200, an_answer_that_had_begun_may_have_been_billed) {
    for (auto const& body :
         {whole(R"([{"message":{"content":"Hal"},"finish_reason":"error","error":{"code":429}}])", ""),
          whole(R"([{"message":{"content":"Hal"},"error":{"code":429}}])", ""),
          whole(choice(hello), R"(,"error":{"code":429})")}) {
        auto const f = why(body);
        EXPECT_EQ(f.kind(), throttled) << body;
        EXPECT_EQ(f.billing(), knowledge::maybe) << body;
        EXPECT_EQ(f.code(), "429");
    }
    auto const nameless = why(whole(R"([{"message":{"content":"Hal"},"finish_reason":"error"}])", ""));
    EXPECT_EQ(nameless.kind(), ambiguous);
    EXPECT_EQ(nameless.billing(), knowledge::maybe);
}

TEST(error_in_a200, tokens_that_were_consumed_are_billed) {
    auto const used = R"(,"usage":{"prompt_tokens":5,"completion_tokens":0})";
    EXPECT_EQ(why(whole("[]", std::string{R"(,"error":{"code":429})"} + used)).billing(), knowledge::yes);
    EXPECT_EQ(why(whole(R"([{"message":{"content":"Hal"},"finish_reason":"error"}])", used)).billing(), knowledge::yes);
    auto const zero = R"(,"usage":{"prompt_tokens":0,"completion_tokens":0})";
    EXPECT_EQ(why(whole("[]", std::string{R"(,"error":{"code":524})"} + zero)).billing(), knowledge::maybe);
}

TEST(error_in_a200, is_insured_by_open_router_if_nothing_was_written) {
    auto const o = llm::openai_options::openrouter();
    EXPECT_EQ(why(R"({"error":{"code":524}})", o).billing(), knowledge::no);
    EXPECT_EQ(
        why(whole(R"([{"message":{"content":""},"finish_reason":"error","error":{"code":502}}])", ""), o).billing(),
        knowledge::no);
    EXPECT_EQ(
        why(whole(R"([{"message":{"content":"Hal"},"finish_reason":"error","error":{"code":502}}])", ""), o).billing(),
        knowledge::maybe);
    EXPECT_EQ(why(whole(R"([{"message":{"content":""},"finish_reason":"error"}])",
                        R"(,"usage":{"prompt_tokens":5,"completion_tokens":0})"),
                  o)
                  .billing(),
              knowledge::yes);
}

TEST(error_in_a200, no_error_is_none) {
    for (auto const* const nothing : {"null", "{}", R"("")", "false", "[]"})
        EXPECT_TRUE(read(whole(choice(hello), std::string{R"(,"error":)"} + nothing))) << nothing;
    EXPECT_TRUE(read(whole(R"([{"message":{"content":"a"},"finish_reason":"stop","error":null}])")));
}

TEST(bill, is_read_from_defective_answers_too) {
    auto const cost = [](std::string body, llm::openai_options const& o = openai) {
        return llm::bill_chat(answer{std::move(body), 200}, o).cost;
    };
    EXPECT_EQ(cost(whole(choice(hello))), money::from_nano(13'500));
    EXPECT_EQ(cost(whole(choice(hello, R"("length")"))), money::from_nano(13'500));
    EXPECT_EQ(cost(whole("[]")), money::from_nano(13'500));
    EXPECT_EQ(cost("<html>"), std::nullopt);
    EXPECT_EQ(cost(""), std::nullopt);
    EXPECT_EQ(llm::bill_chat(answer{"<html>", 200}, openai).usage, std::nullopt);
}

TEST(bill, the_providers_own_cost_wins) {
    auto const used = R"(,"usage":{"prompt_tokens":10,"completion_tokens":20,"cost":0.5})";
    EXPECT_EQ(llm::bill_chat(answer{whole(choice(hello), used), 200}, openai).cost, 0.5_usd);
    EXPECT_EQ(llm::bill_chat(answer{whole(choice(hello), R"(,"usage":{"cost":0.5})"), 200}, openai).cost, 0.5_usd);
}

TEST(bill, where_the_list_does_not_hold_the_cost_is_unknown) {
    auto const cost = [](std::string more, llm::openai_options const& o = openai) {
        return llm::bill_chat(
                   answer{whole(choice(hello), R"(,"usage":{"prompt_tokens":10,"completion_tokens":20})" + more), 200},
                   o)
            .cost;
    };
    EXPECT_TRUE(cost(R"(,"service_tier":"default")"));
    EXPECT_TRUE(cost(R"(,"service_tier":null)"));
    EXPECT_EQ(cost(R"(,"service_tier":"priority")"), std::nullopt);
    EXPECT_EQ(cost(R"(,"service_tier":"flex")"), std::nullopt);
    EXPECT_EQ(cost("", llm::openai_options::compatible("x", "https://x")), std::nullopt);
}

TEST(bill, each_service_tier_has_its_listed_price) {
    llm::openai_options o;
    o.prices.set("gpt-4o-mini",
                 llm::price_card{0.15_usd_per_mtok, 0.60_usd_per_mtok, "2026-11-21"}.tier(
                     llm::service_tier::flex, {.input = 0.05_usd_per_mtok, .output = 0.10_usd_per_mtok}));
    auto const cost = [&](std::string more) {
        return llm::bill_chat(
                   answer{whole(choice(hello), R"(,"usage":{"prompt_tokens":10,"completion_tokens":20})" + more), 200},
                   o)
            .cost;
    };
    EXPECT_EQ(cost(""), money::from_nano(13'500));
    EXPECT_EQ(cost(R"(,"service_tier":"flex")"), money::from_nano(2'500));
    EXPECT_EQ(cost(R"(,"service_tier":"priority")"), std::nullopt);
    EXPECT_EQ(cost(R"(,"service_tier":"scale")"), std::nullopt);
}

TEST(bill, searches_that_nobody_counted_make_the_cost_unknown) {
    llm::openai_options o;
    o.prices.set("gpt-4o-mini", llm::price_card{0.15_usd_per_mtok, 0.60_usd_per_mtok, "2026-11-21"}.fees(
                                    {.web_search = std::array{0.01_usd, 0.01_usd, 0.01_usd}}));
    auto const cost = [&](std::string const& notes, std::string const& used) {
        auto const choices = R"([{"message":{"content":"a","annotations":)" + notes + R"(},"finish_reason":"stop"}])";
        return llm::bill_chat(
                   answer{whole(choices, R"(,"usage":{"prompt_tokens":10,"completion_tokens":20)" + used + "}"), 200},
                   o)
            .cost;
    };
    constexpr auto found = R"([{"type":"url_citation"}])";
    EXPECT_EQ(cost("[]", ""), money::from_nano(13'500));
    EXPECT_EQ(cost(found, ""), std::nullopt);
    EXPECT_EQ(cost(found, R"(,"server_tool_use":{"web_search_requests":2})"), money::from_nano(13'500) + 0.02_usd);
}

TEST(bill, an_unknown_price_may_be_taken_for_the_dearest) {
    auto const other = [](llm::openai_options const& o) {
        std::string const body = R"({"model":"gpt-9","choices":[{"message":{"content":"a"},"finish_reason":"stop"}],)"
                                 R"("usage":{"prompt_tokens":10,"completion_tokens":20}})";
        return llm::bill_chat(answer{body, 200}, o).cost;
    };
    llm::openai_options o;
    EXPECT_EQ(other(o), std::nullopt);
    o.on_unknown_price = llm::unknown_price::assume_dearest;
    EXPECT_EQ(other(o), money::from_nano(10 * 10'000 + 20 * 45'000));
}

TEST(bill, what_was_recorded_stands_for_what_the_body_lacks) {
    answer a{whole(choice(hello), ""), 200};
    a.usage.emplace().output = 7;
    a.cost = 3_usd;
    auto const b = llm::bill_chat(a, openai);
    EXPECT_EQ(b.usage->output, 7);
    EXPECT_EQ(b.cost, 3_usd);
    auto const r = llm::read_chat(a, openai);
    EXPECT_EQ(r->usage->output, 7);
    EXPECT_EQ(r->cost, 3_usd);
}

TEST(read_chat, a_replay_shows_what_it_cost_when_it_was_paid) {
    answer a{whole(choice(hello)), 200};
    a.cost = 9_usd;  // at the prices of that day
    EXPECT_EQ(llm::read_chat(a, openai)->cost, 9_usd);
}

}  // namespace
}  // namespace chat_reply_test
