// SPDX-License-Identifier: BSL-1.0
#pragma once
// What an OpenAI-shaped response means that is no success: status, headers and body together.

#include <coffer/base/fault.hpp>
#include <coffer/http/response.hpp>
#include <coffer/llm/error_codes.hpp>
#include <coffer/llm/hints.hpp>
#include <coffer/llm/json.hpp>
#include <coffer/llm/provider_error.hpp>
#include <coffer/llm/redact.hpp>
#include <coffer/llm/usage.hpp>
#include <coffer/time/clock.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace coffer::inline COFFER_ABI::llm {

/// Where providers of one shape differ in what a failure means.
class fault_rules {
public:
    fault_rules() = default;

    /// No output and an error of the provider's own: not charged (OpenRouter's zero-completion insurance,
    /// openrouter.ai/docs/features/zero-completion-insurance). It does not cover errors of an edge in front of it.
    bool insured = false;
    /// A prompt that a content filter turned down was read, and is billed (Azure; learn.microsoft.com/answers/1632971).
    bool bills_filtered_prompts = false;
    /// 422 says that this time the model's output made no sense, not that the request does not (Groq,
    /// console.groq.com/docs/errors).
    bool unprocessable_is_output = false;
    /// 521, 522, 523, 525 and 526 of Cloudflare prove that the origin never got the request.
    bool edge_statuses_prove = true;
};

namespace detail {

/// What is known of the provider's side at the least: an unproven "no" must not give a send back.
void at_least_maybe(fault& f) noexcept;

/// What a status says by itself; `own`: the body is the provider's own error and not an edge's page.
[[nodiscard]] fault fault_of_status(int status, bool own, fault_rules const& rules);

/// What the words of the error say, if they say more than its status.
[[nodiscard]] std::optional<fault_kind> kind_of_words(int status, provider_error const& e, bool asks_to_wait) noexcept;

/// The fault under the kind that the words name. Where the status proves nothing, they tell why, not that nothing was
/// done.
[[nodiscard]] fault renamed(fault f, fault_kind kind);

/// The provider's id of the request, under the names that providers of this shape and gateways before them use.
[[nodiscard]] std::string request_id_of(http::header_list const& headers, provider_words const& words);

/// `x-should-retry` overrides what the status says of this request on this target, and nothing else.
///
/// `true`: a refusal that only its status names is `transient`; what the provider's own words name (no money, no such
/// key, too long) stays what it is. `false`: what would be retried here becomes a kind that is not, but may go to
/// another target: `quota_exhausted` for a rate limit, `defective_answer` for anything else. What is known of execution
/// and billing is kept in both cases.
[[nodiscard]] fault with_advice(fault f, bool again, bool named);

/// Tokens were consumed: whatever the status says, that was executed and is billed.
[[nodiscard]] bool consumed(json const& body) noexcept;

}  // namespace detail

/// The fault of a response whose status is not 2xx. `words` decides what of the provider's text may be shown, `now` is
/// what a date in a header is compared with.
[[nodiscard]] fault fault_of_response(http::response const& r, fault_rules const& rules, provider_words const& words,
                                      wall_time_point now);

/// A transport's fault, as one of the provider. Where a status line had come: a refusal is one, though its body broke off
/// or was too long to be read. What the transport itself refuses is an address or a header, hence this program's
/// configuration and no fault of the request, under whose key it would be kept.
[[nodiscard]] fault refined(fault f, fault_rules const& rules);

/// How far an answer had come when an error took its place.
struct answer_progress {
    bool began = false;  ///< it had begun to be written, so it may have been billed
    bool blank = true;  ///< nothing can be seen of it
    bool consumed = false;  ///< it says that tokens were consumed
};

/// The fault of an error inside a 2xx: the kind of its code.
///
/// The provider's words are left out, because nobody here knows the request and hence what is an echo of it, and so is
/// a code that might be a credential; the answer itself has them.
[[nodiscard]] fault fault_in_answer(provider_error const& error, answer_progress progress, fault_rules const& rules);

}  // namespace coffer::inline COFFER_ABI::llm

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/faults.ipp>
#endif
