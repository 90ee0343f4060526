// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of per_key_options.hpp.

#include <coffer/policy/per_key_options.hpp>

#include <exception>
#include <stdexcept>
#include <string>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE void per_key_options::check() const {
    auto const wrong = [](std::string const& what) { throw std::invalid_argument{"coffer::per_key: " + what}; };
    if (max_keys < 1) wrong("max_keys must be at least 1: with no partition nothing gets in");
    if (max_keys > 10'000'000) wrong("max_keys is more than ten million: that is no bound");
    if (forget_after < duration::zero()) wrong("forget_after cannot be negative");
}

namespace detail {

COFFER_INLINE fault name_too_long() {
    return fault{fault_kind::permanent, "per_key: a partition's name has at most " +
                                            std::to_string(longest_partition_name) +
                                            " bytes; of longer texts take a hash"}
        .with_code("name_too_long")
        .with_execution(knowledge::no)
        .with_billing(knowledge::no);
}

COFFER_INLINE fault no_room_for_partition(std::size_t kept, std::optional<duration> ask_again) {
    auto why = fault{fault_kind::queue_full, "per_key: " + std::to_string(kept) +
                                                 " partitions are kept (max_keys), and each is in use, or too fresh to "
                                                 "be forgotten"}
                   .with_code("max_keys");
    if (ask_again) why.with_retry_after(*ask_again);
    return why;
}

COFFER_INLINE fault partition_fault(char const* who) {
    auto why = classify_exception(std::current_exception()).with_execution(knowledge::no).with_billing(knowledge::no);
    try {
        throw;
    } catch (failure const&) {
        return why;
    } catch (...) {
        auto const said = std::string{why.message()};
        return fault{fault_kind::permanent, std::string{"per_key: "} + who + " threw: " + said}
            .with_cause(std::current_exception())
            .with_execution(knowledge::no)
            .with_billing(knowledge::no);
    }
}

}  // namespace detail

}  // namespace coffer::inline COFFER_ABI
