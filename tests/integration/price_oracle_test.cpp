// SPDX-License-Identifier: BSL-1.0
// What coffer believes a request to cost, before and after, against the simulated provider's own arithmetic.
#include <coffer/llm/chat_body.hpp>
#include <coffer/llm/chat_reply.hpp>
#include <coffer/llm/estimate.hpp>
#include <coffer/llm/openai_options.hpp>
#include <coffer/llm/request.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

#include "api/router.hpp"
#include "base/digest.hpp"
#include "billing/price.hpp"

namespace price_oracle_test {
namespace {

namespace llm = coffer::llm;
namespace sim = provider_sim;
using coffer::money;
using coffer::token_price;

constexpr std::array models{"gpt-4o", "gpt-4o-mini"};

/// The prices of both.
class two_lists {
public:
    explicit two_lists(std::mt19937_64& random) {
        auto const upto = [&](std::int64_t most) {
            return std::uniform_int_distribution<std::int64_t>{0, most}(random);
        };
        for (auto const* const model : models) {
            sim::price const p{upto(9'999'999), upto(9'999'999), upto(99'999'999), 1'000 * upto(99'999'999)};
            settings.prices.set(model, p);
            options.prices.set(model, llm::price_card{{.input = token_price::from_pico(p.input),
                                                       .output = token_price::from_pico(p.output),
                                                       .cache_read = token_price::from_pico(p.cached)},
                                                      "2026-11-22"}
                                          .fees({.web_search = std::array{money::from_nano(p.search / 1'000),
                                                                          money::from_nano(p.search / 1'000),
                                                                          money::from_nano(p.search / 1'000)}}));
        }
    }
    sim::config settings;
    llm::openai_options options;
};

TEST(price_oracle, what_is_billed_is_the_cost_and_never_above_the_bound) {
    std::mt19937_64 random{2026};
    auto const upto = [&](std::int64_t most) { return std::uniform_int_distribution<std::int64_t>{0, most}(random); };
    int with_images = 0;
    int with_searches = 0;
    int with_choices = 0;
    for (int round = 0; round < 400; ++round) {
        two_lists const lists{random};
        std::string const model = models[static_cast<std::size_t>(upto(1))];
        llm::request r{model};
        r.user(std::string(static_cast<std::size_t>(upto(400)), 'x')).max_output_tokens(1 + upto(80));
        llm::uncounted promise;
        for (auto images = upto(3); images > 0; --images) {
            bool const low = upto(1) == 0;
            r.image("https://example.com/cat.png", low ? llm::image_detail::low : llm::image_detail::high);
            promise.input_tokens += low ? lists.settings.low_image_tokens : lists.settings.high_image_tokens;
        }
        if (upto(1) == 0) r.n(1 + upto(3));
        if (upto(2) == 0) {
            r.extra(R"({"web_search_options":{}})");
            promise.web_searches = lists.settings.most_searches;
        }
        r.at_most(promise);

        auto const estimate = llm::estimate_of(r, lists.options);
        ASSERT_TRUE(estimate.cost) << estimate.unbounded;
        auto const body = llm::chat_body(r, lists.options.output_limit_field).value();
        auto const parsed = sim::json::parse(body);
        auto const key = sim::sha256_hex(body);
        sim::answer_wishes wishes;
        wishes.cached_tokens = upto(100);
        wishes.reasoning_tokens = upto(20);
        sim::http_request request;
        request.method = "POST";
        request.path = "/v1/chat/completions";
        sim::api_call call;
        call.settings = &lists.settings;
        call.request = &request;
        call.body = &parsed;
        call.key = key;
        call.wishes = &wishes;
        auto const served = sim::serve(call, {});
        ASSERT_TRUE(served.valid) << served.answer.body;

        auto const charged = sim::cost_of(served.used, lists.settings.prices.of(model)).nano_usd;
        auto const bill = llm::bill_chat(coffer::answer{served.answer.body, 200}, lists.options);
        ASSERT_EQ(bill.cost, money::from_nano(charged)) << body;
        ASSERT_LE(charged, estimate.cost->nano()) << body;
        ASSERT_LE(served.used.out_tok, estimate.output_tokens);
        ASSERT_LE(served.used.in_tok, estimate.input_tokens);
        with_images += promise.input_tokens != 0 ? 1 : 0;
        with_searches += served.used.searches != 0 ? 1 : 0;
        with_choices += r.n().value_or(1) > 1 ? 1 : 0;
    }
    EXPECT_GT(with_images, 50);
    EXPECT_GT(with_searches, 50);
    EXPECT_GT(with_choices, 50);
}

}  // namespace
}  // namespace price_oracle_test
