// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a circuit breaker does: pure, with the time and chance passed in.

#include <coffer/base/later.hpp>
#include <coffer/state/backoff.hpp>
#include <coffer/state/breaker_options.hpp>
#include <coffer/state/breaker_tally.hpp>
#include <coffer/state/circuit_state.hpp>
#include <coffer/state/retry_rule.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>

namespace coffer::inline COFFER_ABI {

/// What the machine of a circuit breaker knows.
///
/// Each change of its state begins a new *epoch*. Who is let in takes a pass with the epoch's number; an end that is told
/// with the pass of an earlier epoch changes nothing, because it tells of a provider as it was before. Calls of an LLM
/// take longer than most breaks, so such ends are the rule and not the exception.
class breaker {
public:
    using time_point = std::chrono::steady_clock::time_point;  ///< of the monotonic clock
    using duration = std::chrono::nanoseconds;  ///< whatever unit it is given in

    /// Whose end counts where.
    /// Whose end counts where. To be brought back with the end, or with `abandon`.
    struct pass {
        std::uint64_t epoch = 0;  ///< of the state in which it was let in
        bool probe = false;  ///< one of few, while half open; a place to be given back
    };
    /// What somebody is told who wants to get in.
    struct entry {
        std::optional<pass> in;  ///< none: refused
        std::optional<duration> ask_again;  ///< of a refusal: not before; none if nobody knows
        circuit_reason changed = circuit_reason::none;  ///< a change to half open, and why
    };
    /// How an attempt ended.
    struct end {
        /// As the fault table's column for breakers says.
        enum class kind : std::uint8_t { neutral, success, failure };
        kind what = kind::neutral;  ///< neutral ends give a probe's place back, and count for nothing
        time_point at{};  ///< when it ended
        duration took{};  ///< so long it was under way: a success may have been slow
        duration hint{0};  ///< of the provider: not before so long after `at`
    };
    /// What an end has changed.
    struct change {
        circuit_state to;  ///< the new state
        circuit_reason why;  ///< for events and logs
        duration lasts{0};  ///< of a break
        breaker_tally tally{};  ///< of the window, as it was
        int in_a_row = 0;  ///< failures, as they were
    };

    /// The options are taken as checked.
    explicit breaker(circuit_breaker_options const& o) : options_{o}, counts_{o.window} {}

    /// Somebody wants to get in. `probe_limit`: so long after `now` a probe is given up as lost.
    [[nodiscard]] entry enter(time_point now, duration probe_limit) noexcept;

    /// An attempt that was let in has ended. `draw` gives numbers in [0, 1), and is called only when the breaker opens.
    template <class Draw>
    std::optional<change> settle(pass const& p, end const& e, Draw&& draw) noexcept {
        if (p.epoch != epoch_) return std::nullopt;
        if (e.what == end::kind::success) usual_ = std::max(e.took, usual_ - usual_ / remembered);
        bool const slow = e.what == end::kind::success && e.took > options_.slow_after;
        if (state_ == circuit_state::half_open) {
            --out_;
            if (e.what == end::kind::neutral) return std::nullopt;
            if (e.what == end::kind::failure) return open(e, circuit_reason::probe_failed, draw);
            if (slow) return open(e, circuit_reason::probe_slow, draw);
            if (++succeeded_ < options_.probes) return std::nullopt;
            shut(e.at);
            return change{circuit_state::closed, circuit_reason::probes_succeeded};
        }
        if (e.what == end::kind::neutral) return std::nullopt;
        auto const why = tripped(note(e, slow));
        if (why == circuit_reason::none) return std::nullopt;
        return open(e, why, draw);
    }
    /// A pass is given back: nothing is known of what became of it.
    void abandon(pass const& p) noexcept;

    // By hand.

    /// Other options, taken as checked, by which everything is decided from now on: the state stays, and so does a break that
    /// was drawn; what was counted goes on counting, but the ends in a window of another kind or length are forgotten. May
    /// throw `std::bad_alloc`, and has changed nothing then.
    void adopt(circuit_breaker_options const& o);
    /// As last changed.
    [[nodiscard]] circuit_breaker_options const& options() const noexcept { return options_; }
    /// Refuses everything until `close` or `reset`.
    void isolate() noexcept { begin(circuit_state::isolated); }
    /// Lets everything in, from whatever state, and counts anew. If it opens again soon, breaks go on growing.
    void close(time_point now) noexcept { shut(now); }
    /// As if new.
    void reset() noexcept;

    // To be looked at.

    /// As the last function that was told the time left it.
    [[nodiscard]] circuit_state state() const noexcept { return state_; }
    /// Changes with each state: passes of an earlier one count no more.
    [[nodiscard]] std::uint64_t epoch() const noexcept { return epoch_; }
    /// Failures since the last success; neutral ends do not interrupt them.
    [[nodiscard]] int in_a_row() const noexcept { return in_a_row_; }
    /// What is in the window at `now`.
    [[nodiscard]] breaker_tally tally(time_point now) noexcept { return counts_.at(now); }
    /// While open: when probes are let in.
    [[nodiscard]] time_point until() const noexcept { return until_; }
    /// Let in while half open, and not ended.
    [[nodiscard]] int probes_under_way() const noexcept { return out_; }
    /// Since it is half open; `probes` of them close it.
    [[nodiscard]] int probes_succeeded() const noexcept { return succeeded_; }
    /// How often it has opened.
    [[nodiscard]] std::uint64_t opened() const noexcept { return opened_; }
    /// Would a new one do as well, if nobody has come for a good while? Not as long as a break lasts, or would count on if it
    /// opened again, and never while it is isolated: somebody wants it so.
    [[nodiscard]] bool idle(time_point now) const noexcept;

private:
    /// A longest success is half forgotten after eleven that were shorter.
    static constexpr int remembered = 16;

    void begin(circuit_state s) noexcept;

    [[nodiscard]] entry probe(time_point now, duration limit, circuit_reason why) noexcept;

    breaker_tally const& note(end const& e, bool slow) noexcept;
    void keep_hint(end const& e) noexcept;

    [[nodiscard]] circuit_reason tripped(breaker_tally const& t) const noexcept;
    /// 7 of 10 are 0.7, although 0.7 * 10 is a little more than 7.
    [[nodiscard]] static bool reaches(std::int64_t part, double ratio, std::int64_t whole) noexcept;

    /// A relapse soon after it was closed counts on, or a provider that lets probes through and nothing more would be
    /// asked again after the shortest break for ever.
    template <class Draw>
    [[nodiscard]] change open(end const& e, circuit_reason why, Draw&& draw) noexcept {
        bool const anew = state_ == circuit_state::closed && e.at - closed_at_ >= last_break_;
        if (anew) opens_ = 0;
        if (opens_ < std::numeric_limits<std::uint32_t>::max()) ++opens_;
        ++opened_;
        if (why == circuit_reason::probe_failed) keep_hint(e);
        auto const& b = options_.breaks;
        backoff const lengths{growth::exponential, b.jittered ? jitter::equal : jitter::none, b.first, b.longest,
                              b.factor};
        auto const drawn = lengths.delay(opens_, draw());
        auto const hinted =
            spread_upwards(std::max(not_before_ - e.at, duration::zero()), defaults::hint_spread * draw());
        last_break_ = std::max({drawn, hinted, duration{1}});
        change const c{circuit_state::open, why, last_break_, counts_.at(e.at), in_a_row_};
        begin(circuit_state::open);
        until_ = later(e.at, last_break_);
        return c;
    }

    void shut(time_point at) noexcept {
        begin(circuit_state::closed);
        closed_at_ = at;
    }

    circuit_breaker_options options_;
    breaker_counts counts_;
    circuit_state state_ = circuit_state::closed;
    std::uint64_t epoch_ = 1;
    int in_a_row_ = 0;
    int out_ = 0;  // probes under way
    int succeeded_ = 0;  // probes
    time_point not_before_{};  // what providers have asked for in this epoch
    time_point until_{};  // open: the break's end; half open: when the probes under way are given up as lost
    time_point last_probe_{};  // when the last of those under way began
    time_point closed_at_{};
    duration last_break_{0};
    duration usual_{0};  // so long successes take, the longest of late
    std::uint32_t opens_ = 0;  // without a good while between them
    std::uint64_t opened_ = 0;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/breaker.ipp>
#endif
