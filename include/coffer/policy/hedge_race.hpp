// SPDX-License-Identifier: BSL-1.0
#pragma once
// One call's requests beside each other. Each owns whatever it touches (the pipelines, copies of the arguments, a call of
// its own), because one that has lost goes on when the call is over: what it sends is paid for, and is to be accounted.

#include <coffer/asio.hpp>
#include <coffer/call/branch.hpp>
#include <coffer/call/call.hpp>
#include <coffer/call/call_access.hpp>
#include <coffer/call/event.hpp>
#include <coffer/call/permit_source.hpp>
#include <coffer/policy/hedge_pace.hpp>
#include <coffer/policy/retry_quota.hpp>
#include <coffer/state/fallback_rule.hpp>
#include <coffer/state/hedge_rule.hpp>
#include <coffer/time/completion.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

// GCC takes every closure in a coroutine's frame for one of an anonymous namespace and warns in whoever includes this;
// and where it inlines Asio's allocation of frames, but not the deallocation, it takes the two for no pair.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace coffer::inline COFFER_ABI::detail {

/// What a hedge is, for all its calls.
template <class List>
struct hedge_plan {
    hedge_plan(List l, hedge_options const& o)
        : all{std::move(l)}, pace{std::make_shared<hedge_pace>(o)}, quota{retry_quota{}} {}
    List all;
    std::shared_ptr<hedge_pace> pace;
    retry_quota quota;
    bool own_quota = true;  ///< nobody else fills it
    observers watch;
};

/// Branches of one call, on a strand of their own. Members that say nothing else are used there only.
///
/// `T` is what they answer, `Args` are the types of the copies of the arguments.
template <class List, class T, class... Args>
class hedge_race : public std::enable_shared_from_this<hedge_race<List, T, Args...>> {
public:
    hedge_race(std::shared_ptr<hedge_plan<List> const> plan, asio::any_io_executor strand, call& c,
               hedge_pace::terms terms, Args const&... args)
        : plan_{std::move(plan)},
          strand_{std::move(strand)},
          claim_{c.claim() != nullptr ? c.claim()->share() : nullptr},
          books_{std::make_shared<branch_books>(c.attempts(), c.unproven_sends())},
          terms_{terms},
          args_{args...},
          forked_{call_access::fork(c)} {
        call_access::branch_off(forked_, c);
        call_access::limit_sends(forked_, options().max_sends);
        call_access::set_claim(forked_, claim_.get());
        if (claim_) call_access::follow_deadline(forked_, c);
        auto const why = call_access::take_wait_reason(c);
        branches_.push_back(std::make_unique<branch>(forked_, books_, 0, true));
        // What was waited for so far was waited for the primary.
        call_access::add_wait(primary().own, call_access::take_wait(c), why);
    }
    hedge_race(hedge_race const&) = delete;
    hedge_race& operator=(hedge_race const&) = delete;

    // For the call, on its own executor ------------------------------------------------------------------------------

    /// Sets the primary off. Once, before anything else.
    void begin() { launch(0); }
    /// The end of the race: afterwards `take`.
    [[nodiscard]] completion<bool> const& over() const noexcept { return over_; }
    /// Is there nothing more to ask for?
    [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }
    /// The primary has taken as long as a call is waited for: is another request started?
    void ask_for_another() { post(&hedge_race::consider); }
    /// The caller leaves, for `why`: nobody waits for any of them. They are stopped on their strand; what has been sent by now
    /// is told, and from now on nothing is.
    [[nodiscard]] branch_books::report leave(fault const& why) {
        post(&hedge_race::cancel_all);
        return books_->close(now() - forked_.began(), why);
    }
    /// Under a journal: what was cancelled is the flight, or the sends whose time limit has come.
    void pass_on_cancellation() { post(&hedge_race::pass_on); }
    /// Under a journal, whose flight runs on a strand around this one: has the time limit of a send come?
    [[nodiscard]] bool cuts() const {
        return std::any_of(branches_.begin(), branches_.end(), [&](auto const& b) { return is_cut(*b); });
    }
    /// Under a journal: the flight goes on, or goes. On its strand, which is around this one.
    void stop_following() noexcept {
        call_access::stop_following(forked_);
        for (auto const& b : branches_) call_access::stop_following(b->own);
    }
    [[nodiscard]] branch_books::report made() const { return books_->look(); }
    /// After `over`: what to ask instead, where the fault that is told has brought that about.
    void hand_back_repairs(call& c) const {
        call_access::take_repairs(c, told_by_ != nullptr ? &told_by_->own : nullptr);
    }
    /// After `over`: the first answer, or the fault that the caller is told. Throws what a branch has thrown.
    [[nodiscard]] outcome<T> take() {
        if (first_) return *std::move(first_);
        if (thrown_) std::rethrow_exception(thrown_);
        return failed(told_.after(*last_));
    }
    [[nodiscard]] std::optional<target> const& answered_by() const noexcept { return answered_by_; }

private:
    struct branch {
        branch(call& c, std::shared_ptr<branch_books> books, std::size_t which, bool may_wait)
            : as{std::make_shared<call_branch>(std::move(books), may_wait)},
              own{call_access::fork(c)},
              alternative{which},
              began{c.clock().now()} {
            call_access::branch_off(own, c);
            call_access::set_branch(own, as);
        }
        std::shared_ptr<call_branch> as;
        call own;
        std::size_t alternative;
        time_point began;
        bool over = false;
        bool lost = false;
        asio::cancellation_signal signal;
        std::shared_ptr<wait_list> gone;  ///< notified at the end of one that has lost
    };
    using self = std::shared_ptr<hedge_race>;
    using member = void (hedge_race::*)();

    [[nodiscard]] hedge_options const& options() const noexcept { return plan_->pace->options(); }
    [[nodiscard]] branch& primary() noexcept { return *branches_.front(); }
    [[nodiscard]] time_point now() const noexcept { return forked_.clock().now(); }

    void post(member what) {
        asio::post(strand_, [s = this->shared_from_this(), what] { ((*s).*what)(); });
    }

    void launch(std::size_t i) {
        auto& b = *branches_[i];
        ++running_;
        asio::co_spawn(strand_, run(this->shared_from_this(), i),
                       asio::bind_cancellation_slot(b.signal.slot(), keeper{this->shared_from_this()}));
    }
    /// Keeps the race, and with it the signal that a branch listens to, until the branch has ended.
    struct keeper {
        self race;
        void operator()(std::exception_ptr const&) const noexcept {}
    };

    static awaitable<void> run(self race, std::size_t i) {
        std::exception_ptr thrown;
        std::optional<outcome<T>> result;
        try {
            auto running = race->walk(*race->branches_[i]);
            result.emplace(co_await std::move(running));
        } catch (...) {
            thrown = std::current_exception();
        }
        try {
            race->ended(i, std::move(result), thrown);
        } catch (...) {
            race->broke(std::current_exception());
        }
    }
    [[nodiscard]] awaitable<outcome<T>> walk(branch& b) {
        return std::apply(
            [&](auto const&... args) {
                return plan_->all.at(b.alternative, [&](auto const& a) { return a.descend(b.own, args...); });
            },
            args_);
    }

    /// A branch has come to its end.
    void ended(std::size_t i, std::optional<outcome<T>> result, std::exception_ptr const& thrown) {
        auto& b = *branches_[i];
        auto const at = now();
        b.over = true;
        --running_;
        b.as->leave();
        // One that was cut off when it had lost would have taken longer; left out, answers would look ever quicker.
        if (i == 0 && (b.lost || (result && *result))) plan_->pace->learn(at - b.began, at);
        bool const made = i == 0 || b.as->begun() > 0;
        if (i != 0 && made) plan_->pace->hedged();
        if (!made) {  // refused at its gates: there was no hedge
            plan_->pace->give_back();
            plan_->quota.give_back(at);
        }
        if (b.gone) b.gone->notify_all();
        if (over_.get() != nullptr || first_) return;
        if (result && *result) {
            if (i != 0) plan_->pace->won();
            if (plan_->own_quota) plan_->quota.succeeded(at);
            answered_by_ = b.own.answered_by();
            first_.emplace(*std::move(result));
            for (auto const& other : branches_)  // one that listens at once comes to its end meanwhile
                if (!other->over) see_off(*other, at);
            return finish();
        }
        // What a program does wrong in one branch is no reason to drop what is paid for in the other.
        if (thrown) thrown_ = thrown_ ? thrown_ : thrown;
        else if (made) add_fault(b, std::move(*result).error());
        if (running_ == 0) finish();
    }
    void add_fault(branch const& of, fault&& why) {
        told_.add(why);
        if (told_.after(why).kind() == why.kind()) told_by_ = &of;
        last_ = std::move(why);
    }
    /// No memory, or a result that cannot be moved.
    void broke(std::exception_ptr const& why) noexcept {
        if (over_.get() != nullptr) return;
        first_.reset();
        thrown_ = why;
        finish();
    }
    void finish() {
        closed_.store(true, std::memory_order_release);
        over_.set(true);
    }

    /// The time has come for another request, if everything allows one.
    void consider() {
        if (closed()) return;
        try {
            auto const why = try_another();
            if (why != hedge_no::none) closed_.store(true, std::memory_order_release);
            if (why != hedge_no::none && why != hedge_no::enough && why != hedge_no::ended)
                tell(event_kind::not_hedged, to_string(why));
        } catch (...) {  // no memory: the primary goes on alone
            closed_.store(true, std::memory_order_release);
        }
    }
    [[nodiscard]] hedge_no try_another() {
        if (primary().over) return hedge_no::ended;
        auto const& all = plan_->all;
        auto const started = branches_.size() - 1;
        auto const which = all.size() == 1 ? 0 : 1 + started % (all.size() - 1);
        auto const at = now();
        hedge_facts facts;
        facts.started = static_cast<int>(started);
        facts.elsewhere = which != 0;
        facts.wanted = !claim_ || claim_->awaited();
        facts.sending = primary().as->sending().has_value();
        facts.failed = primary().as->failed();
        facts.sends_left = sends_left();
        facts.left = primary().own.deadline() - at;
        facts.usual = terms_.usual;
        auto const said = decide_hedge(options(), facts);
        if (said.then == hedge_verdict::what::later) return hedge_no::none;
        if (said.then == hedge_verdict::what::never) return said.why;

        auto next = std::make_unique<branch>(forked_, books_, which, false);
        branches_.reserve(branches_.size() + 1);
        // What others share is taken last.
        if (claim_) books_->join();
        else if (!books_->join(options().max_sends)) return hedge_no::sends_spent;
        if (!plan_->pace->take()) return books_->leave(), hedge_no::ratio;
        if (!plan_->quota.withdraw(at)) return plan_->pace->give_back(), books_->leave(), hedge_no::quota;
        branches_.push_back(std::move(next));
        tell(event_kind::hedged, {});
        try {
            launch(started + 1);
        } catch (...) {
            branches_.back()->over = true;
            --running_;
            books_->leave();
            plan_->pace->give_back();
            plan_->quota.give_back(at);
            throw;
        }
        return branches_.size() > static_cast<std::size_t>(options().hedges) ? hedge_no::enough : hedge_no::none;
    }
    /// For another branch: each of those that have not ended may need one more, if none of it is under way.
    [[nodiscard]] int sends_left() {
        if (!claim_) return options().max_sends - books_->unproven() - 1;
        auto const waiting = std::count_if(branches_.begin(), branches_.end(),
                                           [](auto const& b) { return !b->over && !b->as->sending(); });
        return claim_->sends_left() - static_cast<int>(waiting);
    }

    /// Another one has answered. What is on its way goes on, since it is paid for; nothing else is begun.
    void see_off(branch& b, time_point at) {
        b.lost = true;
        b.as->end_by(at);
        if (options().cancel_loser || !b.as->sending()) return cancel(b);
        b.gone = std::make_shared<wait_list>();
        try {
            asio::co_spawn(strand_, watch(this->shared_from_this(), &b, b.gone), asio::detached);
        } catch (...) {  // no memory: then nobody cuts it off, should it not keep to its time
        }
    }
    /// A loser that does not keep to the time that it was told is cut off.
    static awaitable<void> watch(self race, branch* b, std::shared_ptr<wait_list> gone) {
        using namespace std::chrono_literals;
        auto const send = b->as->sending();
        auto const until = later(send ? send->deadline : b->own.clock().now(), 1s);
        auto const woke = co_await wait_until(b->own.service(), until, gone.get());
        if (woke == wake::elapsed && !b->over) race->cancel(*b);
    }
    void cancel(branch& b) {
        if (!b.over) b.signal.emit(asio::cancellation_type::terminal);
    }
    void cancel_all() {
        closed_.store(true, std::memory_order_release);
        for (auto const& b : branches_) cancel(*b);
    }
    [[nodiscard]] bool is_cut(branch const& b) const {
        auto const send = b.as->sending();
        return !b.over && send && claim_->was_cut(send->number);
    }
    void pass_on() {
        if (over_.get() != nullptr) return;
        bool const cut = cuts();
        for (auto const& b : branches_)
            if (!b->over && (!cut || is_cut(*b))) b->signal.emit(asio::cancellation_type::terminal);
    }

    void tell(event_kind what, std::string_view why) {
        if (plan_->watch.empty()) return;
        auto const& c = primary().own;  // as the primary counts: it is what has not answered
        event e{what, now(), {}, c.attempts(), nullptr, now() - primary().began, {}};
        e.reason = why;
        tell_of(c, plan_->watch, e);
    }

    std::shared_ptr<hedge_plan<List> const> plan_;
    asio::any_io_executor strand_;
    std::shared_ptr<permit_source> claim_;
    std::shared_ptr<branch_books> books_;
    hedge_pace::terms terms_;
    std::tuple<Args...> args_;
    call forked_;  ///< the call as it was, for those that begin later
    std::vector<std::unique_ptr<branch>> branches_;
    int running_ = 0;
    std::atomic<bool> closed_{false};
    completion<bool> const over_;
    // The end: written before `over_` is set, and only read afterwards.
    std::optional<outcome<T>> first_;
    std::optional<target> answered_by_;
    told_fault told_;
    branch const* told_by_ = nullptr;
    std::optional<fault> last_;
    std::exception_ptr thrown_;
};

}  // namespace coffer::inline COFFER_ABI::detail

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
