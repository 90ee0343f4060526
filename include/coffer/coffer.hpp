// SPDX-License-Identifier: BSL-1.0
#pragma once
// The core: calls and policies. Needs Asio and tl::expected, nothing heavier.
// What only some programs use is included one by one: store/memory.hpp, store/sqlite.hpp, http/curl_client.hpp, llm/openai.hpp.

#include <coffer/asio.hpp>
#include <coffer/base/answer.hpp>
#include <coffer/base/codec.hpp>
#include <coffer/base/defaults.hpp>
#include <coffer/base/disposition.hpp>
#include <coffer/base/fault.hpp>
#include <coffer/base/fingerprint.hpp>
#include <coffer/base/key.hpp>
#include <coffer/base/money.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/base/rate_facts.hpp>
#include <coffer/base/usage.hpp>
#include <coffer/base/zone.hpp>
#include <coffer/call/attempt.hpp>
#include <coffer/call/call.hpp>
#include <coffer/call/composition.hpp>
#include <coffer/call/describe.hpp>
#include <coffer/call/event.hpp>
#include <coffer/call/gate.hpp>
#include <coffer/call/guarded.hpp>
#include <coffer/call/layer.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/budget.hpp>
#include <coffer/policy/bulkhead.hpp>
#include <coffer/policy/circuit_breaker.hpp>
#include <coffer/policy/fallback.hpp>
#include <coffer/policy/hedge.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/per_key.hpp>
#include <coffer/policy/rate_limit.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/policy/timeout.hpp>
#include <coffer/state/window.hpp>
#include <coffer/store/store.hpp>
#include <coffer/time/sleep.hpp>
#include <coffer/version.hpp>
