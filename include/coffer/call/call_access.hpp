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

#include <algorithm>
#include <atomic>
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
            if (c.depth_ > 0 && !nested)
                throw misuse{
                    "coffer::call: this call already carries a request; use one call for each request in flight"};
            if (c.depth_++ == 0) begin(executor);
        }
        scope(scope const&) = delete;
        scope& operator=(scope const&) = delete;
        ~scope() { --call_.depth_; }

    private:
        template <class Executor>
        void begin(Executor const& executor) {
            // A flight walks more than once at most under another claim: its attempts go on being counted.
            if (call_.in_flight_ && call_.service_ != nullptr) return;
            call_.service_ = &clock_service::of(executor);
            call_.clock_ = &call_.service_->borrowed_clock();
            call_.began_ = call_.clock_->now();
            if (call_.in_flight_) return;  // made for this one request
            call_.number_ = next_number();
            auto const until = call_.until_ ? *call_.until_ : later(call_.began_, call_.allowed_);
            call_.deadline_ = until.time_since_epoch().count();
            call_.log_.clear();
            call_.cost_ = money{};
            call_.cost_known_ = true;
            call_.stored_ = false;
            call_.origin_ = answer_origin::none;
            call_.answered_by_.reset();
            call_.attempts_ = 0;
            call_.unproven_ = 0;
            call_.forks_ = 0;
            call_.repairs_ = 0;
            call_.repaired_now_ = false;
            call_.repaired_by_ = nullptr;
            call_.repaired_.reset();
            call_.why_waited_ = wait_reason::none;
            call_.waited_ = {};
            call_.provider_key_.clear();
            call_.record_key_.reset();
        }
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
    [[nodiscard]] static allowed_inside allowed_with(call const& c, int most_sends) noexcept {
        auto inside = c.inside_;
        inside.sends = std::min(inside.sends, most_sends);
        return inside;
    }
    static void limit_sends(call& c, int most) noexcept { c.inside_ = allowed_with(c, most); }
    /// Inside a layer with a time limit of its own, the call's time is over then.
    using until_scope = value_scope<&call::inside_until_, time_point>;
    [[nodiscard]] static time_point inside_until(call const& c) noexcept { return c.inside_until_; }
    /// While this lives, something goes on in the call's name elsewhere, and has not said what it has done.
    class fork_scope {
    public:
        explicit fork_scope(call& c) noexcept : call_{c} { ++c.forks_; }
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

    static void set_record_key(call& c, coffer::key k) { c.record_key_ = std::move(k); }
    /// A call for a flight: the same request, a life of its own, which goes on where another flight had to stop.
    [[nodiscard]] static call fork(call const& c, attempt_log const& so_far = {}) {
        call own{c.allowed_};
        own.key_ = c.key_;
        own.unkeyed_ = c.unkeyed_;
        own.inside_ = c.inside_;
        own.number_ = c.number_;
        own.in_flight_ = true;
        own.deadline_ = c.deadline().time_since_epoch().count();
        own.tags_ = c.tags_;
        for (auto const& a : so_far) {
            own.attempts_ = std::max(own.attempts_, a.number);
            if (a.billing != knowledge::no) ++own.unproven_;
        }
        return own;
    }
    /// Makes `own`, a fork, go on where `c` is: in the same context, at the same time, under the same claim.
    static void branch_off(call& own, call& c) {
        own.record_key_ = c.record_key_;
        own.provider_key_ = provider_key(c);
        own.service_ = c.service_;
        own.clock_ = c.clock_;
        own.began_ = c.began_;
        own.claim_ = c.claim_;
        own.attempts_ = c.attempts_;
        own.attempts_elsewhere_ = c.attempts_elsewhere_;
        own.followed_ = c.followed_;
        own.inside_until_ = c.inside_until_;
        own.repairs_ = c.repairs_;
        own.repaired_by_ = c.repaired_by_;
        own.repaired_ = c.repaired_;
    }
    /// From now on `own` has the time that `flight` has, which may become more; until it stops, or that goes.
    static void follow_deadline(call& own, call const& flight) noexcept {
        own.followed_ = flight.followed_ != nullptr ? flight.followed_ : &flight.deadline_;
    }
    static void stop_following(call& own) noexcept {
        if (own.followed_ == nullptr) return;
        own.deadline_ = own.followed_->load(std::memory_order_relaxed);
        own.followed_ = nullptr;
    }
    /// May its branch, if it is one, begin an attempt? Then it is under way.
    [[nodiscard]] static bool admit(call& c, target const& to, time_point now) {
        if (c.branch_ == nullptr) return true;
        attempt_record entry;
        entry.target = to;
        entry.start = now - c.began_;
        entry.waited = c.waited_;
        entry.why_waited = c.why_waited_;
        return c.branch_->admit(std::move(entry));
    }
    static void set_branch(call& c, std::shared_ptr<call_branch> branch) noexcept { c.branch_ = std::move(branch); }
    [[nodiscard]] static call_branch* branch_of(call const& c) noexcept { return c.branch_.get(); }
    /// What the branches have made is the call's.
    static void adopt(call& c, branch_books::report made, std::optional<target> answered_by) {
        for (auto const& a : made.log) c.log_.add(a);
        c.cost_ += made.cost;
        c.cost_known_ = c.cost_known_ && made.cost_known;
        c.attempts_ = made.attempts;
        c.unproven_ = made.unproven;
        if (answered_by) c.answered_by_ = std::move(answered_by);
    }
    static void set_claim(call& c, permit_source* claim) noexcept { c.claim_ = claim; }
    static void extend_deadline(call& c, time_point to) noexcept {
        auto const rep = to.time_since_epoch().count();
        auto seen = c.deadline_.load(std::memory_order_relaxed);
        while (seen < rep && !c.deadline_.compare_exchange_weak(seen, rep, std::memory_order_relaxed)) {
        }
    }
    static std::string const& provider_key(call& c) {
        if (c.provider_key_.empty())
            c.provider_key_ = c.claim_ != nullptr ? c.claim_->provider_key() : random_hex(c.clock().random());
        return c.provider_key_;
    }
    /// The number of an attempt that begins, as the journal's send of that number, told to end by `deadline`.
    static int next_attempt(call& c, int send, time_point deadline) noexcept {
        c.repaired_now_ = false;
        ++c.attempts_;
        return c.branch_ == nullptr ? c.attempts_ : c.branch_->begin(send, deadline);
    }
    static int repairs(call const& c) noexcept { return c.repairs_; }
    /// What a branch asks from now on, the call asks; null: nothing else than before.
    static void take_repairs(call& c, call const* from) noexcept {
        c.repaired_now_ = from != nullptr && from->repaired_now_;
        if (!c.repaired_now_) return;
        c.repairs_ = from->repairs_;
        c.repaired_by_ = from->repaired_by_;
        c.repaired_ = from->repaired_;
    }
    /// From now on the pipeline `by` asks with `arguments`.
    static void set_repaired(call& c, void const* by, std::shared_ptr<void> arguments) noexcept {
        ++c.repairs_;
        c.repaired_now_ = true;
        c.repaired_by_ = by;
        c.repaired_ = std::move(arguments);
    }
    /// Null: `by` asks with what it was given.
    static void* repaired(call const& c, void const* by) noexcept {
        return c.repaired_by_ == by ? c.repaired_.get() : nullptr;
    }
    static void add_unproven(call& c) noexcept { ++c.unproven_; }
    /// Time that passed before the next attempt, wherever it begins. The first reason stands.
    static void add_wait(call& c, duration d, wait_reason why) noexcept {
        c.waited_ += d;
        if (c.why_waited_ == wait_reason::none) c.why_waited_ = why;
    }
    static duration take_wait(call& c) noexcept { return std::exchange(c.waited_, duration{}); }
    static wait_reason take_wait_reason(call& c) noexcept { return std::exchange(c.why_waited_, wait_reason::none); }
    static attempt_log& log(call& c) noexcept { return c.log_; }
    static void add_cost(call& c, std::optional<money> cost) noexcept {
        if (cost) c.cost_ += *cost;
        else c.cost_known_ = false;
    }
    /// What a flight has to say to one of its callers.
    static void adopt(call& c, attempt_log log, std::optional<money> cost, answer_origin origin, bool stored,
                      target const& answered_by = {}) {
        c.log_ = std::move(log);
        if (!answered_by.provider.empty()) c.answered_by_ = answered_by;
        c.cost_ = cost.value_or(money{});
        c.cost_known_ = cost.has_value();
        c.origin_ = origin;
        c.stored_ = stored;
    }
    static void set_origin(call& c, answer_origin origin) noexcept { c.origin_ = origin; }

private:
    /// Each thread takes many at once: calls of different threads have nothing to do with each other.
    static std::uint64_t next_number() noexcept {
        constexpr std::uint64_t many = 1024;
        static std::atomic<std::uint64_t> taken{0};
        thread_local std::uint64_t next = 0;
        if (next % many == 0) next = taken.fetch_add(many, std::memory_order_relaxed);
        return ++next;
    }
    static std::string random_hex(random_source& random) {
        std::string text;
        for (int word = 0; word < 2; ++word)
            for (auto bits = random.next(), i = std::uint64_t{0}; i < 16; ++i, bits >>= 4)
                text += "0123456789abcdef"[bits & 15U];
        return text;
    }
};

}  // namespace coffer::inline COFFER_ABI
