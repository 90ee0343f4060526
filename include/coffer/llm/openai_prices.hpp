// SPDX-License-Identifier: BSL-1.0
#pragma once
// OpenAI's list prices for text, standard tier, global processing.

#include <coffer/llm/price_card.hpp>
#include <coffer/llm/price_table.hpp>

namespace coffer::inline COFFER_ABI::llm {

/// OpenAI's list, of the models that are known here and of the day that each card says. Prices change, contracts
/// differ, regional processing and other service tiers have prices of their own: replace what does not fit, or read a
/// whole list (price_list.hpp).
///
/// Read in BerriAI/litellm, model_prices_and_context_window.json at commit 00035b69 (gpt-4o, gpt-4.1, gpt-5.1, gpt-5.2,
/// gpt-5.6), and in deploybase.ai/articles/openai-pricing of March 2026 (o3, o4-mini, gpt-5).
[[nodiscard]] price_table openai_prices();

}  // namespace coffer::inline COFFER_ABI::llm

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/openai_prices.ipp>
#endif
