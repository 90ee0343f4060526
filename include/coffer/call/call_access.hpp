// SPDX-License-Identifier: BSL-1.0
#pragma once
// What the library itself does with a call: it binds it to a context, counts its attempts, forks it for flights and hedges.

#include <coffer/base/key.hpp>
#include <coffer/base/money.hpp>
#include <coffer/call/attempt_log.hpp>
#include <coffer/call/branch.hpp>
#include <coffer/call/call.hpp>
#include <coffer/call/permit_source.hpp>
#include <coffer/time/clock_service.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace coffer::inline COFFER_ABI {

/// Not for users.
class call_access {
public:
    /// Enters a pipeline: the outermost one binds the call to its context and starts its time.
    class scope {
    public:
        template <class Executor>
        scope(call& c, Executor const& executor, bool nested) : call_{c} {
            if (enter(nested)) begin(clock_service::of(executor));
        }
        scope(scope const&) = delete;
        scope& operator=(scope const&) = delete;
        ~scope() { --call_.depth_; }

    private:
        /// Does its request begin here, and not further out?
        [[nodiscard]] bool enter(bool nested);
        void begin(clock_service& service);
        call& call_;
    };

    /// One of the call's values is another one for as long as this lives.
    template <auto Member, class T>
    class value_scope {
    public:
        value_scope(call& c, T value) noexcept : call_{c}, before_{std::exchange(c.*Member, value)} {}
        value_scope(value_scope const&) = delete;
        value_scope& operator=(value_scope const&) = delete;
        ~value_scope() { call_.*Member = before_; }

    private:
        call& call_;
        T before_;
    };
    /// Hands what gates and layers allow down to the pipelines and segments inside.
    using allowed_scope = value_scope<&call::inside_, allowed_inside>;
    /// What `c` is allowed, and no more sends than these.
    [[nodiscard]] static allowed_inside allowed_with(call const& c, int most_sends) noexcept;
    static void limit_sends(call& c, int most) noexcept;
    /// Inside a layer with a time limit of its own, the call's time is over then.
    using until_scope = value_scope<&call::inside_until_, time_point>;
    [[nodiscard]] static time_point inside_until(call const& c) noexcept { return c.inside_until_; }
    /// While this lives, something goes on in the call's name elsewhere, and has not said what it has done.
    class fork_scope {
    public:
        explicit fork_scope(call& c) noexcept;
        fork_scope(fork_scope const&) = delete;
        fork_scope& operator=(fork_scope const&) = delete;
        ~fork_scope() { --call_.forks_; }

    private:
        call& call_;
    };
    /// The attempt that has begun and not ended; null between attempts.
    static void set_running(call& c, attempt const* a) noexcept { c.running_ = a; }
    [[nodiscard]] static attempt const* running(call const& c) noexcept { return c.running_; }
    /// While a fallback tries one of its alternatives: so many attempts were made at others.
    using elsewhere_scope = value_scope<&call::attempts_elsewhere_, int>;

    static void set_record_key(call& c, coffer::key k);
    /// A call for a flight: the same request, a life of its own, which goes on where another flight had to stop.
    [[nodiscard]] static call fork(call const& c, attempt_log const& so_far = {});
    /// Makes `own`, a fork, go on where `c` is: in the same context, at the same time, under the same claim.
    static void branch_off(call& own, call& c);
    /// From now on `own` has the time that `flight` has, which may become more; until it stops, or that goes.
    static void follow_deadline(call& own, call const& flight) noexcept;
    static void stop_following(call& own) noexcept;
    /// May its branch, if it is one, begin an attempt? Then it is under way.
    [[nodiscard]] static bool admit(call& c, target const& to, time_point now);
    static void set_branch(call& c, std::shared_ptr<call_branch> branch) noexcept;
    [[nodiscard]] static call_branch* branch_of(call const& c) noexcept;
    /// What the branches have made is the call's.
    static void adopt(call& c, branch_books::report made, std::optional<target> answered_by);
    static void set_claim(call& c, permit_source* claim) noexcept { c.claim_ = claim; }
    static void extend_deadline(call& c, time_point to) noexcept;
    static std::string const& provider_key(call& c);
    /// The number of an attempt that begins, as the journal's send of that number, told to end by `deadline`.
    static int next_attempt(call& c, int send, time_point deadline) noexcept;
    static int repairs(call const& c) noexcept { return c.repairs_; }
    /// What a branch asks from now on, the call asks; null: nothing else than before.
    static void take_repairs(call& c, call const* from) noexcept;
    /// From now on the pipeline `by` asks with `arguments`.
    static void set_repaired(call& c, void const* by, std::shared_ptr<void> arguments) noexcept;
    /// Null: `by` asks with what it was given.
    static void* repaired(call const& c, void const* by) noexcept;
    static void add_unproven(call& c) noexcept { ++c.unproven_; }
    /// Time that passed before the next attempt, wherever it begins. The first reason stands.
    static void add_wait(call& c, duration d, wait_reason why) noexcept;
    static duration take_wait(call& c) noexcept;
    static wait_reason take_wait_reason(call& c) noexcept;
    static attempt_log& log(call& c) noexcept { return c.log_; }
    static void add_cost(call& c, std::optional<money> cost) noexcept;
    /// What a flight has to say to one of its callers.
    static void adopt(call& c, attempt_log log, std::optional<money> cost, answer_origin origin, bool stored,
                      target const& answered_by = {});
    static void set_origin(call& c, answer_origin origin) noexcept { c.origin_ = origin; }

private:
    /// Each thread takes many at once: calls of different threads have nothing to do with each other.
    static std::uint64_t next_number() noexcept;
    static std::string random_hex(random_source& random);

    inline static std::atomic<std::uint64_t> numbers_taken_{0};
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/call/call_access.ipp>
#endif
