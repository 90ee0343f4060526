// SPDX-License-Identifier: BSL-1.0
#pragma once
// Leaves a provider alone that is down, and asks it now and then whether it is up again.
//
//     coffer::circuit_breaker const openai_health{};                        // one for each provider; copies share it
//     auto ask = coffer::pipeline{coffer::once{db}, coffer::retry{}, openai_health}.wrap(openai.chat);
//     coffer::circuit_breaker{{.in_a_row = 5, .probes = 1}}
//     coffer::circuit_breaker{{.window = coffer::breaker_window::calls(50), .failure_ratio = 0.3}}

#include <coffer/call/event.hpp>
#include <coffer/call/gate.hpp>
#include <coffer/policy/circuit_text.hpp>
#include <coffer/state/breaker.hpp>
#include <coffer/time/random.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI {

/// What a circuit breaker looks like from outside.
struct circuit_status {
    /// At this moment; a break that is over is `half_open` with the next attempt.
    circuit_state state = circuit_state::closed;
    std::string why;  ///< it is not closed; what refusals say
    std::optional<duration> left;  ///< of the break, while open; zero: the next attempt is a probe
    int in_a_row = 0;  ///< failures, up to now
    breaker_tally tally;  ///< of the window
    int probes_under_way = 0;  ///< let in and not ended
    int probes_succeeded = 0;  ///< of this half-open time; so many close it
    std::uint64_t opened = 0;  ///< so often since it was made, or reset
};

/// A gate that refuses attempts at once while the provider is down.
///
/// *Closed*, it counts how attempts end: kinds of the fault table that count for the breaker are failures (ambiguous ends
/// too), throttling, the caller's own mistakes and leaving callers are neutral. Too many failures *open* it: attempts are
/// refused with `circuit_open`, proven unsent, with the time left as the hint (`fault::retry_after`) and the state as
/// the code. After the break it is *half open*: at most `probes` attempts at a time are let through; so many successes
/// close it, one failure opens it for longer. What was let in before a change of state changes nothing any more.
///
/// It never waits and never sleeps, and reads no clock of its own. A handle: copies share their state; any thread, any
/// number of contexts under one clock (`misuse` is thrown otherwise). One breaker judges one provider: give each its own.
class circuit_breaker {
    struct shared;

public:
    /// It may stand anywhere: inside `retry` it sees each attempt, outside only how they ended together.
    static constexpr policy_traits traits{};

    /// Throws `std::invalid_argument` for options that cannot be meant.
    explicit circuit_breaker(circuit_breaker_options options = {});
    circuit_breaker(circuit_breaker const&) = default;  // and no moves: a handle that was moved from is one, too
    circuit_breaker& operator=(circuit_breaker const&) = default;

    /// The right to one attempt, and whose end it may tell. Destroyed unsettled, a probe's place is given back.
    class ticket {
    public:
        /// Made by `try_enter`.
        ticket(shared& s, breaker::pass p) noexcept : shared_{&s}, pass_{p} {}
        ticket(ticket const&) = delete;
        ticket& operator=(ticket const&) = delete;
        ~ticket();

        /// Tells how the attempt ended. What was let in before a change of state changes nothing.
        verdict settle(attempt_end const& end, attempt& a) noexcept;

    private:
        shared* shared_;
        breaker::pass pass_;
        bool held_ = true;
    };

    /// In, or `circuit_open`; never waits.
    [[nodiscard]] admission try_enter(attempt& a, slot<ticket>& s) const { return shared_->enter(a, s); }

    // By hand. What is under way goes on; its end changes nothing any more. No observer is told.

    /// Refuses every attempt until `close` or `reset`. `why` is said with each refusal: no secrets.
    void isolate(std::string_view why = {}) const { shared_->isolate(why); }
    /// Lets attempts in again, from whatever state, and counts anew.
    void close() const { shared_->close(); }
    /// As if new: forgets how long its breaks have grown, too.
    void reset() const { shared_->reset(); }

    /// How it is right now, by the clock that it has seen first.
    [[nodiscard]] circuit_status status() const { return shared_->status(); }
    /// Would a new one do as well? Not while a break lasts or is still remembered, nor while it is isolated, nor after `change`.
    [[nodiscard]] bool idle(time_point now) const { return shared_->idle(now); }

    /// Other options for this one and its copies, in all pipelines. Throws `std::invalid_argument` for what cannot be meant;
    /// the old ones stay then.
    ///
    /// The state stays as it is, and a break under way as long as it is; every end and every probe from now on is judged by
    /// the new options, also of attempts under way. What was counted goes on counting; only another `window` begins anew.
    void change(circuit_breaker_options options) const {
        options.check();
        shared_->change(options);
    }
    /// As last changed.
    [[nodiscard]] circuit_breaker_options options() const { return shared_->options(); }

    /// What `to_string` and `<<` print: its options, and how it is right now.
    void describe(composition& to) const;

    /// What copies have in common.
    [[nodiscard]] void const* state() const noexcept { return shared_.get(); }

private:
    struct shared {
        explicit shared(circuit_breaker_options const& o) : machine{o}, closed_in{machine.epoch()} {}

        [[nodiscard]] admission enter(attempt& a, slot<ticket>& s);

        void settle(breaker::pass const& p, attempt_end const& ended, attempt& a) noexcept;
        void abandon(breaker::pass const& p) noexcept;

        void isolate(std::string_view why);
        void close();
        void reset();
        [[nodiscard]] bool idle(time_point at);
        void change(circuit_breaker_options const& o);
        [[nodiscard]] circuit_breaker_options options();
        [[nodiscard]] circuit_status status();

    private:
        /// Ends of one clock are not to be compared with times of another.
        void bind(attempt const& a);
        [[nodiscard]] time_point now() const noexcept;

        /// A probe may wait further in before it is sent, but not for as long again as it may take.
        [[nodiscard]] static duration probe_limit(attempt const& a) noexcept;
        [[nodiscard]] static breaker::end judge(attempt_end const& ended, attempt const& a) noexcept;

        void publish() noexcept;
        /// What refusals say is made once, when it becomes true: a refusal is to cost next to nothing.
        template <class Text>
        void explain(char const* code, Text const& text) noexcept {
            try {
                refusal = fault{fault_kind::circuit_open, text()}.with_code(code);
            } catch (...) {  // no memory for words
                refusal = fault{fault_kind::circuit_open};
            }
        }

        std::mutex mutex;
        breaker machine;
        bool by_hand = false;  // its options were changed
        std::string circuit = detail::circuit_of({});
        fault refusal{fault_kind::circuit_open};
        std::shared_ptr<coffer::clock> clock;  // a share in it: no other one can come to lie in its place
        std::atomic<coffer::clock const*> bound_to{nullptr};
        std::atomic<std::uint64_t> closed_in;  // the epoch while closed, else 0: who comes in then needs no lock
    };

    std::shared_ptr<shared> shared_;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/circuit_breaker.ipp>
#endif
