// SPDX-License-Identifier: BSL-1.0
#pragma once
// Whether the next alternative is tried, and which of several faults a caller is told: pure, with the time passed in.

#include <coffer/base/defaults.hpp>
#include <coffer/base/fault.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

namespace coffer::inline COFFER_ABI {

/// Options of `fallback`. All members are trivially destructible, so that it may be written inline anywhere.
struct fallback_options {
    int max_sends = defaults::max_sends;  ///< not proven unbilled, in all; under a journal its own limit holds instead
    bool larger_context = false;  ///< each alternative takes longer prompts than those before it: `context_length`
        ///< falls back too
};

/// What the fault table says of other targets: is it worth asking somebody else?
[[nodiscard]] constexpr bool may_try_another(fault_kind kind, bool larger_context = false) noexcept {
    auto const said = row(kind).try_other;
    return said == other_target::yes || (said == other_target::larger_context && larger_context);
}

/// Is it a fault of the call as a whole (it was left, its key is taken, the journal cannot be written)? Then no
/// alternative can do better.
[[nodiscard]] constexpr bool ends_the_call(fault_kind kind) noexcept {
    return is_coffers_own(kind) && row(kind).try_other == other_target::no;
}

/// What decides besides the fault.
struct fallback_facts {
    bool more = true;  ///< another alternative is left
    int sends_left = 0;  ///< the journal's, or the fallback's own; at 0 nobody else is asked
    std::optional<bool> user{};  ///< what the user's rule says, if there is one
    std::chrono::steady_clock::time_point now{};  ///< by the call's clock
    /// Of the call; nobody else is asked when it is over.
    std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
};

/// The answer: on to the next alternative, or why not.
struct fallback_verdict {
    bool next = false;  ///< the next alternative is tried
    stop_reason stop = stop_reason::none;  ///< none: what the alternative itself said stands
};

/// A gate of this alternative would have had to wait beyond the call's deadline, which is not over yet.
[[nodiscard]] bool would_be_late(fault const& why, fallback_facts const& f) noexcept;

/// Decides. In this order: may it help at all; is another alternative left; are sends left; is there time.
[[nodiscard]] fallback_verdict decide_fallback(fallback_options const& o, fault const& why,
                                               fallback_facts const& f) noexcept;

/// The faults of the alternatives, and the one that the caller is told, since it decides when the job is run again: the
/// last of those that time may mend; else the last one; a fault of the request itself only where nobody said anything
/// else, since another alternative may take what one refuses. What is known of the provider's side is known of all.
class told_fault {
public:
    /// Another alternative's fault, in the order in which they were asked.
    void add(fault const& why);
    /// After `last`, which has been added, nothing is tried any more.
    [[nodiscard]] fault after(fault const& last) const;

private:
    enum class standing : std::uint8_t { of_the_request, other, mended_by_time };

    [[nodiscard]] static standing rank_of(fault const& why) noexcept {
        auto const kind = why.kind();
        if (row(kind).stored) return standing::of_the_request;
        bool const waits = row(kind).retry_same || kind == fault_kind::circuit_open || kind == fault_kind::queue_full ||
                           kind == fault_kind::deadline_exceeded || (why.denial() && why.denial()->is_held());
        return waits ? standing::mended_by_time : standing::other;
    }
    /// Something unknown, or something that concerns the whole call, is not hidden behind an earlier fault.
    [[nodiscard]] static constexpr bool speaks_for_all(fault_kind kind) noexcept {
        return kind == fault_kind::permanent || kind == fault_kind::aborted || ends_the_call(kind);
    }

    std::optional<fault> told_;
    standing rank_ = standing::of_the_request;
    knowledge execution_ = knowledge::no;
    knowledge billing_ = knowledge::no;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/fallback_rule.ipp>
#endif
