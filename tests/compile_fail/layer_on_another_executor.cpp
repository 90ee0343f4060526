// SPDX-License-Identifier: BSL-1.0
// expect: layers, and policies that may wait, run on asio::any_io_executor
#include <asio/io_context.hpp>

#include "policies.hpp"

#ifdef COFFER_COMPILE_FAIL_FIXED
coffer::awaitable<int> operation() { co_return 7; }
#else
coffer::awaitable<int, asio::io_context::executor_type> operation() { co_return 7; }
#endif

auto ask(coffer::call& call) { return coffer::pipeline{layer{}}.wrap(operation).try_call(call); }
