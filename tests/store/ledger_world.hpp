// SPDX-License-Identifier: BSL-1.0
#pragma once
// The ledger of a store, as the tests of any ledger use it.

#include <coffer/state/ledger.hpp>
#include <coffer/store/ledger.hpp>

#include "store/store_world.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace store_test {

using namespace coffer::literals;

[[nodiscard]] inline coffer::reservation_id reservation_number(int n) {
    coffer::reservation_id id{};
    id[0] = static_cast<std::uint8_t>(n);
    id[1] = static_cast<std::uint8_t>(n >> 8);
    id[15] = 2;
    return id;
}

/// A reservation of `amount` in all of `lines`.
[[nodiscard]] inline coffer::reserve_request reservation_of(int n, coffer::money amount, coffer::ledger_lines lines) {
    coffer::reserve_request q;
    q.id = reservation_number(n);
    q.lines = std::make_shared<coffer::ledger_lines const>(std::move(lines));
    q.bound = amount;
    q.expected = amount;
    q.held_for = 5min;
    q.longest = 10min;
    q.about.name_space = "report";
    q.about.attempt = 1;
    q.about.provider = "openai";
    q.about.model = "gpt-x";
    q.about.job = "acme";
    return q;
}

/// Operations on the ledger of a world's store, by reservation number `n`, of process `p`.
class money_desk {
public:
    explicit money_desk(world& w) : w_{w} {}

    coffer::ledger_backend& backend(int p = 0) {
        auto& b = *w_.backend(p).ledger();
        b.bind(w_.sim.time.clock());
        return b;
    }
    coffer::outcome<coffer::reserve_verdict> reserve(coffer::reserve_request const& q, int p = 0) {
        return w_.get(backend(p).reserve(q));
    }
    /// In one scope.
    coffer::outcome<coffer::reserve_verdict> reserve(int n, coffer::money amount, std::string scope = "team",
                                                     coffer::money limit = 5_usd,
                                                     coffer::window over = coffer::lifetime, int p = 0) {
        coffer::ledger_lines lines;
        lines.emplace_back(std::move(scope), std::move(over), limit);
        return reserve(reservation_of(n, amount, std::move(lines)), p);
    }
    /// With the permit of the first send of key `name`, under claim `n`.
    coffer::outcome<coffer::permitted> send(int n, std::string const& name = "one", int p = 0) {
        world::how h;
        h.name = name;
        auto const v = w_.claim(n, p, h);
        coffer::permit_request q;
        q.expected_sends = std::get<coffer::granted>(v.value()).sends;
        q.longest = 5min;
        std::vector<coffer::ledger_op> const money{{reservation_number(n)}};
        return w_.get(w_.backend(p).permit(w_.ref(n, name), q, money));
    }
    /// The same permit once more.
    coffer::outcome<coffer::permitted> send_again(int n, int expected) {
        coffer::permit_request q;
        q.expected_sends = expected;
        q.longest = 5min;
        std::vector<coffer::ledger_op> const money{{reservation_number(n)}};
        return w_.get(w_.backend(0).permit(w_.ref(n), q, money));
    }
    auto settle(int n, std::optional<coffer::money> actual, int p = 0) {
        return w_.get(backend(p).submit_settle(reservation_number(n), actual, "req-" + std::to_string(n)));
    }
    auto release(int n, int p = 0) { return w_.get(backend(p).submit_release(reservation_number(n))); }
    auto lapse(int n, int p = 0) { return w_.get(backend(p).submit_lapse(reservation_number(n))); }

    std::vector<coffer::account_status> accounts(std::string const& scope = {}, int p = 0) {
        auto all = w_.get(backend(p).accounts(scope)).value();
        std::sort(all.begin(), all.end(), [](auto const& a, auto const& b) {
            return std::tie(a.scope, a.window, a.start) < std::tie(b.scope, b.window, b.start);
        });
        return all;
    }
    /// What stands in a scope, in all windows together.
    coffer::account in(std::string const& scope) {
        coffer::account sum;
        for (auto const& s : accounts(scope))
            if (s.scope == scope) sum += s.money_in;
        return sum;
    }
    std::vector<coffer::ledger_entry> entries(coffer::entry_filter const& f = {}) {
        return w_.get(backend().entries(f)).value();
    }
    std::vector<std::string> audit() { return w_.get(backend().audit()).value(); }

private:
    world& w_;
};

[[nodiscard]] inline bool is_reserved(coffer::outcome<coffer::reserve_verdict> const& v) {
    return v.has_value() && std::holds_alternative<coffer::reserved>(*v);
}
[[nodiscard]] inline std::optional<coffer::budget_denial> denial(coffer::outcome<coffer::reserve_verdict> const& v) {
    if (!v || !std::holds_alternative<coffer::budget_denial>(*v)) return std::nullopt;
    return std::get<coffer::budget_denial>(*v);
}

}  // namespace store_test
