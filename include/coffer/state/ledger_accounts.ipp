// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of ledger_accounts.hpp.

#include <coffer/state/ledger_accounts.hpp>

#include <algorithm>
#include <tuple>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE void ledger_accounts::look_up(ledger_lines const& lines, time_point wall, found& all) {
    all.clear();
    for (auto const& line : lines) {
        auto const at = series_.find(name_of(line));
        all.push_back({at == series_.end() ? nullptr : &at->second, line.window.span_at(wall)});
        if (all.back().in != nullptr) all.back().in->limit = line.limit;
    }
}

COFFER_INLINE std::optional<budget_denial> ledger_accounts::refusal(reserve_request const& q, found const& all,
                                                                    time_point wall) const {
    for (std::size_t i = 0; i < all.size(); ++i) {
        auto const& line = (*q.lines)[i];
        auto const limit = limit_of(line.scope, line.window_text, line.limit);
        auto const frozen = frozen_by(line.scope);
        if (!frozen && fits(committed_in(all[i], line.window, wall), needed_of(q, line, limit), limit)) continue;
        std::vector<window_part> parts;
        for_each_counting(all[i], line.window, wall,
                          [&](time_point start, account const& part) { parts.emplace_back(start, part); });
        if (auto denied = denial_of(q, line, limit, frozen, parts, wall)) return denied;
    }
    return std::nullopt;
}

COFFER_INLINE kept_account& ledger_accounts::account_at(ledger_line const& line, place& there, time_point wall) {
    if (there.in == nullptr) {
        auto& s = series_[name_of(line)];
        s.scope = line.scope;
        s.window_text = line.window_text;
        s.limit = line.limit;
        there.in = &s;
    }
    auto const [at, added] = there.in->parts.try_emplace(there.span.start);
    if (added) {
        at->second.end = line.window.leaves_at(there.span.start);
        at->second.forget_at = later(at->second.end, kept_after(line.window));
        forget_old(*there.in, wall);
    }
    return at->second;
}

COFFER_INLINE void ledger_accounts::forget_old(time_point wall) {
    if (series_.size() < look_at_) return;
    for (auto& [name, s] : series_) forget_old(s, wall);
    std::erase_if(series_, [](auto const& s) { return s.second.parts.empty(); });
    look_at_ = std::max(fewest_to_forget, 2 * series_.size());
}

COFFER_INLINE void ledger_accounts::set_limit(std::string scope, std::string window_text, std::optional<money> limit) {
    auto const key = std::pair{std::move(scope), std::move(window_text)};
    if (limit) limits_[key] = *limit;
    else limits_.erase(key);
}

COFFER_INLINE void ledger_accounts::freeze(std::string scope, std::string reason) {
    frozen_[std::move(scope)] = std::move(reason);
}

COFFER_INLINE bool ledger_accounts::thaw(std::string const& scope) { return frozen_.erase(scope) != 0; }

COFFER_INLINE std::optional<frozen_scope> ledger_accounts::frozen_by(std::string_view scope) const {
    for (auto const& [name, reason] : frozen_)
        if (is_within(scope, name)) return frozen_scope{name, reason};
    return std::nullopt;
}

COFFER_INLINE std::vector<account_status> ledger_accounts::status_of(std::string_view scope) const {
    std::vector<account_status> all;
    for_each([&](series const& s, time_point start, kept_account const& kept) {
        if (!is_within(s.scope, scope)) return;
        account_status status;
        status.scope = s.scope;
        status.window = s.window_text;
        status.start = start;
        status.end = kept.end;
        status.money_in = kept;
        if (auto const limit = limit_of(s.scope, s.window_text, s.limit); limit != money::max()) status.limit = limit;
        status.frozen = frozen_by(s.scope).has_value();
        all.push_back(std::move(status));
    });
    std::sort(all.begin(), all.end(), [](account_status const& a, account_status const& b) {
        return std::tie(a.scope, a.window, a.start) < std::tie(b.scope, b.window, b.start);
    });
    return all;
}

COFFER_INLINE std::chrono::seconds ledger_accounts::kept_after(window const& w) {
    constexpr std::chrono::seconds long_enough = std::chrono::days{40};
    return w.kind() == window_kind::rolling ? std::min(3 * w.length(), long_enough) : long_enough;
}

COFFER_INLINE std::string const& ledger_accounts::name_of(ledger_line const& line) {
    name_.assign(line.scope).push_back('\0');
    return name_ += line.window_text;
}

COFFER_INLINE money ledger_accounts::limit_of(std::string const& scope, std::string const& window_text,
                                              money declared) const {
    if (limits_.empty()) return declared;
    auto const set = limits_.find(std::pair{scope, window_text});
    return set == limits_.end() ? declared : set->second;
}

COFFER_INLINE money ledger_accounts::committed_in(place const& in, window const& w, time_point wall) {
    money sum;
    for_each_counting(in, w, wall, [&](time_point, account const& part) { sum += part.committed(); });
    return sum;
}

COFFER_INLINE void ledger_accounts::forget_old(series& s, time_point wall) {
    auto& parts = s.parts;
    while (!parts.empty() && parts.begin()->second.entries == 0 && parts.begin()->second.forget_at < wall)
        parts.erase(parts.begin());
}

}  // namespace coffer::inline COFFER_ABI
