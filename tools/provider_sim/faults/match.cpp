// SPDX-License-Identifier: BSL-1.0
#include "faults/match.hpp"

#include <algorithm>

#include "base/random.hpp"

namespace provider_sim {
namespace {

bool fits(std::string_view pattern, std::string_view text) {
    if (!pattern.empty() && pattern.back() == '*') return text.starts_with(pattern.substr(0, pattern.size() - 1));
    return pattern == text;
}

bool fits(header_match const& wanted, http_request const& request) {
    auto const have = request.header(wanted.name);
    if (wanted.value) return have == *wanted.value;
    return have.has_value() == wanted.present;
}

bool head_fits(rule_match const& match, request_facts const& facts) {
    if (!match.needs_head()) return true;
    if (facts.request == nullptr) return false;
    auto const& request = *facts.request;
    if (match.method && request.method != *match.method) return false;
    if (match.path && !fits(*match.path, request.path)) return false;
    if (match.index && !match.index->contains(facts.index)) return false;
    return std::all_of(match.headers.begin(), match.headers.end(),
                       [&](header_match const& wanted) { return fits(wanted, request); });
}

bool body_fits(rule_match const& match, request_facts const& facts) {
    if (!match.needs_body()) return true;
    if (match.model && !fits(*match.model, facts.model)) return false;
    if (match.key && !facts.key.starts_with(*match.key)) return false;
    if (match.nth && !match.nth->contains(facts.nth)) return false;
    return !match.body_contains || facts.request->body.find(*match.body_contains) != std::string::npos;
}

}  // namespace

bool number_set::contains(std::uint64_t n) const noexcept {
    if (!listed.empty()) return std::find(listed.begin(), listed.end(), n) != listed.end();
    return n >= from && n <= to;
}

bool matches(rule_match const& match, request_facts const& facts) {
    if (match.pid && match.pid != facts.pid) return false;
    if (match.run && !(facts.run && match.run->contains(static_cast<std::uint64_t>(*facts.run)))) return false;
    return head_fits(match, facts) && body_fits(match, facts);
}

double draw(std::uint64_t seed, std::uint64_t rule_index, request_facts const& facts) {
    auto bits = mix(seed) ^ mix(rule_index + 1);
    if (!facts.key.empty()) bits = hash_of(facts.key, bits ^ facts.nth);
    else bits = mix(bits ^ mix(facts.index) ^ mix(~facts.conn_id));
    return unit(bits);
}

}  // namespace provider_sim
