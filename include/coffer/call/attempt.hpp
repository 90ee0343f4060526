// SPDX-License-Identifier: BSL-1.0
#pragma once
// One try of a call, and how it ended.

#include <coffer/base/answer.hpp>
#include <coffer/base/defaults.hpp>
#include <coffer/base/fault.hpp>
#include <coffer/base/fingerprint.hpp>
#include <coffer/base/later.hpp>
#include <coffer/base/rate_facts.hpp>
#include <coffer/call/attempt_log.hpp>
#include <coffer/call/call.hpp>
#include <coffer/call/call_access.hpp>
#include <coffer/call/describe.hpp>
#include <coffer/call/event.hpp>
#include <coffer/call/permit_source.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace coffer::inline COFFER_ABI {

namespace detail {

/// Tells the observers something of a call, with what every event says of it.
void tell_of(call const& c, observers const& watch, event e) noexcept;

}  // namespace detail

/// What an operation and the gates around it see of one try. Lives in the walk; never kept beyond it. One thread at a time.
///
/// An operation that takes it as its first parameter learns how long it has (`deadline`), under which key a provider may
/// recognise the same work (`provider_key`), and can say what it has used (`report`).
class attempt {
public:
    /// Made by the walk, for a call that is bound to a context. `watch` is told its events; null: nobody.
    explicit attempt(call& c, observers const* watch = nullptr) noexcept;
    attempt(attempt const&) = delete;
    attempt& operator=(attempt const&) = delete;
    ~attempt();

    /// 1 for the first try of the call; 0 while it is on its way through the gates, since it may yet be refused.
    [[nodiscard]] int number() const noexcept { return number_; }
    /// When it must have ended. An operation that takes it as its timeout can be relied upon; one that does not should
    /// be wrapped in a timeout. Under a journal this is the send's own limit, not the caller's deadline: a permitted
    /// send is paid for, and outlives its callers.
    [[nodiscard]] time_point deadline() const noexcept { return deadline_; }
    /// How long it may take from its beginning: the shortest of all policies' limits, `defaults::attempt_timeout`
    /// without any.
    [[nodiscard]] duration timeout() const noexcept { return allowed_.timeout(); }
    /// Where it goes; both names are empty if the operation does not say.
    [[nodiscard]] coffer::target const& target() const noexcept;
    /// The time by the call's clock when the attempt began; read once, for all policies.
    [[nodiscard]] time_point now() const noexcept { return now_; }
    /// The call's own data: key, tags, deadline.
    [[nodiscard]] call const& of() const noexcept { return *call_; }
    /// The clock of the call's context: for whoever waits or draws lots on its behalf.
    [[nodiscard]] coffer::clock& clock() const noexcept { return call_->clock(); }
    /// Sends that may still be permitted under the journal; none without one.
    [[nodiscard]] std::optional<int> sends_left() const noexcept;
    /// The same text for every send that stands for the same work: for the Idempotency-Key header of a provider that
    /// knows one. Without a journal it is random, and the same for one request's attempts.
    [[nodiscard]] std::string const& provider_key() const;

    /// The most that one choice of the answer may be long, if a policy has lowered it: the operation enforces the smaller
    /// of this and the request's own.
    [[nodiscard]] std::optional<std::int64_t> output_limit() const noexcept;

    // For an operation without `decode` or `bill` that knows what it consumed.
    /// Tokens of this try, of failures too. The last report holds.
    void report(usage const& used);
    /// What it cost. Unreported is unknown, and a budget then counts the whole reservation as spent.
    void report_cost(money cost);
    /// The provider's id of the request, for the log.
    void report_request_id(std::string id);
    /// What the provider says of its rate limits, be the request answered or turned down.
    void report_rate(rate_facts const& said);

    // For gates, when they enter. The shortest limit holds, for this try and those after it.
    /// How long it may take.
    void limit_timeout(duration d) noexcept;
    /// Of the call, by whatever multiplies them further in; see `allowed_inside`.
    void limit_attempts(int most) noexcept;
    /// Sends of the call that are not proven unbilled; see `allowed_inside`.
    void limit_sends(int most) noexcept;
    /// For this try only; the smallest limit holds.
    void limit_output(std::int64_t tokens) noexcept;
    /// What the request may consume at the most. Only for gates with the trait `estimates`; empty if the operation does not
    /// say.
    [[nodiscard]] coffer::estimate const& estimate() const noexcept;
    /// What makes two requests the same: the journal's, if there is one, otherwise the operation's. Only for gates with the
    /// trait `estimates`; null if nobody says.
    [[nodiscard]] fingerprint const* print() const noexcept;
    /// Does the journal's store, if there is a journal, keep the ledger that has this identity?
    [[nodiscard]] bool permits_in(void const* ledger) const noexcept;
    /// Money is held for this try, in the ledger of the journal's own store: it is sent with the permit. `id` stays valid
    /// until the gate is settled.
    void hold_money(std::array<std::uint8_t, 16> const& id) noexcept { money_ = &id; }
    /// Tells the pipeline's observers something. Never under a lock: they may use the policy that tells it.
    void tell(event e) const noexcept;

private:
    friend class attempt_access;

    struct particulars;
    struct knowledge_of_send;
    [[nodiscard]] particulars& known();
    [[nodiscard]] knowledge_of_send& learned();
    [[nodiscard]] knowledge_of_send const* learned_or_null() const noexcept;
    [[nodiscard]] static coffer::target const& nowhere() noexcept;

    call* call_;
    observers const* watch_;
    int number_ = 0;
    int send_ = 0;
    time_point now_{};
    time_point deadline_{};
    allowed_inside allowed_;
    std::unique_ptr<particulars> known_;  // apart: the walk's frame should fit into the blocks that Asio keeps
    std::array<std::uint8_t, 16> const* money_ = nullptr;
    std::int64_t output_limit_ = -1;
};

/// How an attempt ended, as the gates' tickets are told.
struct attempt_end {
    /// How it ended.
    enum class kind : std::uint8_t {
        succeeded,  ///< and its answer, if it has a `decode`, was accepted
        failed,  ///< with `why`
        not_attempted,  ///< refused further in, or cancelled before the send; `why` says so
    };
    kind what = kind::succeeded;  ///< every ticket is settled with exactly one of them
    fault const* why = nullptr;  ///< null for a success only; valid during `settle`
    time_point at{};  ///< when, by the call's clock
    usage const* used = nullptr;  ///< null: unknown, which is not zero
    std::optional<money> cost{};  ///< unknown is not zero
};

/// The end of an attempt that another one was asked for after, kept while that one is under way.
class ended_before {
public:
    /// Copies the fault and the usage, to which `attempt_end` only points. Only of an end with a fault.
    explicit ended_before(attempt_end const& e);
    ended_before(ended_before const&) = delete;
    ended_before& operator=(ended_before const&) = delete;
    /// Refers to what is kept here.
    [[nodiscard]] attempt_end const& end() const noexcept { return end_; }

private:
    fault why_;
    std::optional<usage> used_;
    attempt_end end_;
};

/// What a ticket answers when it is settled: that it is content, or that it asks for another attempt after a delay that
/// it has checked against the deadline.
class verdict {
public:
    /// Content. With a reason: it would ask for another attempt, but for that; the fault then says so (`fault::stop`).
    [[nodiscard]] static constexpr verdict done(stop_reason why = stop_reason::none) noexcept { return verdict{why}; }
    /// Asks for another attempt after `delay`, of which the log says `why`. The walk sleeps, and the ticket stays.
    [[nodiscard]] static constexpr verdict again(duration delay, wait_reason why = wait_reason::backoff) noexcept {
        verdict v{stop_reason::none};
        v.again_ = true;
        v.delay_ = delay;
        v.reason_ = why;
        return v;
    }

    /// False: `done`.
    [[nodiscard]] constexpr bool asks_again() const noexcept { return again_; }
    /// Only where it asks again: not before so long.
    [[nodiscard]] constexpr duration delay() const noexcept { return delay_; }
    /// Only where it asks again: what the log calls the wait.
    [[nodiscard]] constexpr wait_reason reason() const noexcept { return reason_; }
    /// Why no further attempt is asked for.
    [[nodiscard]] constexpr stop_reason stop() const noexcept { return stop_; }

private:
    explicit constexpr verdict(stop_reason why) noexcept : stop_{why} {}
    bool again_ = false;
    wait_reason reason_ = wait_reason::none;
    stop_reason stop_;
    duration delay_{};
};

/// What the walk does with an attempt. Not for users.
class attempt_access {
public:
    static call& call_of(attempt& a) noexcept { return *a.call_; }
    /// A new try: counted when it begins, forgotten is what the last one reported. Limits stay: so do the gates that set
    /// them.
    static void begin(attempt& a, time_point now) noexcept;
    static allowed_inside const& allowed(attempt const& a) noexcept { return a.allowed_; }
    /// The wait at a gate has ended.
    static void waited(attempt& a, time_point now) noexcept;
    static void set_target(attempt& a, target t);
    static bool has_target(attempt const& a) noexcept;
    static bool has_size(attempt const& a) noexcept;
    static void set_size(attempt& a, coffer::estimate bound, std::optional<fingerprint> print);
    /// The next try is another request.
    static void forget_request(attempt& a) noexcept;
    static std::array<std::uint8_t, 16> const* held_money(attempt const& a) noexcept { return a.money_; }
    static void start(attempt& a, time_point now, time_point deadline, int send) noexcept;
    static void learn(attempt& a, answer const& from);
    /// As if the operation had reported nothing: its reply was lost.
    static void forget(attempt& a) noexcept;
    static bool learned(attempt const& a) noexcept;
    static std::optional<usage> used(attempt const& a) noexcept;
    static usage const* used_or_null(attempt const& a) noexcept;
    static std::optional<money> cost(attempt const& a) noexcept;
    /// For gates with a layer between them and the operation: what they see is the last try that was made in there.
    static void made_inside(attempt& a, attempt_record const& last, bool one_target);
    static rate_facts const* rate_or_null(attempt const& a) noexcept;
    static std::string request_id(attempt const& a);
    static int send(attempt const& a) noexcept { return a.send_; }
    /// Does anybody listen? An event that nobody sees need not be made.
    [[nodiscard]] static bool watched(attempt const& a) noexcept;
    /// Fills the end's figures in and writes the attempt into the call's log.
    static void record(attempt& a, attempt_end& end);
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/call/attempt.ipp>
#endif
