// SPDX-License-Identifier: BSL-1.0
#pragma once
// What tokens cost. An unknown model has an unknown price, never zero, and never that of a relative.
//
//     auto prices = llm::openai_prices();
//     prices.set("gpt-4o-mini", llm::price_card{0.15_usd_per_mtok, 0.60_usd_per_mtok, "2026-11-05"}.cache_read(...));

#include <coffer/base/money.hpp>
#include <coffer/base/usage.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coffer::inline v0::llm {

/// The prices of one model, as of a day. A rate that is not set costs what the full rate costs.
class price_card {
public:
    price_card(token_price input, token_price output, std::string_view as_of)
        : input_{input}, output_{output}, as_of_{as_of} {}

    price_card& cache_read(token_price p) & noexcept { return cache_read_ = p, *this; }
    price_card&& cache_read(token_price p) && noexcept { return std::move(cache_read(p)); }
    price_card& cache_write(token_price p) & noexcept { return cache_write_ = p, *this; }
    price_card&& cache_write(token_price p) && noexcept { return std::move(cache_write(p)); }
    price_card& cache_write_1h(token_price p) & noexcept { return cache_write_1h_ = p, *this; }
    price_card&& cache_write_1h(token_price p) && noexcept { return std::move(cache_write_1h(p)); }
    price_card& audio(token_price in, token_price out) & noexcept { return audio_in_ = in, audio_out_ = out, *this; }
    price_card&& audio(token_price in, token_price out) && noexcept { return std::move(audio(in, out)); }
    /// For a prompt of more than `prompt_tokens`, that card holds for everything, output and all tokens below included.
    price_card& above(std::int64_t prompt_tokens, price_card longer) & {
        above_ = std::make_shared<price_card const>(std::move(longer));
        threshold_ = prompt_tokens;
        return *this;
    }
    price_card&& above(std::int64_t prompt_tokens, price_card longer) && {
        return std::move(above(prompt_tokens, std::move(longer)));
    }

    [[nodiscard]] token_price input() const noexcept { return input_; }
    [[nodiscard]] token_price output() const noexcept { return output_; }
    [[nodiscard]] token_price cache_read() const noexcept { return cache_read_.value_or(input_); }
    [[nodiscard]] token_price cache_write() const noexcept { return cache_write_.value_or(input_); }
    [[nodiscard]] token_price cache_write_1h() const noexcept { return cache_write_1h_.value_or(cache_write()); }
    [[nodiscard]] std::optional<token_price> audio_in() const noexcept { return audio_in_; }
    [[nodiscard]] std::optional<token_price> audio_out() const noexcept { return audio_out_; }
    /// The day on which these prices were read, `YYYY-MM-DD`.
    [[nodiscard]] std::string const& as_of() const noexcept { return as_of_; }

    /// The card for a prompt of so many tokens: this one, or a longer prompt's.
    [[nodiscard]] price_card const& at(std::int64_t prompt_tokens) const noexcept {
        return above_ && prompt_tokens > threshold_ ? above_->at(prompt_tokens) : *this;
    }

    /// The most that text can cost: so many tokens of prompt at the most, whatever the cache does with them, and so
    /// many of output.
    [[nodiscard]] money bound(std::int64_t input_tokens, std::int64_t output_tokens) const noexcept {
        auto const dearest = std::max({input(), cache_read(), cache_write(), cache_write_1h()});
        auto const most = cost_sum{}.add(input_tokens, dearest).add(output_tokens, output()).round_up();
        return above_ && input_tokens > threshold_ ? std::max(most, above_->bound(input_tokens, output_tokens)) : most;
    }

private:
    token_price input_;
    token_price output_;
    std::optional<token_price> cache_read_;
    std::optional<token_price> cache_write_;
    std::optional<token_price> cache_write_1h_;
    std::optional<token_price> audio_in_;
    std::optional<token_price> audio_out_;
    std::shared_ptr<price_card const> above_;
    std::int64_t threshold_ = 0;
    std::string as_of_;
};

/// Tokens times prices, rounded up once. Nothing if there was audio and the card has no price for it.
[[nodiscard]] inline std::optional<money> cost_of(usage const& u, price_card const& prices) noexcept {
    auto const& card = prices.at(u.input());
    if ((u.input_audio != 0 && !card.audio_in()) || (u.output_audio != 0 && !card.audio_out())) return std::nullopt;
    return cost_sum{}
        .add(u.input_fresh, card.input())
        .add(u.input_cache_read, card.cache_read())
        .add(u.input_cache_write_5m, card.cache_write())
        .add(u.input_cache_write_1h, card.cache_write_1h())
        .add(u.input_audio, card.audio_in().value_or(token_price{}))
        .add(u.output, card.output())
        .add(u.output_audio, card.audio_out().value_or(token_price{}))
        .round_up();
}

namespace detail {

/// Is that a day behind a model's name: `-2024-07-18`, `-20240718`, `-0613`?
[[nodiscard]] constexpr bool is_snapshot_date(std::string_view suffix) noexcept {
    auto const like = [&](std::string_view pattern) {
        return std::ranges::equal(suffix, pattern,
                                  [](char c, char p) { return p == 'd' ? c >= '0' && c <= '9' : c == p; });
    };
    bool const month_and_day = like("-dddd") && suffix.substr(1, 2) <= "12" && suffix.substr(3, 2) <= "31";
    return month_and_day || like("-dddd-dd-dd") || like("-dddddddd");
}

}  // namespace detail

/// Models and their prices. A regular value type; safe to share const across threads.
class price_table {
public:
    price_table() = default;

    /// Adds a model, or replaces its prices.
    price_table& set(std::string model, price_card card) & {
        auto const at = std::ranges::lower_bound(rows_, model, {}, &row::first);
        if (at != rows_.end() && at->first == model) at->second = std::move(card);
        else rows_.emplace(at, std::move(model), std::move(card));
        return *this;
    }
    price_table&& set(std::string model, price_card card) && {
        return std::move(set(std::move(model), std::move(card)));
    }
    /// True if it was there.
    bool erase(std::string_view model) {
        return std::erase_if(rows_, [&](row const& r) { return r.first == model; }) != 0;
    }

    /// The card of that model, or of the model of which it is a dated snapshot: `gpt-4o-mini-2024-07-18` is
    /// `gpt-4o-mini`, unless it is listed itself; `gpt-4o-mini-tts` is not. Null if unknown. Valid until the table
    /// changes.
    [[nodiscard]] price_card const* find(std::string_view model) const noexcept {
        price_card const* best = nullptr;
        std::size_t length = 0;
        for (auto const& [name, card] : rows_) {
            if (!model.starts_with(name) || name.size() < length) continue;
            auto const rest = model.substr(name.size());
            if (rest.empty() || detail::is_snapshot_date(rest)) best = &card, length = name.size();
        }
        return best;
    }
    [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }
    [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }

private:
    using row = std::pair<std::string, price_card>;
    std::vector<row> rows_;  // by name
};

}  // namespace coffer::inline v0::llm
