// SPDX-License-Identifier: BSL-1.0
#include <coffer/llm/faults.hpp>
#include <coffer/llm/openai_options.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace faults_test {
namespace {

namespace llm = coffer::llm;
namespace http = coffer::http;
using namespace std::chrono_literals;
using coffer::fault;
using coffer::fault_kind;
using coffer::knowledge;
using enum coffer::fault_kind;

constexpr coffer::wall_time_point now{std::chrono::seconds{1'795'262'400}};  // Sat, 21 Nov 2026 12:00:00 GMT
constexpr auto no = knowledge::no;
constexpr auto maybe = knowledge::maybe;
constexpr auto yes = knowledge::yes;

/// `{"error":{"message":…,"type":…,"param":null,"code":…}}`, as OpenAI writes it.
std::string error(std::string_view type, std::string_view code, std::string_view message = "Some words.") {
    auto const value = [](std::string_view text) {
        return text.empty() ? std::string{"null"} : '"' + std::string{text} + '"';
    };
    return R"({"error":{"message":)" + value(message) + R"(,"type":)" + value(type) + R"(,"param":null,"code":)" +
           value(code) + "}}";
}

http::response response(int status, std::string body, std::vector<std::pair<std::string, std::string>> fields = {}) {
    http::response r{status, std::move(body)};
    for (auto& [name, value] : fields) r.headers.add(std::move(name), std::move(value));
    return r;
}

fault of(http::response const& r, llm::fault_rules const& rules = {}) {
    return llm::fault_of_response(r, rules, {}, now);
}

struct row {
    int status;
    std::string body;
    fault_kind kind;
    knowledge execution = no;
    knowledge billing = no;
};

void expect(std::vector<row> const& table, llm::fault_rules const& rules = {}) {
    for (auto const& r : table) {
        auto const f = of(response(r.status, r.body), rules);
        EXPECT_EQ(f.kind(), r.kind) << r.status << ' ' << r.body;
        EXPECT_EQ(f.execution(), r.execution) << r.status << ' ' << r.body;
        EXPECT_EQ(f.billing(), r.billing) << r.status << ' ' << r.body;
        EXPECT_EQ(f.status(), r.status);
        EXPECT_EQ(f.retry_after(), std::nullopt);
    }
}

auto const html = std::string{"<html><head><title>502 Bad Gateway</title></head></html>"};

TEST(faults, open_a_is_table) {
    expect({
        {400, error("invalid_request_error", ""), invalid_request},
        {400, error("invalid_request_error", "unsupported_value"), invalid_request},
        {400, error("invalid_request_error", "context_length_exceeded"), context_length},
        {400, error("invalid_request_error", "content_policy_violation"), content_policy},
        {400, error("invalid_request_error", "invalid_prompt"), content_policy},
        {400, error("image_generation_user_error", "image_content_policy_violation"), content_policy},
        {401, error("invalid_request_error", "invalid_api_key"), unauthorized},
        {401, error("invalid_request_error", ""), unauthorized},
        {400, error("invalid_request_error", "invalid_api_key"), unauthorized},
        {403, error("request_forbidden", "unsupported_country_region_territory"), forbidden},
        {404, error("invalid_request_error", "model_not_found"), not_found},
        {408, error("timeout", ""), ambiguous, maybe, maybe},
        {409, error("invalid_request_error", ""), transient, maybe, maybe},
        {413, error("invalid_request_error", ""), too_large},
        {429, error("requests", "rate_limit_exceeded"), throttled},
        {429, error("tokens", "rate_limit_exceeded"), throttled},
        {429, error("rate_limit_error", "slow_down"), throttled},
        {429, error("", ""), throttled},
        {500, error("server_error", ""), ambiguous, maybe, maybe},
        {502, error("server_error", ""), ambiguous, maybe, maybe},
        {504, error("server_error", ""), ambiguous, maybe, maybe},
        {503, error("service_unavailable_error", "server_is_overloaded"), overloaded},
        {503, error("server_error", ""), overloaded},
        {529, error("overloaded_error", ""), overloaded},
    });
}

TEST(faults, money_that_is_gone_is_never_waited_for) {
    std::vector<row> table;
    for (auto const* const code :
         {"credit_balance_exhausted", "organization_spend_limit_exceeded", "project_spend_limit_exceeded",
          "organization_usage_limit_exceeded", "insufficient_quota", "billing_hard_limit_reached"})
        table.push_back({429, error("insufficient_quota", code), quota_exhausted});
    table.push_back({429, error("", "insufficient_quota"), quota_exhausted});        // the legacy form
    table.push_back({429, error("insufficient_quota", ""), quota_exhausted});
    table.push_back({429, error("insufficient_quota", "some_new_code"), quota_exhausted});
    table.push_back({403, error("insufficient_quota", "insufficient_quota"), quota_exhausted});
    table.push_back({400, error("invalid_request_error", "billing_hard_limit_reached"), quota_exhausted});
    expect(table);
    auto const f = of(response(429, error("insufficient_quota", "insufficient_quota"),
                               {{"retry-after", "1"}, {"x-should-retry", "true"}}));
    EXPECT_EQ(f.kind(), quota_exhausted);
    EXPECT_FALSE(coffer::row(f.kind()).retry_same);
}

TEST(faults, a_request_larger_than_the_whole_limit_never_fits) {
    auto const f = of(response(
        429, error("tokens", "rate_limit_exceeded",
                   "Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, "
                   "Requested 36278. The input or output tokens must be reduced in order to run successfully.")));
    EXPECT_EQ(f.kind(), never_fits);
    EXPECT_EQ(f.billing(), no);
    auto const limit =
        of(response(429, error("tokens", "rate_limit_exceeded",
                               "Rate limit reached for gpt-4o: Limit 30000, Used 29937, Requested 385.")));
    EXPECT_EQ(limit.kind(), throttled);
}

TEST(faults, an_edges_page_proves_nothing_where_the_origin_may_be_at_work) {
    for (auto const& body : {html, std::string{}, std::string{"upstream connect error"},
                             std::string{"{\"message\":\"Service Unavailable\"}"}, std::string{"{\"error\":null}"},
                             std::string{"{\"error\":{\"mess"}})
        expect({
            {500, body, ambiguous, maybe, maybe},
            {502, body, ambiguous, maybe, maybe},
            {503, body, ambiguous, maybe, maybe},
            {504, body, ambiguous, maybe, maybe},
            {520, body, ambiguous, maybe, maybe},
            {524, body, ambiguous, maybe, maybe},
            {529, body, ambiguous, maybe, maybe},
            {599, body, ambiguous, maybe, maybe},
        });
}

TEST(faults, cloudflares_origin_statuses_prove_it_if_they_are_trusted) {
    llm::fault_rules distrust;
    distrust.edge_statuses_prove = false;
    for (int const status : {521, 522, 523, 525, 526}) {
        expect({{status, html, transient}});
        expect({{status, html, ambiguous, maybe, maybe}}, distrust);
        expect({{status, error("server_error", ""), ambiguous, maybe, maybe}});  // no edge writes that
    }
}

TEST(faults, a_refusal_is_one_whatever_its_body) {
    for (auto const& body : {html, std::string{}, error("", "")})
        expect({
            {400, body, invalid_request},
            {401, body, unauthorized},
            {402, body, quota_exhausted},
            {403, body, forbidden},
            {404, body, not_found},
            {405, body, not_found},
            {407, body, unauthorized},
            {410, body, not_found},
            {413, body, too_large},
            {415, body, invalid_request},
            {421, body, transient},
            {422, body, invalid_request},
            {425, body, transient},
            {429, body, throttled},
            {431, body, invalid_request},
            {451, body, forbidden},
        });
}

TEST(faults, the_rest_of_the_statuses) {
    expect({
        {301, html, not_found},
        {307, "", not_found},
        {424, "", ambiguous, maybe, maybe},
        {499, "", ambiguous, maybe, maybe},
        {498, error("capacity_exceeded", "capacity_exceeded"), overloaded},
        {498, "", overloaded},
        {0, "", ambiguous, maybe, maybe},
        {199, "", ambiguous, maybe, maybe},
        {700, "", ambiguous, maybe, maybe},
    });
}

TEST(faults, words_under_a5xx_tell_why_but_prove_nothing) {
    expect({
        {500, error("insufficient_quota", "insufficient_quota"), quota_exhausted, maybe, maybe},
        {500, error("", "rate_limit_exceeded"), throttled, maybe, maybe},
        {502, error("", "context_length_exceeded"), context_length, maybe, maybe},
        {504, error("", "server_is_overloaded"), overloaded, maybe, maybe},
        {503, error("", "rate_limit_exceeded"), throttled},  // the status itself says that it was turned down
    });
}

TEST(faults, the_dialects_of_the_shape) {
    expect({
        {404, R"([{"error":{"code":404,"message":"models/x is not found","status":"NOT_FOUND"}}])", not_found},
        {429, R"([{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}])", throttled},
        {400, R"({"object":"error","message":"too long","type":"BadRequestError","code":400})",
         invalid_request},  // vLLM
        {503, R"({"error":"busy"})", ambiguous, maybe, maybe},  // Ollama, but many a gateway too
        {404, R"({"error":"model not found"})", not_found},
        {503, R"({"error":{"code":"ServiceUnavailable","message":"m"}})", overloaded},  // Azure
        {429, R"({"error":{"code":"429","message":"Requests have exceeded call rate limit."}})", throttled},
    });
}

TEST(faults, open_routers_budgets) {
    auto const body = [](std::string const& metadata) {
        return R"({"error":{"code":402,"message":"m","metadata":)" + metadata + "}}";
    };
    auto const in_flight = body(R"({"limit_source":"openrouter_in_flight_budget"})");
    expect({
        {402, body(R"({"limit_source":"openrouter_credits"})"), quota_exhausted},
        {402, body(R"({"limit_source":"openrouter_key_limit"})"), quota_exhausted},
        {402, in_flight, quota_exhausted},  // nothing says when to come back
        {402, R"({"error":{"code":"weight_exceeds_budget","message":"m"}})", quota_exhausted},
        {403, R"({"error":{"code":403,"message":"m","metadata":{"reasons":["violence"],"flagged_input":"x"}}})",
         content_policy},
        {403, R"({"error":{"code":403,"message":"m","metadata":{"limit_usd":10,"spend_usd":10.01,"resets_at":"x"}}})",
         quota_exhausted},
        {403, R"({"error":{"code":403,"message":"m"}})", forbidden},
    });
    auto const later = of(response(402, in_flight, {{"Retry-After", "3"}}));
    EXPECT_EQ(later.kind(), throttled);
    EXPECT_EQ(later.retry_after(), 3s);
    EXPECT_EQ(
        of(response(402, R"({"error":{"code":"in_flight_budget_exhausted","message":"m"}})", {{"Retry-After", "3"}}))
            .kind(),
        throttled);
    EXPECT_EQ(
        of(response(402, R"({"error":{"code":"weight_exceeds_budget","message":"m"}})", {{"Retry-After", "3"}})).kind(),
        quota_exhausted);
    EXPECT_EQ(of(response(402, body(R"({"limit_source":"openrouter_credits"})"), {{"Retry-After", "3"}})).kind(),
              quota_exhausted);
}

TEST(faults, open_routers_insurance_covers_its_own_errors_only) {
    auto const rules = llm::openai_options::openrouter().rules;
    auto const own = [](int code) { return R"({"error":{"code":)" + std::to_string(code) + R"(,"message":"m"}})"; };
    expect({{408, own(408), ambiguous, maybe, no},
            {502, own(502), ambiguous, maybe, no},
            {524, own(524), ambiguous, maybe, no},
            {503, own(503), overloaded, no, no},
            {408, html, ambiguous, maybe, maybe},
            {502, html, ambiguous, maybe, maybe},
            {524, "", ambiguous, maybe, maybe}},
           rules);
    expect({{502, own(502), ambiguous, maybe, maybe}});  // nobody else is insured
}

TEST(faults, usage_in_a_failure_means_that_it_is_billed) {
    auto const body = R"({"error":{"code":502,"message":"m"},"usage":{"prompt_tokens":12,"completion_tokens":3}})";
    for (auto const& rules : {llm::fault_rules{}, llm::openai_options::openrouter().rules})
        expect({{502, body, ambiguous, yes, yes}}, rules);
    expect({{429, R"({"error":{"code":"rate_limit_exceeded"},"usage":{"prompt_tokens":1,"completion_tokens":0}})",
             throttled, yes, yes}});
    expect(
        {{502, R"({"error":{"code":502},"usage":{"prompt_tokens":0,"completion_tokens":0}})", ambiguous, maybe, maybe},
         {502, R"({"error":{"code":502},"usage":null})", ambiguous, maybe, maybe},
         {429, R"({"error":{"code":"rate_limit_exceeded"},"usage":{"prompt_tokens":0,"completion_tokens":0}})",
          throttled, no, no}});
}

TEST(faults, groqs_and_azures_peculiarities) {
    auto const groq = llm::openai_options::groq().rules;
    expect({{422, error("", "tool_use_failed"), ambiguous, maybe, maybe},
            {413, error("tokens", "rate_limit_exceeded", "Request too large for model"), too_large},
            {429, error("tokens", "rate_limit_exceeded"), throttled}},
           groq);
    auto const azure = llm::openai_options::azure("https://x.openai.azure.com", "d", "v").rules;
    auto const filtered = R"({"error":{"message":"m","type":null,"param":"prompt","code":"content_filter","status":400,
        "innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{}}}})";
    expect({{400, filtered, content_policy, no, yes}}, azure);  // the prompt was read, and is paid for
    expect({{400, filtered, content_policy, no, no}});
    expect(
        {{429,
          R"({"error":{"code":"429","message":"The system is currently experiencing high demand and cannot process your request."}})",
          overloaded},
         {404, R"({"error":{"code":"DeploymentNotFound","message":"m"}})", not_found}},
        azure);
}

TEST(hints, come_with_every_kind_that_has_one) {
    EXPECT_EQ(
        of(response(429, error("requests", "rate_limit_exceeded"), {{"retry-after-ms", "250"}, {"retry-after", "7"}}))
            .retry_after(),
        250ms);
    EXPECT_EQ(of(response(503, error("", "server_is_overloaded"), {{"retry-after", "7"}})).retry_after(), 7s);
    EXPECT_EQ(of(response(500, html, {{"retry-after", "7"}})).retry_after(), 7s);
    EXPECT_EQ(of(response(429, html, {{"retry-after", "-1"}})).retry_after(), std::nullopt);
    EXPECT_EQ(of(response(429, html, {{"retry-after", "Fri, 20 Nov 2026 12:00:00 GMT"}})).retry_after(), 0s);
    EXPECT_EQ(of(response(429, html, {{"retry-after", "86400"}})).retry_after(), 24h);
}

TEST(hints, buckets_speak_only_where_a_limit_was_hit) {
    std::vector<std::pair<std::string, std::string>> const empty{{"x-ratelimit-remaining-tokens", "0"},
                                                                 {"x-ratelimit-reset-tokens", "6m0s"}};
    EXPECT_EQ(of(response(429, error("tokens", "rate_limit_exceeded"), empty)).retry_after(), 6min);
    EXPECT_EQ(of(response(500, html, empty)).retry_after(), std::nullopt);
    EXPECT_EQ(of(response(429, error("insufficient_quota", ""), empty)).retry_after(), std::nullopt);
}

TEST(hints, open_router_hands_the_upstreams_headers_on_in_its_body) {
    auto const f = of(response(429, R"({"error":{"code":429,"message":"m","metadata":{"headers":
        {"X-RateLimit-Limit":"20","X-RateLimit-Remaining":"0","X-RateLimit-Reset":"1795262405000"}}}})"));
    EXPECT_EQ(f.kind(), throttled);
    EXPECT_EQ(f.retry_after(), 5s);
}

TEST(should_retry, false_ends_it_here_and_not_elsewhere) {
    std::vector<std::pair<std::string, std::string>> const never{{"x-should-retry", "false"}, {"retry-after", "2"}};
    auto const limited = of(response(429, error("requests", "rate_limit_exceeded"), never));
    EXPECT_EQ(limited.kind(), quota_exhausted);
    for (int const status : {408, 409, 500, 502, 503, 504, 529}) {
        auto const plain = of(response(status, error("", "")));
        auto const advised = of(response(status, error("", ""), never));
        EXPECT_EQ(advised.kind(), defective_answer) << status;
        EXPECT_EQ(advised.execution(), plain.execution()) << status;  // nothing became unbilled by it
        EXPECT_EQ(advised.billing(), plain.billing()) << status;
        EXPECT_FALSE(coffer::row(advised.kind()).retry_same);
        EXPECT_EQ(coffer::row(advised.kind()).try_other, coffer::other_target::yes);
    }
    EXPECT_EQ(of(response(400, error("", ""), never)).kind(), invalid_request);
}

TEST(should_retry, true_saves_what_only_its_status_condemned) {
    std::vector<std::pair<std::string, std::string>> const again{{"x-should-retry", "true"}};
    for (int const status : {400, 403, 404, 422}) {
        auto const f = of(response(status, error("invalid_request_error", ""), again));
        EXPECT_EQ(f.kind(), transient) << status;
        EXPECT_EQ(f.billing(), no);
    }
    // What the provider names stays what it is, however optimistic a header is.
    EXPECT_EQ(of(response(400, error("", "context_length_exceeded"), again)).kind(), context_length);
    EXPECT_EQ(of(response(400, error("", "content_policy_violation"), again)).kind(), content_policy);
    EXPECT_EQ(of(response(401, error("", ""), again)).kind(), unauthorized);
    EXPECT_EQ(of(response(402, error("", ""), again)).kind(), quota_exhausted);
    EXPECT_EQ(of(response(404, error("", "model_not_found"), again)).kind(), not_found);
    auto const unsure = of(response(500, html, again));
    EXPECT_EQ(unsure.kind(), ambiguous);
    EXPECT_EQ(unsure.billing(), maybe);
}

TEST(details, code_message_and_request_id) {
    auto const f = of(
        response(429, error("requests", "rate_limit_exceeded", "Slow down, please."), {{"x-request-id", "req_123"}}));
    EXPECT_EQ(f.code(), "rate_limit_exceeded");
    EXPECT_EQ(f.message(), "Slow down, please.");
    EXPECT_EQ(f.request_id(), "req_123");
    EXPECT_EQ(of(response(500, error("server_error", ""))).code(), "server_error");
    EXPECT_EQ(of(response(402, R"({"error":{"code":402,"message":"m"}})")).code(), "402");
    EXPECT_EQ(of(response(400, error("", "not a code at all"))).code(), "");
    EXPECT_EQ(of(response(429, "", {{"apim-request-id", "a-1"}})).request_id(), "a-1");
    EXPECT_EQ(of(response(429, "", {{"X-Generation-Id", "gen-1"}})).request_id(), "gen-1");
    EXPECT_EQ(of(response(429, "", {{"x-request-id", "two words"}, {"x-generation-id", "gen-1"}})).request_id(),
              "gen-1");
    EXPECT_FALSE(of(response(502, html)).message().empty());
    EXPECT_EQ(of(response(502, html)).message().find('<'),
              std::string_view::npos);  // a stranger's page is not repeated
}

TEST(transport_faults, a_refusal_is_one_though_its_body_broke_off) {
    auto const broken = [](int status) {
        return fault{broken_stream, "x: cut"}.with_status(status).with_execution(maybe).with_billing(maybe);
    };
    EXPECT_EQ(llm::refined(broken(401), {}).kind(), unauthorized);
    EXPECT_EQ(llm::refined(broken(429), {}).kind(), throttled);
    EXPECT_EQ(llm::refined(broken(429), {}).billing(), no);
    EXPECT_EQ(llm::refined(broken(429), {}).status(), 429);
    EXPECT_EQ(llm::refined(broken(429), {}).message(), "x: cut");
    for (int const status : {0, 200, 408, 409, 424, 499, 500, 503}) {
        EXPECT_EQ(llm::refined(broken(status), {}).kind(), broken_stream) << status;
        EXPECT_EQ(llm::refined(broken(status), {}).billing(), maybe) << status;
    }
    EXPECT_EQ(llm::refined(fault{ambiguous}, {}).kind(), ambiguous);
    EXPECT_EQ(llm::refined(fault{timed_out}.with_status(429), {}).kind(), timed_out);
}

TEST(transport_faults, an_address_that_is_refused_is_no_fault_of_the_request) {
    auto const f = llm::refined(fault{invalid_request, "http:// is refused"}, {});
    EXPECT_EQ(f.kind(), forbidden);
    EXPECT_FALSE(coffer::row(f.kind()).stored) << "it would be replayed after the configuration was mended";
    EXPECT_NE(f.message().find("base URL"), std::string_view::npos);
    EXPECT_EQ(llm::refined(fault{invalid_request}.with_status(400), {}).kind(), invalid_request);
}

}  // namespace
}  // namespace faults_test
