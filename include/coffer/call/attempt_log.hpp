// SPDX-License-Identifier: BSL-1.0
#pragma once
// What happened to a call, attempt by attempt. Everything is explained.

#include <coffer/base/fault.hpp>
#include <coffer/base/money.hpp>
#include <coffer/base/rate_facts.hpp>
#include <coffer/base/table.hpp>
#include <coffer/base/usage.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// Where an attempt goes.
struct target {
    target() = default;
    /// Both by the names by which prices, logs and records know them: `{"openai", "gpt-4o-mini"}`.
    target(std::string provider_name, std::string model_name);
    std::string provider;  ///< whose API it is; empty: nobody says
    std::string model;  ///< as the request names it; may be empty
};

/// Why an attempt did not begin at once. `backoff`: by the retry's schedule; `provider_hint`: the provider asked for it;
/// `ambiguous_floor`: the attempt before may have been executed; `admission`: it stood in line at a limit; `repair`: it is
/// another request, made of an answer that cannot be used.
enum class wait_reason : std::uint8_t { none, backoff, provider_hint, ambiguous_floor, admission, repair };

/// A word for logs; empty for `none`.
[[nodiscard]] constexpr std::string_view to_string(wait_reason w) noexcept {
    switch (w) {
        case wait_reason::none: return "";
        case wait_reason::backoff: return "backoff";
        case wait_reason::provider_hint: return "hint";
        case wait_reason::ambiguous_floor: return "ambiguous";
        case wait_reason::admission: return "admission";
        case wait_reason::repair: return "repair";
    }
    return "";
}

/// One attempt, after its end.
struct attempt_record {
    int number = 0;  ///< from 1; each attempt of a request has its own
    coffer::target target;  ///< where it went
    std::chrono::nanoseconds start{};  ///< since the call began
    std::chrono::nanoseconds waited{};  ///< before it began
    wait_reason why_waited = wait_reason::none;  ///< the first reason, if there were several
    std::chrono::nanoseconds duration{};  ///< from its beginning to its end, without the wait
    std::optional<coffer::fault> fault;  ///< none: it succeeded
    knowledge execution = knowledge::yes;  ///< was the request processed at the provider's?
    knowledge billing = knowledge::yes;  ///< `maybe` counts as a send
    std::optional<coffer::usage> usage;  ///< unknown is not zero
    std::optional<money> cost;  ///< unknown is not zero
    std::shared_ptr<rate_facts const> rate;  ///< what the provider said of its limits; null if nothing
    std::string request_id;  ///< the provider's id of the request; empty: it gave none
    int send = 0;  ///< the journal's number of the send; 0 without a journal
};

/// The attempts of one call, in order. Prints as a table.
class attempt_log {
public:
    /// No attempt has ended yet.
    [[nodiscard]] bool empty() const noexcept { return records_.empty(); }
    /// Attempts that have ended.
    [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }
    /// The first one is 0; nothing is checked.
    [[nodiscard]] attempt_record const& operator[](std::size_t i) const noexcept { return records_[i]; }
    /// Of the attempts, in order.
    [[nodiscard]] auto begin() const noexcept { return records_.begin(); }
    /// Of the attempts, in order.
    [[nodiscard]] auto end() const noexcept { return records_.end(); }
    /// The last one; not of an empty log.
    [[nodiscard]] attempt_record const& back() const noexcept { return records_.back(); }

    /// Adds what has ended.
    void add(attempt_record const& record);
    /// A new entry at the end, to be filled in place.
    [[nodiscard]] attempt_record& begin_entry();
    /// As the library does when a call is used again.
    void clear() noexcept { records_.clear(); }

    /// A table, with one line for each attempt; `no attempts` if there are none.
    friend std::ostream& operator<<(std::ostream& out, attempt_log const& log);

private:
    std::vector<attempt_record> records_;
};

namespace detail {

std::string seconds(std::chrono::nanoseconds d);

}  // namespace detail

/// A table, with one line for each attempt: target, times in seconds, end, what is known of execution and billing,
/// cost.
std::ostream& operator<<(std::ostream& out, attempt_log const& log);

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/call/attempt_log.ipp>
#endif
