// SPDX-License-Identifier: BSL-1.0
#pragma once
// A granted claim while its flight lasts: takes permits from the store and brings it what the sends brought back.

#include <coffer/base/on_use.hpp>
#include <coffer/call/attempt.hpp>
#include <coffer/call/permit_source.hpp>
#include <coffer/store/flight.hpp>
#include <coffer/store/store.hpp>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// Awaits a store's completion to its end, whatever happens to the awaiting coroutine meanwhile: the store answers
/// promptly, and what it answers must be known. For coroutines of a flight only, which coffer owns and which do not throw
/// when they are cancelled (an Asio coroutine does by default, at its next co_await).
template <class T>
awaitable<void> until_done(completion<T> done, clock_service& service) {
    while (done.get() == nullptr) co_await done.wait(service, time_point::max());
}

/// Did the store refuse an operation on a claim because the record has moved? Claiming the key again tells how.
[[nodiscard]] bool record_has_moved(fault const& why);

/// Did the store fail, rather than refuse? Then nobody knows whether the operation was carried out: its reply may have
/// been lost, and submitting it again tells.
[[nodiscard]] bool reply_may_be_lost(fault const& why);

/// The permit source of a flight. Used on the flight's strand only. Several of its sends may be under way at once; the
/// first answer that is accepted is the key's, and a later one is kept beside it. A send that goes on after the flight has
/// landed reports here as before, and what it brings is the store's.
template <class OnUse = on_use>
class basic_live_claim final : public permit_source, public std::enable_shared_from_this<basic_live_claim<OnUse>> {
public:
    /// How permits are taken: from the store, or, in the opt-in degraded mode, from thin air.
    enum class mode : std::uint8_t { journaled, unjournaled };

    /// What the journal's options say about sends.
    struct terms {
        int max_sends = defaults::max_sends;  ///< not proven unbilled
        duration attempt_timeout = duration::max();  ///< at most what the attempt itself has
        duration finish_grace = defaults::finish_grace;  ///< of a send for which nobody waits any more
        duration store_wait = defaults::store_wait;  ///< for the confirmation that an earlier send was given back
        bool may_degrade = false;  ///< a permit that cannot be journaled is given all the same
    };

    /// Of a claim that was just granted; `how` says whether permits are journaled.
    basic_live_claim(std::shared_ptr<flight> f, std::shared_ptr<store_backend> store, claim_ref ref, terms t,
                     granted const& grant, mode how)
        : flight_{std::move(f)},
          store_{std::move(store)},
          ref_{std::move(ref)},
          terms_{t},
          sends_{grant.sends},
          allowed_{grant.sends_allowed},
          mode_{how} {}

    basic_live_claim(basic_live_claim const&) = delete;
    basic_live_claim& operator=(basic_live_claim const&) = delete;
    ~basic_live_claim() override { flight_->come_home(); }

    /// What the store grants must be heard: a caller's leaving does not end the awaiting, it ends the taking.
    awaitable<outcome<int>> permit(attempt const& a) override {
        bool const throws = co_await asio::this_coro::throw_if_cancelled();
        co_await asio::this_coro::throw_if_cancelled(false);
        std::exception_ptr thrown;
        std::optional<outcome<int>> taken;
        try {
            taken.emplace(co_await take_permit(a));
        } catch (...) {
            thrown = std::current_exception();
        }
        co_await asio::this_coro::throw_if_cancelled(throws);
        if (thrown) std::rethrow_exception(thrown);
        co_return *std::move(taken);
    }

    void answered(int send, shared_answer const& what) override {
        last_ = stored_answer{send, what};
        for (auto const& s : sent_to_)
            if (s.send == send) last_.provider = s.where.provider, last_.model = s.where.model;
        if (journaled(send)) store_->submit_answer(ref_, send, what);
    }
    void accepted(int send) override {
        if (!accepted_) {
            accepted_ = last_;
            flight_->accept(last_.what, {last_.provider, last_.model}, false);
            if (journaled(send)) acceptance_ = store_->submit_accept(ref_, send);
        }
        flight_->end_send(send);
    }
    void rejected(int send, fault const& why) override {
        if (journaled(send)) store_->submit_reject(ref_, send, why);
        flight_->end_send(send);
    }
    void lost(int send, fault const& why) override {
        if (journaled(send)) store_->submit_lost(ref_, send, why);
        flight_->end_send(send);
    }
    void unsent(int send) override {
        give_back(send);
        flight_->end_send(send);
    }
    [[nodiscard]] bool keeps(void const* ledger) const noexcept override {
        return journaled() && store_->ledger() != nullptr && ledger == store_->ledger()->identity();
    }
    [[nodiscard]] fingerprint const* print() const noexcept override {
        auto const& all = flight_->print();
        return all.fields().empty() ? nullptr : &all;
    }
    void recorded(attempt_record const& entry) override { flight_->recorded(entry); }

    [[nodiscard]] int sends_left() const noexcept override { return allowed_ - sends_; }
    [[nodiscard]] bool was_cut(int send) const noexcept override { return flight_->was_cut(send); }
    [[nodiscard]] bool take_cut(int send) noexcept override { return flight_->take_cut(send); }
    [[nodiscard]] bool awaited() const noexcept override { return flight_->awaited(); }
    [[nodiscard]] std::shared_ptr<permit_source> share() override { return this->shared_from_this(); }
    [[nodiscard]] duration longest_send(duration attempt_timeout) const noexcept override {
        auto const limit = timeout_of(attempt_timeout);
        return limit > duration::max() - terms_.finish_grace ? duration::max() : limit + terms_.finish_grace;
    }
    /// A digest of the record's name: the same for all sends of one key, and telling nobody what the key is.
    [[nodiscard]] std::string provider_key() const override {
        return "coffer-" + fnv1a(0xcbf29ce484222325U) + fnv1a(0x84222325cbf29ce4U);
    }

    /// The answer that was accepted, if one was.
    [[nodiscard]] std::optional<stored_answer> const& accepted_answer() const noexcept { return accepted_; }
    /// When the acceptance is durable; none without a journal.
    [[nodiscard]] std::optional<completion<outcome<void>>> const& acceptance() const noexcept { return acceptance_; }
    /// Names the claim for the store.
    [[nodiscard]] claim_ref const& ref() const noexcept { return ref_; }
    /// False: the store was unavailable, and the user has asked to send all the same.
    [[nodiscard]] bool journaled() const noexcept { return mode_ == mode::journaled; }
    /// Has a send been made that the journal does not know of?
    [[nodiscard]] bool has_degraded() const noexcept { return unjournaled_ != 0; }

private:
    /// A permit's turn: the next one waits for its end, however it ends.
    class turn {
    public:
        explicit turn(std::optional<completion<bool>>& of) { of = over_; }
        turn(turn const&) = delete;
        turn& operator=(turn const&) = delete;
        ~turn() { over_.set(true); }

    private:
        completion<bool> over_;
    };

    /// Waits for what confirms that a send was given back; not for long, because a store that cannot write keeps it.
    awaitable<void> confirmation(completion<outcome<void>> done) {
        auto& service = flight_->own_call().service();
        auto const clock = service.clock();
        auto const until = later(clock->now(), terms_.store_wait);
        while (done.get() == nullptr && clock->now() < until && !flight_->given_up())
            co_await done.wait(service, until);
    }

    awaitable<outcome<int>> take_permit(attempt const& a) {
        auto& service = flight_->own_call().service();
        // Permits of one claim are journaled one after another, each counting on the one before.
        while (busy_ && busy_->get() == nullptr) {
            auto const before = *busy_;
            co_await until_done(before, service);
        }
        turn const mine{busy_};

        bool unconfirmed = false;
        while (!unsending_.empty()) {
            auto back = std::move(unsending_.back());
            unsending_.pop_back();
            co_await confirmation(back.done);
            if (auto const* const said = back.done.get();
                said != nullptr && !*said && reply_may_be_lost(said->error())) {
                back.done = submit(back);
                co_await confirmation(back.done);
            }
            auto const* const said = back.done.get();
            if (said == nullptr || !*said) ++sends_;  // as far as anybody knows it was not given back: it counts
            unconfirmed = unconfirmed || said == nullptr;
        }
        if (flight_->given_up() || accepted_) co_return failed(not_sent_any_more());
        if (sends_left() <= 0 && unconfirmed)
            co_return failed(fault_kind::store_unavailable,
                             "the store has not confirmed yet that an earlier send was given back");
        if (sends_left() <= 0)
            co_return failed(
                fault{fault_kind::unresolved, "no send is left for this key"}.with_stop(stop_reason::sends_spent));

        int send = 0;
        if (mode_ == mode::journaled) {
            permit_request request;
            request.expected_sends = sends_;
            request.max_sends = terms_.max_sends;
            request.longest = longest_send(a.timeout());
            request.provider = a.target().provider;
            request.model = a.target().model;
            auto const* const held = attempt_access::held_money(a);
            std::optional<ledger_op> const begins = held != nullptr ? std::optional{ledger_op{*held}} : std::nullopt;
            auto const money = begins ? std::span{&*begins, 1} : std::span<ledger_op const>{};
            auto done = store_->permit(ref_, request, money);
            co_await until_done(done, service);
            if (!*done.get() && reply_may_be_lost(done.get()->error())) {
                done = store_->permit(ref_, request, money);
                co_await until_done(done, service);
            }
            auto const& granted = *done.get();
            // A budget in a store that cannot be written bounds nothing: no degraded mode then.
            bool const may_degrade = terms_.may_degrade && held == nullptr;
            if (granted) send = granted->send;
            else if (!may_degrade || !reply_may_be_lost(granted.error())) co_return failed(granted.error());
        }
        if (send == 0) send = --unjournaled_;
        ++sends_;
        sent_to_.push_back({send, a.target()});
        if (!flight_->begin_send(send, a.clock().now(), timeout_of(a.timeout()), terms_.finish_grace)) {
            give_back(send);  // while the permit was written: not a byte has been sent
            co_return failed(not_sent_any_more());
        }
        co_return send;
    }

    [[nodiscard]] fault not_sent_any_more() const {
        return fault{fault_kind::cancelled,
                     accepted_ ? "another send has brought the answer" : "every caller left before the send"};
    }
    /// Sends from thin air have negative numbers.
    [[nodiscard]] static bool journaled(int send) noexcept { return send > 0; }
    [[nodiscard]] duration timeout_of(duration attempt_timeout) const noexcept {
        return std::min(attempt_timeout, terms_.attempt_timeout);
    }
    /// Where a permitted send goes.
    struct sent_to {
        int send = 0;
        target where;
    };
    /// A send that was given back, until the store has confirmed it.
    struct given_back {
        int send = 0;
        bool answered =
            false;  ///< what came as an answer and turned out to be an unbilled error is judged as an answer is
        completion<outcome<void>> done{};
    };
    [[nodiscard]] completion<outcome<void>> submit(given_back const& back) const {
        if (!back.answered) return store_->submit_unsend(ref_, back.send);
        return store_->submit_reject(
            ref_, back.send, fault{fault_kind::defective_answer, "an error, not billed"}.with_billing(knowledge::no));
    }
    void give_back(int send) {
        --sends_;
        if (!journaled(send)) return;
        given_back back{send, send == last_.send};
        back.done = submit(back);
        unsending_.push_back(std::move(back));
    }

    [[nodiscard]] std::string fnv1a(std::uint64_t hash) const {
        for (std::string_view const text :
             {std::string_view{ref_.record.name_space}, std::string_view{ref_.record.digest}})
            for (char const c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
        std::string hex;
        for (int shift = 60; shift >= 0; shift -= 4) hex += "0123456789abcdef"[(hash >> shift) & 15U];
        return hex;
    }

    std::shared_ptr<flight> flight_;
    std::shared_ptr<store_backend> store_;
    claim_ref ref_;
    terms terms_;
    int sends_;
    int allowed_;
    int unjournaled_ = 0;
    mode mode_;
    std::optional<completion<bool>> busy_;
    std::vector<given_back> unsending_;
    stored_answer last_{};
    std::vector<sent_to> sent_to_;
    std::optional<stored_answer> accepted_;
    std::optional<completion<outcome<void>>> acceptance_;
};
/// As it is used: the template is there so that it is compiled where a key is claimed.
using live_claim = basic_live_claim<>;

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/live_claim.ipp>
#endif
