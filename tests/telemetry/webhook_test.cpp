// SPDX-License-Identifier: BSL-1.0
#include <coffer/telemetry/webhook.hpp>
#include <coffer/testing/scripted_transport.hpp>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <stdexcept>
#include <string>

#include "support/simulation.hpp"

namespace webhook_test {
namespace {

using namespace coffer;
using namespace coffer::literals;
using namespace std::chrono_literals;

constexpr auto const* url = "https://hooks.example.com/services/SECRET";

alarm_report threshold() {
    alarm_report a;
    a.kind = alarm_kind::threshold;
    a.severity = alarm_severity::critical;
    a.scope = "org/team \"blue\"\n";
    a.window = "day@UTC";
    a.amount = 5_usd;
    a.against = 5_usd;
    a.when = std::chrono::sys_days{std::chrono::year{2026} / 11 / 22};
    a.id = "threshold|org/team \"blue\"\n|day@UTC|1|100";
    a.sentence = "it has committed $5.00 of $5.00";
    return a;
}

std::string trouble_of(coffer::testing::scripted_transport const& to, webhook_options o = {}) {
    support::simulation sim;
    webhook const hook{to, url, std::move(o)};
    try {
        sim.run(hook(threshold()));
    } catch (failure const& f) {
        return f.what();
    }
    return {};
}

TEST(webhook, posts_the_sentence_and_all_fields_as_json) {
    coffer::testing::scripted_transport to;
    to.answer(http::response{204});
    webhook_options o;
    o.headers = {{"Authorization", "Bearer TOKEN"}};
    EXPECT_EQ(trouble_of(to, o), "");
    ASSERT_EQ(to.sent().size(), 1U);
    auto const r = to.sent()[0];
    EXPECT_EQ(r.method, "POST");
    EXPECT_EQ(r.url, url);
    EXPECT_EQ(r.headers.first("Content-Type"), "application/json");
    EXPECT_EQ(r.headers.first("Authorization"), "Bearer TOKEN");
    EXPECT_EQ(r.headers.first("Idempotency-Key"), "threshold|org/team_\"blue\"_|day@UTC|1|100");
    auto const body = nlohmann::json::parse(*r.body);
    EXPECT_EQ(body.at("text"), "[critical] it has committed $5.00 of $5.00");
    EXPECT_EQ(body.at("alarm"), threshold().id);
    EXPECT_EQ(body.at("kind"), "threshold");
    EXPECT_EQ(body.at("scope"), threshold().scope);
    EXPECT_EQ(body.at("window"), "day@UTC");
    EXPECT_EQ(body.at("amount_nano_usd"), 5'000'000'000);
    EXPECT_EQ(body.at("against_nano_usd"), 5'000'000'000);
    EXPECT_EQ(body.at("found_at"), 1'795'305'600);
}

TEST(webhook, has_not_delivered_what_was_not_accepted) {
    for (int const status : {302, 401, 404, 429, 500}) {
        coffer::testing::scripted_transport to;
        to.answer(http::response{status, "no SECRET here"});
        auto const said = trouble_of(to);
        EXPECT_NE(said.find("answered " + std::to_string(status)), std::string::npos) << said;
        EXPECT_EQ(said.find("SECRET"), std::string::npos) << said;
    }
}

TEST(webhook, has_not_delivered_what_may_be_lost_and_says_nothing_of_the_url) {
    coffer::testing::scripted_transport to;
    to.fail(fault{fault_kind::ambiguous, "connection to hooks.example.com/services/SECRET lost"});
    auto const said = trouble_of(to);
    EXPECT_NE(said.find("ambiguous"), std::string::npos) << said;
    EXPECT_EQ(said.find("SECRET"), std::string::npos) << said;
}

TEST(webhook, gives_up_when_its_time_is_over) {
    coffer::testing::scripted_transport to;
    to.stall();
    webhook_options o;
    o.timeout = 3s;
    EXPECT_NE(trouble_of(to, o).find("timed_out"), std::string::npos);
}

TEST(webhook, has_a_body_of_the_users_own_if_he_likes) {
    coffer::testing::scripted_transport to;
    to.answer(http::response{200});
    webhook_options o;
    o.body = [](alarm_report const& a) { return "{\"content\":\"" + std::string{to_string(a.kind)} + "\"}"; };
    EXPECT_EQ(trouble_of(to, o), "");
    EXPECT_EQ(*to.sent()[0].body, "{\"content\":\"threshold\"}");
}

TEST(webhook, a_scope_that_is_no_text_does_not_keep_an_alarm_from_being_delivered) {
    auto a = threshold();
    a.scope = "team\xff";
    EXPECT_EQ(nlohmann::json::parse(webhook_body(a)).at("kind"), "threshold");
}

TEST(webhook, options_that_cannot_be_meant_are_refused) {
    coffer::testing::scripted_transport const to;
    webhook_options o;
    EXPECT_THROW((webhook{to, "hooks.example.com"}), std::invalid_argument);
    o.body = nullptr;
    EXPECT_THROW((webhook{to, url, o}), std::invalid_argument);
    o = {};
    o.timeout = 0s;
    EXPECT_THROW((webhook{to, url, o}), std::invalid_argument);
}

}  // namespace
}  // namespace webhook_test
