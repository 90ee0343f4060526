// SPDX-License-Identifier: BSL-1.0
#pragma once
// The prices of one model, as of a day.
//
//     llm::price_card card{{.input = 3_usd_per_mtok, .output = 15_usd_per_mtok, .cache_read = 0.3_usd_per_mtok}, "2026-11-21"};
//     card.above(200'000, {.input = 6_usd_per_mtok, .output = 22.5_usd_per_mtok});

#include <coffer/base/money.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::llm {

/// How fast a request is worked on, which has its own price; by OpenAI's names.
enum class service_tier : std::uint8_t { standard, flex, priority, batch };

/// How much a web search brings into the prompt, which has its own fee.
enum class search_context : std::uint8_t { low, medium, high };

/// What a token costs, bucket by bucket. A cache rate that is not listed is the full one; audio and images without a rate
/// have an unknown price, and it is never zero.
struct token_rates {
    token_price input{};  ///< fresh prompt tokens
    token_price output{};  ///< generated text
    std::optional<token_price> cache_read{};  ///< else `input`
    std::optional<token_price> cache_write{};  ///< else `input`
    std::optional<token_price> cache_write_1h{};  ///< else as `cache_write`
    std::optional<token_price> audio_in{};  ///< none: not known
    std::optional<token_price> audio_out{};  ///< none: not known
    std::optional<token_price> image_in{};  ///< none: not known
    std::optional<token_price> image_out{};  ///< none: not known
    std::optional<token_price> reasoning{};  ///< else `output`

    friend bool operator==(token_rates const&, token_rates const&) = default;
};

/// What is paid by the piece.
struct unit_fees {
    money request{};  ///< for each request
    std::optional<std::array<money, 3>> web_search{};  ///< for each, by `search_context`
    std::optional<money> tool_call{};  ///< for each call of another tool at the provider
    /// For each image in the prompt, besides its tokens. No provider reports how many it counted.
    std::optional<money> image{};

    friend bool operator==(unit_fees const&, unit_fees const&) = default;
};

/// The dearest that may apply to what a request can hold.
struct dearest_rates {
    token_price text{};  ///< of the prompt, whatever the cache does with it
    token_price part{};  ///< of anything in the prompt: text, image, audio
    token_price output{};  ///< text, thought or image
    token_price spoken{};  ///< the same, or audio

    /// Those rates may apply, too.
    constexpr void include(token_rates const& r) noexcept {
        auto const write = r.cache_write.value_or(r.input);
        text = std::max({text, r.input, r.cache_read.value_or(r.input), write, r.cache_write_1h.value_or(write)});
        part = std::max({part, text, r.audio_in.value_or(r.input), r.image_in.value_or(r.input)});
        output = std::max({output, r.output, r.reasoning.value_or(r.output), r.image_out.value_or(r.output)});
        spoken = std::max({spoken, output, r.audio_out.value_or(r.output)});
    }
};

/// The prices of one model. A regular value type; safe to share const across threads.
class price_card {
public:
    /// The standard tier's rates, as of that day, `YYYY-MM-DD`.
    price_card(token_rates rates, std::string_view as_of) : as_of_{as_of} { tier(service_tier::standard, rates); }
    /// The standard tier's rates for text alone.
    price_card(token_price input, token_price output, std::string_view as_of);

    /// In that tier.
    price_card& tier(service_tier t, token_rates rates) & { return above(nothing, rates, t); }
    /// The same of a temporary.
    price_card&& tier(service_tier t, token_rates rates) && { return std::move(tier(t, rates)); }
    /// For a prompt of more than `prompt_tokens` those rates hold for everything, output and all tokens below included.
    /// There may be several such sizes.
    price_card& above(std::int64_t prompt_tokens, token_rates rates, service_tier t = service_tier::standard) &;
    /// The same of a temporary.
    price_card&& above(std::int64_t prompt_tokens, token_rates rates, service_tier t = service_tier::standard) &&;
    /// What is paid by the piece, besides the tokens.
    price_card& fees(unit_fees f) & noexcept { return fees_ = f, *this; }
    /// The same of a temporary.
    price_card&& fees(unit_fees f) && noexcept { return std::move(fees(f)); }
    /// The model searches without being asked to: its cost is known only where the provider says how often it did.
    price_card& always_searches(bool yes = true) & noexcept { return always_searches_ = yes, *this; }
    /// The same of a temporary.
    price_card&& always_searches(bool yes = true) && noexcept { return std::move(always_searches(yes)); }
    /// What is on this card is not all: there is neither a bound nor a cost. `why` is shown to the user.
    price_card& refuse(std::string why) & { return refused_ = std::move(why), *this; }
    /// The same of a temporary.
    price_card&& refuse(std::string why) &&;

    /// The rates for a prompt of so many tokens; null where none are listed: no such tier, or a size that is listed for
    /// the standard tier and not for this one.
    [[nodiscard]] token_rates const* rates(std::int64_t prompt_tokens,
                                           service_tier t = service_tier::standard) const noexcept;
    /// Takes in all rates that a prompt of at most so many tokens may meet in that tier. False if for some of those
    /// sizes none are listed.
    bool collect(dearest_rates& into, std::int64_t prompt_tokens, service_tier t) const noexcept;
    /// Are there rates of that tier?
    [[nodiscard]] bool lists(service_tier t) const noexcept;
    /// Calls `each(token_rates const&)` for all rates there are.
    template <class Each>
    void for_each_rates(Each&& each) const {
        for (auto const& sizes : tiers_)
            for (auto const& s : sizes) each(s.rates);
    }

    /// All of them zero or unknown, unless set.
    [[nodiscard]] unit_fees const& fees() const noexcept { return fees_; }
    /// See above.
    [[nodiscard]] bool always_searches() const noexcept { return always_searches_; }
    /// Why there is neither a bound nor a cost; empty if there is.
    [[nodiscard]] std::string const& refused() const noexcept { return refused_; }
    /// The day on which these prices were read, `YYYY-MM-DD`.
    [[nodiscard]] std::string const& as_of() const noexcept { return as_of_; }

    friend bool operator==(price_card const&, price_card const&) = default;

private:
    struct step {
        std::int64_t above;
        token_rates rates;
        friend bool operator==(step const&, step const&) = default;
    };
    static constexpr std::int64_t nothing = -1;  // even an empty prompt is more

    [[nodiscard]] step const* last_below(service_tier t, std::int64_t prompt_tokens) const noexcept;

    std::array<std::vector<step>, 4> tiers_;  // by `service_tier`; the smallest prompts first
    unit_fees fees_;
    bool always_searches_ = false;
    std::string refused_;
    std::string as_of_;
};

}  // namespace coffer::inline COFFER_ABI::llm

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/price_card.ipp>
#endif
