// SPDX-License-Identifier: BSL-1.0
#pragma once
// A record on a desk: the rules applied to one row at a time that the test sets.

#include <coffer/state/record_machine.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>

namespace coffer_test {

using namespace std::chrono_literals;

[[nodiscard]] inline coffer::claim_id claim_number(int n) {
    coffer::claim_id id{};
    id[0] = static_cast<std::uint8_t>(n);
    id[15] = 1;
    return id;
}
[[nodiscard]] inline coffer::fingerprint print_of(std::string model) {
    return coffer::fingerprint{}.with("model", std::move(model)).with("prompt", "p");
}
[[nodiscard]] inline coffer::shared_answer answer_of(std::string body) {
    return std::make_shared<coffer::answer const>(std::move(body), 200);
}

struct desk {
    coffer::record row;
    std::chrono::steady_clock::time_point now{1000h};
    std::chrono::system_clock::time_point wall{std::chrono::seconds{1'800'000'000}};
    std::set<std::string> dead;
    std::uint64_t tokens = 0;
    coffer::record_changes changes;

    void pass(std::chrono::nanoseconds d) {
        now += d;
        wall += std::chrono::duration_cast<std::chrono::system_clock::duration>(d);
    }

    template <class Fn>
    auto apply(Fn&& fn) {
        coffer::record_machine m{row, {now, wall}, [this](std::string const& who) { return dead.contains(who); }};
        auto result = fn(m);
        changes = m.changes();
        if (changes.gone && !changes.row) row = {};
        return result;
    }

    coffer::claim_verdict claim(int n, std::string const& owner = "a", int max_sends = 2,
                                std::string const& model = "m") {
        coffer::claim_request q;
        q.id = claim_number(n);
        q.print = print_of(model);
        q.max_sends = max_sends;
        auto verdict = apply([&](auto& m) { return m.claim(q, owner, tokens + 1); });
        if (auto const* g = std::get_if<coffer::granted>(&verdict)) tokens = std::max(tokens, g->token);
        return verdict;
    }
    coffer::outcome<coffer::permitted> permit(int n, int expected, int max_sends = 2) {
        coffer::permit_request q;
        q.expected_sends = expected;
        q.max_sends = max_sends;
        q.longest = 5min;
        q.provider = "provider";
        q.model = "m";
        return apply([&](auto& m) { return m.permit(claim_number(n), q); });
    }
    coffer::outcome<void> answer(int n, int send, std::string body = "answer") {
        return apply([&](auto& m) { return m.answer(claim_number(n), send, answer_of(std::move(body))); });
    }
    /// By the claim that holds the record.
    coffer::outcome<void> accept(int send) {
        return apply([&](auto& m) { return m.accept(row.claim, send); });
    }
    coffer::outcome<void> accept_by(int n, int send) {
        return apply([&](auto& m) { return m.accept(claim_number(n), send); });
    }
    coffer::outcome<void> reject(int n, int send) {
        coffer::fault const why{coffer::fault_kind::defective_answer, "cut off"};
        return apply([&](auto& m) { return m.reject(claim_number(n), send, why); });
    }
    coffer::outcome<void> lost(int n, int send) {
        coffer::fault const why{coffer::fault_kind::timed_out};
        return apply([&](auto& m) { return m.lost(claim_number(n), send, why); });
    }
    coffer::outcome<void> unsend(int n, int send) {
        return apply([&](auto& m) { return m.unsend(claim_number(n), send); });
    }
    coffer::outcome<void> fail(int n, coffer::fault_kind kind = coffer::fault_kind::invalid_request) {
        coffer::fault const why{kind, "no such parameter"};
        return apply([&](auto& m) { return m.fail(claim_number(n), why, 10min); });
    }
    coffer::outcome<void> release(int n) {
        return apply([&](auto& m) { return m.release(claim_number(n)); });
    }
    coffer::outcome<void> heartbeat(int n) {
        return apply([&](auto& m) { return m.heartbeat(claim_number(n), 60s); });
    }
    coffer::outcome<void> acknowledge() {
        return apply([&](auto& m) { return m.acknowledge(); });
    }
    coffer::outcome<void> resolve(coffer::resolution const& how) {
        return apply([&](auto& m) { return m.resolve(how); });
    }
    bool is_unresolved() {
        return apply([](auto& m) { return m.is_unresolved(); });
    }

    /// Claimed and one send permitted, by claim `n`.
    void send(int n = 1, std::string const& owner = "a", int max_sends = 2) {
        auto const g = claim(n, owner, max_sends);
        (void)permit(n, std::get<coffer::granted>(g).sends, max_sends);
    }
    /// Answered, accepted: the whole way.
    void finish(int n = 1) {
        send(n);
        (void)answer(n, 1);
        (void)accept(1);
    }
};

template <class T>
[[nodiscard]] bool is(coffer::claim_verdict const& v) {
    return std::holds_alternative<T>(v);
}
/// The code of a refusal, or its kind where it has no code; empty if there is none.
template <class T>
[[nodiscard]] std::string refusal(coffer::outcome<T> const& o) {
    if (o) return {};
    return std::string{o.error().code().empty() ? to_string(o.error().kind()) : o.error().code()};
}

}  // namespace coffer_test
