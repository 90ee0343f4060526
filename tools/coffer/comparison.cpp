// SPDX-License-Identifier: BSL-1.0
#include "comparison.hpp"

#include <coffer/state/ledger_rules.hpp>

#include <algorithm>
#include <chrono>
#include <map>

#include "text.hpp"

namespace coffer_command {
namespace {

using state = coffer::reservation_state;

bool has_ended(coffer::reservation const& r) { return r.state == state::settled || r.state == state::presumed; }

/// A command line can name whole seconds only.
constexpr std::chrono::seconds second{1};

std::string line_of(coffer::reservation const& r, std::string const& what) {
    return printable(r.about.request_id) + "  " + std::string{to_string(r.state)} + " " + dollars(coffer::spent_of(r)) +
           ", " + what;
}

class comparing {
public:
    comparing(std::vector<coffer::ledger_entry> const& entries, usage_export const& said)
        : said_{said}, left_{said.cost} {
        for (auto const& e : entries)
            if (has_ended(e.row)) place(e.row);
        for (auto const& [id, cost] : left_) c_.only_in_export.add(cost);
    }

    comparison end(time_range const& told) && {
        for (auto const& k : known_) c_.providers.insert(k.row->about.provider);
        find_time(told);
        for (auto const& [r, bookable] : known_)
            if (r->state == state::presumed && c_.covered && c_.covered->contains(r->created))
                ++(bookable ? c_.presumed_to_correct : c_.presumed_in_doubt);
        for (auto const* const r : without_id_)
            if (!c_.covered || is_covered(*r)) c_.without_id.add(count(*r));
        for (auto const* const r : only_here_)
            if (c_.covered && is_covered(*r)) {
                c_.only_in_ledger.add(count(*r));
                c_.lines.push_back(line_of(*r, "not in the export"));
            }
        return std::move(c_);
    }

private:
    /// An entry that the export knows, too.
    struct known {
        coffer::reservation const* row;
        bool bookable;
    };

    void place(coffer::reservation const& r) {
        if (r.about.request_id.empty()) return without_id_.push_back(&r);
        if (auto const found = left_.find(r.about.request_id); found != left_.end()) {
            known_.push_back({&r, compare_with(r, found->second)});
            left_.erase(found);
        } else if (said_.without_amount.contains(r.about.request_id)) {
            known_.push_back({&r, false});
        } else if (r.state == state::presumed || coffer::spent_of(r) != coffer::money{}) {
            only_here_.push_back(&r);  // what was not billed agrees with an export that does not know it
        }
    }
    /// Can what it was charged be booked?
    bool compare_with(coffer::reservation const& r, coffer::money charged) {
        auto const booked = coffer::spent_of(r);
        c_.in_ledger += booked;
        c_.in_export += charged;
        if (r.state == state::settled && booked == charged) {
            ++c_.equal;
            return true;
        }
        bool const meant = coffer::can_be_meant(charged);
        if (meant) c_.corrections.push_back({r.id, charged});
        else ++c_.not_meant;
        c_.lines.push_back(
            line_of(r, "charged " + dollars(charged) + (meant ? "" : ", which cannot be meant: left as it is")));
        return meant;
    }
    void find_time(time_range const& told) {
        auto time = told;
        auto const [first, last] = std::minmax_element(
            known_.begin(), known_.end(), [](auto const& a, auto const& b) { return a.row->created < b.row->created; });
        if (!known_.empty()) {
            auto const whole = [](auto t) { return std::chrono::floor<std::chrono::seconds>(t); };
            if (time.from == time_range{}.from) time.from = whole(first->row->created);
            if (time.to == time_range{}.to) time.to = whole(last->row->created) + second;
        }
        // Of a time without an end nothing could be given back: sends that the export is too old for would be in it.
        bool const ends = time.from != time_range{}.from && time.to != time_range{}.to;
        if (ends && time.from < time.to) c_.covered = time;
    }
    /// Would the export know it? What was sent to other providers is in exports of their own.
    bool is_covered(coffer::reservation const& r) {
        if (!c_.covered->contains(r.created)) return false;
        if (c_.providers.empty() || c_.providers.contains(r.about.provider)) return true;
        if (r.state == state::presumed) ++c_.presumed_elsewhere;
        return false;
    }
    /// Its money, which is counted as presumed, too, if it is.
    coffer::money count(coffer::reservation const& r) {
        auto const m = coffer::spent_of(r);
        if (r.state == state::presumed && c_.covered) c_.presumed.add(m);
        return m;
    }

    usage_export const& said_;
    std::map<std::string, coffer::money> left_;
    std::vector<known> known_;
    std::vector<coffer::reservation const*> only_here_;
    std::vector<coffer::reservation const*> without_id_;
    comparison c_;
};

}  // namespace

comparison compare(std::vector<coffer::ledger_entry> const& entries, usage_export const& said, time_range const& told) {
    return comparing{entries, said}.end(told);
}

}  // namespace coffer_command
