// SPDX-License-Identifier: BSL-1.0
#pragma once
// The definitions of the providers and the webhook, for the one file of a program that compiles them; see docs/install.md.

#include <coffer/config.hpp>

#if !defined(COFFER_SEPARATE_COMPILATION)
#error \
    "coffer/src/ is for programs that define COFFER_SEPARATE_COMPILATION, in every file; without it, the other headers are all that there is"
#endif

#include <coffer/llm/any_transport.ipp>
#include <coffer/llm/api_key.ipp>
#include <coffer/llm/canonical.ipp>
#include <coffer/llm/chat_body.ipp>
#include <coffer/llm/chat_reply.ipp>
#include <coffer/llm/cost.ipp>
#include <coffer/llm/error_codes.ipp>
#include <coffer/llm/estimate.ipp>
#include <coffer/llm/exact_json.ipp>
#include <coffer/llm/faults.ipp>
#include <coffer/llm/fingerprint.ipp>
#include <coffer/llm/hints.ipp>
#include <coffer/llm/instants.ipp>
#include <coffer/llm/json.ipp>
#include <coffer/llm/key_reading.ipp>
#include <coffer/llm/message.ipp>
#include <coffer/llm/openai.ipp>
#include <coffer/llm/openai_options.ipp>
#include <coffer/llm/openai_prices.ipp>
#include <coffer/llm/price_card.ipp>
#include <coffer/llm/price_entry.ipp>
#include <coffer/llm/price_fields.ipp>
#include <coffer/llm/price_list.ipp>
#include <coffer/llm/price_table.ipp>
#include <coffer/llm/provider_error.ipp>
#include <coffer/llm/rate_headers.ipp>
#include <coffer/llm/redact.ipp>
#include <coffer/llm/request.ipp>
#include <coffer/llm/uncountable.ipp>
#include <coffer/llm/usage.ipp>
#include <coffer/telemetry/webhook.ipp>
