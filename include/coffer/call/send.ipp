// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of send.hpp.

#include <coffer/call/send.hpp>

#include <algorithm>
#include <exception>
#include <string>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE permit_source* sender_base::claim() const noexcept {
    return send_ != 0 ? attempt_.of().claim() : nullptr;
}

COFFER_INLINE void sender_base::begin() {
    auto& c = attempt_access::call_of(attempt_);
    auto const* const claim = c.claim();
    auto const now = claim != nullptr ? c.clock().now() : attempt_.now();
    auto const limit = claim != nullptr ? later(now, claim->longest_send(attempt_.timeout()))
                                        : std::min(c.deadline(), later(now, attempt_.timeout()));
    attempt_access::start(attempt_, now, limit, send_);
    if (attempt_access::watched(attempt_))
        attempt_.tell({event_kind::attempt_started, now, {}, attempt_.number(), nullptr, {}, {}});
}

COFFER_INLINE shared_answer sender_base::stamped(shared_answer const& what) const {
    auto const& used = attempt_access::used(attempt_);
    auto const& cost = attempt_access::cost(attempt_);
    if (what->usage == used && what->cost == cost) return what;
    auto copy = *what;
    copy.usage = used;
    copy.cost = cost;
    return std::make_shared<answer const>(std::move(copy));
}

COFFER_INLINE void sender_base::keep_written(std::string text) {
    auto* const journal = claim();
    answer kept{std::move(text)};
    kept.request_id = attempt_access::request_id(attempt_);
    kept.usage = attempt_access::used(attempt_);
    kept.cost = attempt_access::cost(attempt_);
    journal->answered(send_, std::make_shared<answer const>(std::move(kept)));
    journal->accepted(send_);
}

COFFER_INLINE fault sender_base::unwritable() {
    auto why =
        fault{fault_kind::defective_answer, "the result could not be written down: codec::encode threw"}.with_cause(
            std::current_exception());
    claim()->lost(send_, why);
    return why;
}

COFFER_INLINE fault sender_base::unless_cut(fault why) const {
    auto const* const journal = claim();
    if (journal == nullptr || !journal->was_cut(send_) || why.kind() == fault_kind::not_sent) return why;
    return fault{fault_kind::timed_out, "the send's time limit was reached"};
}

COFFER_INLINE void sender_base::settle_failed(fault const& why) {
    auto* const journal = claim();
    if (journal == nullptr) return;
    if (why.billing() == knowledge::no) journal->unsent(send_);
    else journal->lost(send_, why);
}

COFFER_INLINE void sender_base::settle_rejected(fault const& why) {
    auto* const journal = claim();
    if (journal == nullptr) return;
    if (why.billing() == knowledge::no) journal->unsent(send_);
    else journal->rejected(send_, why);
}

COFFER_INLINE fault sender_base::rule_threw(fault const& what) {
    std::string text = "the classifier threw";
    try {
        throw;
    } catch (std::exception const& error) {
        text += std::string{" ("} + error.what() + ")";
    } catch (...) {  // then there are no words
    }
    text += ", given " + std::string{to_string(what.kind())};
    if (!what.message().empty()) text += ": " + std::string{what.message()};
    return fault{fault_kind::permanent, std::move(text)}.with_cause(std::current_exception());
}

}  // namespace coffer::inline COFFER_ABI::detail
