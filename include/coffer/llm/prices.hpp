// SPDX-License-Identifier: BSL-1.0
#pragma once
// What requests cost: cards, tables of them, and the arithmetic.
//
//     auto prices = llm::openai_prices();
//     prices.set("our-model", llm::price_card{1_usd_per_mtok, 3_usd_per_mtok, "2026-11-05"});

#include <coffer/llm/cost.hpp>
#include <coffer/llm/price_card.hpp>
#include <coffer/llm/price_table.hpp>
