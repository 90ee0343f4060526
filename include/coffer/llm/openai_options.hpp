// SPDX-License-Identifier: BSL-1.0
#pragma once
// How an OpenAI-shaped provider is reached, and where it differs from OpenAI.

#include <coffer/base/defaults.hpp>
#include <coffer/http/request.hpp>
#include <coffer/llm/faults.hpp>
#include <coffer/llm/openai_prices.hpp>
#include <coffer/llm/price_card.hpp>
#include <coffer/llm/price_table.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coffer::inline COFFER_ABI::llm {

/// The environment variable's value, or `otherwise` if it is not set or empty.
[[nodiscard]] std::string from_environment(char const* variable, std::string otherwise);

/// What to take for a price that is not known.
enum class unknown_price : std::uint8_t {
    refuse,  ///< no bound, so that a hard budget refuses, and no cost
    /// The dearest of the whole price list (`price_table::dearest`): for the bound before a send and for the bill after it,
    /// which is then too high rather than too low. A model dearer than all that are listed is underestimated all the same.
    assume_dearest,
};

/// Options of `llm::openai`. The defaults are OpenAI's; the presets below are other providers of the same shape.
class openai_options {
public:
    openai_options() = default;

    /// Up to, not including, `/chat/completions`. `http://` reaches only loopback addresses.
    std::string base_url = "https://api.openai.com/v1";
    /// What follows `?` in every URL, e.g. Azure's `api-version=2024-10-21`.
    std::string query;
    /// The name under which attempts, limits and budgets know it.
    std::string provider = "openai";
    std::string organization;  ///< header OpenAI-Organization
    std::string project;  ///< header OpenAI-Project
    std::string key_header = "Authorization";  ///< the header that carries the key
    std::string key_prefix = "Bearer ";  ///< before the key, in that header
    http::header_list headers;  ///< further ones, sent with every request

    /// What models cost; each card says of which day it is.
    price_table prices = openai_prices();
    /// What a model costs that `prices` does not know, or whose prices were refused.
    unknown_price on_unknown_price = unknown_price::refuse;
    /// What the provider makes of service tier `auto`, and of none: what the project is set to. Not known: the dearest of
    /// `standard` and `priority`, as far as the price list has them.
    std::optional<service_tier> auto_tier;

    /// DNS, connect and TLS together, in real time.
    std::chrono::milliseconds connect_timeout = defaults::connect_timeout;
    std::size_t max_header_bytes = http::default_max_header_bytes;  ///< of a response; more is a fault
    std::size_t max_body_bytes = http::default_max_body_bytes;  ///< of a response; more is a fault

    /// The request's field for `max_output_tokens`; older servers know only `max_tokens`.
    std::string output_limit_field = "max_completion_tokens";
    /// The header that carries the attempt's provider key, e.g. `Idempotency-Key`. Empty: none is sent, because OpenAI
    /// honours none, and a header that nobody reads protects nobody.
    std::string idempotency_header;

    /// Finish reasons of a whole answer. Others (`length`, `content_filter`, what nobody knows) make it defective.
    std::vector<std::string> finish_reasons{"stop",     "tool_calls", "function_call", "stop_sequence",
                                            "end_turn", "eos",        "eos_token"};
    bool accept_truncated = false;  ///< an answer that was cut at its output limit counts as one
    bool accept_refusals = false;  ///< a refusal by the model counts as an answer, in `reply::refusal`

    fault_rules rules;  ///< what the provider's errors mean

    /// The card of that model, or what `on_unknown_price` puts in its place. Nothing if its price is not known.
    [[nodiscard]] std::optional<price_card> card_of(std::string_view model) const;

    /// OpenAI, with OPENAI_BASE_URL, OPENAI_ORG_ID and OPENAI_PROJECT_ID where they are set.
    [[nodiscard]] static openai_options from_env();
    /// A server that speaks OpenAI's protocol. Nothing is known of its prices.
    [[nodiscard]] static openai_options compatible(std::string provider_name, std::string url);
    /// OpenRouter. Its answers say what they cost; for an upper bound beforehand it needs a price table.
    [[nodiscard]] static openai_options openrouter();
    /// Groq, whose 422 does not mean the request: it is `ambiguous`. Nothing is known of its prices.
    [[nodiscard]] static openai_options groq();
    /// A deployment on Azure: `azure("https://name.openai.azure.com", "my-deployment", "2024-10-21")`. The model of a
    /// request is then only a name; the deployment decides.
    [[nodiscard]] static openai_options azure(std::string const& endpoint, std::string const& deployment,
                                              std::string const& api_version);
};

}  // namespace coffer::inline COFFER_ABI::llm

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/openai_options.ipp>
#endif
