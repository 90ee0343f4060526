// SPDX-License-Identifier: BSL-1.0
#include "measures.hpp"

#include <algorithm>
#include <vector>

namespace fleet {
namespace {

share goodput(records const& r, duration from, duration to) {
    share s;
    for (auto const& c : r.calls) {
        if (c.asked < from || c.asked >= to) continue;
        ++s.asked;
        if (c.answer) ++s.answered;
    }
    return s;
}

/// From the last slice backwards, as long as they are well: the one where that ends is the last bad one.
std::optional<duration> recovery(records const& r, scenario const& story, double before) {
    auto const slices = static_cast<std::size_t>(story.after / slice);
    std::vector<share> of(slices);
    for (auto const& c : r.calls) {
        if (c.asked < story.ends()) continue;
        auto const i = static_cast<std::size_t>((c.asked - story.ends()) / slice);
        if (i >= slices) continue;
        ++of[i].asked;
        if (c.answer) ++of[i].answered;
    }
    std::size_t first = slices;
    while (first > 0 && of[first - 1].value() >= recovered * before) --first;
    if (first == slices) return std::nullopt;
    return static_cast<duration::rep>(first) * slice;
}

void count_money(figures& f, records const& r) {
    for (std::size_t i = 0; i < r.requests.size(); ++i) {
        auto const& e = r.requests[i];
        if (e.billed == coffer::money{}) continue;
        ++f.bills;
        f.spent += e.billed;
        if (r.calls[e.call].answer == i) continue;
        ++f.wasted_bills;
        f.wasted += e.billed;
    }
}

void find_burst(figures& f, records const& r, scenario const& story) {
    auto const offered = curves_of(r, story).offered;
    auto const begin = offered.begin() + story.begins() / 1s;
    auto const most = std::max_element(begin, offered.end());
    if (most == offered.end() || r.calls.empty()) return;
    auto const seconds = std::chrono::duration<double>{story.whole()}.count();
    f.burst = *most / (static_cast<double>(r.calls.size()) / seconds);
    f.burst_at = (most - offered.begin()) * 1s;
}

void rank_latencies(figures& f, records const& r, duration from) {
    std::vector<duration> took;
    for (auto const& c : r.calls)
        if (c.answer && c.asked >= from) took.push_back(c.ended - c.asked);
    if (took.empty()) return;
    std::sort(took.begin(), took.end());
    f.p50 = took[(took.size() - 1) / 2];
    f.p99 = took[(took.size() - 1) * 99 / 100];
}

}  // namespace

figures measure(records const& r, scenario const& story) {
    figures f;
    f.before = goodput(r, duration{}, std::max(story.begins() - untouched, story.begins() / 2));
    f.during = goodput(r, story.begins(), story.ends());
    f.after = goodput(r, story.ends(), story.whole());
    f.last_minute = goodput(r, story.whole() - std::min<duration>(story.after, 1min), story.whole());
    f.recovery = recovery(r, story, f.before.value());
    f.failed = static_cast<std::size_t>(
        std::count_if(r.calls.begin(), r.calls.end(), [](call_record const& c) { return !c.answer; }));
    f.requests = r.requests.size();
    auto const in_trouble = std::count_if(r.requests.begin(), r.requests.end(), [&](entry const& e) {
        return e.arrived >= story.begins() && e.arrived < story.ends();
    });
    if (f.during.asked > 0) f.amplification = static_cast<double>(in_trouble) / static_cast<double>(f.during.asked);
    find_burst(f, r, story);
    count_money(f, r);
    rank_latencies(f, r, story.begins());
    return f;
}

}  // namespace fleet
