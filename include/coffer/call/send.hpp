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

/// What the end of a send is, whatever it was: what the journal, if there is one, is told.
class sender_base {
public:
    /// The journal granted the send of this number.
    void permitted(int send) noexcept { send_ = send; }
    /// The operation is about to begin.
    void begin();

protected:
    explicit sender_base(attempt& a) noexcept : attempt_{a} {}

    [[nodiscard]] permit_source* claim() const noexcept;
    /// The answer with what is known of its usage and cost, as the journal keeps it.
    [[nodiscard]] shared_answer stamped(shared_answer const& what) const;
    /// A plain result as it was written down: paid, and accepted.
    void keep_written(std::string text);
    /// It could not be written down: paid, and of no use to anybody. Callers and later runs are given what was written down.
    [[nodiscard]] fault unwritable();
    /// The attempt failed with `why`: what is proven stays so; of anything else a cut proves nothing, whatever the operation makes
    /// of it.
    [[nodiscard]] fault unless_cut(fault why) const;
    /// The attempt failed with `why`, the user's last word: the journal is told.
    void settle_failed(fault const& why);
    /// The answer was read, and not accepted, for `why`.
    void settle_rejected(fault const& why);
    /// The rule fell over `what`.
    [[nodiscard]] static fault rule_threw(fault const& what);

    attempt& attempt_;
    int send_ = 0;
};

/// Follows one attempt from its permit to its end and tells the journal, if there is one.
template <class Core, class Called>
class sender : public sender_base {
public:
    using value_type = typename Called::value_type;

    sender(Core const& core, attempt& a) noexcept : sender_base{a}, core_{core} {}

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
    [[nodiscard]] outcome<value_type> judge_answer(shared_answer const& what) {
        attempt_access::learn(attempt_, *what);
        note_bill(*what);
        if (auto* const journal = claim()) journal->answered(send_, stamped(what));
        auto value = decode_answer<Called>(core_, *what);
        if (value) {
            if (auto* const journal = claim()) journal->accepted(send_);
            return value;
        }
        if constexpr (Called::has_repair) rejected_ = what;
        auto why = adjusted(std::move(value).error());
        settle_rejected(why);
        return failed(std::move(why));
    }

    /// What the operation says that it cost: of an answer, or of a plain result.
    template <class What>
    void note_bill(What const& what) {
        if constexpr (Called::has_bill) {
            try {
                billed const bill = bill_with(core_.operation, what);
                if (bill.usage) attempt_.report(*bill.usage);
                if (bill.cost) attempt_.report_cost(*bill.cost);
            } catch (...) {  // what it cost stays unknown; the answer is paid and not to be lost for that
            }
        }
    }

    /// A plain result: written down for the journal, and accepted.
    template <class T>
    [[nodiscard]] outcome<value_type> keep(T value) {
        note_bill(value);
        if (claim() != nullptr) {
            if constexpr (encodable<value_type>) {
                std::string text;
                try {
                    text = codec<value_type>::encode(value);
                } catch (std::bad_alloc const&) {
                    throw;
                } catch (...) {
                    return failed(unwritable());
                }
                keep_written(std::move(text));
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
        why = adjusted(unless_cut(std::move(why)));
        settle_failed(why);
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

    Core const& core_;
    [[no_unique_address]] std::conditional_t<Called::has_repair, shared_answer, absent> rejected_;
};

}  // namespace coffer::inline COFFER_ABI::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/call/send.ipp>
#endif
