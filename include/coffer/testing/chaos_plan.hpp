// SPDX-License-Identifier: BSL-1.0
#pragma once
// What chaos does to sends: one after the other as a script says, and then by chance.
//
//     coffer::testing::chaos_plan plan;
//     plan.then(injection::loses_reply())                                    // the first send
//         .then(injection::fails(coffer::fault_kind::overloaded), 3)         // the next three
//         .sometimes(0.05, injection::hangs())                               // of the others
//         .slows(0.2, 100ms, 5s);                                            // any of those, besides

#include <coffer/base/answer.hpp>
#include <coffer/base/fault.hpp>
#include <coffer/time/clock.hpp>
#include <coffer/time/random.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::testing {

/// What is done to a send.
enum class chaos_effect : std::uint8_t { none, latency, fault, lost_reply, spoiled_answer, hang, exception };
inline constexpr std::size_t chaos_effect_count = 7;  ///< how many there are

/// Its name, as in the source; the `reason` of an event.
[[nodiscard]] constexpr std::string_view to_string(chaos_effect e) noexcept {
    switch (e) {
        case chaos_effect::none: return "none";
        case chaos_effect::latency: return "latency";
        case chaos_effect::fault: return "fault";
        case chaos_effect::lost_reply: return "lost_reply";
        case chaos_effect::spoiled_answer: return "spoiled_answer";
        case chaos_effect::hang: return "hang";
        case chaos_effect::exception: return "exception";
    }
    return "unknown";
}

/// What `injection::throws()` throws.
struct chaos_error : std::runtime_error {
    chaos_error() : std::runtime_error{"chaos: thrown by a test"} {}
};

/// `why` with chaos as its code (a code of its own comes after that), so that nobody takes it for the provider's.
[[nodiscard]] inline fault marked_as_chaos(fault why) {
    auto code = why.code().empty() ? std::string{"chaos"} : "chaos:" + std::string{why.code()};
    auto text =
        why.message().empty() ? std::string{"chaos: injected by a test"} : "chaos: " + std::string{why.message()};
    return std::move(why).with_code(std::move(code)).with_message(std::move(text));
}

/// One thing that is done to one send.
class injection {
public:
    using spoiler = std::function<void(answer&)>;  ///< what makes an answer unusable

    /// The send goes through.
    [[nodiscard]] static injection none() { return injection{chaos_effect::none}; }
    /// It ends with `why`, and the operation is not run: kind, execution, billing, hint and status are as you say.
    [[nodiscard]] static injection fails(fault why) { return injection{chaos_effect::fault, std::move(why)}; }
    /// It ends with a fault of that kind, and the operation is not run.
    [[nodiscard]] static injection fails(fault_kind why) { return fails(fault{why}); }
    /// The operation is run to its end, and then its answer is dropped, with all that it has reported: whoever sent it hears
    /// `why`. So the provider may have billed it.
    [[nodiscard]] static injection loses_reply(fault why = fault{fault_kind::ambiguous, "the reply was lost"}) {
        return injection{chaos_effect::lost_reply, std::move(why)};
    }
    /// The operation is run, and its answer is good for nothing: billed, and `defective_answer`. With `how`, the raw answer of an
    /// operation with `decode` is changed so, and `decode` says what it makes of it.
    [[nodiscard]] static injection spoils_answer(spoiler how = {}) {
        injection i{chaos_effect::spoiled_answer, fault{fault_kind::defective_answer, "the answer was spoiled"}};
        i.how_ = std::move(how);
        return i;
    }
    /// Nothing comes until the attempt's deadline, when it ends as `timed_out`; the operation is not run.
    [[nodiscard]] static injection hangs() {
        return injection{chaos_effect::hang, fault{fault_kind::timed_out, "it hung until its deadline"}};
    }
    /// The same, and it ignores its deadline, as a foreign operation may: only cancelling ends it.
    [[nodiscard]] static injection hangs_for_ever() {
        auto i = hangs();
        i.for_ever_ = true;
        return i;
    }
    /// `e` is thrown instead of running the operation. It has no code that could be marked.
    template <class E = chaos_error>
    [[nodiscard]] static injection throws(E e = {}) {
        injection i{chaos_effect::exception};
        i.thrown_ = std::make_exception_ptr(std::move(e));
        return i;
    }
    /// So long before all that, which counts for the attempt's deadline.
    [[nodiscard]] injection after(duration d) && {
        pause_ = d;
        return std::move(*this);
    }

    /// What it does.
    [[nodiscard]] chaos_effect effect() const noexcept { return effect_; }
    /// Before it does it.
    [[nodiscard]] duration pause() const noexcept { return pause_; }
    /// It waits also beyond the attempt's deadline.
    [[nodiscard]] bool ignores_deadline() const noexcept { return for_ever_; }
    /// Of a fault, a lost reply, a spoiled answer or a hang; marked.
    [[nodiscard]] fault const& why() const noexcept { return *why_; }
    /// `why` may be asked for.
    [[nodiscard]] bool has_fault() const noexcept { return why_.has_value(); }
    /// Empty: the usual way of spoiling.
    [[nodiscard]] spoiler const& how() const noexcept { return how_; }
    /// Only of `throws`; otherwise null.
    [[nodiscard]] std::exception_ptr const& thrown() const noexcept { return thrown_; }

private:
    explicit injection(chaos_effect e, std::optional<fault> why = {}) : effect_{e} {
        if (why) why_.emplace(marked_as_chaos(*std::move(why)));
    }

    chaos_effect effect_;
    bool for_ever_ = false;
    duration pause_{};
    std::optional<fault> why_;
    spoiler how_;
    std::exception_ptr thrown_;
};

/// A script, and chances. A value; thrown `std::invalid_argument` says what cannot be meant.
class chaos_plan {
public:
    /// The next `times` sends of the script. Chances begin when it is over.
    chaos_plan& then(injection i, int times = 1) & {
        if (times < 1) wrong("a step of the script is played at least once");
        script_.push_back({std::move(i), static_cast<std::size_t>(times)});
        return *this;
    }
    /// One of a send's fates beside the others; those that are left over go through. All together at most 1.
    chaos_plan& sometimes(double probability, injection i) & {
        check(probability);
        chance_ += probability;
        if (chance_ > 1 + 1e-9) wrong("the probabilities of what happens to a send are more than 1 together");
        fates_.push_back({std::move(i), chance_});
        return *this;
    }
    /// Whatever else happens to it, a send begins later, by a time between these.
    chaos_plan& slows(double probability, duration least, duration most) & {
        check(probability);
        if (least < duration::zero() || most < least) wrong("a latency from less than zero, or to less than from");
        slow_ = {probability, least, most};
        return *this;
    }
    /// Chance of its own, instead of the clock's: the n-th send meets the same whatever else draws.
    chaos_plan& seeded(std::uint64_t seed) & noexcept {
        seed_ = seed;
        return *this;
    }
    /// @{
    /// The same of a temporary.
    chaos_plan&& then(injection i, int times = 1) && { return std::move(then(std::move(i), times)); }
    chaos_plan&& sometimes(double p, injection i) && { return std::move(sometimes(p, std::move(i))); }
    chaos_plan&& slows(double p, duration least, duration most) && { return std::move(slows(p, least, most)); }
    chaos_plan&& seeded(std::uint64_t seed) && noexcept { return std::move(seeded(seed)); }
    /// @}

    /// What is done to a send.
    struct fate {
        injection const* what = nullptr;  ///< null: nothing; valid as long as the plan
        duration latency{};  ///< before that
    };
    /// Of the send of this number, from 0. Draws three numbers, whatever comes of them.
    [[nodiscard]] fate of(std::size_t send, random_source& random) const noexcept {
        auto const draw = unit_interval(random.next());
        auto const slowed = unit_interval(random.next());
        auto const share = unit_interval(random.next());
        fate f;
        if (slowed < slow_.probability)
            f.latency =
                slow_.least +
                duration{static_cast<duration::rep>(share * static_cast<double>((slow_.most - slow_.least).count()))};
        for (auto const& s : script_) {
            if (send < s.times) return f.what = &s.what, f;
            send -= s.times;
        }
        for (auto const& one : fates_)
            if (draw < one.up_to) return f.what = &one.what, f;
        return f;
    }
    /// None: the clock's chance.
    [[nodiscard]] std::optional<std::uint64_t> seed() const noexcept { return seed_; }

private:
    struct step {
        injection what;
        std::size_t times;
    };
    struct chance {
        injection what;
        double up_to;
    };
    struct slowness {
        double probability = 0;
        duration least{};
        duration most{};
    };

    [[noreturn]] static void wrong(std::string const& what) {
        throw std::invalid_argument{"coffer::testing::chaos_plan: " + what};
    }
    static void check(double probability) {
        if (!(probability >= 0 && probability <= 1)) wrong("a probability is from 0 to 1");
    }

    std::vector<step> script_;
    std::vector<chance> fates_;
    double chance_ = 0;
    slowness slow_;
    std::optional<std::uint64_t> seed_;
};

}  // namespace coffer::inline COFFER_ABI::testing
