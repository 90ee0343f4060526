// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a timeout says when what is inside it has ended, or was stopped, or was left behind. Pure.

#include <coffer/base/fault.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iomanip>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

namespace coffer::inline COFFER_ABI {

/// Who stopped what is inside. Written down before it is stopped, since an operation cannot tell them apart.
enum class stopped_by : std::uint8_t {
    nobody,    ///< it ended by itself
    timeout,   ///< the time of this timeout was up
    deadline,  ///< the call's time was up, which came first
    caller,    ///< the caller left
};

/// Everything that decides what a timeout says.
struct timeout_facts {
    stopped_by who = stopped_by::nobody;  ///< written down before it was stopped
    fault const* ended = nullptr;  ///< how what is inside has ended; null: it had to be left behind
    knowledge execution = knowledge::no;  ///< at least, of all attempts inside
    knowledge billing = knowledge::no;  ///< at least, of all attempts inside
    bool own = true;  ///< this timeout's limit comes before the call's deadline
    bool over = false;  ///< its time is over
};

/// "timeout `search` (30 s)"
[[nodiscard]] inline std::string timeout_text(std::string_view name, std::chrono::nanoseconds limit) {
    std::ostringstream text;
    text << "timeout ";
    if (!name.empty()) text << '`' << name << "` ";
    text << '(' << std::setprecision(6) << std::chrono::duration<double>(limit).count() << " s)";
    return text.str();
}

/// Nobody: what is inside is believed, but a deadline that it was told by this timeout was this timeout's. Somebody: his
/// fault, with what is known of the provider.
[[nodiscard]] inline fault timeout_fault(timeout_facts const& f, std::string_view name,
                                         std::chrono::nanoseconds limit) {
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
