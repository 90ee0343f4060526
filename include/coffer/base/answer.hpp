// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a send brought back, raw: the thing that was paid for, kept before anybody tries to understand it.

#include <coffer/base/money.hpp>
#include <coffer/base/usage.hpp>

#include <memory>
#include <optional>
#include <string>

namespace coffer::inline COFFER_ABI {

/// The raw bytes of an answer and what is known about it without decoding.
struct answer {
    answer() = default;
    /// An answer without usage and cost, which are then unknown. An HTTP status of 0: none.
    explicit answer(std::string body_bytes, int http_status = 0);

    std::string body;  ///< as they came; what `decode` and the store's records are given
    int status = 0;                        ///< HTTP status, 0 where there is none
    std::string request_id;                ///< the provider's own id of the request
    std::optional<coffer::usage> usage{};  ///< unknown is not zero
    std::optional<money> cost{};           ///< unknown is not zero
};

/// How answers travel once they exist: shared and immutable.
using shared_answer = std::shared_ptr<answer const>;

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/base/answer.ipp>
#endif
