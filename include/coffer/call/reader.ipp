// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of reader.hpp.

#include <coffer/call/reader.hpp>

#include <string>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE fit fit_of(target const& goes_to, target const& from) noexcept {
    if (goes_to.provider == from.provider) return goes_to.model == from.model ? fit::target : fit::provider;
    return from.provider.empty() && from.model.empty() ? fit::unsaid : fit::no;
}

COFFER_INLINE fault no_reader(target const& from) {
    auto where = from.provider;
    if (!from.model.empty()) where += (where.empty() ? "" : "/") + from.model;
    return fault{fault_kind::unresolved, "the stored answer came from " + (where.empty() ? "nowhere known" : where) +
                                             ", and nothing in this pipeline goes there: bring back an operation or an "
                                             "alternative with that provider, at any place in the order"}
        .with_code(std::string{no_reader_code})
        .with_execution(knowledge::yes)
        .with_billing(knowledge::yes);
}

COFFER_INLINE bool is_no_reader(fault const& why) noexcept {
    return why.kind() == fault_kind::unresolved && why.code() == no_reader_code;
}

}  // namespace coffer::inline COFFER_ABI::detail
