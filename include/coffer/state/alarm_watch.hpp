// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a look for alarms is asked to look for, and what it freezes.

#include <coffer/state/alarm_rules.hpp>
#include <coffer/state/ledger_rules.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// Freezes a scope when an alarm rings: nothing more is sent in it until somebody thaws it.
///
/// Of scopes inside each other for which the same kind rings together only the innermost is frozen: one runaway user must
/// not stop the organisation. It holds for alarms that another process has found just before, too.
struct freeze_on {
    alarm_kind kind = alarm_kind::anomaly;  ///< of alarms of this kind
    alarm_severity at_least = alarm_severity::warning;  ///< a threshold of 100 % is critical, of 75 % or more a warning
    std::string within{};  ///< only this scope and those inside it; empty: any

    /// Does such an alarm freeze its scope?
    [[nodiscard]] bool applies_to(alarm_report const& a) const;
};

/// What a look asks, and what it does when an alarm rings.
struct alarm_watch {
    alarm_rules rules{};  ///< what rings
    std::vector<freeze_on> freeze{};  ///< what also stops the money; nothing by default
    /// Scopes, with those inside them, of which nothing rings: those of single users, say, whose limits are met every day.
    std::vector<std::string> ignore{};

    /// Is it one of them, or inside one?
    [[nodiscard]] bool ignores(std::string_view scope) const;

    /// Throws `std::invalid_argument` for what cannot be meant.
    void check() const;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/alarm_watch.ipp>
#endif
