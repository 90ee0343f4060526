// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of fault.hpp.

#include <coffer/base/fault.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE fault::fault(fault_kind kind) noexcept
    : kind_{kind}, execution_{row(kind).execution}, billing_{row(kind).billing} {}

COFFER_INLINE fault::fault(fault_kind kind, std::string message) : fault{kind} { with_message(std::move(message)); }

COFFER_INLINE std::optional<fault::duration> fault::retry_after() const noexcept {
    return retry_after_ < duration::zero() ? std::nullopt : std::optional{retry_after_};
}

COFFER_INLINE std::vector<std::string> const& fault::fields() const noexcept {
    static std::vector<std::string> const none;
    return detail_ ? detail_->fields : none;
}

COFFER_INLINE fault& fault::with_retry_after(duration d) & noexcept {
    return retry_after_ = d < duration::zero() ? duration{0} : d, *this;
}

COFFER_INLINE fault& fault::with_message(std::string text) & { return own().message = std::move(text), *this; }

COFFER_INLINE fault& fault::with_code(std::string code) & { return own().code = std::move(code), *this; }

COFFER_INLINE fault& fault::with_request_id(std::string id) & { return own().request_id = std::move(id), *this; }

COFFER_INLINE fault& fault::with_fields(std::vector<std::string> names) & {
    return own().fields = std::move(names), *this;
}

COFFER_INLINE fault& fault::with_denial(budget_denial d) & {
    return own().denial = std::make_shared<budget_denial const>(std::move(d)), *this;
}

COFFER_INLINE fault& fault::with_cause(std::exception_ptr e) & {
    if (e || detail_) own().cause = std::move(e);
    return *this;
}

COFFER_INLINE fault&& fault::with_message(std::string text) && { return std::move(with_message(std::move(text))); }

COFFER_INLINE fault&& fault::with_code(std::string code) && { return std::move(with_code(std::move(code))); }

COFFER_INLINE fault&& fault::with_request_id(std::string id) && { return std::move(with_request_id(std::move(id))); }

COFFER_INLINE fault&& fault::with_fields(std::vector<std::string> names) && {
    return std::move(with_fields(std::move(names)));
}

COFFER_INLINE fault&& fault::with_denial(budget_denial d) && { return std::move(with_denial(std::move(d))); }

COFFER_INLINE fault&& fault::with_cause(std::exception_ptr e) && { return std::move(with_cause(std::move(e))); }

COFFER_INLINE fault::details& fault::own() {
    if (!detail_) {
        detail_ = std::make_shared<details>();
    } else if (detail_.use_count() > 1) {
        detail_ = std::make_shared<details>(*detail_);
    } else {
        // Another thread may have read its copy just before it dropped it. `use_count` does not synchronise with
        // that; dropping a copy of our own does.
        auto const synchronised = detail_;
    }
    return *detail_;
}

COFFER_INLINE fault::fault(fault const&) noexcept = default;
COFFER_INLINE fault::fault(fault&&) noexcept = default;
COFFER_INLINE fault& fault::operator=(fault const&) noexcept = default;
COFFER_INLINE fault& fault::operator=(fault&&) noexcept = default;
COFFER_INLINE fault::~fault() = default;

COFFER_INLINE std::ostream& fault::print(std::ostream& out) const {
    out << kind();
    if (status() != 0) out << ", status " << status();
    if (!code().empty()) out << ", code " << code();
    if (!message().empty()) out << ": " << message();
    out << " (executed " << execution() << ", billed " << billing();
    if (stop() != stop_reason::none) out << "; stopped: " << to_string(stop());
    return out << ")";
}

}  // namespace coffer::inline COFFER_ABI
