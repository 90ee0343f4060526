// SPDX-License-Identifier: BSL-1.0
// What holding money and settling it costs over the same arithmetic in a section under a mutex: as many scopes and
// windows, found by the same look-ups, checked, added to, and settled.
// See support/modes.hpp for how it is run.

#include <coffer/store/ledger_memory.hpp>
#include <coffer/time/clock_service.hpp>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "support/modes.hpp"

namespace {

using namespace coffer;
using namespace coffer::literals;

/// An organisation's month, a team's day, a user's life.
std::shared_ptr<ledger_lines const> const lines =
    std::make_shared<ledger_lines const>(ledger_lines{{"org", monthly, 1'000'000'000_usd},
                                                      {"org/team/search", daily, 1'000'000'000_usd},
                                                      {"user/ann", lifetime, 1'000'000'000_usd}});

reservation_id id_of(long n) {
    reservation_id id{};
    std::memcpy(id.data() + 8, &n, sizeof n);
    return id;
}
reserve_request request_of(long n) {
    reserve_request q;
    q.id = id_of(n);
    q.lines = lines;
    q.bound = 0.000000400_usd;
    q.sent = true;
    q.longest = std::chrono::minutes{10};
    q.about.provider = "openai";
    q.about.model = "gpt-4o-mini";
    return q;
}
constexpr auto cost = 0.000000100_usd;
constexpr std::size_t kept = 1000;  // entries; then the oldest make room

/// What anybody would write first.
class section {
public:
    bool reserve(reserve_request const& q, std::chrono::system_clock::time_point wall) {
        std::lock_guard const lock{mutex_};
        std::vector<account*> all;
        all.reserve(q.lines->size());
        for (auto const& line : *q.lines) {
            auto& parts = accounts_[std::pair{line.scope, line.window_text}];
            auto& a = parts[line.window.span_at(wall).start];
            if (!fits(a.committed(), *q.bound, line.limit)) return false;
            all.push_back(&a);
        }
        for (auto* const a : all) a->held += *q.bound;
        held_.emplace(q.id, hold{*q.bound, std::move(all)});
        return true;
    }
    void settle(reservation_id const& id, money actual) {
        std::lock_guard const lock{mutex_};
        auto const found = held_.find(id);
        for (auto* const a : found->second.accounts) {
            a->held -= found->second.amount;
            a->settled += actual;
        }
        held_.erase(found);
    }

private:
    struct hold {
        money amount;
        std::vector<account*> accounts;
    };
    struct id_hash {
        std::size_t operator()(reservation_id const& id) const noexcept {
            std::uint64_t h = 0;
            std::memcpy(&h, id.data() + 8, sizeof h);
            return h;
        }
    };
    struct name_hash {
        std::size_t operator()(std::pair<std::string, std::string> const& name) const noexcept {
            return std::hash<std::string>{}(name.first) * 31 + std::hash<std::string>{}(name.second);
        }
    };
    std::mutex mutex_;
    std::unordered_map<std::pair<std::string, std::string>, std::map<std::chrono::system_clock::time_point, account>,
                       name_hash>
        accounts_;
    std::unordered_map<reservation_id, hold, id_hash> held_;
};

/// `count` pairs of a reservation and its settlement.
template <class Pair>
void repeat(long count, Pair pair) {
    for (long i = 0; i < count; ++i)
        if (!pair(i)) std::abort();
}

ledger_moment now() { return {std::chrono::steady_clock::now(), std::chrono::system_clock::now()}; }

void mutex_section(long n) {
    section s;
    repeat(n, [&](long i) {
        auto const q = request_of(i);
        bool const held = s.reserve(q, now().wall);
        s.settle(q.id, cost);
        return held;
    });
}
void book(long n) {
    ledger_book b{kept};
    repeat(n, [&](long i) {
        auto const q = request_of(i);
        bool const held = std::holds_alternative<reserved>(b.reserve(q, "this process", now(), {}));
        return b.settle(q.id, cost, {}, now()) && held;
    });
}
void backend(long n) {
    in_memory_ledger const all{{.most_entries = kept}};
    auto& b = *all.backend();
    b.bind(real_clock::instance());
    repeat(n, [&](long i) {
        auto const q = request_of(i);
        auto const said = b.reserve(q);
        b.submit_settle(q.id, cost, {});
        return std::holds_alternative<reserved>(**said.get());
    });
}

constexpr bench::mode modes[]{{"section", mutex_section}, {"book", book}, {"backend", backend}};

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, modes); }
