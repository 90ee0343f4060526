// SPDX-License-Identifier: BSL-1.0
#include "spend_table.hpp"

#include <coffer/state/ledger_rules.hpp>
#include <coffer/store/record_text.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <set>

#include "text.hpp"

namespace coffer_command {
namespace {

constexpr std::array<std::string_view, 7> words{"day", "hour", "scope", "model", "job", "namespace", "key"};

/// `2026-11-22`, or `2026-11-22T03`.
std::string moment_text(std::chrono::system_clock::time_point when, group by) {
    return iso_time(when).substr(0, by == group::day ? 10 : 13);
}

/// What an entry is counted under. Several scopes, one of anything else.
std::set<std::string> names_of(coffer::ledger_entry const& e, group by) {
    auto const& about = e.row.about;
    auto const or_none = [](std::string const& text) { return text.empty() ? std::string{"-"} : text; };
    switch (by) {
        case group::day:
        case group::hour: return {moment_text(e.row.created, by)};
        case group::scope: return {e.scopes.begin(), e.scopes.end()};
        case group::model: return {about.provider.empty() ? or_none(about.model) : about.provider + "/" + about.model};
        case group::job: return {or_none(about.job)};
        case group::name_space: return {or_none(about.name_space)};
        case group::key:
            if (about.record.empty()) return {or_none(about.name_space) + " (no record)"};
            return {coffer::to_text(coffer::record_id{about.name_space, about.record})};
    }
    return {};
}

/// What an entry has cost beyond the bounds that were held for it in scopes for which `counts` is true. A soft limit holds
/// no bound.
template <class Counts>
coffer::money overrun_of(coffer::ledger_entry const& e, Counts counts) {
    coffer::money most;
    for (std::size_t i = 0; i < e.scopes.size(); ++i)
        if (counts(e.scopes[i])) most = std::max(most, coffer::part_of(e.row, e.row.holds[i]).overrun);
    return most;
}

coffer::money overrun_within(coffer::ledger_entry const& e, std::string_view scope) {
    return overrun_of(e, [scope](std::string const& s) { return coffer::is_within(s, scope); });
}

}  // namespace

std::optional<group> group_from_text(std::string_view word) {
    auto const at = std::find(words.begin(), words.end(), word);
    if (at == words.end()) return std::nullopt;
    return static_cast<group>(at - words.begin());
}

std::string_view to_string(group by) { return words[static_cast<std::size_t>(by)]; }

void spend::add(coffer::reservation const& r, coffer::money beyond_bounds) {
    ++sends;
    coffer::money most = r.bound.value_or(coffer::money{});
    if (!r.bound)
        for (auto const& h : r.holds) most = std::max(most, h.amount);
    switch (r.state) {
        case coffer::reservation_state::settled:
            settled += *r.actual;
            overrun += beyond_bounds;
            break;
        case coffer::reservation_state::presumed:
            presumed += most;
            unpriced += r.bound ? 0 : 1;
            break;
        case coffer::reservation_state::held:
        case coffer::reservation_state::sent: held += most; break;
    }
}

spend_table add_up(std::vector<coffer::ledger_entry> const& entries, group by, std::string_view within) {
    std::map<std::string, spend> sums;
    for (auto const& e : entries)
        for (auto const& name : names_of(e, by)) {
            auto const in_this = [&name](std::string const& s) { return s == name; };
            sums[name].add(e.row, by == group::scope ? overrun_of(e, in_this) : overrun_within(e, within));
        }
    if ((by == group::day || by == group::hour) && !entries.empty()) {
        auto const step = by == group::day ? std::chrono::hours{24} : std::chrono::hours{1};
        auto const [first, last] = std::minmax_element(
            entries.begin(), entries.end(), [](auto const& a, auto const& b) { return a.row.created < b.row.created; });
        for (auto t = first->row.created; t < last->row.created; t += step) sums.try_emplace(moment_text(t, by));
    }
    return {sums.begin(), sums.end()};
}

spend_table dearest(spend_table all, std::size_t most) {
    std::sort(all.begin(), all.end(), [](auto const& a, auto const& b) {
        return a.second.spent() == b.second.spent() ? a.first < b.first : a.second.spent() > b.second.spent();
    });
    if (all.size() > most) all.resize(most);
    return all;
}

spend total(std::vector<coffer::ledger_entry> const& entries, std::string_view within) {
    spend sum;
    for (auto const& e : entries) sum.add(e.row, overrun_within(e, within));
    return sum;
}

}  // namespace coffer_command
