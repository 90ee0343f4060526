// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of circuit_text.hpp.

#include <coffer/policy/circuit_text.hpp>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE std::string circuit_of(target const& t) {
    if (t.provider.empty() && t.model.empty()) return "the circuit";
    return "the circuit of " + t.provider + (t.provider.empty() || t.model.empty() ? "" : "/") + t.model;
}

COFFER_INLINE std::string kind_and_status(fault const& f) {
    auto text = std::string{to_string(f.kind())};
    if (f.status() != 0) text += ", status " + std::to_string(f.status());
    return text;
}

COFFER_INLINE std::string open_text(std::string const& circuit, breaker::change const& c,
                                    circuit_breaker_options const& o, fault const* last) {
    auto const end = last != nullptr ? kind_and_status(*last) : std::string{};
    auto const named = end.empty() ? end : ", the last one " + end;
    auto const of_the_last = " of the last " + std::to_string(c.tally.ends) + " attempts ";
    auto const too_long = "took longer than " + seconds(o.slow_after);
    switch (c.why) {
        case circuit_reason::failure_ratio:
            return circuit + " is open: " + std::to_string(c.tally.failures) + of_the_last + "failed" + named;
        case circuit_reason::slow_ratio:
            return circuit + " is open: " + std::to_string(c.tally.slow) + of_the_last + too_long;
        case circuit_reason::probe_failed: return circuit + " is open: a probe failed: " + end;
        case circuit_reason::probe_slow: return circuit + " is open: a probe " + too_long;
        default:
            if (c.in_a_row == 1) return circuit + " is open: one failure, " + end;
            return circuit + " is open: " + std::to_string(c.in_a_row) + " failures in a row" + named;
    }
}

COFFER_INLINE std::string half_open_text(std::string const& circuit, int probes) {
    return circuit + " is half open: " + (probes == 1 ? "a probe is" : std::to_string(probes) + " probes are") +
           " under way";
}

COFFER_INLINE std::string isolated_text(std::string_view why) {
    return "the circuit was isolated by hand" + (why.empty() ? std::string{} : ": " + std::string{why}) +
           "; close() or reset() ends that";
}

COFFER_INLINE void describe_into(composition& to, circuit_breaker_options const& o) {
    circuit_breaker_options const usual;
    to.with_other("in_a_row", o.in_a_row, usual.in_a_row);
    if (o.window != usual.window) {
        if (o.window.is_none()) to.with("no window");
        else if (o.window.size() > 0) to.with("window of " + std::to_string(o.window.size()) + " calls");
        else to.with("window of", o.window.length());
    }
    to.with_other("minimum", o.minimum, usual.minimum);
    to.with_other("failure_ratio", o.failure_ratio, usual.failure_ratio);
    to.with_other("slow_after", o.slow_after, usual.slow_after);
    to.with_other("slow_ratio", o.slow_ratio, usual.slow_ratio);
    to.with_other("probes", o.probes, usual.probes);
    auto const &b = o.breaks, &u = usual.breaks;
    if (b.first != u.first || b.longest != u.longest)
        to.with("breaks " + duration_text(b.first) + (b.longest == b.first ? "" : " to " + duration_text(b.longest)));
    to.with_other("breaks' factor", b.factor, u.factor);
    if (!b.jittered) to.with("breaks not jittered");
    to.with_other("hint_ceiling", o.hint_ceiling, usual.hint_ceiling);
}

}  // namespace coffer::inline COFFER_ABI::detail
