// SPDX-License-Identifier: BSL-1.0
#pragma once
// What every provider's operation offers: enough for each policy, and for a journal to judge an answer without the sender.

#include <coffer/asio.hpp>
#include <coffer/base/answer.hpp>
#include <coffer/base/fingerprint.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/attempt.hpp>
#include <coffer/call/attempt_log.hpp>
#include <coffer/call/operation.hpp>

#include <concepts>

namespace coffer::inline COFFER_ABI::llm {

/// An operation that asks a provider: raw answers, what they mean and cost, what makes two requests the same, and what one
/// may cost at most. Const-callable from any thread.
template <class Operation, class Request, class Reply>
concept provider = std::copy_constructible<Operation> &&
                   requires(Operation const& op, attempt& a, Request const& r, answer const& raw) {
                       { op(a, r) } -> std::same_as<awaitable<outcome<answer>>>;
                       { op.target(r) } -> std::same_as<coffer::target>;
                       { op.fingerprint(r) } -> std::same_as<coffer::fingerprint>;
                       { op.estimate(r) } -> std::same_as<coffer::estimate>;
                       { op.decode(raw) } -> std::same_as<outcome<Reply>>;
                       { op.bill(raw) } -> std::same_as<billed>;
                   };

}  // namespace coffer::inline COFFER_ABI::llm
