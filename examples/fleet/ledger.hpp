// SPDX-License-Identifier: BSL-1.0
#pragma once
// What is written down: at the provider each request, at the callers' each call. Every figure comes from these two lists.

#include <coffer/base/money.hpp>
#include <coffer/time/clock.hpp>

#include <cstddef>
#include <optional>
#include <vector>

namespace fleet {

/// What became of a request, as the provider knows it.
enum class fate {
    answered,
    unheard,  ///< executed, and the client had hung up
    lost,  ///< executed, and nothing, or a 500, was told
    cut,  ///< broke off with the provider
    limited,  ///< 429
    refused,  ///< 503
};

/// One request at the provider. Times are counted from the beginning of the run.
struct entry {
    std::size_t call = 0;
    coffer::duration arrived{};
    coffer::duration ended{};
    fate what = fate::refused;
    coffer::money billed{};

    [[nodiscard]] bool turned_away() const noexcept { return what == fate::limited || what == fate::refused; }
};

/// One call, as its caller knows it.
struct call_record {
    coffer::duration asked{};
    coffer::duration ended{};
    std::optional<std::size_t> answer{};  ///< the request that brought it, in the ledger
};

/// All that is left of a run.
struct records {
    std::vector<entry> requests;
    std::vector<call_record> calls;
};

}  // namespace fleet
