// SPDX-License-Identifier: BSL-1.0
#pragma once
// A granted claim while its flight lasts: takes permits from the store and brings it what the sends brought back.

#include <coffer/call/attempt.hpp>
#include <coffer/call/permit_source.hpp>
#include <coffer/store/flight.hpp>
#include <coffer/store/store.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace coffer::inline v0 {

/// Awaits a store's completion to its end, whatever happens to the awaiting coroutine meanwhile: the store answers
/// promptly, and what it answers must be known. For coroutines of a flight only, which coffer owns.
template <class T>
awaitable<void> until_done(completion<T> done, clock_service& service) {
    if (done.get() != nullptr) co_return;
    // A cancelled Asio coroutine throws at its next co_await unless told otherwise.
    bool const throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    while (done.get() == nullptr) co_await done.wait(service, time_point::max());
    co_await asio::this_coro::throw_if_cancelled(throws);
}

/// The permit source of a flight. Used on the flight's strand only.
class live_claim final : public permit_source {
public:
    /// How permits are taken: from the store, or, in the opt-in degraded mode, from thin air.
    enum class mode : std::uint8_t { journaled, unjournaled };

    live_claim(std::shared_ptr<flight> f, std::shared_ptr<store_backend> store, claim_ref ref, int max_sends,
               duration finish_grace, granted const& grant, mode how)
        : flight_{std::move(f)}, store_{std::move(store)}, ref_{std::move(ref)}, max_sends_{max_sends},
          finish_grace_{finish_grace}, sends_{grant.sends}, allowed_{grant.sends_allowed}, mode_{how} {}

    awaitable<outcome<int>> permit(attempt const& a) override {
        auto& service = flight_->own_call().service();
        // Permits of one claim are journaled one after another, each counting on the one before.
        while (running_ && running_->get() == nullptr) co_await until_done(*running_, service);
        if (sends_left() <= 0)
            co_return failed(fault{fault_kind::unresolved, "no send is left for this key"}.with_stop(stop_reason::sends_spent));

        int send = 0;
        if (mode_ == mode::journaled) {
            permit_request request;
            request.expected_sends = sends_;
            request.max_sends = max_sends_;
            request.longest = longest_send(a.timeout());
            request.provider = a.target().provider;
            request.model = a.target().model;
            running_ = store_->permit(ref_, request, {});
            auto const done = *running_;
            co_await until_done(done, service);
            auto const& granted = *done.get();
            if (!granted) co_return failed(granted.error());
            send = granted->send;
        } else {
            send = sends_ + 1;
        }
        ++sends_;
        if (!flight_->begin_send(a.clock().now(), a.timeout(), finish_grace_)) {
            unsent(send);  // everybody left while the permit was written: not a byte has been sent
            co_return failed(fault_kind::cancelled, "every caller left before the send");
        }
        co_return send;
    }

    void answered(int send, shared_answer const& what) override {
        last_ = stored_answer{send, what};
        if (mode_ == mode::journaled) store_->submit_answer(ref_, send, what);
    }
    void accepted(int send) override {
        accepted_ = last_;
        if (mode_ == mode::journaled) acceptance_ = store_->submit_accept(ref_, send);
        flight_->end_send();
    }
    void rejected(int send, fault const& why) override {
        if (mode_ == mode::journaled) store_->submit_reject(ref_, send, why);
        flight_->end_send();
    }
    void lost(int send, fault const& why) override {
        if (mode_ == mode::journaled) store_->submit_lost(ref_, send, why);
        flight_->end_send();
    }
    void unsent(int send) override {
        --sends_;
        if (mode_ == mode::journaled) store_->submit_unsend(ref_, send);
        flight_->end_send();
    }
    void recorded(attempt_record const& entry) override { flight_->recorded(entry); }

    [[nodiscard]] int sends_left() const noexcept override { return allowed_ - sends_; }
    [[nodiscard]] bool was_cut() const noexcept override { return flight_->was_cut(); }
    [[nodiscard]] bool take_cut() noexcept override { return flight_->take_cut(); }
    [[nodiscard]] duration longest_send(duration attempt_timeout) const noexcept override {
        return attempt_timeout > duration::max() - finish_grace_ ? duration::max() : attempt_timeout + finish_grace_;
    }
    /// A digest of the record's name: the same for all sends of one key, and telling nobody what the key is.
    [[nodiscard]] std::string provider_key() const override {
        return "coffer-" + fnv1a(0xcbf29ce484222325U) + fnv1a(0x84222325cbf29ce4U);
    }

    /// The answer that was accepted, if one was.
    [[nodiscard]] std::optional<stored_answer> const& accepted_answer() const noexcept { return accepted_; }
    /// When the acceptance is durable; none without a journal.
    [[nodiscard]] std::optional<completion<outcome<void>>> const& acceptance() const noexcept { return acceptance_; }
    [[nodiscard]] claim_ref const& ref() const noexcept { return ref_; }
    [[nodiscard]] bool journaled() const noexcept { return mode_ == mode::journaled; }

private:
    [[nodiscard]] std::string fnv1a(std::uint64_t hash) const {
        for (std::string_view const text : {std::string_view{ref_.record.name_space}, std::string_view{ref_.record.digest}})
            for (char const c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
        std::string hex;
        for (int shift = 60; shift >= 0; shift -= 4) hex += "0123456789abcdef"[(hash >> shift) & 15U];
        return hex;
    }

    std::shared_ptr<flight> flight_;
    std::shared_ptr<store_backend> store_;
    claim_ref ref_;
    int max_sends_;
    duration finish_grace_;
    int sends_;
    int allowed_;
    mode mode_;
    std::optional<completion<outcome<permitted>>> running_;
    stored_answer last_{};
    std::optional<stored_answer> accepted_;
    std::optional<completion<outcome<void>>> acceptance_;
};

}  // namespace coffer::inline v0
