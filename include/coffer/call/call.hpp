// SPDX-License-Identifier: BSL-1.0
#pragma once
// One logical request by the user: what it is for, how long it may take, and afterwards what became of it.

#include <coffer/asio.hpp>
#include <coffer/base/defaults.hpp>
#include <coffer/base/key.hpp>
#include <coffer/base/later.hpp>
#include <coffer/base/money.hpp>
#include <coffer/call/attempt_log.hpp>
#include <coffer/call/branch.hpp>
#include <coffer/call/permit_source.hpp>
#include <coffer/time/clock_service.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// Thrown for misuse that types cannot see. Never made into a fault: it is a defect of the program.
class misuse : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

/// What policies further out allow everything inside them. The tightest one of each kind holds.
struct allowed_inside {
    duration attempt_timeout = duration::max();  ///< by default none has set one: `defaults::attempt_timeout` holds
    int attempts = std::numeric_limits<int>::max();  ///< of the call, as `call::attempts_here` counts them
    int sends =
        std::numeric_limits<int>::max();  ///< not proven unbilled, as `call::unproven_sends` counts; without a journal

    /// What an attempt is allowed.
    [[nodiscard]] duration timeout() const noexcept;
};

/// Where the answer of a call came from.
enum class answer_origin : std::uint8_t {
    none,  ///< there is no answer (yet)
    sent,  ///< this call's own sends
    joined,  ///< the flight of another caller in this process
    replayed,  ///< the journal: paid for earlier
};

/// A call: key, deadline, tags; afterwards its attempt log and cost.
///
///     coffer::call call{coffer::key{"report", tenant, title}, 2min};
///     auto reply = co_await ask(call, request);
///     std::cout << call.log();
///
/// It carries one request at a time (`misuse` is thrown otherwise) and may be used again for a repeat of the same; the
/// deadline then counts anew. Not safe for use by several threads at once.
///
/// Whoever awaits the request borrows it: it must live, and stay where it is, until the request has ended. Afterwards it
/// says what became of that: `log`, `cost`, `origin`, `stored`. When the deadline is over the request ends as
/// `deadline_exceeded`, when its coroutine is cancelled as `cancelled`; a send that a journal has permitted goes on in both
/// cases.
class call {
public:
    /// Under this key, with `defaults::deadline`, which counts from the request's beginning.
    explicit call(coffer::key k);
    /// With any duration of `std::chrono`; one that is too long for nanoseconds is for ever.
    template <class Rep, class Period>
    call(coffer::key k, std::chrono::duration<Rep, Period> deadline)
        : key_{std::move(k)}, allowed_{saturated(deadline)} {}
    /// Until a moment of the context's clock, also when it is used again.
    call(coffer::key k, time_point deadline);
    /// A call that no journal shall remember: run again, it is paid again.
    [[nodiscard]] static call unkeyed();
    /// The same with a deadline, which counts from the request's beginning.
    template <class Rep, class Period>
    [[nodiscard]] static call unkeyed(std::chrono::duration<Rep, Period> deadline) {
        call c{saturated(deadline)};
        c.unkeyed_ = true;
        return c;
    }

    /// With its log. Not while it carries a request.
    call(call&& other) noexcept;
    call& operator=(call&&) = delete;
    ~call();

    /// False of an unkeyed call.
    [[nodiscard]] bool keyed() const noexcept { return key_.has_value(); }
    /// Throws `misuse` for a call without a key.
    [[nodiscard]] coffer::key const& key() const;
    /// The key under which the last request's answer stands: the call's own, but for `key::of_request` and for
    /// `mismatch_rule::new_generation` one that the request has completed.
    [[nodiscard]] coffer::key const& record_key() const;
    /// Made by `unkeyed`: a journal lets it pass without a record. A call without a key that is not throws `misuse`
    /// there.
    [[nodiscard]] bool explicitly_unkeyed() const noexcept { return unkeyed_; }

    /// A name and a value by which budgets and reports group calls. No secrets.
    call& tag(std::string name, std::string value) &;
    /// The same of a temporary.
    call&& tag(std::string name, std::string value) &&;
    /// In the order in which they were given.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> const& tags() const noexcept { return tags_; }

    /// The attempts of the last request, in order. Those of a flight are shown by the calls that took part in it.
    [[nodiscard]] attempt_log const& log() const noexcept { return log_; }
    /// What the last request cost this call; zero for a replay or a joined flight; none where an attempt may have been
    /// billed and nobody knows how much.
    [[nodiscard]] std::optional<money> cost() const noexcept;
    /// Is the answer durable in the journal? Always false without one.
    [[nodiscard]] bool stored() const noexcept { return stored_; }
    /// Where the last request's answer came from.
    [[nodiscard]] answer_origin origin() const noexcept { return origin_; }
    /// Who gave the last request's answer, replayed ones too; none if it has none, or if the operation has no `target`.
    [[nodiscard]] std::optional<target> answered_by() const;

    // For policies and layers, while a request runs ------------------------------------------------------------------

    /// The call's deadline; inside a `timeout` no later than that ends. A flight's call takes the latest deadline of those
    /// that wait for it.
    [[nodiscard]] time_point deadline() const noexcept;
    /// The clock of the context that it runs on. Only while a request runs.
    [[nodiscard]] coffer::clock& clock() const noexcept { return *clock_; }
    /// The same, for what outlives the call.
    [[nodiscard]] std::shared_ptr<coffer::clock> shared_clock() const noexcept { return service_->clock(); }
    /// Clock and waits of the context that it runs on. Only while a request runs.
    [[nodiscard]] clock_service& service() const noexcept { return *service_; }
    /// When its request began, by that clock.
    [[nodiscard]] time_point began() const noexcept { return began_; }
    /// By which events of one request are told from those of others (`event::call`).
    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
    /// Attempts that have begun so far, in all pipelines that the call was handed down to.
    [[nodiscard]] int attempts() const noexcept { return attempts_; }
    /// The same without those that a fallback has made at the alternatives before the one that is tried now: what a retry
    /// in there has to count.
    [[nodiscard]] int attempts_here() const noexcept { return attempts_ - attempts_elsewhere_; }
    /// Those of them that have ended and may have been billed. Where a hedge has started requests beside each other: in each
    /// of them, also what may yet be sent by the others; and after it, what is still under way.
    [[nodiscard]] int unproven_sends() const noexcept;
    /// The last attempt brought an answer that cannot be used, and the operation has made another request of it
    /// (repair.hpp): the next attempt asks that one.
    [[nodiscard]] bool repaired() const noexcept { return repaired_now_; }
    /// May an attempt wait in line at a limit until there is room? A hedge may not: it is only made so as to be quicker.
    [[nodiscard]] bool may_wait() const noexcept;
    /// What is allowed where the call is now.
    [[nodiscard]] allowed_inside const& allowed() const noexcept { return inside_; }
    /// The live claim under which this call's attempts take their permits; null without a journal.
    [[nodiscard]] permit_source* claim() const noexcept { return claim_; }

private:
    friend class call_access;
    friend class forked_call;

    explicit call(duration deadline) : allowed_{deadline} {}

    std::optional<coffer::key> key_;
    std::optional<coffer::key> record_key_;
    bool unkeyed_ = false;
    bool in_flight_ = false;  // a flight's: its deadline is set from outside and only grows
    duration allowed_{-1};
    std::optional<time_point> until_;
    allowed_inside inside_;
    std::vector<std::pair<std::string, std::string>> tags_;

    attempt_log log_;
    money cost_;
    bool cost_known_ = true;
    bool stored_ = false;
    answer_origin origin_ = answer_origin::none;
    std::optional<target> answered_by_;  // as the journal says; without one, the log says it

    std::string provider_key_;
    std::uint64_t number_ = 0;
    int depth_ = 0;  // pipelines that this call runs through right now
    int branched_ = 0;  // from another call, which was itself branched so often: see branch.hpp
    int attempts_ = 0;
    int attempts_elsewhere_ = 0;
    int unproven_ = 0;
    int repairs_ = 0;
    bool repaired_now_ = false;
    void const* repaired_by_ = nullptr;  // the pipeline whose operation takes it
    std::shared_ptr<void> repaired_;  // the arguments as they are now
    wait_reason why_waited_ = wait_reason::none;
    duration waited_{};  // since the last attempt, at whichever policy
    time_point began_{};
    std::atomic<duration::rep> deadline_{0};
    std::atomic<duration::rep> const* followed_ = nullptr;  // a flight's, which counts instead
    time_point inside_until_ = time_point::max();  // for what is inside a layer that has a time limit of its own
    attempt const* running_ = nullptr;
    int forks_ = 0;  // of it that have not yet said what they have done: see forked_call.hpp
    clock_service* service_ = nullptr;
    coffer::clock* clock_ = nullptr;
    permit_source* claim_ = nullptr;
    std::shared_ptr<call_branch>
        branch_;  // of a call that runs beside another one of the same request, and of its forks
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/call/call.ipp>
#endif
