// SPDX-License-Identifier: BSL-1.0
#include "openai/chat.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>

#include "api/router.hpp"
#include "billing/tokens.hpp"
#include "support/wire_client.hpp"

namespace provider_sim::chat_test {
namespace {

class chat : public testing::Test {
protected:
    served ask(json const& body, std::string const& prefix = {}) {
        request_.method = method_;
        request_.path = path_;
        api_call call;
        call.settings = &settings_;
        call.request = &request_;
        call.body = &body;
        call.key = key_;
        call.nth = nth_;
        call.wishes = &wishes_;
        return serve(call, prefix);
    }
    served ask_text(std::string const& body) { return ask(json::parse(body, nullptr, false)); }
    json answer(std::string const& body = test::chat_body()) { return json::parse(ask_text(body).answer.body); }

    config settings_;
    http_request request_;
    answer_wishes wishes_;
    std::string method_ = "POST";
    std::string path_ = "/v1/chat/completions";
    std::string key_ = "0123abcd";
    std::uint64_t nth_ = 1;
};

TEST_F(chat, has_openais_shape) {
    auto const body = answer();
    EXPECT_TRUE(body["id"].get<std::string>().starts_with("chatcmpl-"));
    EXPECT_EQ(body["object"], "chat.completion");
    EXPECT_TRUE(body["created"].is_number_integer());
    EXPECT_EQ(body["model"], "gpt-4o-mini");
    auto const& choice = body["choices"][0];
    EXPECT_EQ(choice["index"], 0);
    EXPECT_EQ(choice["message"]["role"], "assistant");
    EXPECT_TRUE(choice["message"]["refusal"].is_null());
    EXPECT_TRUE(choice["logprobs"].is_null());
    EXPECT_EQ(choice["finish_reason"], "stop");
    EXPECT_EQ(body["usage"]["prompt_tokens"], tokens_of_bytes(std::string_view{"hello there"}.size()));
    EXPECT_EQ(body["usage"]["total_tokens"].get<int>(),
              body["usage"]["prompt_tokens"].get<int>() + body["usage"]["completion_tokens"].get<int>());
    EXPECT_EQ(body["usage"]["prompt_tokens_details"]["cached_tokens"], 0);
    EXPECT_EQ(body["usage"]["completion_tokens_details"]["reasoning_tokens"], 0);
    EXPECT_TRUE(body.contains("system_fingerprint"));
}

TEST_F(chat, the_same_request_gets_the_same_text_under_another_id) {
    auto const first = answer();
    nth_ = 2;
    auto const second = answer();
    EXPECT_EQ(first["choices"], second["choices"]);
    EXPECT_EQ(first["usage"], second["usage"]);
    EXPECT_NE(first["id"], second["id"]);
    key_ = "ffff";
    EXPECT_NE(first["choices"], answer()["choices"]);
    key_ = "0123abcd";
    EXPECT_NE(first["choices"], answer(test::chat_body("hello there", "gpt-4o"))["choices"]);
}

TEST_F(chat, tokens_are_the_bytes_of_the_text) {
    for (int i = 0; i < 200; ++i) {
        key_ = std::to_string(i);
        auto const result = ask_text(test::chat_body());
        auto const body = json::parse(result.answer.body);
        auto const text = body["choices"][0]["message"]["content"].get<std::string>();
        EXPECT_EQ(tokens_of_bytes(text.size()), result.used.out_tok);
        EXPECT_EQ(body["usage"]["completion_tokens"], result.used.out_tok);
        EXPECT_GE(result.used.out_tok, 24);
        EXPECT_LE(result.used.out_tok, 60);
    }
}

TEST_F(chat, a_limit_cuts_the_answer_and_says_so) {
    for (auto const* name : {"max_tokens", "max_completion_tokens"}) {
        auto request = json::parse(test::chat_body());
        request[name] = 5;
        auto const result = ask(request);
        auto const body = json::parse(result.answer.body);
        EXPECT_EQ(body["choices"][0]["finish_reason"], "length") << name;
        EXPECT_EQ(result.used.out_tok, 5);
        EXPECT_EQ(body["choices"][0]["message"]["content"].get<std::string>().size(), 20U);
        request[name] = 1000;
        EXPECT_EQ(json::parse(ask(request).answer.body)["choices"][0]["finish_reason"], "stop");
    }
}

TEST_F(chat, n_choices_are_billed_together) {
    auto request = json::parse(test::chat_body());
    request["n"] = 3;
    auto const result = ask(request);
    auto const choices = json::parse(result.answer.body)["choices"];
    ASSERT_EQ(choices.size(), 3U);
    std::int64_t tokens = 0;
    for (auto const& choice : choices)
        tokens += tokens_of_bytes(choice["message"]["content"].get<std::string>().size());
    EXPECT_EQ(tokens, result.used.out_tok);
    EXPECT_NE(choices[0]["message"], choices[1]["message"]);
    EXPECT_EQ(choices[2]["index"], 2);
}

TEST_F(chat, a_request_field_sets_the_natural_length) {
    auto request = json::parse(test::chat_body());
    request["metadata"] = {{"sim_output_tokens", "500"}};
    EXPECT_EQ(ask(request).used.out_tok, 500);
    request["max_tokens"] = 100;
    EXPECT_EQ(ask(request).used.out_tok, 100);
}

TEST_F(chat, prompt_tokens_are_the_bytes_of_all_contents) {
    auto const result = ask_text(R"({"model": "m", "messages": [{"role": "system", "content": "12345"},
        {"role": "user", "content": [{"type": "text", "text": "1234"}, {"type": "text", "text": "5"}]},
        {"role": "assistant", "content": null}]})");
    EXPECT_EQ(result.used.in_tok, 3);  // ten bytes
}

TEST_F(chat, images_are_prompt_tokens_by_their_detail) {
    auto const asked = [&](std::string const& parts) {
        return ask_text(R"({"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "1234"})" +
                        parts + "]}]}");
    };
    auto const image = [](std::string const& detail) {
        return R"(, {"type": "image_url", "image_url": {"url": "https://x")" + detail + "}}";
    };
    EXPECT_EQ(asked("").used.in_tok, 1);
    EXPECT_EQ(asked(image(R"(, "detail": "low")")).used.in_tok, 86);
    EXPECT_EQ(asked(image(R"(, "detail": "high")")).used.in_tok, 766);
    EXPECT_EQ(asked(image("") + image(R"(, "detail": "low")")).used.in_tok, 851);
    settings_.high_image_tokens = 1'000;
    EXPECT_EQ(asked(image(R"(, "detail": "auto")")).used.in_tok, 1'001);
    EXPECT_EQ(asked(R"(, {"type": "image_url"})").answer.status, 400U);
    settings_.context_tokens = 1'000;
    EXPECT_EQ(asked(image("")).answer.status, 400U);
}

TEST_F(chat, searches_as_often_as_its_key_says_if_it_may) {
    auto request = json::parse(test::chat_body());
    EXPECT_EQ(ask(request).used.searches, 0);
    request["tools"] = json::array({{{"type", "function"}}});
    EXPECT_EQ(ask(request).used.searches, 0);
    EXPECT_FALSE(json::parse(ask(request).answer.body)["usage"].contains("server_tool_use"));
    request["tools"] = json::array({{{"type", "web_search_preview"}}});
    std::set<std::int64_t> numbers;
    for (int i = 0; i < 50; ++i) {
        key_ = std::to_string(i);
        auto const result = ask(request);
        EXPECT_EQ(result.used.searches, ask(request).used.searches);
        EXPECT_EQ(json::parse(result.answer.body)["usage"]["server_tool_use"]["web_search_requests"],
                  result.used.searches);
        numbers.insert(result.used.searches);
    }
    EXPECT_EQ(numbers, (std::set<std::int64_t>{1, 2, 3}));
    settings_.most_searches = 1;
    EXPECT_EQ(ask(request).used.searches, 1);
    request.erase("tools");
    request["web_search_options"] = json::object();
    request["metadata"] = {{"sim_searches", "7"}};
    EXPECT_EQ(ask(request).used.searches, 7);
    request["metadata"] = {{"sim_searches", -1}};
    EXPECT_EQ(ask(request).answer.status, 400U);
    request["web_search_options"] = 7;
    EXPECT_EQ(ask(request).answer.status, 400U);
}

TEST_F(chat, wishes_of_a_rule) {
    wishes_.finish_reason = "content_filter";
    wishes_.model = "gpt-wrong";
    wishes_.content = "twelve bytes";
    wishes_.cached_tokens = 99;
    wishes_.reasoning_tokens = 7;
    auto const result = ask_text(test::chat_body());
    auto const body = json::parse(result.answer.body);
    EXPECT_EQ(body["choices"][0]["finish_reason"], "content_filter");
    EXPECT_EQ(body["model"], "gpt-wrong");
    EXPECT_EQ(body["choices"][0]["message"]["content"], "twelve bytes");
    EXPECT_EQ(result.used, (usage{3, 3, 10, 7}));  // never more cached than there was
    EXPECT_EQ(body["usage"]["completion_tokens_details"]["reasoning_tokens"], 7);
}

TEST_F(chat, refusal_replaces_the_content) {
    wishes_.refusal = "I can't";
    auto const message = answer()["choices"][0]["message"];
    EXPECT_TRUE(message["content"].is_null());
    EXPECT_EQ(message["refusal"], "I can't");
}

TEST_F(chat, an_error_in_the_choice) {
    wishes_.choice_error = json{{"code", 429}};
    auto const choice = answer()["choices"][0];
    EXPECT_EQ(choice["error"]["code"], 429);
    EXPECT_EQ(choice["finish_reason"], "error");
}

TEST_F(chat, usage_shapes) {
    wishes_.usage = usage_shape::missing;
    EXPECT_FALSE(answer().contains("usage"));
    wishes_.usage = usage_shape::null;
    EXPECT_TRUE(answer()["usage"].is_null());
    wishes_.usage = usage_shape::zero;
    EXPECT_EQ(answer()["usage"]["total_tokens"], 0);
    EXPECT_GT(ask_text(test::chat_body()).used.out_tok, 0);  // what is billed does not depend on what is shown
}

TEST_F(chat, refuses_as_openai_does) {
    struct row {
        char const* body;
        unsigned status;
        char const* code;
        char const* param;
    };
    for (
        auto const& r : {
            row{"no json", 400, nullptr, nullptr},
            row{"[]", 400, nullptr, nullptr},
            row{R"({"messages": [{"role": "user", "content": "x"}]})", 400, nullptr, nullptr},
            row{R"({"model": 3, "messages": []})", 400, "invalid_type", "model"},
            row{R"({"model": "m"})", 400, "missing_required_parameter", "messages"},
            row{R"({"model": "m", "messages": "x"})", 400, "invalid_type", "messages"},
            row{R"({"model": "m", "messages": []})", 400, "empty_array", "messages"},
            row{R"({"model": "m", "messages": ["x"]})", 400, "invalid_type", "messages"},
            row{R"({"model": "m", "messages": [{"content": "x"}]})", 400, "missing_required_parameter", "messages"},
            row{R"({"model": "m", "messages": [{"role": "user", "content": 3}]})", 400, "invalid_type", "messages"},
            row{R"({"model": "m", "messages": [{"role": "user", "content": "x"}], "max_tokens": "5"})", 400,
                "invalid_type", "max_tokens"},
            row{R"({"model": "m", "messages": [{"role": "user", "content": "x"}], "max_tokens": 0})", 400,
                "integer_below_min_value", "max_tokens"},
            row{R"({"model": "m", "messages": [{"role": "user", "content": "x"}], "n": 129})", 400,
                "integer_above_max_value", "n"},
            row{R"({"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": true})", 400,
                "unsupported_value", "stream"},
            row{R"({"model": "m", "messages": [{"role": "user", "content": "x"}], "metadata": {"sim_output_tokens": "x"}})",
                400, "invalid_value", "metadata"},
            row{R"({"model": "no-such-model", "messages": [{"role": "user", "content": "x"}]})", 404, "model_not_found",
                nullptr},
        }) {
        auto const result = ask_text(r.body);
        EXPECT_FALSE(result.valid) << r.body;
        EXPECT_EQ(result.answer.status, r.status) << r.body;
        auto const error = json::parse(result.answer.body)["error"];
        EXPECT_EQ(error["type"], "invalid_request_error") << r.body;
        EXPECT_EQ(error["code"], r.code ? json(r.code) : json(nullptr)) << r.body;
        EXPECT_EQ(error["param"], r.param ? json(r.param) : json(nullptr)) << r.body;
        EXPECT_FALSE(error["message"].get<std::string>().empty()) << r.body;
    }
}

TEST_F(chat, refuses_more_than_the_context_holds) {
    settings_.context_tokens = 10;
    EXPECT_TRUE(ask_text(test::chat_body(std::string(40, 'x'))).valid);
    auto const result = ask_text(test::chat_body(std::string(41, 'x')));
    EXPECT_EQ(result.answer.status, 400U);
    EXPECT_EQ(json::parse(result.answer.body)["error"]["code"], "context_length_exceeded");
}

TEST_F(chat, keys_paths_and_methods) {
    auto const status = [&](std::string const& prefix) {
        return ask(json::parse(test::chat_body()), prefix).answer.status;
    };
    EXPECT_EQ(status(""), 200U);
    EXPECT_EQ(status("sk-"), 401U);
    request_.headers = {{"authorization", "Bearer pk-1"}};
    EXPECT_EQ(status("sk-"), 401U);
    request_.headers = {{"authorization", "Bearer sk-1"}};
    EXPECT_EQ(status("sk-"), 200U);
    method_ = "GET";
    EXPECT_EQ(status(""), 405U);
    path_ = "/v1/nothing";
    EXPECT_EQ(status(""), 404U);
    EXPECT_EQ(json::parse(ask(json::object()).answer.body)["error"]["message"], "Invalid URL (GET /v1/nothing)");
    path_ = "/v1/models";
    auto const models = ask(json());
    EXPECT_EQ(models.answer.status, 200U);
    EXPECT_FALSE(models.valid);
    EXPECT_EQ(json::parse(models.answer.body)["data"][0]["id"], "gpt-4o");
}

TEST_F(chat, the_refusal_of_a_key_does_not_repeat_it) {
    request_.headers = {{"authorization", "Bearer pk-secret"}};
    auto const result = ask(json::parse(test::chat_body()), "sk-");
    EXPECT_EQ(json::parse(result.answer.body)["error"]["code"], "invalid_api_key");
    EXPECT_EQ(result.answer.body.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace provider_sim::chat_test
