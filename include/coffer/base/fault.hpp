// SPDX-License-Identifier: BSL-1.0
#pragma once
// Why an attempt did not succeed, as a small value.

#include <coffer/base/denial.hpp>
#include <coffer/base/fault_kind.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// Why nothing further was tried. Set by whoever stopped, on the last real fault.
enum class stop_reason : std::uint8_t {
    none,            ///< nobody considered trying again
    not_retryable,   ///< the fault table, or the user's classifier, says that it cannot help
    attempts_spent,  ///< as many attempts as allowed
    sends_spent,     ///< as many sends not proven unbilled as allowed
    deadline,        ///< the next attempt could not begin before the deadline
    hint_too_long,   ///< the provider asks to wait longer than the policy is willing to
    condition,       ///< the policy's own stop condition holds
    quota_spent,     ///< this process has retried as often as it may for now
};

/// In words, as logs show it: `sends spent`.
[[nodiscard]] constexpr std::string_view to_string(stop_reason s) noexcept {
    switch (s) {
        case stop_reason::none: return "none";
        case stop_reason::not_retryable: return "not retryable";
        case stop_reason::attempts_spent: return "attempts spent";
        case stop_reason::sends_spent: return "sends spent";
        case stop_reason::deadline: return "deadline";
        case stop_reason::hint_too_long: return "hint too long";
        case stop_reason::condition: return "stop condition";
        case stop_reason::quota_spent: return "retry quota spent";
    }
    return "unknown";
}

/// Why an attempt did not succeed: kind, what is known of the provider's side, and details behind one pointer.
///
/// `kind` says what to do (`fault_table`, `disposition`), `execution` and `billing` what it may have cost, `stop` why there
/// was no further attempt, the rest is for people. It prints as one line.
///
/// Copies are cheap and share the details, which are immutable once set on a fault that was copied (setters copy on
/// write). Messages must not hold credentials or prompts; whoever puts a provider's words into one redacts them first.
/// Only setting a text, or what else stands in the details, may throw (`std::bad_alloc`). Thread safety: as an `int`.
class fault {
public:
    using duration = std::chrono::nanoseconds;  ///< of hints; never negative

    /// A fault of `kind`, with what its row says of execution and billing.
    explicit fault(fault_kind kind) noexcept;
    /// The same with a message: one line for people, without credentials or prompts.
    fault(fault_kind kind, std::string message);

    /// @{
    /// A copy shares the details.
    fault(fault const&) noexcept;
    fault(fault&&) noexcept;
    fault& operator=(fault const&) noexcept;
    fault& operator=(fault&&) noexcept;
    /// @}
    ~fault();

    /// Its row in `fault_table` says what it means.
    [[nodiscard]] fault_kind kind() const noexcept { return kind_; }
    /// Was the request processed at the provider's?
    [[nodiscard]] knowledge execution() const noexcept { return execution_; }
    /// `no` gives the send and the money back.
    [[nodiscard]] knowledge billing() const noexcept { return billing_; }
    /// Why there was no further attempt.
    [[nodiscard]] stop_reason stop() const noexcept { return stop_; }
    /// The HTTP status, 0 where there was none.
    [[nodiscard]] int status() const noexcept { return status_; }
    /// The provider's hint: not before so long after the attempt's end.
    [[nodiscard]] std::optional<duration> retry_after() const noexcept;
    /// One line for people, redacted; may be empty.
    [[nodiscard]] std::string_view message() const noexcept {
        return detail_ ? std::string_view{detail_->message} : "";
    }
    /// The provider's own code, e.g. `insufficient_quota`.
    [[nodiscard]] std::string_view code() const noexcept { return detail_ ? std::string_view{detail_->code} : ""; }
    /// The provider's id of the request, for a talk with its support.
    [[nodiscard]] std::string_view request_id() const noexcept {
        return detail_ ? std::string_view{detail_->request_id} : "";
    }
    /// `key_mismatch`: the names of the fields in which the two requests differ.
    [[nodiscard]] std::vector<std::string> const& fields() const noexcept;
    /// `over_budget`, `never_fits` of a budget: whose limit, what is free, and until when; null otherwise.
    [[nodiscard]] std::shared_ptr<budget_denial const> denial() const noexcept {
        return detail_ ? detail_->denial : nullptr;
    }
    /// The exception that the operation ended with, if it was one.
    [[nodiscard]] std::exception_ptr cause() const noexcept { return detail_ ? detail_->cause : nullptr; }

    /// Overrules what the kind's row says of execution.
    fault& with_execution(knowledge k) & noexcept { return execution_ = k, *this; }
    /// Overrules what the kind's row says of billing. Say `no` only where it is proven: such a send is not counted.
    fault& with_billing(knowledge k) & noexcept { return billing_ = k, *this; }
    /// Set by policies.
    fault& with_stop(stop_reason s) & noexcept { return stop_ = s, *this; }
    /// An HTTP status; 0: none.
    fault& with_status(int status) & noexcept { return status_ = status, *this; }
    /// A negative hint counts as zero: at once.
    fault& with_retry_after(duration d) & noexcept;
    /// No credentials and no prompts: it is printed and logged.
    fault& with_message(std::string text) &;
    /// The provider's own code.
    fault& with_code(std::string code) &;
    /// The provider's id of the request.
    fault& with_request_id(std::string id) &;
    /// The fields that differ.
    fault& with_fields(std::vector<std::string> names) &;
    /// What a budget says of its refusal.
    fault& with_denial(budget_denial d) &;
    /// The exception that the operation ended with: `throw_failure` nests it.
    fault& with_cause(std::exception_ptr e) &;

    /// @{
    /// The same of a temporary, so that setters can be chained: `fault{throttled}.with_status(429)`.
    fault&& with_execution(knowledge k) && noexcept { return std::move(with_execution(k)); }
    fault&& with_billing(knowledge k) && noexcept { return std::move(with_billing(k)); }
    fault&& with_stop(stop_reason s) && noexcept { return std::move(with_stop(s)); }
    fault&& with_status(int status) && noexcept { return std::move(with_status(status)); }
    fault&& with_retry_after(duration d) && noexcept { return std::move(with_retry_after(d)); }
    fault&& with_message(std::string text) &&;
    fault&& with_code(std::string code) &&;
    fault&& with_request_id(std::string id) &&;
    fault&& with_fields(std::vector<std::string> names) &&;
    fault&& with_denial(budget_denial d) &&;
    fault&& with_cause(std::exception_ptr e) &&;
    /// @}

    /// One line: kind, status, code, message, what is known, why it stopped.
    friend std::ostream& operator<<(std::ostream& out, fault const& f) { return f.print(out); }

private:
    struct details {
        std::string message;
        std::string code;
        std::string request_id;
        std::vector<std::string> fields;
        std::shared_ptr<budget_denial const> denial;
        std::exception_ptr cause;
    };

    std::ostream& print(std::ostream& out) const;
    details& own();

    fault_kind kind_;
    knowledge execution_;
    knowledge billing_;
    stop_reason stop_ = stop_reason::none;
    int status_ = 0;
    duration retry_after_{-1};
    std::shared_ptr<details> detail_;
};

static_assert(sizeof(fault) <= 64, "faults travel by value through every policy");

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/base/fault.ipp>
#endif
