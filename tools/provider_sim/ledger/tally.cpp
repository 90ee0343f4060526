// SPDX-License-Identifier: BSL-1.0
#include "ledger/tally.hpp"

#include <set>

namespace provider_sim {
namespace {

using grouping = tally_query::grouping;

std::string text_of(record const& line, char const* name) {
    auto const it = line.find(name);
    if (it == line.end() || it->is_null()) return {};
    return it->is_string() ? it->get<std::string>() : it->dump();
}

}  // namespace

totals& totals::operator+=(totals const& other) noexcept {
    sends += other.sends;
    partials += other.partials;
    bills += other.bills;
    executed += other.executed;
    delivered_full += other.delivered_full;
    in_tok += other.in_tok;
    cached += other.cached;
    out_tok += other.out_tok;
    billed_pusd += other.billed_pusd;
    billed_nano_usd += other.billed_nano_usd;
    return *this;
}

json to_json(totals const& t) {
    return {{"sends", t.sends},
            {"partials", t.partials},
            {"bills", t.bills},
            {"executed", t.executed},
            {"delivered_full", t.delivered_full},
            {"in_tok", t.in_tok},
            {"cached", t.cached},
            {"out_tok", t.out_tok},
            {"billed_pusd", t.billed_pusd},
            {"billed_nano_usd", t.billed_nano_usd}};
}

bool tally::apply(record const& line) {
    auto const kind = text_of(line, "kind");
    if (kind == "start") return true;
    if (kind == "mark") {
        apply_mark(line);
        return true;
    }
    return apply_counted(kind, line);
}

void tally::apply_mark(record const& line) {
    mark_ = text_of(line, "name");
    if (!line.value("reset", false)) return;
    cells_.clear();
    sends_.clear();
}

bool tally::apply_counted(std::string const& kind, record const& line) {
    totals change;
    if (kind == "send") {
        change.sends = 1;
        ++sends_[text_of(line, "key")];
    } else if (kind == "partial") {
        change.partials = 1;
    } else if (kind == "bill") {
        change.bills = 1;
        change.executed = line.at("executed").get<bool>() ? 1 : 0;
        change.in_tok = line.at("in_tok").get<std::int64_t>();
        change.cached = line.at("cached").get<std::int64_t>();
        change.out_tok = line.at("out_tok").get<std::int64_t>();
        change.billed_pusd = line.at("billed_pusd").get<std::int64_t>();
        change.billed_nano_usd = line.at("billed_nano_usd").get<std::int64_t>();
    } else if (kind == "end") {
        // Executions that were billed are counted by their bill, which a killed simulator has written already.
        change.executed = line.at("executed").get<bool>() && !line.at("billed").get<bool>() ? 1 : 0;
        change.delivered_full = text_of(line, "delivered") == "full" ? 1 : 0;
    } else {
        return false;
    }
    cells_[cell{text_of(line, "mark"), text_of(line, "key"), text_of(line, "run"), text_of(line, "pid"),
                text_of(line, "fault")}] += change;
    return true;
}

std::uint64_t tally::sends_of(std::string const& key) const {
    auto const it = sends_.find(key);
    return it == sends_.end() ? 0 : it->second;
}

json tally::count(tally_query const& query) const {
    totals all;
    std::map<std::string, totals> groups;
    std::set<std::string> keys;
    for (auto const& [where, counted] : cells_) {
        auto const& [mark, key, run, pid, fault] = where;
        if (query.mark && mark != *query.mark) continue;
        if (query.key && !key.starts_with(*query.key)) continue;
        if (query.run && run != *query.run) continue;
        all += counted;
        if (!key.empty()) keys.insert(key);
        switch (query.group) {
            case grouping::none: break;
            case grouping::key: groups[key] += counted; break;
            case grouping::run: groups[run] += counted; break;
            case grouping::pid: groups[pid] += counted; break;
            case grouping::mark: groups[mark] += counted; break;
            case grouping::fault: groups[fault] += counted; break;
        }
    }
    json counted{{"totals", to_json(all)}, {"keys", keys.size()}};
    if (query.group == grouping::none) return counted;
    auto& shown = counted["groups"] = json::object();
    for (auto const& [name, sum] : groups) shown[name] = to_json(sum);
    return counted;
}

}  // namespace provider_sim
