// SPDX-License-Identifier: BSL-1.0
#pragma once
// The journal: pays for a key once and remembers the answer.
//
//     coffer::sqlite::store db{"coffer.db"};
//     auto ask = coffer::pipeline{coffer::once{db, {.max_sends = 2}}, coffer::retry{}}.wrap(openai.chat);
//     auto reply = co_await ask(call, request);          // run again, in any process: the same reply, no bill
//     co_await db.acknowledge(call.key());               // when the result is where it belongs

#include <coffer/call/call_access.hpp>
#include <coffer/call/event.hpp>
#include <coffer/call/gate.hpp>
#include <coffer/policy/once_flight.hpp>
#include <coffer/policy/once_options.hpp>
#include <coffer/store/flight.hpp>
#include <coffer/store/record_text.hpp>
#include <coffer/store/store.hpp>

#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// GCC takes every closure in a coroutine's frame for one of an anonymous namespace and warns in whoever includes this.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

namespace coffer::inline COFFER_ABI {

struct fingerprinted_t {};

/// The policy that remembers. Outermost, or at least outside whatever multiplies sends; at most one around any send.
///
/// For one key, sends not proven unbilled never exceed `max_sends`, whatever stalls, dies, is cancelled or is run again,
/// in any number of processes that share the store. Callers of one key in a process share one flight. After the permit
/// nobody's leaving drops the answer: callers detach with `cancelled` or `deadline_exceeded`, the flight finishes and
/// stores. A caller gets its answer even if it cannot be stored (`call.stored()` is then false).
///
/// Faults of its own: `in_progress`, `key_mismatch` (naming the fields), `unresolved`, `result_expired`, `already_done`,
/// `store_unavailable`. A call without a key throws `misuse` unless it is `call::unkeyed`. A handle; any thread.
///
/// Arguments are copied into the flight, which may outlive its callers: where they cannot be copied, it does not compile.
/// A result is written down as it came (`decode`) or through `codec<R>`. Acknowledge it (`store::acknowledge`) when it is
/// where it belongs: an answer that nobody acknowledges is kept for `unacknowledged_kept`, and then the key stays closed.
template <class Fingerprinting = fingerprinted_t>
class once {
public:
    /// At most one around any send, outside whatever multiplies them.
    static constexpr policy_traits traits{.journal = true};

    /// Remembers in `where`, a handle of which it keeps a copy. Throws `std::invalid_argument` for options that cannot
    /// be meant.
    explicit once(store const& where, once_options options = {}, Fingerprinting = Fingerprinting{})
        : once{where, options, fingerprint_fields{}} {}
    /// Of the operation's fingerprint, only these fields count.
    once(store const& where, once_options options, fingerprint_fields counting)
        : store_{where.backend()}, options_{options}, counting_{std::move(counting)} {
        options_.check();
    }
    explicit once(std::string_view) = delete;  // give it a store: coffer::sqlite::store db{"coffer.db"}; once{db}
    /// The same with the default options.
    once(store const& where, fingerprint_fields counting) : once{where, once_options{}, std::move(counting)} {}
    /// The same for an operation without a fingerprint: any request under a key counts as the same one.
    once(store const& where, unfingerprinted_t) : once{where, once_options{}, unfingerprinted_t{}} {}
    once(once const&) = default;  // and no moves: a handle that was moved from is one, too
    once& operator=(once const&) = default;

    /// A layer's coroutine: claims the key or joins its flight, waits for what becomes of it, and gives the answer or
    /// the fault.
    /// Cancelled, it detaches.
    template <class Next>
    awaitable<outcome<typename Next::value_type>> operator()(call& c, Next next) const {
        static_assert(Next::journalable,
                      "coffer: `once` cannot write results of this type down: specialise coffer::codec<R>, or give the "
                      "operation a decode (describe(fn).decode(...))");
        static_assert(Next::copyable,
                      "coffer: under `once` a flight outlives its callers and needs copies of the arguments: make them "
                      "copyable");
        static_assert(Next::has_fingerprint || std::same_as<Fingerprinting, unfingerprinted_t>,
                      "coffer: `once` must be able to tell whether two requests under one key are the same: give the "
                      "operation a fingerprint (describe(fn).fingerprint(...)), or pass coffer::unfingerprinted");
        if (!c.keyed()) {
            if (!c.explicitly_unkeyed())
                throw misuse{
                    "coffer::once: this call has no key, so its result could not be found again; give it one, "
                    "or make it with call::unkeyed() to say that it may be paid again"};
            auto running = next(c);
            co_return co_await std::move(running);
        }
        if (c.claim() != nullptr)
            throw misuse{"coffer::once: a journal inside a journal: each would permit the same send"};

        auto const executor = co_await asio::this_coro::executor;
        bind(c);
        auto const asked = print_of(next);
        if (!asked) co_return failed(asked.error());
        auto const& print = *asked;
        if (c.key().ttl()) name_by_request(c, print);
        std::optional<landing> before;  // of a flight whose context went
        for (;;) {
            auto const boarded = board(c, executor, print, next, before ? &*before : nullptr);
            if (!boarded.seat && boarded.differing.empty())
                co_return failed(shutting_down(before ? &*before : nullptr));
            if (!boarded.seat) {
                if (may_name_anew(c)) {
                    name_by_request(c, print);
                    continue;
                }
                co_return failed(detail::fault_of(mismatch{boarded.differing}));
            }
            if (!boarded.opened) next.tell({event_kind::joined, c.clock().now(), {}, 0, nullptr, {}, {}}, c);

            auto const landed = boarded.seat->of().landed();
            auto const woke = co_await landed.wait(c.service(), c.deadline());
            auto const* const how = landed.get();
            if (how == nullptr && woke == wake::elapsed) {
                if (auto const paid = boarded.seat->of().accepted())
                    co_return deliver(c, next, *paid, boarded.opened);  // it is not stored yet
            }
            bool again = how != nullptr && (how->begin_anew || ran_out_for_others(c, *how, boarded.opened));
            if (how != nullptr && how->why && how->why->kind() == fault_kind::key_mismatch && may_name_anew(c)) {
                name_by_request(c, print);
                again = true;
            }
            if (how != nullptr && how->begin_anew) before = *how;
            if (how != nullptr && !again) co_return deliver(c, next, *how, boarded.opened);
            if (woke != wake::notified) co_return leave(c, next, boarded.seat->of(), woke, boarded.opened);
        }
    }

    /// What `to_string` and `<<` print: the store, and its options.
    void describe(composition& to) const {
        to.name("once");
        if (auto const where = store_->name(); !where.empty()) to.with("store", where);
        detail::describe_into(to, options_);
        if constexpr (std::same_as<Fingerprinting, unfingerprinted_t>) to.with("unfingerprinted");
    }

private:
    /// A caller's place in a flight, given back when it leaves, however it leaves.
    class passenger {
    public:
        passenger(std::shared_ptr<flight> f, call const& c) noexcept
            : flight_{std::move(f)}, clock_{c.shared_clock()} {}
        passenger(passenger&&) noexcept = default;
        passenger& operator=(passenger&&) = delete;
        ~passenger() {
            if (flight_) flight_->leave(clock_->now());
        }
        [[nodiscard]] flight const& of() const noexcept { return *flight_; }

    private:
        std::shared_ptr<flight> flight_;
        std::shared_ptr<clock> clock_;
    };

    struct boarding {
        std::optional<passenger> seat;
        bool opened = false;
        std::vector<std::string> differing;  ///< without a seat: why there is none
    };

    [[nodiscard]] static fault shutting_down(landing const* before) {
        fault why{fault_kind::draining, "this process is shutting down; run the job again elsewhere"};
        if (before != nullptr && before->in_send) why.with_execution(knowledge::maybe).with_billing(knowledge::maybe);
        return why;
    }

    /// From now on the call is about the key of this very request.
    void name_by_request(call& c, fingerprint const& print) const {
        if constexpr (std::same_as<Fingerprinting, unfingerprinted_t>)
            throw misuse{"coffer::once: a key made of the request needs an operation with a fingerprint"};
        call_access::set_record_key(c, c.key().with(print, counting_));
    }
    [[nodiscard]] bool may_name_anew(call const& c) const {
        return options_.on_mismatch == mismatch_rule::new_generation && c.record_key() == c.key();
    }

    /// Policies bind to the first clock they see.
    void bind(call const& c) const {
        try {
            store_->bind(c.shared_clock());
        } catch (std::logic_error const& error) {
            throw misuse{error.what()};  // a plain logic_error of the operation's own would be a fault
        }
    }

    /// A fingerprint that throws sends nothing.
    template <class Next>
    [[nodiscard]] static outcome<fingerprint> print_of(Next const& next) {
        if constexpr (std::same_as<Fingerprinting, unfingerprinted_t>) {
            return fingerprint{};
        } else {
            try {
                return next.print();
            } catch (...) {
                return failed(detail::unsent_fault(std::current_exception()));
            }
        }
    }

    [[nodiscard]] detail::flight_plan plan_for(call const& c, record_id const& id) const {
        bool const key_alone = options_.on_mismatch == mismatch_rule::replay_stored;
        detail::flight_plan plan{store_, id, options_, key_alone ? fingerprint_fields::none() : counting_};
        if (auto const ttl = c.key().ttl()) {
            plan.cached = true;
            plan.options.unacknowledged_kept = *ttl;
        }
        return plan;
    }

    /// Finds the key's flight in this process, or opens one and sets it off, which goes on where `before` had to stop.
    /// Neither, and nothing that differs, when the process is shutting down.
    template <class Next>
    [[nodiscard]] boarding board(call& c, asio::any_io_executor const& executor, fingerprint const& print,
                                 Next const& next, landing const* before) const {
        boarding b;
        auto const id = store_->id_of(c.record_key());
        auto plan = plan_for(c, id);
        auto const try_board = [&](flight& f) {
            if (f.given_up()) return false;
            b.differing = fingerprint::differing(f.print(), print, plan.counting);
            return !b.differing.empty() || f.board(c.clock().now(), c.deadline());
        };
        auto const seated = [&](std::shared_ptr<flight> f) {
            if (f && b.differing.empty()) b.seat.emplace(std::move(f), c);
            return std::move(b);
        };
        if (auto f = store_->flights().board(id, try_board)) return seated(std::move(f));

        // Copies of the arguments are made before anybody can see the flight: they may throw, and take their time.
        auto step = next.detach();
        std::optional<detail::flight_guard> guard;
        b.differing.clear();
        auto f = store_->flights().board_or_open(id, try_board, [&](std::shared_ptr<flight> predecessor) {
            auto opened = std::make_shared<flight>(
                asio::make_strand(executor), print,
                before != nullptr ? call_access::fork(c, before->log) : call_access::fork(c), std::move(predecessor));
            if (before != nullptr) opened->go_on_after(*before);
            b.opened = opened->board(c.clock().now(), c.deadline());
            b.differing.clear();
            guard.emplace(opened, plan);
            return opened;
        });
        auto boarded = seated(std::move(f));
        if (guard) detail::launch(*std::move(guard), std::move(step));
        return boarded;
    }

    /// The flight gave up when the time of those who were aboard was over, but this caller came late and has more.
    [[nodiscard]] static bool ran_out_for_others(call const& c, landing const& how, bool opened) noexcept {
        return !opened && how.why && how.why->kind() == fault_kind::deadline_exceeded && c.clock().now() < c.deadline();
    }

    template <class Next>
    [[nodiscard]] outcome<typename Next::value_type> deliver(call& c, Next const& next, landing const& how,
                                                             bool opened) const {
        auto const origin = how.what == nullptr ? answer_origin::none
                            : how.replayed      ? answer_origin::replayed
                            : opened            ? answer_origin::sent
                                                : answer_origin::joined;
        call_access::adopt(c, how.log, opened ? how.cost : money{}, origin, how.stored,
                           how.what != nullptr ? how.from : target{});
        auto const now = c.clock().now();
        if (how.thrown) std::rethrow_exception(how.thrown);
        if (how.why) return failed(*how.why);
        if (how.replayed && !how.differing.empty()) {
            auto const differs = detail::fault_of(mismatch{how.differing});
            next.tell({event_kind::replayed, now, {}, 0, &differs, {}, {}}, c);
        } else if (how.replayed) next.tell({event_kind::replayed, now, {}, 0, nullptr, {}, {}}, c);
        else if (!how.stored) next.tell({event_kind::store_late, now, {}, 0, nullptr, {}, {}}, c);
        auto value = next.decode(*how.what, how.from);
        if (!value && how.replayed) {
            // Only an operator or another program can do something about that; nothing is sent for it.
            fault why = std::move(value).error();
            std::string const told{why.message()};
            return failed(std::move(why.with_message(
                told + "; this answer of " + to_text(store_->id_of(c.record_key())) +
                " was accepted before, by a program that could read it: run such a one, or read what is stored "
                "(`coffer show`, with --answer) and acknowledge the key")));
        }
        return value;
    }

    /// The caller goes before the flight has landed.
    template <class Next>
    [[nodiscard]] static tl::unexpected<fault> leave(call& c, Next const& next, flight const& f, wake woke,
                                                     bool opened) {
        auto so_far = f.so_far();
        bool const unsure = so_far.maybe_billed();
        std::string const goes_on =
            so_far.sending ? "; the permitted send goes on, and a later run gets its answer" : "";
        call_access::adopt(c, std::move(so_far.log), opened ? so_far.cost : money{}, answer_origin::none, false);
        auto why = woke == wake::cancelled ? fault{fault_kind::cancelled, "the caller left" + goes_on}
                                           : fault{fault_kind::deadline_exceeded, "the call's time was up" + goes_on};
        if (unsure) why.with_execution(knowledge::maybe).with_billing(knowledge::maybe);
        next.tell({event_kind::left, c.clock().now(), {}, 0, &why, {}, {}}, c);
        return failed(std::move(why));
    }

    std::shared_ptr<store_backend> store_;
    once_options options_;
    fingerprint_fields counting_;
};

/// Of an operation with a fingerprint.
once(store const&) -> once<>;
/// Of an operation with a fingerprint.
once(store const&, once_options) -> once<>;
/// Of an operation with a fingerprint.
once(store const&, fingerprint_fields) -> once<>;
/// Of an operation with a fingerprint.
once(store const&, once_options, fingerprint_fields) -> once<>;
/// Of an operation without one.
once(store const&, unfingerprinted_t) -> once<unfingerprinted_t>;
/// Of an operation without one.
once(store const&, once_options, unfingerprinted_t) -> once<unfingerprinted_t>;

}  // namespace coffer::inline COFFER_ABI

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
