// SPDX-License-Identifier: BSL-1.0
// Random pipelines of scripted gates, layers and nested pipelines, with deadlines, and with a cancellation at every
// suspension point, against an oracle that knows no coroutines.
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>
#include <coffer/testing/scripted_operation.hpp>

#include "support/scripted_gate.hpp"
#include "support/seeds.hpp"
#include "support/simulation.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace walk_model_test {
namespace {

using namespace coffer;
using namespace std::chrono_literals;
using support::entry;
using support::gate_script;
using support::tape;

// What is tried ----------------------------------------------------------------------------------------------------------

/// One end of one send.
struct send_script {
    enum class kind : std::uint8_t { ok, fail, fall_over, abort };
    kind what = kind::ok;
    fault_kind why = fault_kind::throttled;
    duration takes{};
};

/// A pipeline from the outside in: g a gate that may wait, p one that may not, l a layer, n the seam between a pipeline
/// and one that it wraps, e the same behind `guarded`; the operation is innermost.
struct plan {
    std::string shape;
    std::vector<gate_script> gates;  // for each letter; unused for l, n, e
    std::vector<int> runs;  // for each letter; of the layers
    std::vector<send_script> sends;  // the last one for ever
    duration deadline = 1h;
    std::optional<duration> cancel_at;
};

struct result {
    std::vector<std::string> lines;
    std::string end;
    duration took{};
    int attempts = 0;
    friend bool operator==(result const&, result const&) = default;
    friend std::ostream& operator<<(std::ostream& out, result const& r) {
        for (auto const& line : r.lines) out << "\n    " << line;
        return out << "\n    = " << r.end << " after " << r.took.count() << " ns, " << r.attempts << " attempts";
    }
};

std::string describe_end(std::optional<fault> const& why) {
    if (!why) return "succeeded";
    std::ostringstream out;
    out << why->kind() << ", billed " << why->billing();
    return out.str();
}

// The oracle -------------------------------------------------------------------------------------------------------------

class oracle {
public:
    explicit oracle(plan const& p) : plan_{p}, entered_(p.shape.size(), 0), asked_(p.shape.size(), 0) {}

    result run() {
        auto const end = segment(0);
        return {lines_, describe_end(end.why), now_, attempts_};
    }
    /// When a cancellation would hit something that is suspended: the middle of every wait.
    [[nodiscard]] std::vector<duration> const& suspensions() const { return suspensions_; }

private:
    struct ended {
        std::optional<fault> why;
        bool attempted = true;
    };

    /// The last attempt that was made, and the gate that asked for another: those outside have been told of neither.
    struct before_t {
        std::size_t asked;
        std::optional<fault> why;
    };

    /// Time passes, unless the caller leaves meanwhile.
    bool cancelled_during(duration d) {
        if (d <= 0ns) return false;
        suspensions_.push_back(now_ + d / 2);
        if (!cancelled_ && plan_.cancel_at && *plan_.cancel_at > now_ && *plan_.cancel_at < now_ + d) {
            now_ = *plan_.cancel_at;
            cancelled_ = true;
            return true;
        }
        now_ += d;
        return false;
    }

    [[nodiscard]] static bool is_gate(char c) { return c == 'g' || c == 'p'; }
    [[nodiscard]] std::string name(std::size_t i) const { return std::string(1, plan_.shape[i]) + std::to_string(i); }
    [[nodiscard]] static fault gone() { return fault{fault_kind::cancelled}; }

    /// Everything from the policy at `begin` inwards.
    ended segment(std::size_t begin) {
        auto end = begin;
        while (end < plan_.shape.size() && is_gate(plan_.shape[end])) ++end;
        auto inside = begin;  // gates before this one are entered
        before_t before{end, {}};
        for (;;) {
            auto e = enter(inside, end);
            bool const in = !e;
            ended how = in ? innards(end) : ended{std::move(e), false};
            if (how.why && cancelled_ && how.why->kind() != fault_kind::cancelled)
                how.why = in ? gone().with_execution(how.why->execution()).with_billing(how.why->billing()) : gone();
            if (in && end < plan_.shape.size() && how.why)
                how.attempted = !(how.why->kind() >= fault_kind::circuit_open &&
                                  how.why->execution() == knowledge::no && how.why->billing() == knowledge::no);

            if (!how.attempted && before.why && how.why) {
                how.why->with_execution(std::max(how.why->execution(), before.why->execution()));
                how.why->with_billing(std::max(how.why->billing(), before.why->billing()));
            }
            auto const asks = settle(begin, inside, how, before);
            if (!asks) return how;
            before = {inside - 1, how.why};
            auto const again_at = now_ + *asks;
            if (cancelled_ || again_at >= plan_.deadline || cancelled_during(*asks)) {
                if (cancelled_ && how.why->kind() != fault_kind::cancelled)
                    how.why = gone().with_execution(how.why->execution()).with_billing(how.why->billing());
                how.attempted = false;
                settle(begin, inside, how, before);
                return how;
            }
        }
    }

    /// Lets an attempt in through the gates from `inside` on; a fault says why not.
    std::optional<fault> enter(std::size_t& inside, std::size_t end) {
        if (now_ >= plan_.deadline) return fault{fault_kind::deadline_exceeded};
        while (inside < end) {
            auto const& script = plan_.gates[inside];
            auto const nth = entered_[inside]++;
            auto const e = nth < script.entries.size() ? script.entries[nth] : entry{};
            auto const say = [&](char const* what) { lines_.push_back(name(inside) + what); };
            switch (e.what) {
                case entry::kind::in:
                    say(" in");
                    asked_[inside++] = 0;  // a new ticket
                    continue;
                case entry::kind::refuse: say(" refuses"); return fault{e.why};
                case entry::kind::fall_over:
                    say(" throws");
                    return fault{fault_kind::permanent}.with_execution(knowledge::no).with_billing(knowledge::no);
                default: break;
            }
            say(" waits");
            bool const left = cancelled_during(e.wait);
            if (e.what == entry::kind::wait_refuse || (left && e.what != entry::kind::wait_grant)) {
                say(" refuses");
                return left ? gone() : fault{e.why};
            }
            say(" in");
            asked_[inside++] = 0;
            if (left) return gone();
            if (now_ >= plan_.deadline) return fault{fault_kind::deadline_exceeded};
        }
        return std::nullopt;
    }

    /// What is inside a segment's gates.
    ended innards(std::size_t at) {
        if (at == plan_.shape.size()) return send();
        if (plan_.shape[at] != 'l') return segment(at + 1);
        ended last{fault{fault_kind::permanent}};
        for (int i = 0; i < plan_.runs[at]; ++i) {
            last = segment(at + 1);
            if (!last.why || last.why->kind() == fault_kind::cancelled) break;
        }
        return {last.why};
    }

    ended send() {
        auto const& script = plan_.sends[std::min(static_cast<std::size_t>(attempts_), plan_.sends.size() - 1)];
        lines_.push_back("send " + std::to_string(++attempts_));
        bool const cut = plan_.deadline < now_ + script.takes;
        if (cancelled_during(cut ? plan_.deadline - now_ : script.takes)) return {fault{fault_kind::aborted}};
        if (cut) return {fault{fault_kind::timed_out}};
        switch (script.what) {
            case send_script::kind::ok: return {};
            case send_script::kind::fail: return {fault{script.why}};
            case send_script::kind::fall_over: return {fault{fault_kind::permanent}};
            case send_script::kind::abort: break;
        }
        return {fault{fault_kind::aborted}};
    }

    /// Settles from the innermost outwards; the gate that asks again stays entered, with those outside it.
    std::optional<duration> settle(std::size_t begin, std::size_t& inside, ended const& last, before_t const& before) {
        while (inside > begin) {
            auto const i = inside - 1;
            auto const& script = plan_.gates[i];
            bool const failed = last.why && last.attempted;
            auto const tell = [&](ended const& how) -> std::optional<duration> {
                bool const asks = asked_[i] < script.again.size() && ((how.why && how.attempted) || script.insists);
                auto line = name(i) + (!how.why ? " succeeded" : how.attempted ? " failed " : " not_attempted ");
                if (how.why) line += to_string(how.why->kind());
                lines_.push_back(line + (asks ? ", again" : ""));
                return asks ? std::optional{script.again[asked_[i]++]} : std::nullopt;
            };
            if (!last.attempted && before.why && i < before.asked) {
                if (tell({before.why})) tell(last);
            } else if (auto const delay = tell(last); delay && failed) {
                return delay;
            }
            --inside;
        }
        return std::nullopt;
    }

    plan const& plan_;
    std::vector<std::size_t> entered_;
    std::vector<std::size_t> asked_;
    std::vector<std::string> lines_;
    std::vector<duration> suspensions_;
    duration now_{};
    bool cancelled_ = false;
    int attempts_ = 0;
};

// The real thing -----------------------------------------------------------------------------------------------------------

/// A shape as a type.
template <char... Letters>
struct shape {
    static std::string text() { return {Letters...}; }
};

template <char Letter>
auto policy_at(plan const& p, std::size_t i, tape const& t) {
    if constexpr (Letter == 'l') return support::scripted_layer{p.runs[i]};
    else if constexpr (Letter == 'g') return support::waiting_gate{t, "g" + std::to_string(i), p.gates[i]};
    else return support::plain_gate{t, "p" + std::to_string(i), p.gates[i]};
}

/// `so_far` are the policies outside of the rest of the shape, within the same pipeline.
template <class Op, class... Policies>
auto build(plan const&, std::size_t, tape const&, Op op, shape<>, Policies... so_far) {
    return pipeline<Policies...>{so_far...}.wrap(op);
}
template <class Op, char Letter, char... Rest, class... Policies>
auto build(plan const& p, std::size_t i, tape const& t, Op op, shape<Letter, Rest...>, Policies... so_far) {
    if constexpr (Letter == 'n') {
        return pipeline<Policies...>{so_far...}.wrap(build(p, i + 1, t, op, shape<Rest...>{}));
    } else if constexpr (Letter == 'e') {
        guarded<int(int const&)> const inner = build(p, i + 1, t, op, shape<Rest...>{});
        return pipeline<Policies...>{so_far...}.wrap(inner);
    } else {
        return build(p, i + 1, t, op, shape<Rest...>{}, so_far..., policy_at<Letter>(p, i, t));
    }
}

template <class Shape>
result really(plan const& p, std::uint64_t seed) {
    support::simulation sim{seed};
    tape t;
    coffer::testing::scripted_operation<int> provider;
    for (std::size_t i = 0; i < p.sends.size(); ++i) {
        auto const& s = p.sends[i];
        switch (s.what) {
            case send_script::kind::ok: provider.gives(1); break;
            case send_script::kind::fail: provider.fails(s.why); break;
            case send_script::kind::fall_over: provider.throws(std::runtime_error{"the operation fell over"}); break;
            case send_script::kind::abort:
                provider.throws(coffer::detail::asio_system_error{make_error_code(asio::error::operation_aborted)});
                break;
        }
        provider.after(s.takes);
        if (i + 1 == p.sends.size()) provider.times(0);
    }
    auto const operation = [t, provider](attempt& a, int const& argument) {
        t.line("send " + std::to_string(a.number()));
        return provider(a, argument);
    };
    auto const ask = build(p, 0, t, operation, Shape{});
    call c{key{"test", 1}, p.deadline};
    auto const begin = sim.time.now();
    auto const r = sim.start(ask.try_call(c, 7));
    if (p.cancel_at) sim.cancel_after(*p.cancel_at, r);
    auto took = duration{};
    while (!r.over()) {
        sim.io.restart();
        if (sim.io.poll() == 0 && !sim.time.clock()->advance(time_point::max())) break;
        took = sim.time.now() - begin;
    }
    auto const outcome = r.get();

    result got{t.lines(), describe_end(outcome ? std::nullopt : std::optional{outcome.error()}), took,
               provider.sends()};
    // What holds for every run.
    EXPECT_EQ(t.tickets_out(), 0) << "seed " << seed;
    EXPECT_EQ(t.defects(), 0) << "seed " << seed;
    EXPECT_EQ(static_cast<int>(c.log().size()), provider.sends()) << "seed " << seed;
    for (std::size_t i = 0; i < c.log().size(); ++i)
        EXPECT_EQ(c.log()[i].number, static_cast<int>(i) + 1) << "seed " << seed;
    return got;
}

// Random plans -------------------------------------------------------------------------------------------------------------

plan draw(std::string const& letters, support::dice& dice) {
    // Times are even: a cancellation in between hits nothing else.
    auto const time = [&] { return duration{20 * dice.below(6)}; };
    plan p;
    p.shape = letters;
    p.gates.resize(letters.size());
    p.runs.resize(letters.size(), 1);
    for (std::size_t i = 0; i < letters.size(); ++i) {
        p.runs[i] = dice.below(4);
        for (auto n = dice.below(3); n > 0; --n) {
            entry e;
            if (dice.one_in(2)) {
                entry::kind const kinds[] = {entry::kind::refuse,      entry::kind::fall_over,  entry::kind::wait,
                                             entry::kind::wait_refuse, entry::kind::wait_grant, entry::kind::wait};
                e.what = kinds[dice.below(letters[i] == 'g' ? 6 : 2)];
                e.wait = time() + 20ns;
                e.why = dice.one_in(2) ? fault_kind::circuit_open : fault_kind::over_budget;
            }
            p.gates[i].entries.push_back(e);
        }
        if (dice.one_in(2))
            for (auto n = dice.below(3); n > 0; --n) p.gates[i].again.push_back(time());
        p.gates[i].insists = dice.one_in(4);
    }
    for (auto n = 1 + dice.below(4); n > 0; --n) {
        fault_kind const kinds[] = {fault_kind::throttled, fault_kind::ambiguous, fault_kind::invalid_request};
        p.sends.push_back({static_cast<send_script::kind>(dice.below(4)), kinds[dice.below(3)], time()});
    }
    if (dice.one_in(3)) p.deadline = duration{10 + 20 * dice.below(20)};
    return p;
}

template <class Shape>
void agree(std::uint64_t seed, int& cancellations) {
    support::dice dice{seed};
    auto p = draw(Shape::text(), dice);
    oracle calm{p};
    auto const expected = calm.run();
    auto const got = really<Shape>(p, seed);
    ASSERT_EQ(got, expected) << "shape " << p.shape << ", seed " << seed;

    // The same again, and the caller leaves while it is suspended for the first time, for the second time, ...
    auto const places = calm.suspensions();
    for (auto const at : places) {
        p.cancel_at = at + 1ns;
        oracle left{p};
        auto const when_left = left.run();
        ASSERT_EQ(really<Shape>(p, seed), when_left)
            << "shape " << p.shape << ", seed " << seed << ", cancelled at " << at.count();
        ++cancellations;
    }
}

template <class... Shapes>
void all_agree() {
    int cancellations = 0;
    for (auto const seed : support::each_seed(support::seeds(sizeof...(Shapes))))
        (agree<Shapes>(seed, cancellations), ...);
    EXPECT_TRUE(support::replaying() || cancellations > 0);
}

TEST(walk_model, gates_in_one_segment) {
    all_agree<shape<>, shape<'g'>, shape<'p'>, shape<'p', 'g'>, shape<'g', 'p', 'g'>, shape<'g', 'g', 'g'>>();
}
TEST(walk_model, layers_between_gates) {
    all_agree<shape<'l'>, shape<'g', 'l'>, shape<'l', 'g'>, shape<'g', 'l', 'p', 'g', 'l', 'g'>>();
}
TEST(walk_model, nested_pipelines) {
    all_agree<shape<'n', 'g'>, shape<'g', 'n'>, shape<'p', 'n', 'g', 'n', 'g'>, shape<'g', 'l', 'n', 'g', 'l'>,
              shape<'g', 'e', 'p', 'g'>>();
}

}  // namespace
}  // namespace walk_model_test
