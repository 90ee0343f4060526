// SPDX-License-Identifier: BSL-1.0
#pragma once
// Asks otherwise after an answer that cannot be used, instead of paying for the same one again.
//
//     auto const invoices = coffer::describe(openai.chat)
//                               .decode(read_invoice)
//                               .repair([](coffer::defect const& d, llm::request& ask) {
//                                   ask.user("That was not what was asked for: " + std::string{d.why.message()});
//                                   return true;
//                               });
//
// The hook, `(defect const&, args&...) -> bool`, changes a copy of the arguments: those of the request that brought the
// defective answer. False, or an exception: there is nothing to be changed, and the fault stays what it is. A `retry` then
// makes the next attempt with the changed request, at once, within the ceilings that hold for every attempt: `attempts`,
// sends, quota, deadline, and the gates, which see the changed request's own target and estimate.

#include <coffer/base/answer.hpp>
#include <coffer/base/fault.hpp>

namespace coffer::inline COFFER_ABI {

/// An answer that was paid for and cannot be used.
struct defect {
    fault const& why;  ///< `defective_answer`; what `decode` had to say
    answer const* raw;  ///< as it came; null if the operation has no `decode`
    int repairs = 0;  ///< made in this call so far
};

}  // namespace coffer::inline COFFER_ABI
