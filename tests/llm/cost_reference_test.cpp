// SPDX-License-Identifier: BSL-1.0
// Costs and bounds against arithmetic that is slow and written differently: long addition and multiplication of decimal
// digits, from the numbers as the price list has them.
#include <coffer/llm/cost.hpp>
#include <coffer/llm/price_list.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace cost_reference_test {
namespace {

namespace llm = coffer::llm;
using coffer::usage;
using llm::service_tier;

/// A natural number by its decimal digits, the last one first.
class long_number {
public:
    long_number() = default;
    explicit long_number(std::int64_t n) {
        for (; n != 0; n /= 10) digits_.push_back(static_cast<int>(n % 10));
    }
    long_number operator+(long_number const& other) const {
        long_number sum;
        int carry = 0;
        for (std::size_t i = 0; i < digits_.size() || i < other.digits_.size() || carry != 0; ++i) {
            carry += at(i) + other.at(i);
            sum.digits_.push_back(carry % 10);
            carry /= 10;
        }
        return sum;
    }
    long_number operator*(long_number const& other) const {
        long_number product;
        for (std::size_t i = 0; i < digits_.size(); ++i)
            for (int times = 0; times < digits_[i]; ++times) product = product + other.shifted(i);
        return product;
    }
    /// Times 10^places.
    [[nodiscard]] long_number shifted(std::size_t places) const {
        auto moved = *this;
        if (!digits_.empty()) moved.digits_.insert(moved.digits_.begin(), places, 0);
        return moved;
    }
    /// Divided by 10^places, rounded up.
    [[nodiscard]] std::int64_t cut_rounding_up(std::size_t places) const {
        std::int64_t n = 0;
        for (auto i = digits_.size(); i-- > places;) n = n * 10 + digits_[i];
        for (std::size_t i = 0; i < places; ++i)
            if (at(i) != 0) return n + 1;
        return n;
    }

private:
    [[nodiscard]] int at(std::size_t i) const { return i < digits_.size() ? digits_[i] : 0; }
    std::vector<int> digits_;
};

class dice {
public:
    explicit dice(std::uint64_t seed) : random_{seed} {}
    std::int64_t upto(std::int64_t most) { return std::uniform_int_distribution<std::int64_t>{0, most}(random_); }
    bool one_in(std::int64_t n) { return upto(n - 1) == 0; }

private:
    std::mt19937_64 random_;
};

/// A price, and one of the ways to write it down.
struct written {
    std::int64_t digits = 0;  // times 10^-exponent dollars
    int exponent = 0;
    std::string text;
};

written some_price(dice& d, int finest) {
    written w{d.upto(99'999), static_cast<int>(finest - d.upto(4)), {}};
    auto const plain = std::to_string(w.digits);
    switch (d.upto(3)) {
        case 0: w.text = plain + "e-" + std::to_string(w.exponent); break;
        case 1: w.text = plain + ".00E-0" + std::to_string(w.exponent); break;
        case 2:
            w.text = "0." +
                     std::string(static_cast<std::size_t>(w.exponent) -
                                     std::min<std::size_t>(plain.size(), static_cast<std::size_t>(w.exponent)),
                                 '0') +
                     plain;
            break;
        default: w.text = "0." + std::string(5 - plain.size(), '0') + plain + "e-" + std::to_string(w.exponent - 5);
    }
    return w;
}

constexpr std::size_t scale = 30;  // the reference counts 10^-30 dollars
long_number amount(written const& w) {
    return long_number{w.digits}.shifted(scale - static_cast<std::size_t>(w.exponent));
}

/// The prices of one model as they were drawn, by the names of the list's fields.
class drawn_list {
public:
    explicit drawn_list(dice& d) {
        for (auto const* const tier : {"", "_flex", "_priority"}) {
            if (*tier != '\0' && d.one_in(2)) continue;
            tiers_.emplace_back(tier);
        }
        for (auto const size : {0, 100, 200})
            if (size == 0 || d.one_in(2)) sizes_.push_back(size * 1'000);
        for (auto const& tier : tiers_) {
            for (auto const size : sizes_) {
                auto const suffix = suffix_of(size, tier, d.one_in(2));
                put({"input_cost_per_token", size, tier}, suffix, some_price(d, 12));
                put({"output_cost_per_token", size, tier}, suffix, some_price(d, 12));
                for (auto const* const optional :
                     {"cache_read_input_token_cost", "cache_creation_input_token_cost",
                      "cache_creation_input_token_cost_above_1hr", "input_cost_per_audio_token",
                      "output_cost_per_audio_token", "input_cost_per_image_token", "output_cost_per_image_token",
                      "output_cost_per_reasoning_token"}) {
                    // All or none of the sizes and tiers: what stands for a price that only some have is another test.
                    if (has(d, optional)) put({optional, size, tier}, suffix, some_price(d, 12));
                }
            }
        }
        if (d.one_in(2)) {
            text_ += R"("search_context_cost_per_query":{)";
            for (std::size_t i = 0; i < 3; ++i) {
                searches_.push_back(some_price(d, 9));
                text_ += std::string{i == 0 ? "" : ","} + "\"search_context_size_" +
                         std::array{"low", "medium", "high"}[i] + "\":" + searches_[i].text;
            }
            text_ += "},";
        }
        if (d.one_in(2)) {
            request_ = some_price(d, 9);
            text_ += R"("input_cost_per_request":)" + request_->text + ",";
        }
    }
    [[nodiscard]] std::string json() const { return R"({"m":{)" + text_ + R"("mode":"chat"}})"; }

    /// What that usage costs, in nano-dollars, by the rules of the manual; nothing if it is not known.
    [[nodiscard]] std::optional<std::int64_t> cost(usage const& u, std::string const& tier,
                                                   std::optional<std::size_t> searched) const {
        auto const prompt = u.input();
        std::int64_t size = 0;
        for (auto const s : sizes_)
            if (s != 0 && prompt > s) size = s;
        if (std::ranges::find(tiers_, tier) == tiers_.end()) return std::nullopt;
        long_number sum;
        bool known = true;
        auto const pay = [&](std::int64_t units, std::vector<char const*> const& names) {
            if (units == 0) return;
            for (auto const* const name : names) {
                if (auto const at = prices_.find({name, size, tier}); at != prices_.end()) {
                    sum = sum + long_number{units} * amount(at->second);
                    return;
                }
            }
            known = false;
        };
        constexpr auto input = "input_cost_per_token";
        constexpr auto output = "output_cost_per_token";
        constexpr auto write = "cache_creation_input_token_cost";
        pay(u.input_fresh, {input});
        pay(u.input_cache_read, {"cache_read_input_token_cost", input});
        pay(u.input_cache_write_5m, {write, input});
        pay(u.input_cache_write_1h, {"cache_creation_input_token_cost_above_1hr", write, input});
        pay(u.input_audio, {"input_cost_per_audio_token"});
        pay(u.input_image, {"input_cost_per_image_token"});
        pay(u.output - u.reasoning, {output});
        pay(u.reasoning, {"output_cost_per_reasoning_token", output});
        pay(u.output_audio, {"output_cost_per_audio_token"});
        pay(u.output_image, {"output_cost_per_image_token"});
        if (request_) sum = sum + amount(*request_);
        if (u.web_searches != 0) {
            if (searches_.empty()) return std::nullopt;
            auto dearest = long_number{u.web_searches} * amount(searches_[searched.value_or(0)]);
            for (auto const& each : searches_) {
                auto const other = long_number{u.web_searches} * amount(each);
                if (!searched && other.cut_rounding_up(scale - 15) > dearest.cut_rounding_up(scale - 15))
                    dearest = other;
            }
            sum = sum + dearest;
        }
        if (!known) return std::nullopt;
        return sum.cut_rounding_up(scale - 9);
    }

private:
    struct place {
        std::string field;
        std::int64_t size;
        std::string tier;
        auto operator<=>(place const&) const = default;
    };
    static std::string suffix_of(std::int64_t size, std::string const& tier, bool tier_first) {
        auto const above = size == 0 ? std::string{} : "_above_" + std::to_string(size / 1'000) + "k_tokens";
        return tier_first ? tier + above : above + tier;
    }
    void put(place at, std::string const& suffix, written price) {
        text_ += "\"" + at.field + suffix + "\":" + price.text + ",";
        prices_.emplace(std::move(at), std::move(price));
    }
    bool has(dice& d, std::string const& field) {
        auto const [at, is_new] = listed_.try_emplace(field, false);
        if (is_new) at->second = d.one_in(2);
        return at->second;
    }

    std::vector<std::string> tiers_;
    std::vector<std::int64_t> sizes_;
    std::map<std::string, bool> listed_;
    std::map<place, written> prices_;
    std::vector<written> searches_;
    std::optional<written> request_;
    std::string text_;
};

constexpr std::array<std::pair<char const*, service_tier>, 4> tiers{{{"", service_tier::standard},
                                                                     {"_flex", service_tier::flex},
                                                                     {"_priority", service_tier::priority},
                                                                     {"_batches", service_tier::batch}}};

/// Splits `most` or less at random between some buckets.
void fill(dice& d, usage& u, std::int64_t most, std::vector<std::int64_t usage::*> const& buckets) {
    for (auto const bucket : buckets) {
        if (d.one_in(2)) continue;
        u.*bucket = d.one_in(3) ? most : d.upto(most);
        most -= u.*bucket;
    }
}

TEST(cost_of_random_lists, is_that_of_long_multiplication) {
    dice d{20'261'122};
    int known = 0;
    for (int round = 0; round < 1'000; ++round) {
        drawn_list const drawn{d};
        auto const list = llm::price_list::from_json(drawn.json(), "2026-11-22");
        auto const* const card = list.prices.find("m");
        ASSERT_NE(card, nullptr) << drawn.json();
        EXPECT_TRUE(list.remarks.empty()) << drawn.json() << list.remarks[0].what;
        for (int i = 0; i < 6; ++i) {
            usage u;
            fill(d, u, d.one_in(2) ? 200'001 : d.upto(300'000),
                 {&usage::input_fresh, &usage::input_cache_read, &usage::input_cache_write_5m,
                  &usage::input_cache_write_1h, &usage::input_audio, &usage::input_image});
            fill(d, u, d.upto(100'000), {&usage::output, &usage::output_audio, &usage::output_image});
            u.reasoning = d.upto(u.output);
            u.web_searches = d.one_in(3) ? d.upto(9) : 0;
            auto const& [name, tier] = tiers[static_cast<std::size_t>(d.upto(3))];
            std::optional<std::size_t> searched;
            if (d.one_in(2)) searched = static_cast<std::size_t>(d.upto(2));
            llm::cost_terms terms{.tier = tier};
            if (searched) terms.searched = static_cast<llm::search_context>(*searched);
            auto const expected = drawn.cost(u, name, searched);
            auto const cost = llm::cost_of(u, *card, terms);
            ASSERT_EQ(cost.has_value(), expected.has_value()) << drawn.json();
            if (expected) {
                ASSERT_EQ(cost->nano(), *expected) << drawn.json();
            }
            known += expected ? 1 : 0;
        }
    }
    EXPECT_GT(known, 1'000);
}

TEST(bound_of_random_lists, is_above_the_cost_of_all_that_it_allows) {
    dice d{7};
    int known = 0;
    int tight = 0;
    for (int round = 0; round < 1'000; ++round) {
        drawn_list const drawn{d};
        auto const list = llm::price_list::from_json(drawn.json(), "2026-11-22");
        auto const* const card = list.prices.find("m");
        ASSERT_NE(card, nullptr);
        auto const& [name, tier] = tiers[static_cast<std::size_t>(d.upto(3))];
        llm::quantities q{.text_tokens = d.upto(250'000),
                          .part_tokens = d.one_in(2) ? d.upto(50'000) : 0,
                          .output_tokens = d.upto(50'000),
                          .choices = 1 + d.upto(3),
                          .may_speak = d.one_in(2),
                          .web_searches = d.one_in(2) ? d.upto(5) : 0};
        llm::dearest_rates rates;
        if (!card->collect(rates, q.text_tokens + q.part_tokens, tier)) continue;
        auto const bound = llm::bound_of(q, rates, card->fees());
        if (!bound) continue;
        for (int i = 0; i < 20; ++i) {
            usage u;
            fill(d, u, q.text_tokens,
                 {&usage::input_fresh, &usage::input_cache_read, &usage::input_cache_write_5m,
                  &usage::input_cache_write_1h});
            fill(d, u, q.part_tokens, {&usage::input_audio, &usage::input_image});
            auto answer = std::vector{&usage::output_image, &usage::output};
            if (q.may_speak) answer.insert(answer.begin(), &usage::output_audio);
            fill(d, u, q.output_tokens * q.choices, answer);
            u.reasoning = d.one_in(2) ? u.output : d.upto(u.output);
            u.web_searches = d.upto(q.web_searches);
            auto const cost = drawn.cost(u, name, std::nullopt);
            if (!cost) continue;
            ++known;
            ASSERT_LE(*cost, bound->cost.nano()) << drawn.json();
            tight += *cost * 10 >= bound->cost.nano() * 9 ? 1 : 0;
        }
        // With a smaller output maximum it is no more than so much less for each token, but for the rounding.
        auto less = q;
        less.output_tokens = d.upto(q.output_tokens);
        auto const lowered = llm::bound_of(less, rates, card->fees());
        auto const saved =
            static_cast<coffer::detail::wide_int>(q.output_tokens - less.output_tokens) * bound->per_output.pico();
        auto const rest = static_cast<coffer::detail::wide_int>(bound->cost.nano()) * 1'000 - saved;
        ASSERT_LE(static_cast<coffer::detail::wide_int>(lowered->cost.nano()) * 1'000, rest + 999);
    }
    EXPECT_GT(known, 1'000);
    EXPECT_GT(tight, 10) << "a bound that nothing comes near to would pass as well";
}

}  // namespace
}  // namespace cost_reference_test
