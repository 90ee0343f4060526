// SPDX-License-Identifier: BSL-1.0
#pragma once
// One send, innermost: what came back is stored raw, then judged, then settled. No coroutine; the walk awaits.

#include <coffer/base/codec.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/attempt.hpp>
#include <coffer/call/classify.hpp>
#include <coffer/call/event.hpp>
#include <coffer/call/operation.hpp>

#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

namespace coffer::inline COFFER_ABI::detail {

/// What an answer says to whom it is decoded for: accepted with a value, or billed and defective.
template <class Called, class Core>
[[nodiscard]] outcome<typename Called::value_type> decode_answer(Core const& core, answer const& what) {
    using value_type = typename Called::value_type;
    auto const defective = [](std::string why, std::exception_ptr cause) {
        return failed(fault{fault_kind::defective_answer, std::move(why)}.with_cause(std::move(cause)));
    };
    try {
        if constexpr (Called::has_decode) return decode_with(core.operation, what);
        else if constexpr (encodable<value_type>) return codec<value_type>::decode(what.body);
        else return defective("results of this type cannot be read back: specialise coffer::codec for it", nullptr);
    } catch (std::bad_alloc const&) {
        throw;
    } catch (std::exception const& error) {
        return defective(std::string{"decoding threw: "} + error.what(), std::current_exception());
    } catch (...) {
        return defective("decoding threw", std::current_exception());
    }
}

/// Follows one attempt from its permit to its end and tells the journal, if there is one.
template <class Core, class Called>
class sender {
public:
    using value_type = typename Called::value_type;

    sender(Core const& core, attempt& a) noexcept : core_{core}, attempt_{a} {}

    /// The journal granted the send of this number.
    void permitted(int send) noexcept { send_ = send; }

    /// The operation is about to begin.
    void begin() {
        auto& c = attempt_access::call_of(attempt_);
        auto const* const claim = c.claim();
        auto const now = claim != nullptr ? c.clock().now() : attempt_.now();
        auto const limit = claim != nullptr ? later(now, claim->longest_send(attempt_.timeout()))
                                            : std::min(c.deadline(), later(now, attempt_.timeout()));
        attempt_access::start(attempt_, now, limit, send_);
        if (core_.watched()) attempt_.tell({event_kind::attempt_started, now, {}, attempt_.number(), nullptr, {}, {}});
    }

    /// The operation ended without a value to keep.
    [[nodiscard]] outcome<value_type> succeeded() { return outcome<value_type>{}; }

    /// The operation ended with `raw`.
    template <class Raw>
    [[nodiscard]] outcome<value_type> judge(Raw raw) {
        if constexpr (Core::hands_down) {
            return raw;
        } else if constexpr (Called::has_decode) {
            if (!raw) return failed(ended(std::move(raw).error()));
            return judge_answer(std::make_shared<answer const>(*std::move(raw)));
        } else if constexpr (expected_like<Raw>) {
            if (!raw.has_value()) return failed(ended(fault_of(std::move(raw).error())));
            if constexpr (std::is_void_v<value_type>) return outcome<value_type>{};
            else return keep(*std::move(raw));
        } else {
            return keep(std::move(raw));
        }
    }

    /// The operation threw.
    [[nodiscard]] fault thrown(std::exception_ptr const& what) {
        if constexpr (Core::hands_down) {
            return classify_exception(what);
        } else {
            auto builtin = classify_exception(what);  // throws on what is no fault
            if constexpr (!is_absent<decltype(classify_with(core_.operation, what))>) {
                try {
                    builtin = said_or(classify_with(core_.operation, what), builtin).with_cause(what);
                } catch (...) {
                    // A rule that throws on what it does not know leaves it to the built-in ones.
                    if (std::current_exception() != what) builtin = rule_threw(builtin);
                }
            }
            return ended(std::move(builtin));
        }
    }

    /// What the attempt brought, if that was read and not accepted.
    [[nodiscard]] answer const* rejected() const noexcept
        requires Called::has_repair
    {
        return rejected_.get();
    }

private:
    [[nodiscard]] permit_source* claim() const noexcept { return send_ != 0 ? attempt_.of().claim() : nullptr; }

    [[nodiscard]] outcome<value_type> judge_answer(shared_answer const& what) {
        attempt_access::learn(attempt_, *what);
        if constexpr (Called::has_bill) {
            try {
                billed const bill = bill_with(core_.operation, *what);
                if (bill.usage) attempt_.report(*bill.usage);
                if (bill.cost) attempt_.report_cost(*bill.cost);
            } catch (...) {  // what it cost stays unknown; the answer is paid and not to be lost for that
            }
        }
        if (auto* const journal = claim()) journal->answered(send_, stamped(what));
        auto value = decode_answer<Called>(core_, *what);
        if (value) {
            if (auto* const journal = claim()) journal->accepted(send_);
            return value;
        }
        if constexpr (Called::has_repair) rejected_ = what;
        auto why = adjusted(std::move(value).error());
        if (auto* const journal = claim()) {
            if (why.billing() == knowledge::no) journal->unsent(send_);
            else journal->rejected(send_, why);
        }
        return failed(std::move(why));
    }

    /// The answer with what is known of its usage and cost, as the journal keeps it.
    [[nodiscard]] shared_answer stamped(shared_answer const& what) const {
        auto const& used = attempt_access::used(attempt_);
        auto const& cost = attempt_access::cost(attempt_);
        if (what->usage == used && what->cost == cost) return what;
        auto copy = *what;
        copy.usage = used;
        copy.cost = cost;
        return std::make_shared<answer const>(std::move(copy));
    }

    /// A plain result: written down for the journal, and accepted.
    template <class T>
    [[nodiscard]] outcome<value_type> keep(T value) {
        if (auto* const journal = claim()) {
            if constexpr (encodable<value_type>) {
                std::optional<answer> written;
                try {
                    written.emplace(codec<value_type>::encode(value));
                } catch (std::bad_alloc const&) {
                    throw;
                } catch (
                    ...) {  // paid, and of no use to anybody: callers and later runs are given what was written down
                    auto why =
                        fault{fault_kind::defective_answer, "the result could not be written down: codec::encode threw"}
                            .with_cause(std::current_exception());
                    journal->lost(send_, why);
                    return failed(std::move(why));
                }
                auto& kept = *written;
                kept.request_id = attempt_access::request_id(attempt_);
                kept.usage = attempt_access::used(attempt_);
                kept.cost = attempt_access::cost(attempt_);
                journal->answered(send_, std::make_shared<answer const>(std::move(kept)));
                journal->accepted(send_);
            }  // else the walk has refused to send
        }
        return outcome<value_type>{std::move(value)};
    }

    /// An expected-like operation's own error, as a fault.
    template <class E>
    [[nodiscard]] fault fault_of(E&& error) {
        using error_type = std::remove_cvref_t<E>;
        using ruled = decltype(classify_with(core_.operation, error));
        if constexpr (std::same_as<error_type, fault>) {
            return std::forward<E>(error);
        } else if constexpr (!is_absent<ruled>) {
            fault otherwise{fault_kind::permanent, "no rule knows this error"};
            if constexpr (has_to_fault<error_type>) otherwise = to_fault(error);
            try {
                return said_or(classify_with(core_.operation, error), otherwise);
            } catch (...) {
                return rule_threw(otherwise);
            }
        } else {
            static_assert(has_to_fault<error_type>,
                          "coffer: what an error of this type means is not known: declare `coffer::fault to_fault(E "
                          "const&)` beside E, or pass describe(fn).classify([](E const& e) { ... })");
            return to_fault(error);
        }
    }

    /// The attempt failed with `why`: the user's last word, then the journal is told.
    [[nodiscard]] fault ended(fault why) {
        auto* const journal = claim();
        // What is proven stays so; of anything else a cut proves nothing, whatever the operation makes of it.
        if (journal != nullptr && journal->was_cut(send_) && why.kind() != fault_kind::not_sent)
            why = fault{fault_kind::timed_out, "the send's time limit was reached"};
        why = adjusted(std::move(why));
        if (journal != nullptr) {
            if (why.billing() == knowledge::no) journal->unsent(send_);
            else journal->lost(send_, why);
        }
        return why;
    }

    [[nodiscard]] fault adjusted(fault why) {
        if constexpr (!is_absent<decltype(classify_with(core_.operation, why))>) {
            try {
                return said_or(classify_with(core_.operation, why), why);
            } catch (...) {
                return rule_threw(why);
            }
        }
        return why;
    }

    /// The rule fell over `what`.
    [[nodiscard]] static fault rule_threw(fault const& what) {
        auto text = std::string{"the classifier threw, given "} + std::string{to_string(what.kind())};
        if (!what.message().empty()) text += ": " + std::string{what.message()};
        return fault{fault_kind::permanent, std::move(text)}.with_cause(std::current_exception());
    }

    Core const& core_;
    attempt& attempt_;
    int send_ = 0;
    [[no_unique_address]] std::conditional_t<Called::has_repair, shared_answer, absent> rejected_;
};

}  // namespace coffer::inline COFFER_ABI::detail
