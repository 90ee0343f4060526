// SPDX-License-Identifier: BSL-1.0
#include <algorithm>

#include "faults/parse_rule.hpp"

namespace provider_sim {
namespace {

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
    return text;
}

std::optional<number_set> parse_numbers(fields& f, std::string_view name, std::int64_t low) {
    json const* const value = f.find(name);
    if (value == nullptr) return std::nullopt;
    auto const is_number = [low](json const& n) { return n.is_number_integer() && n >= low && n <= INT64_MAX; };
    number_set set;
    if (is_number(*value)) {
        set.listed.push_back(value->get<std::uint64_t>());
    } else if (value->is_array() && !value->empty() && std::all_of(value->begin(), value->end(), is_number)) {
        set.listed = value->get<std::vector<std::uint64_t>>();
    } else if (value->is_object() && !value->empty()) {
        auto range = *f.object(name);
        set.from = static_cast<std::uint64_t>(range.integer("from", low, INT64_MAX).value_or(low));
        set.to = static_cast<std::uint64_t>(range.integer("to", low, INT64_MAX).value_or(INT64_MAX));
        range.finish();
        if (set.from > set.to) f.fail(name, "must have from <= to", value);
    } else {
        f.fail(name, "must be an integer >= " + std::to_string(low) + R"(, an array of them, or {"from": a, "to": b})",
               value);
    }
    return set;
}

std::vector<header_match> parse_header_matches(fields& headers) {
    std::vector<header_match> matches;
    for (auto const& [name, value] : headers.source().items()) {
        headers.find(name);
        header_match match;
        match.name = lower(name);
        if (value.is_string()) match.value = value.get<std::string>();
        else if (value.is_boolean()) match.present = value.get<bool>();
        else headers.fail(name, "must be the header's value, true (present) or false (absent)", &value);
        matches.push_back(std::move(match));
    }
    return matches;
}

}  // namespace

rule_match parse_match(fields& f) {
    rule_match match;
    match.method = f.text("method");
    match.path = f.text("path");
    match.model = f.text("model");
    if (auto key = f.text("key")) {
        auto const is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
        if (key->empty() || key->size() > 64 || !std::all_of(key->begin(), key->end(), is_hex))
            f.fail("key", "must be the first 1 to 64 lower-case hex digits of the body's SHA-256", f.find("key"));
        match.key = std::move(key);
    }
    match.body_contains = f.text("body_contains");
    if (auto headers = f.object("header")) match.headers = parse_header_matches(*headers);
    match.nth = parse_numbers(f, "nth", 1);
    match.index = parse_numbers(f, "index", 1);
    match.run = parse_numbers(f, "run", 0);
    match.pid = f.integer("pid", 2, INT32_MAX);
    match.probability = f.number("probability", 0, 1).value_or(1);
    f.finish();
    return match;
}

}  // namespace provider_sim
