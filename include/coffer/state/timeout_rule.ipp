// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of timeout_rule.hpp.

#include <coffer/state/timeout_rule.hpp>

#include <algorithm>
#include <iomanip>
#include <sstream>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE std::string timeout_text(std::string_view name, std::chrono::nanoseconds limit) {
    std::ostringstream text;
    text << "timeout ";
    if (!name.empty()) text << '`' << name << "` ";
    text << '(' << std::setprecision(6) << std::chrono::duration<double>(limit).count() << " s)";
    return text.str();
}

COFFER_INLINE fault timeout_fault(timeout_facts const& f, std::string_view name, std::chrono::nanoseconds limit) {
    auto const execution = f.ended != nullptr ? std::max(f.ended->execution(), f.execution) : f.execution;
    auto const billing = f.ended != nullptr ? std::max(f.ended->billing(), f.billing) : f.billing;
    auto who = f.who;
    if (who == stopped_by::nobody) {
        auto const kind = f.ended->kind();
        bool const told = kind == fault_kind::deadline_exceeded;
        bool const obeyed = kind == fault_kind::timed_out && f.over && f.ended->code().empty();
        if (!f.own || (!told && !obeyed)) return *f.ended;
        who = stopped_by::timeout;
    }
    auto text = timeout_text(name, limit);
    if (f.ended == nullptr && execution != knowledge::no) text += "; what does not end is left behind";
    auto why = who == stopped_by::caller ? fault{fault_kind::cancelled, "the caller left"}
               : who == stopped_by::deadline
                   ? fault{fault_kind::deadline_exceeded, "the call's time was up before " + text}
                   : fault{fault_kind::timed_out, "the time was up: " + text};
    if (who == stopped_by::timeout) why.with_code("timeout");
    if (f.ended != nullptr) {
        why.with_cause(f.ended->cause());
        if (f.ended->stop() != stop_reason::none && who == stopped_by::timeout) why.with_stop(f.ended->stop());
    }
    return why.with_execution(execution).with_billing(billing);
}

}  // namespace coffer::inline COFFER_ABI
